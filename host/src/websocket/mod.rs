//! One websocket from handshake to end: the task that owns its connection.
//!
//! [`open`] starts the handler and hands the handshake's answer back to HTTP; then `talk` moves
//! frames between the connection, the handler and the outbox until both sides are done. What may
//! happen when is decided by the port's lifecycle.

pub mod codec;
pub mod door;
pub mod frames;
pub mod registry;
mod talk;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use tokio::sync::oneshot;

use self::codec::deflate::Deflate;
use self::frames::{Frames, Io};
pub use self::talk::Resuming;
use self::talk::Talk;
use crate::app::App;
use crate::dispatch::{self, Call, Seat, Verdict};
use crate::event::{Close, State};
use crate::failure::Fault;
use crate::feed::{What, millis};
use crate::instance::Event;
use crate::limits;
use crate::port::websocket::{Answer, Style, WebsocketPort};

/// A connection after its upgrade, and what had been read of it; none if the peer left before.
pub type Upgrade = Pin<Box<dyn Future<Output = Option<(Io, Bytes)>> + Send>>;

/// What a websocket's task works with.
pub struct Websocket {
    /// The websocket.
    pub port: Arc<WebsocketPort>,
    /// Its app.
    pub app: Arc<App>,
    /// Its handler.
    pub seat: Seat,
}

/// What the codec of a websocket is to know.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// The bound of a message, in bytes.
    pub message_bytes_max: usize,
    /// The compression that the handshake has agreed on, if any.
    pub deflate: Option<Deflate>,
}

/// A handshake under way. In a box, which is given back after it: the task of an idle websocket is its [`Opened`], and little more.
pub type Opening = Pin<Box<dyn Future<Output = Opened> + Send>>;

/// A websocket after its handshake.
pub struct Opened {
    talk: Talk,
    /// The handshake was answered with 101.
    accepted: bool,
}

/// Begins the handler of a websocket that was told of, [`WebsocketPort::connect`]. `answered` gets the handshake's answer; `upgrade` resolves
/// once the answer was 101 and has left. With `resuming`, its peer may come back over another connection.
pub fn open(
    websocket: Websocket,
    terms: Terms,
    answered: oneshot::Sender<Answer>,
    upgrade: Upgrade,
    resuming: Option<Resuming>,
) -> Opening {
    Box::pin(handshake(websocket, terms, answered, upgrade, resuming))
}

/// To its end.
impl Future for Opened {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        ready!(Pin::new(&mut self.talk).poll(cx));
        if self.accepted {
            // By the version that it ended on.
            self.talk.websocket.tell(closed);
        }
        Poll::Ready(())
    }
}

impl Opened {
    /// The websocket; what served it is given back.
    pub fn into_websocket(self) -> Websocket {
        self.talk.websocket
    }
}

async fn handshake(
    mut websocket: Websocket,
    terms: Terms,
    answered: oneshot::Sender<Answer>,
    upgrade: Upgrade,
    resuming: Option<Resuming>,
) -> Opened {
    let mut call = Some(websocket.begin());
    let answer = websocket.answer(&mut call).await;
    let accepted = matches!(answer, Answer::Accept(_));
    let heard = answered.send(answer).is_ok();
    let stream =
        if accepted && heard { tokio::time::timeout(limits::HEAD, upgrade).await.ok().flatten() } else { None };
    let frames = stream.map(|(io, read)| Frames::new(io, &read, terms.message_bytes_max, terms.deflate));
    if accepted {
        websocket.tell(opened);
        if let Some(why) = websocket.port.opened() {
            websocket.tell(|_| What::Hibernated { why: why.to_owned() });
        }
    }
    Opened { talk: Talk::new(websocket, frames, call, resuming), accepted }
}

impl Websocket {
    fn tell(&self, what: impl FnOnce(&WebsocketPort) -> What) {
        self.seat.handler.source().tell(Some(&self.port.id), || what(&self.port));
    }

    fn begin(&mut self) -> Call {
        match self.port.style {
            Style::Event => self.seat.deliver(&self.app, &self.port, Event::Open),
            Style::Loop(_) => self.seat.handle_websocket(&self.app, &self.port),
        }
    }

    /// Drives the handler until it has answered the handshake; the call may go on.
    async fn answer(&mut self, call: &mut Option<Call>) -> Answer {
        let decided = std::future::poll_fn(|cx| self.poll_decided(call, cx));
        if tokio::time::timeout(limits::ACCEPT, decided).await.is_err() {
            *call = None;
            self.fail(self.seat.cut(&self.app, &self.port.id, Fault::Undecided(limits::ACCEPT.as_millis())));
        }
        std::future::poll_fn(|cx| self.port.poll_answer(cx)).await
    }

    /// Ready once there is an answer to take, or the handler has ended.
    fn poll_decided(&mut self, call: &mut Option<Call>, cx: &mut Context<'_>) -> Poll<()> {
        while let Some(running) = call {
            let Poll::Ready(verdict) = dispatch::poll(running, &self.seat, &self.app, &self.port.id, cx) else {
                return self.port.poll_answered(cx);
            };
            if matches!(self.port.style, Style::Event) {
                self.app.event_took(self.seat.version, self.port.head.started().elapsed().unwrap_or_default());
            }
            *call = self.seat.next(&self.app, &self.port, &verdict);
            if call.is_none() {
                self.settle(verdict);
            }
        }
        Poll::Ready(())
    }

    /// The handler returned before the handshake was answered, or after, and no other takes over.
    fn settle(&self, verdict: Verdict) {
        match (verdict, &self.port.style) {
            (Err(report), _) => self.fail(report),
            (Ok(_), Style::Event) if self.port.state() == State::Connecting => {
                let accepted = self.port.accept(None, &[]);
                debug_assert_eq!(accepted, Ok(()));
            }
            // A loop-style handler that returns is done with the websocket; before accept that
            // denies it.
            (Ok(_), _) if self.port.session.is_flushed() => self.port.session_flushed(),
            (Ok(_), Style::Loop(_)) => self.port.host_close(crate::failure::close_code::NORMAL, ""),
            (Ok(_), Style::Event) => {}
        }
    }

    fn fail(&self, (fault, report): (Fault, crate::failure::ReportId)) {
        self.port.fail(&fault, report);
    }
}

fn opened(port: &WebsocketPort) -> What {
    What::Opened { path: port.head.path().to_owned(), peer: port.head.peer().to_string() }
}

fn closed(port: &WebsocketPort) -> What {
    let Close { code, reason } = port.end().unwrap_or_else(Close::abnormal);
    let age_ms = millis(port.head.started().elapsed().unwrap_or_default());
    What::Closed { code, reason, received: port.received(), sent: port.sent(), age_ms }
}
