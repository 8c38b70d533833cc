//! The conversation: one future that polls the connection, the handler and the outbox in turn.
//!
//! Everything that one websocket does happens here, on one task: no lock is contended and a message
//! that can be echoed at once costs no wake-up. While nothing happens it holds no instance, no
//! messages and one timer. What time each side has is in `deadlines`.

mod deadlines;
mod moment;
mod resuming;

pub use self::resuming::Resuming;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::time::Sleep;

use self::moment::Moment;
use super::Websocket;
use super::frames::{Frames, Incoming};
use crate::dispatch::{self, Call};
use crate::event::{Close, Message};
use crate::failure::close_code;
use crate::feed::What;
use crate::instance::Event;
use crate::limits;
use crate::outbox::Outgoing;
use crate::port::websocket::Style;
use crate::rate::Taken;

/// A websocket whose handshake has been answered, until its end.
pub(super) struct Talk {
    pub(super) websocket: Websocket,
    frames: Option<Frames>,
    call: Option<Call>,
    call_since: Moment,
    pending: Vec<Message>,
    /// Whose turn it is where both the peer and the groups have something for the handler.
    turn: Turn,
    /// What `on-close` is still to be told.
    close: Option<Box<Close>>,
    /// The guest failed: what the peer still sends is nobody's.
    failed: bool,
    dirty: bool,
    /// The connection has nothing to read, and will wake us.
    drained: bool,
    heard: Moment,
    awaits: Awaits,
    /// Since when it awaits that.
    awaited: Moment,
    /// Since when the peer has sent a part of a message.
    midway: Option<Moment>,
    /// Since when the peer takes nothing.
    stalled: Option<Moment>,
    controls: Taken,
    few: Option<Box<Few>>,
    timer: Pin<Box<Sleep>>,
    /// Whether the timer has been polled, so that it will wake us.
    armed: bool,
}

/// Who is heard first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    Peer,
    Groups,
}

/// What few websockets have: in a box, for those that idle.
#[derive(Default)]
struct Few {
    /// Of a quota, where there is one.
    messages: Taken,
    resuming: Option<Resuming>,
}

/// What the peer owes us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaits {
    Nothing,
    /// Anything: it has been pinged.
    Pong,
    /// The end of the connection: one side has sent its close frame.
    Close,
}

/// What is awaited since `since` stays, unless it is another.
impl Awaits {
    fn pong(&mut self, since: &mut Moment, now: Moment) {
        if *self == Self::Nothing {
            (*self, *since) = (Self::Pong, now);
        }
    }

    fn close(&mut self, since: &mut Moment, now: Moment) {
        if *self != Self::Close {
            (*self, *since) = (Self::Close, now);
        }
    }

    /// The peer has sent something.
    fn heard(&mut self) {
        if *self == Self::Pong {
            *self = Self::Nothing;
        }
    }
}

impl Talk {
    pub(super) fn new(
        websocket: Websocket,
        frames: Option<Frames>,
        call: Option<Call>,
        resuming: Option<Resuming>,
    ) -> Self {
        let now = Moment::now();
        let mut talk = Self {
            websocket,
            call,
            call_since: now,
            pending: Vec::new(),
            turn: Turn::Peer,
            close: None,
            failed: false,
            dirty: false,
            drained: false,
            heard: now,
            awaits: Awaits::Nothing,
            awaited: now,
            midway: None,
            stalled: None,
            controls: Taken::default(),
            few: None,
            timer: Box::pin(tokio::time::sleep_until(now + limits::PING_AFTER)),
            armed: false,
            frames,
        };
        if talk.frames.is_none() {
            talk.end();
        } else if resuming.is_some() {
            talk.few = Some(Box::new(Few { resuming, ..Few::default() }));
            talk.greet();
        }
        talk
    }

    /// Reads frames until there are none, or the handler has enough to do.
    fn poll_read(&mut self, cx: &mut Context<'_>) {
        while !self.drained {
            if !self.has_room() {
                // What is not read cannot become whole.
                self.midway = None;
                return;
            }
            let Some(frames) = &mut self.frames else { return };
            let Poll::Ready(incoming) = frames.poll_next(cx) else {
                self.drained = true;
                self.midway = frames.is_midway().then(|| self.midway.unwrap_or_else(Moment::now));
                return;
            };
            self.heard = Moment::now();
            self.awaits.heard();
            self.midway = frames.is_midway().then(|| self.midway.unwrap_or(self.heard));
            match incoming {
                Incoming::Message(frame) => {
                    if let Some(message) = self.unframe(frame) {
                        self.take_in(message);
                    }
                }
                Incoming::Ping => {
                    self.dirty = true;
                    self.count_control();
                }
                Incoming::Pong => {
                    self.websocket.port.ponged(self.heard.std());
                    self.rest();
                    self.count_control();
                }
                // A browser that leaves the page, and may load it again.
                Incoming::Close(Some(close)) if close.code == close_code::GOING_AWAY && self.resuming().is_some() => {
                    // What does not leave at once leaves not at all: the peer waits for nothing more.
                    let _answered = self.frames.as_mut().map(|frames| frames.poll_flush(cx));
                    self.end();
                }
                Incoming::Close(close) => {
                    self.dirty = true;
                    self.awaits.close(&mut self.awaited, self.heard);
                    let (code, reason) = close.map_or((None, String::new()), |close| (Some(close.code), close.reason));
                    self.websocket.port.peer_closed(code, &reason);
                }
                Incoming::Violation(close) => {
                    self.awaits.close(&mut self.awaited, self.heard);
                    self.websocket.port.host_close(close.code, &close.reason);
                }
                Incoming::End => self.end(),
            }
        }
    }

    /// Gives back the buffers that past messages have left: most that answer a ping have been idle.
    fn rest(&mut self) {
        if let Some(frames) = &mut self.frames {
            frames.rest();
        }
        self.websocket.port.outbox.rest();
    }

    fn has_room(&self) -> bool {
        match &self.websocket.port.style {
            Style::Loop(inbox) => inbox.has_room() || self.call.is_none(),
            Style::Event => {
                let bytes: usize = self.pending.iter().map(Message::len).sum();
                self.pending.len() < limits::BATCH_MESSAGES_MAX && bytes < limits::INBOX_BYTES_MAX
            }
        }
    }

    fn count_control(&mut self) {
        if !self.controls.take(&limits::CONTROL_FRAMES, self.heard.std()) {
            let reason = format!("more than {} pings and pongs a second", limits::CONTROL_FRAMES);
            self.break_off(close_code::POLICY, &reason);
        }
    }

    /// The peer is past a limit: nothing that it still sends is looked at.
    fn break_off(&mut self, code: u16, reason: &str) {
        if let Some(frames) = &mut self.frames {
            frames.break_off();
        }
        self.midway = None;
        self.awaits.close(&mut self.awaited, Moment::now());
        self.websocket.port.host_close(code, reason);
    }

    fn take_in(&mut self, message: Message) {
        if let Some(quota) = self.websocket.seat.handler.settings.messages
            && !self.few.get_or_insert_default().messages.take(&quota, self.heard.std())
        {
            return self.break_off(close_code::POLICY, &format!("more than {quota} messages a second"));
        }
        self.websocket.port.has_received(message.len());
        if let Some(response) = self.websocket.port.auto_response(&message) {
            // A full outbox has answers enough in it; what the policy says of it is done.
            let _taken = self.websocket.port.outbox.push(self.websocket.port.framed(response));
            if let Some(resuming) = self.resuming() {
                resuming.resume.answer();
            }
            return;
        }
        match &self.websocket.port.style {
            _ if self.failed => {}
            Style::Loop(_) if self.call.is_none() => {}
            Style::Loop(inbox) => {
                let bytes = message.len();
                inbox.push(message);
                let what = || What::Delivered { messages: 1, bytes, micros: None };
                self.websocket.seat.handler.source().tell(Some(&self.websocket.port.id), what);
            }
            Style::Event => self.pending.push(message),
        }
    }

    /// Polls the handler's call, and begins the next.
    fn poll_call(&mut self, cx: &mut Context<'_>) {
        if self.call.is_none() {
            self.begin(cx);
        }
        while let Some(call) = &mut self.call {
            let Websocket { seat, app, port, .. } = &mut self.websocket;
            let Poll::Ready(verdict) = dispatch::poll(call, seat, app, &port.id, cx) else {
                seat.settle(port);
                return;
            };
            if matches!(port.style, Style::Event) {
                app.event_took(seat.version, self.call_since.instant().elapsed());
            }
            self.call = seat.next(app, port, &verdict);
            if self.call.is_some() {
                self.call_since = Moment::now();
                continue;
            }
            if verdict.is_err() {
                self.abandon();
            }
            self.websocket.settle(verdict);
        }
    }

    fn begin(&mut self, cx: &mut Context<'_>) {
        if !matches!(self.websocket.port.style, Style::Event) {
            return;
        }
        let Some(event) = self.next_event(cx) else { return };
        if let Some(resuming) = self.resuming() {
            resuming.in_call = if let Event::Messages(list) = &event { list.len() } else { 0 };
        }
        // What a group was told came at any time since the peer was heard.
        self.call_since = if matches!(event, Event::Publications(_)) { Moment::now() } else { self.heard };
        let Websocket { seat, app, port, .. } = &mut self.websocket;
        self.call = Some(seat.deliver(app, port, event));
    }

    /// What the handler is to be told next. Messages and publications take turns where there are both.
    fn next_event(&mut self, cx: &mut Context<'_>) -> Option<Event> {
        if let Some(publications) = &self.websocket.port.publications
            && (self.turn == Turn::Groups || self.pending.is_empty())
            && let Poll::Ready(told) = publications.poll_take(limits::BATCH_MESSAGES_MAX, cx)
        {
            self.turn = Turn::Peer;
            return Some(Event::Publications(told));
        }
        self.turn = Turn::Groups;
        match self.pending.is_empty() {
            false => Some(Event::Messages(std::mem::take(&mut self.pending))),
            true => self.close.take().map(|close| Event::Close(*close)),
        }
    }

    /// The guest failed: messages that it has not seen are not delivered to another instance, which
    /// would meet them without what came before.
    fn abandon(&mut self) {
        self.failed = true;
        self.pending.clear();
        if let Some(publications) = &self.websocket.port.publications {
            publications.end();
        }
    }

    /// Writes what the outbox holds, as far as the connection takes it.
    fn poll_write(&mut self, cx: &mut Context<'_>) {
        if self.is_away() && self.websocket.port.outbox.poll_ready(cx).is_ready() {
            // A close, and nobody to send it to.
            self.end();
        }
        while self.frames.is_some() {
            if self.dirty && !self.flush(cx) {
                self.note_stall();
                return;
            }
            self.stalled = None;
            if self.websocket.port.outbox.poll_ready(cx).is_pending() {
                return;
            }
            let Some(frames) = &mut self.frames else { return };
            match frames.poll_ready(cx) {
                Poll::Ready(Ok(())) => self.fill(),
                Poll::Ready(Err(_)) => self.end(),
                Poll::Pending => return self.note_stall(),
            }
        }
    }

    /// The connection does not take all that waits; whether it takes anything is what counts.
    fn note_stall(&mut self) {
        let taken = self.frames.as_mut().is_some_and(Frames::has_taken);
        if taken || self.stalled.is_none() {
            self.stalled = Some(Moment::now());
        }
    }

    /// Moves messages from the outbox to the codec, as many as its buffer takes at once.
    fn fill(&mut self) {
        let Some(frames) = &mut self.frames else { return };
        let mut bytes = 0;
        while bytes < limits::WRITE_BUFFER_BYTES {
            let started = match self.websocket.port.outbox.take() {
                Some(Outgoing::Message(message)) => {
                    self.websocket.port.has_sent(message.len());
                    bytes += message.len();
                    if let Some(resuming) = self.few.as_mut().and_then(|few| few.resuming.as_mut()) {
                        resuming.resume.send();
                    }
                    frames.start(message)
                }
                Some(Outgoing::Ping) => {
                    let now = Moment::now();
                    self.awaits.pong(&mut self.awaited, now);
                    self.websocket.port.ping_sent(now.std());
                    frames.start_ping()
                }
                Some(Outgoing::Close(close)) => {
                    self.websocket.port.close_leaves(&close);
                    self.awaits.close(&mut self.awaited, Moment::now());
                    frames.start_close(&close)
                }
                None => break,
            };
            self.dirty = true;
            if started.is_err() {
                self.end();
                return;
            }
        }
    }

    /// Whether all is on the wire.
    fn flush(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(frames) = &mut self.frames else { return false };
        match frames.poll_flush(cx) {
            Poll::Ready(Ok(())) => self.dirty = false,
            Poll::Ready(Err(_)) => self.end(),
            Poll::Pending => {}
        }
        !self.dirty && self.frames.is_some()
    }

    /// The connection is over: nothing more is read or written, the handler learns the close. Where the peer may come back, it is
    /// only lost.
    fn end(&mut self) {
        if self.leave() {
            return;
        }
        self.shut();
        self.frames = None;
        self.heard = Moment::now();
        self.call_since = self.call_since.max(self.heard);
        self.close = self.websocket.port.ended().map(Box::new).or(self.close.take());
    }

    /// Whether another turn could find something to do: frames to read, or events to deliver.
    fn may_go_on(&self, cx: &mut Context<'_>) -> bool {
        let readable = !self.drained && self.frames.is_some() && self.has_room();
        // A call that has just ended took publications without asking to be woken for the next.
        let told = self.websocket.port.publications.as_ref().is_some_and(|publications| publications.poll_waiting(cx));
        let deliverable = self.call.is_none() && (!self.pending.is_empty() || self.close.is_some() || told);
        readable || deliverable
    }

    fn is_over(&self) -> bool {
        let told = self.close.is_none() || matches!(self.websocket.port.style, Style::Loop(_));
        let ended = self.frames.is_none() && !self.is_away();
        ended && self.call.is_none() && self.pending.is_empty() && told
    }
}

impl Future for Talk {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let talk = &mut *self;
        talk.drained = false;
        loop {
            talk.poll_door(cx);
            talk.poll_read(cx);
            talk.poll_call(cx);
            talk.acknowledge();
            // What it leaves unwritten wakes us, and so does room in the outbox.
            talk.poll_write(cx);
            if talk.is_over() {
                return Poll::Ready(());
            }
            if !talk.may_go_on(cx) && !talk.poll_timer(cx) {
                return Poll::Pending;
            }
        }
    }
}
