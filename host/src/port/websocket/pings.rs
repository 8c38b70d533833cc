//! Pings of the guest and of the host, and how long the last one was on its way (RFC 6455 §5.5.2).

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::{WebsocketError, WebsocketPort};
use crate::event;
use crate::port::lifecycle::{Call, IllegalTransition};

/// At most one ping is on its way; whoever asks meanwhile waits for the same pong.
#[derive(Debug, Default)]
pub(super) struct Pings(Mutex<Option<Box<State>>>);

#[derive(Debug, Default)]
struct State {
    sent: Option<Instant>,
    last: Option<Duration>,
    /// Pongs so far.
    pongs: u64,
    /// Pings that went with their connection.
    lost: u64,
    ended: bool,
    waiters: Vec<Waker>,
}

impl WebsocketPort {
    /// Sends a ping and waits for its pong.
    ///
    /// # Errors
    /// `WrongState`, `Disconnected`: a peer that does not answer is gone. `TimedOut` where it may come back.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the ping is still sent.
    pub async fn ping(&self) -> Result<Duration, WebsocketError> {
        let legal = {
            let life = self.life();
            life.lifecycle.ping().map_err(|illegal| life.refusal(illegal))
        };
        legal?;
        if self.outbox.is_away() {
            return Err(WebsocketError::TimedOut);
        }
        let seen = self.pings.lock().get_or_insert_default().seen();
        self.outbox.ping();
        match std::future::poll_fn(|cx| self.pings.poll_pong(seen, cx)).await {
            Some(round_trip) => Ok(round_trip),
            None if self.state() == event::State::Open => Err(WebsocketError::TimedOut),
            None => {
                let life = self.life();
                Err(life.refusal(IllegalTransition { state: life.lifecycle.state(), call: Call::Ping }))
            }
        }
    }

    /// How long the last ping was on its way.
    pub fn round_trip(&self) -> Option<Duration> {
        self.pings.lock().as_ref()?.last
    }

    /// A ping leaves.
    pub fn ping_sent(&self, now: Instant) {
        self.pings.lock().get_or_insert_default().sent.get_or_insert(now);
    }

    /// The connection is lost, and with it the ping that was on its way.
    pub fn ping_lost(&self) {
        let mut pings = self.pings.lock();
        let Some(state) = pings.as_mut() else { return };
        state.sent = None;
        state.lost += 1;
        let waiters = std::mem::take(&mut state.waiters);
        drop(pings);
        waiters.into_iter().for_each(Waker::wake);
    }

    /// A pong has come. One that answers nothing is legal, and means nothing (§5.5.3).
    pub fn ponged(&self, now: Instant) {
        let mut pings = self.pings.lock();
        let Some(state) = pings.as_mut() else { return };
        let Some(sent) = state.sent.take() else { return };
        state.last = Some(now.saturating_duration_since(sent));
        state.pongs += 1;
        let waiters = std::mem::take(&mut state.waiters);
        drop(pings);
        waiters.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// Pongs, and lost pings, so far.
    fn seen(&self) -> (u64, u64) {
        (self.pongs, self.lost)
    }
}

impl Pings {
    /// The websocket has ended: no pong will come.
    pub(super) fn end(&self) {
        let mut pings = self.lock();
        let Some(state) = pings.as_mut() else { return };
        state.ended = true;
        let waiters = std::mem::take(&mut state.waiters);
        drop(pings);
        waiters.into_iter().for_each(Waker::wake);
    }

    /// The round trip of the first pong after so many; none at the end, and after more pings were lost.
    fn poll_pong(&self, (pongs, lost): (u64, u64), cx: &mut Context<'_>) -> Poll<Option<Duration>> {
        let mut pings = self.lock();
        let state = pings.get_or_insert_default();
        if state.pongs > pongs {
            return Poll::Ready(state.last);
        }
        if state.ended || state.lost > lost {
            return Poll::Ready(None);
        }
        if !state.waiters.iter().any(|waiter| waiter.will_wake(cx.waker())) {
            state.waiters.push(cx.waker().clone());
        }
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Option<Box<State>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
