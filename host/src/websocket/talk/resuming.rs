//! A websocket whose peer may come back over another connection: what the task does beside talking.
//!
//! The counts are [`Resume`]'s, what waits is the outbox's, who may come in is the [`Door`]'s. Here a lost connection is not the end,
//! and another takes its place.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};
use tokio::time::Instant;

use super::{Awaits, Moment, Talk};
use crate::event::{Message, State};
use crate::failure::close_code;
use crate::limits;
use crate::port::websocket::Style;
use crate::rate::Taken;
use crate::resume::frame::{self, Frame};
use crate::resume::token::Token;
use crate::resume::{Resume, welcome};
use crate::websocket::codec::deflate::Deflate;
use crate::websocket::door::{Arrival, Door, Knock, Place};
use crate::websocket::frames::{Frames, Io};

/// What a websocket that resumes has beside others.
pub struct Resuming {
    pub(super) resume: Resume,
    door: Arc<Door>,
    /// The first token, until the peer is told.
    token: Option<Token>,
    /// Whether the peer has shown that it has the last one.
    confirmed: bool,
    /// The connection's; none while there is none.
    place: Option<Place>,
    /// Among the websockets whose peers are away.
    absent: Option<OwnedSemaphorePermit>,
    /// The connection that comes.
    arriving: Option<Arriving>,
    /// Messages that the guest has in hand, in event style.
    pub(super) in_call: usize,
}

type Arriving = Pin<Box<dyn Future<Output = Option<Arrived>> + Send>>;

struct Arrived {
    token: Token,
    received: u64,
    io: Io,
    read: Bytes,
    deflate: Option<Deflate>,
    place: Place,
}

impl Resuming {
    /// A websocket with its first connection.
    pub fn new(resume: Resume, (door, token): (Arc<Door>, Token), place: Place) -> Self {
        let (token, place) = (Some(token), Some(place));
        Self { resume, door, token, confirmed: false, place, absent: None, arriving: None, in_call: 0 }
    }
}

impl Talk {
    /// The first frame, which tells the peer how to come back.
    pub(super) fn greet(&mut self) {
        let Some(resuming) = self.resuming() else { return };
        if let Some(token) = resuming.token.take() {
            let greeting = welcome(&token, false, 0);
            self.start(greeting);
        }
    }

    /// Whether the connection is lost, and the peer may come back.
    pub(super) fn is_away(&self) -> bool {
        self.few.as_ref().and_then(|few| few.resuming.as_ref()).is_some_and(|resuming| resuming.absent.is_some())
    }

    /// The connection is lost. Whether that is not the end.
    pub(super) fn leave(&mut self) -> bool {
        if self.failed || self.is_away() || self.websocket.port.state() != State::Open {
            return false;
        }
        let Some(resuming) = self.few.as_mut().and_then(|few| few.resuming.as_mut()) else { return false };
        let Some(absent) = resuming.door.absent() else {
            tracing::warn!("a websocket could not wait for its peer: {} already do", limits::RESUME_AWAY_MAX);
            return false;
        };
        (resuming.absent, resuming.place) = (Some(absent), None);
        let port = &self.websocket.port;
        resuming.resume.leave(&port.outbox, Moment::now().std());
        tracing::debug!(websocket = %port.id, "the peer is away");
        self.begin_connection(None);
        true
    }

    /// What of the connection before does not concern the next one, or none.
    fn begin_connection(&mut self, frames: Option<Frames>) {
        self.frames = frames;
        self.websocket.port.ping_lost();
        (self.dirty, self.drained, self.awaits) = (false, false, Awaits::Nothing);
        (self.midway, self.stalled, self.controls) = (None, None, Taken::default());
        self.heard = Moment::now();
    }

    /// Lets in whoever knocks and may, once the connection is there.
    pub(super) fn poll_door(&mut self, cx: &mut Context<'_>) {
        while let Some(resuming) = self.resuming() {
            if let Some(arriving) = &mut resuming.arriving
                && let Poll::Ready(arrived) = arriving.as_mut().poll(cx)
            {
                resuming.arriving = None;
                if let Some(arrived) = arrived {
                    self.come_back(arrived);
                }
                continue;
            }
            let Poll::Ready(knock) = resuming.door.poll_knock(cx) else { return };
            self.open(knock);
        }
    }

    fn open(&mut self, knock: Knock) {
        let may = !self.failed && self.websocket.port.state() == State::Open;
        let outbox = self.websocket.port.outbox.clone();
        let Some(resuming) = self.resuming() else { return };
        let Knock { token, received, answer } = knock;
        if !may || !resuming.resume.may_come_back(received, &outbox) {
            return;
        }
        let (give, given) = oneshot::channel();
        if answer.send(give).is_err() {
            return;
        }
        let arriving = async move {
            let Arrival { upgrade, deflate, place } = given.await.ok()?;
            let (io, read) = upgrade.await?;
            Some(Arrived { token, received, io, read, deflate, place })
        };
        resuming.arriving = Some(Box::pin(async { tokio::time::timeout(limits::HEAD, arriving).await.ok().flatten() }));
    }

    /// Another connection takes the place of the one that there was, or still seems to be.
    fn come_back(&mut self, arrived: Arrived) {
        let Arrived { token, received, io, read, deflate, place } = arrived;
        let port = self.websocket.port.clone();
        if self.websocket.port.state() != State::Open {
            return;
        }
        let Some(resuming) = self.resuming() else { return };
        let now = Moment::now().std();
        if resuming.resume.come_back(received, &port.outbox, now).is_err() {
            // What it lacks was dropped while its connection came: it learns so when it asks again.
            return;
        }
        (resuming.place, resuming.absent, resuming.confirmed) = (Some(place), None, false);
        let greeting = welcome(&resuming.door.renew(&token), true, resuming.resume.received());
        tracing::debug!(websocket = %port.id, "the peer is back");
        let bytes_max = port.rules.message_bytes_max + limits::RESUME_HEAD_BYTES_MAX;
        self.begin_connection(Some(Frames::new(io, &read, bytes_max, deflate)));
        self.start(greeting);
    }

    /// The message in a frame of the peer, if there is one.
    pub(super) fn unframe(&mut self, frame: Message) -> Option<Message> {
        let port = self.websocket.port.clone();
        let (heard, bytes_max) = (self.heard, port.rules.message_bytes_max);
        let Some(resuming) = self.resuming() else { return Some(frame) };
        if !std::mem::replace(&mut resuming.confirmed, true) {
            // Whatever it is: it is sent after the welcome only.
            resuming.door.confirm();
        }
        match frame::read(&frame) {
            Ok(Frame::Message(message)) if message.len() <= bytes_max => {
                resuming.resume.receive(heard.std());
                return Some(message);
            }
            Ok(Frame::Message(message)) => {
                let reason = format!("message of {} bytes exceeds the limit of {bytes_max}", message.len());
                self.break_off(close_code::TOO_LARGE, &reason);
            }
            Ok(Frame::Acknowledge(number)) => match resuming.resume.acknowledge(number, &port.outbox) {
                Ok(true) => {}
                Ok(false) => self.count_control(),
                Err(error) => self.break_off(close_code::PROTOCOL, &error.to_string()),
            },
            Err(error) => self.break_off(close_code::PROTOCOL, &error.to_string()),
        }
        None
    }

    /// Tells the peer which of its messages are done with, where it is time.
    pub(super) fn acknowledge(&mut self) {
        if self.resuming().is_none() {
            return;
        }
        let (open, calls) = (self.websocket.port.state() == State::Open, self.call.is_some());
        let waiting = match &self.websocket.port.style {
            Style::Loop(inbox) => inbox.unhandled(),
            Style::Event => self.pending.len(),
        };
        // What waits when it ends is never done with.
        let Some(resuming) = self.resuming().filter(|_| open) else { return };
        resuming.resume.settle(waiting + if calls { resuming.in_call } else { 0 });
        if let Some(number) = resuming.resume.tell(Moment::now().std()) {
            self.start(frame::acknowledge(number));
        }
    }

    /// When that is looked at next, or when nobody is waited for any more.
    pub(super) fn resuming_deadline(&self) -> Option<Instant> {
        let resuming = self.few.as_ref()?.resuming.as_ref()?;
        // Who is on the way is waited for.
        let arrival = if resuming.arriving.is_some() { limits::HEAD } else { std::time::Duration::ZERO };
        let gone = resuming.resume.gone_at().map(|at| at + arrival);
        gone.or(resuming.resume.tell_at()).map(Instant::from_std)
    }

    /// Nobody is let in any more.
    pub(super) fn shut(&mut self) {
        if let Some(resuming) = self.resuming() {
            (resuming.absent, resuming.arriving, resuming.place) = (None, None, None);
            resuming.door.close();
        }
    }

    pub(super) fn resuming(&mut self) -> Option<&mut Resuming> {
        self.few.as_mut()?.resuming.as_mut()
    }

    /// Adds a frame that is not of the outbox.
    fn start(&mut self, frame: Message) {
        self.dirty = true;
        if self.frames.as_mut().is_some_and(|frames| frames.start(frame).is_err()) {
            self.end();
        }
    }
}
