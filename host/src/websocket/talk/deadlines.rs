//! What time each side of a websocket has: the handler for its call, the peer for a whole message, for taking what is sent,
//! for its pong, for its close.
//!
//! One timer for all. Knows when what is due, and what is then done.

use std::future::Future;
use std::task::Context;
use std::time::Duration;

use tokio::time::Instant;

use super::moment::Moment;
use super::{Awaits, Talk};
use crate::failure::{Fault, close_code};
use crate::limits;
use crate::port::websocket::Style;

enum Due {
    Call(Duration),
    Message,
    Stall,
    Close,
    Pong,
    Ping,
    /// A word on what is done with.
    Word,
    /// The peer does not come back.
    Gone,
}

impl Talk {
    /// Acts on the deadline that has passed, or arms the timer for the next one.
    pub(super) fn poll_timer(&mut self, cx: &mut Context<'_>) -> bool {
        let (due, what) = self.deadline();
        // It may fire too early, never too late: a message only moves deadlines away. So the clock is
        // read only when it has fired.
        if self.armed && due >= self.timer.deadline() && !self.timer.is_elapsed() {
            return false;
        }
        if due < self.timer.deadline() {
            self.timer.as_mut().reset(due);
        }
        self.armed = true;
        if self.timer.as_mut().poll(cx).is_pending() {
            return false;
        }
        if due > Instant::now() {
            self.timer.as_mut().reset(due);
            return true;
        }
        match what {
            Due::Call(limit) => self.overrun(limit),
            Due::Message => {
                let reason = format!("a message was not whole after {:?}", self.websocket.port.rules.patience.message);
                self.break_off(close_code::POLICY, &reason);
            }
            Due::Close => {
                self.websocket.port.close_timed_out();
                self.end();
            }
            Due::Stall | Due::Pong | Due::Gone => self.end(),
            Due::Ping => self.ping(),
            Due::Word => self.acknowledge(),
        }
        true
    }

    fn deadline(&self) -> (Instant, Due) {
        let call = self.call_limit().map(|limit| (self.call_since + limit, Due::Call(limit)));
        let gone = self.resuming_deadline().filter(|_| self.is_away()).map(|due| (due, Due::Gone));
        match (call, self.connection_deadline().or(gone)) {
            (Some(call), Some(connection)) if call.0 < connection.0 => call,
            (Some(call), None) => call,
            (_, Some(connection)) => connection,
            (None, None) => (self.heard + limits::PING_AFTER, Due::Ping),
        }
    }

    fn connection_deadline(&self) -> Option<(Instant, Due)> {
        self.frames.as_ref()?;
        let usual = match self.awaits {
            Awaits::Close => (self.awaited + limits::CLOSE, Due::Close),
            Awaits::Pong => (self.awaited + limits::PONG, Due::Pong),
            Awaits::Nothing => (self.heard + limits::PING_AFTER, Due::Ping),
        };
        let patience = self.websocket.port.rules.patience;
        let message = self.midway.map(|since| (since + patience.message, Due::Message));
        let stall = self.stalled.map(|since| (since + patience.stall, Due::Stall));
        let word = self.resuming_deadline().map(|due| (due, Due::Word));
        [message, stall, word].into_iter().flatten().chain([usual]).min_by_key(|(due, _)| *due)
    }

    /// How long the call may take: an event its deadline; a loop, once its websocket has ended.
    fn call_limit(&self) -> Option<Duration> {
        self.call.as_ref()?;
        match self.websocket.port.style {
            Style::Loop(_) if self.frames.is_some() || self.is_away() => None,
            _ => Some(self.websocket.seat.handler.settings.deadline.unwrap_or(limits::EVENT_DEADLINE)),
        }
    }

    fn overrun(&mut self, limit: Duration) {
        if self.websocket.port.outbox.is_awaited() {
            // The guest waits for the peer, which has a deadline of its own.
            self.call_since = Moment::now();
            return;
        }
        self.call = None;
        self.abandon();
        let fault = Fault::OverDeadline { deadline_ms: limit.as_millis() };
        let super::Websocket { seat, app, port, .. } = &self.websocket;
        let report = seat.cut(app, &port.id, fault);
        self.websocket.settle(Err(report));
    }

    fn ping(&mut self) {
        let now = Moment::now();
        if !self.has_room() {
            // We do not read, so an answer could not be seen.
            self.heard = now;
            return;
        }
        self.awaits.pong(&mut self.awaited, now);
        self.websocket.port.ping_sent(now.std());
        self.dirty = true;
        if self.frames.as_mut().is_some_and(|frames| frames.start_ping().is_err()) {
            self.end();
        }
    }
}
