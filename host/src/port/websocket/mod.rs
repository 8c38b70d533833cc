//! What a guest, through the bindings, and groups, through the outbox, hold of one websocket.
//!
//! Owns the websocket's life (who may do what now), the answer to its handshake, and its queues.
//! Does no I/O: the websocket's task ([`crate::websocket`]) moves bytes and tells it what came.

mod activity;
mod attachment;
mod figures;
mod handoff;
mod messages;
mod pings;
mod raw;

pub use self::activity::{Activity, Asleep};
pub use self::attachment::Attachment;
pub use self::raw::{Incoming, Outgoing};

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use self::activity::Place;
use self::figures::Figures;
use self::handoff::Begun;
use self::pings::Pings;
use self::raw::Denial;
use super::answer::{self, InvalidHead};
use super::head::Head;
use super::inbox::Inbox;
use super::lifecycle::{ApplicationState, CloseError, Closing, IllegalTransition, Lifecycle, PeerState, REJECT_STATUS};
use crate::event::{Close, Kind, Lot, State, WebsocketId};
use crate::failure::{Fault, ReportId, close_code};
use crate::group::{GroupError, Membership, Publications, Sink};
use crate::json::JsonError;
use crate::meter::Meter;
use crate::outbox::{Bounds, Outbox, Outboxes};
use crate::resume::frame;
use crate::session::{CookieAction, CookieSettings, SessionBinding};

/// How the websocket's handler is written.
#[derive(Debug)]
pub enum Style {
    /// Loop style: messages wait for `receive`. Boxed, since most that idle are of the other.
    Loop(Box<Inbox>),
    /// Event style: messages are delivered.
    Event,
}

/// One websocket as its handler sees it.
#[derive(Debug)]
pub struct WebsocketPort {
    /// Its id.
    pub id: WebsocketId,
    /// The handshake's head.
    pub head: Head,
    /// What it has alike with the other websockets of its handler.
    pub rules: Arc<Rules>,
    /// How its handler is written.
    pub style: Style,
    /// Its session.
    pub session: SessionBinding,
    /// What is to be sent.
    pub outbox: Arc<Outbox>,
    /// The groups it is in.
    pub membership: Membership,
    /// What its groups were told, where its handler wants to see that.
    pub publications: Option<Arc<Publications>>,
    /// The CPU of its handler's calls.
    pub meter: Arc<Meter>,
    /// What decides which version serves it.
    pub lot: Lot,
    offered: Box<[String]>,
    pings: Pings,
    figures: Figures,
    place: Place,
    life: Mutex<Life>,
}

/// What all websockets of a handler on a route have alike: held once, since there may be many. A websocket keeps those
/// that it began with.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The route's pattern, as the manifest has it.
    pub route: Arc<str>,
    /// The handler's name.
    pub handler: Arc<str>,
    /// How the session cookie is set.
    pub cookies: Arc<CookieSettings>,
    /// Bytes of a message.
    pub message_bytes_max: usize,
    /// What an outbox holds.
    pub outbox: Arc<Bounds>,
    /// What a peer that offers to resume gets; none: such an offer is not heard.
    pub resume: Option<Resumption>,
    /// What is answered without the guest.
    pub auto_response: Option<AutoResponse>,
    /// What time a peer has.
    pub patience: Patience,
}

/// How a handler's websockets resume (docs/resume.md). Manifest key `resume_s`.
#[derive(Clone, Debug)]
pub struct Resumption {
    /// For which they wait for peers that are away.
    pub patience: Duration,
    /// What an outbox holds: messages until they are acknowledged.
    pub outbox: Arc<Bounds>,
}

/// What time a websocket's peer has. Manifest keys `message_s` and `stall_s` of `[http]`.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a message to become whole.
    pub message: Duration,
    /// To take anything of what is sent to it.
    pub stall: Duration,
}

/// A message that the host answers by itself. Manifest key `auto_response`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutoResponse {
    /// The text of the message.
    pub request: String,
    /// The text of its answer.
    pub response: String,
}

#[derive(Debug, Default)]
struct Life {
    lifecycle: Lifecycle,
    /// How far `raw` events have told of it.
    told: raw::Told,
    begun: Begun,
    attachment: Attachment,
    /// Which of those offered was chosen; a head has room for fewer than 65,536.
    subprotocol: Option<u16>,
    /// Until the answer to the handshake has been taken.
    answering: Option<Box<Answering>>,
}

/// The answer to a handshake while it comes.
#[derive(Debug, Default)]
struct Answering {
    denial: Option<Denial>,
    answer: Option<Answer>,
    answered: Option<Waker>,
}

/// The answer to a handshake.
#[derive(Debug)]
pub enum Answer {
    /// 101, with these headers beside those of the protocol.
    Accept(HeaderMap),
    /// Another status.
    Reject(StatusCode, HeaderMap, Vec<u8>),
}

/// Why an operation failed. WIT `websocket.error`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WebsocketError {
    /// Not legal in this state.
    WrongState(IllegalTransition),
    /// It has ended.
    Disconnected(Close),
    /// Larger than the limit: actual, limit.
    TooLarge(usize, usize),
    /// Waited for too long.
    TimedOut,
    /// `receive` in event style.
    WrongStyle,
    /// Not a code that may be sent.
    InvalidCode(u16),
    /// A reason over the limit: actual, limit.
    ReasonTooLong(usize, usize),
    /// A subprotocol that was not offered.
    NotOffered(String),
    /// A header or status that cannot be sent.
    InvalidHead(String),
    /// The message is of this kind, which was not asked for.
    WrongKind(Kind),
    /// Not JSON.
    BadJson(JsonError),
    /// Another version can take over.
    Retire,
}

/// What a port is made of.
pub struct WebsocketParts {
    /// The handshake's head.
    pub head: Head,
    /// Those of its handler and route.
    pub rules: Arc<Rules>,
    /// The number of the version that begins to serve it.
    pub version: u64,
    /// What decides which version serves it later.
    pub lot: Lot,
    /// How the handler is written.
    pub style: Style,
    /// The session.
    pub session: SessionBinding,
    /// The groups of the app.
    pub groups: Arc<crate::group::Groups>,
    /// Whether the handler sees publications, in place of the peer.
    pub sees_publications: bool,
    /// Offered subprotocols.
    pub offered: Box<[String]>,
    /// What all outboxes hold.
    pub outboxes: Arc<Outboxes>,
    /// How it resumes, if its peer would.
    pub resume: Option<Resumption>,
}

impl WebsocketPort {
    /// A websocket whose handshake has come.
    pub fn new(parts: WebsocketParts) -> Self {
        let id = WebsocketId::mint();
        let bounds = parts.resume.map_or_else(|| parts.rules.outbox.clone(), |resume| resume.outbox);
        Self {
            id,
            head: parts.head,
            lot: parts.lot,
            style: parts.style,
            session: parts.session,
            outbox: Arc::new(Outbox::new(bounds, parts.outboxes)),
            membership: Membership::new(parts.groups, id),
            publications: parts.sees_publications.then(|| Arc::new(Publications::new(parts.rules.outbox.clone()))),
            meter: Arc::default(),
            rules: parts.rules,
            offered: parts.offered,
            pings: Pings::default(),
            figures: Figures::new(parts.version),
            place: Place::default(),
            life: Mutex::default(),
        }
    }

    /// Where the publications of its groups go.
    pub fn sink(&self) -> Sink {
        match &self.publications {
            Some(publications) => Sink::Handler(publications.clone()),
            None => Sink::Outbox(self.outbox.clone()),
        }
    }

    /// Leaves a group; a peer that resumes is told.
    ///
    /// # Errors
    /// `InvalidName`.
    pub fn leave(&self, group: &str) -> Result<(), GroupError> {
        self.membership.leave(group)?;
        if self.outbox.holds() {
            // One that has no room goes on with a position of a group that it is not in.
            let _queued = self.outbox.push(frame::left(group));
        }
        Ok(())
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.life().lifecycle.state()
    }

    /// How far the peer and the application have come.
    pub fn states(&self) -> (PeerState, ApplicationState) {
        let life = self.life();
        (life.lifecycle.peer(), life.lifecycle.application())
    }

    /// The subprotocols that the peer offered.
    pub fn offered(&self) -> &[String] {
        &self.offered
    }

    /// The subprotocol that was chosen.
    pub fn subprotocol(&self) -> Option<String> {
        let chosen = self.life().subprotocol?;
        self.offered.get(usize::from(chosen)).cloned()
    }

    /// Answers the handshake with 101. A session that was opened puts its cookie on it. The first of a handler that
    /// has taken over changes nothing.
    ///
    /// # Errors
    /// `WrongState`, `NotOffered`, `InvalidHead`, `Disconnected`.
    pub fn accept(&self, subprotocol: Option<String>, headers: &[(String, String)]) -> Result<(), WebsocketError> {
        if std::mem::take(&mut self.life().begun) == Begun::Again {
            return Ok(());
        }
        let mut head = answer::headers(headers)?;
        let mut chosen = None;
        if let Some(name) = subprotocol {
            let Some(offer) = (0..).zip(&self.offered).find(|(_, offered)| **offered == name) else {
                return Err(WebsocketError::NotOffered(name));
            };
            answer::insert(&mut head, http::header::SEC_WEBSOCKET_PROTOCOL, &name)?;
            chosen = Some(offer.0);
        }
        let mut life = self.life();
        let accepted = life.lifecycle.accept();
        accepted.map_err(|illegal| life.refusal(illegal))?;
        let cookie = match self.session.cookie() {
            CookieAction::Leave => None,
            CookieAction::Set(value) => Some(self.rules.cookies.set(&value, self.head.is_secure())),
            CookieAction::Expire => Some(self.rules.cookies.expire(self.head.is_secure())),
        };
        if let Some(cookie) = cookie {
            answer::append(&mut head, http::header::SET_COOKIE, &cookie)?;
            self.session.cookie_given();
        }
        self.session.head_left();
        life.subprotocol = chosen;
        life.answer(Answer::Accept(head));
        Ok(())
    }

    /// Answers the handshake with another status.
    ///
    /// # Errors
    /// `WrongState`, `InvalidHead`, `Disconnected`.
    pub fn reject(&self, status: u16, headers: &[(String, String)], body: Vec<u8>) -> Result<(), WebsocketError> {
        let denial = Denial::new(status, headers)?;
        let mut life = self.life();
        let rejected = life.lifecycle.reject();
        rejected.map_err(|illegal| life.refusal(illegal))?;
        drop(life);
        self.deny(denial.status, denial.head, body);
        Ok(())
    }

    /// Closes; before `accept` it rejects with 403. In loop style it waits for the end.
    ///
    /// # Errors
    /// `InvalidCode`, `ReasonTooLong`, `WrongState`, `Disconnected`.
    pub async fn close(&self, code: u16, reason: String) -> Result<(), WebsocketError> {
        let closing = self.start_close(code, reason)?;
        if let (Style::Loop(inbox), Closing::Frame) = (&self.style, closing) {
            std::future::poll_fn(|cx| inbox.poll_end(cx)).await;
        }
        Ok(())
    }

    /// As [`Self::close`], without the wait.
    ///
    /// # Errors
    /// As there.
    pub fn start_close(&self, code: u16, reason: String) -> Result<Closing, WebsocketError> {
        let closing = {
            let mut life = self.life();
            match life.lifecycle.close(code, &reason) {
                Ok(closing) => closing,
                Err(CloseError::Illegal(illegal)) => return Err(life.refusal(illegal)),
                Err(error) => return Err(error.into()),
            }
        };
        match closing {
            Closing::Reject => self.deny(status(REJECT_STATUS), HeaderMap::new(), Vec::new()),
            Closing::Frame => self.outbox.close(Close { code, reason }),
        }
        Ok(closing)
    }

    /// A handler is about to be told of this websocket.
    pub fn connect(&self) {
        let illegal = self.life().lifecycle.connect().err();
        debug_assert_eq!(illegal, None);
    }

    /// The host closes: drain, overload. Before `accept` it denies with 503.
    pub fn host_close(&self, code: u16, reason: &str) {
        self.give_up(StatusCode::SERVICE_UNAVAILABLE, code, reason);
    }

    /// Its peer takes too little, and others need the room: what waits is dropped, and it is closed with 1013.
    pub fn overflowed(&self) {
        self.outbox.clear();
        self.host_close(close_code::TRY_AGAIN, "the peer is too slow");
    }

    /// Its session was flushed.
    pub fn session_flushed(&self) {
        self.host_close(close_code::POLICY, "the session was flushed");
    }

    /// The handler did not do its work: the peer gets the status or code of the one table, and the
    /// report's id, never the guest's text.
    pub fn fail(&self, fault: &Fault, report: ReportId) {
        self.give_up(fault.status(), fault.close_code(), &format!("report {report}"));
    }

    /// It has ended, or is about to: nothing is told to it any more.
    fn leave_groups(&self) {
        self.membership.leave_all();
        if let Some(publications) = &self.publications {
            publications.end();
        }
    }

    /// The peer's close frame came; nothing more will be read, nor sent but the answer to it.
    pub fn peer_closed(&self, code: Option<u16>, reason: &str) {
        // Illegal only after the end, where a late frame changes nothing.
        let _late = self.life().lifecycle.peer_closed(code, reason);
        self.outbox.end();
        self.leave_groups();
    }

    /// Our close frame leaves: the handler's, the host's, or that of an outbox which would not wait.
    pub fn close_leaves(&self, close: &Close) {
        let mut life = self.life();
        // Illegal where it was begun here, as it mostly was.
        let _begun = life.lifecycle.close(close.code, &close.reason);
        // The library answers a peer's close by itself; then none of ours was owed.
        let _unowed = life.lifecycle.close_sent();
    }

    /// The wait for the peer's close is over.
    pub fn close_timed_out(&self) {
        // Illegal only after the end.
        let _late = self.life().lifecycle.close_timed_out();
    }

    /// The connection is over, whatever came before; returns the close event, once.
    pub fn ended(&self) -> Option<Close> {
        let (event, end) = {
            let mut life = self.life();
            life.lifecycle.connection_lost();
            (life.lifecycle.take_close_event(), life.lifecycle.end().cloned())
        };
        self.outbox.end();
        self.pings.end();
        self.leave_groups();
        if let (Style::Loop(inbox), Some(end)) = (&self.style, end) {
            inbox.end(end);
        }
        event
    }

    /// Why it ended, once that is decided.
    pub fn end(&self) -> Option<Close> {
        self.life().lifecycle.end().cloned()
    }

    /// The answer to the handshake, once it is given.
    pub fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut life = self.life();
        let answering = life.answering.get_or_insert_default();
        let Some(answer) = answering.answer.take() else {
            answering.answered = Some(cx.waker().clone());
            return Poll::Pending;
        };
        life.answering = None;
        Poll::Ready(answer)
    }

    /// Ready once there is an answer to take.
    pub fn poll_answered(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut life = self.life();
        let answering = life.answering.get_or_insert_default();
        if answering.answer.is_some() {
            return Poll::Ready(());
        }
        answering.answered = Some(cx.waker().clone());
        Poll::Pending
    }

    fn give_up(&self, status: StatusCode, code: u16, reason: &str) {
        let closing = self.life().lifecycle.close(code, reason);
        match closing {
            Ok(Closing::Frame) => self.outbox.close(Close::new(code, reason)),
            Ok(Closing::Reject) => self.deny(status, HeaderMap::new(), reason.as_bytes().to_vec()),
            Err(_) => {}
        }
    }

    fn deny(&self, status: StatusCode, head: HeaderMap, body: Vec<u8>) {
        self.session.head_left();
        let mut life = self.life();
        life.answer(Answer::Reject(status, head, body));
        let sent = life.lifecycle.response_sent();
        debug_assert_eq!(sent, Ok(()), "whoever denies has begun the response");
        drop(life);
        self.outbox.end();
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Life {
    fn answer(&mut self, answer: Answer) {
        let answering = self.answering.get_or_insert_default();
        answering.answer = Some(answer);
        if let Some(waker) = answering.answered.take() {
            waker.wake();
        }
    }

    /// Why a call is refused now: the close if there is one, else the state.
    fn refusal(&self, illegal: IllegalTransition) -> WebsocketError {
        match self.lifecycle.end() {
            Some(close) => WebsocketError::Disconnected(close.clone()),
            None => WebsocketError::WrongState(illegal),
        }
    }
}

impl From<InvalidHead> for WebsocketError {
    fn from(error: InvalidHead) -> Self {
        Self::InvalidHead(error.to_string())
    }
}

impl From<CloseError> for WebsocketError {
    fn from(error: CloseError) -> Self {
        match error {
            CloseError::InvalidCode(code) => Self::InvalidCode(code),
            CloseError::ReasonTooLong { actual, limit } => Self::ReasonTooLong(actual, limit),
            CloseError::Illegal(illegal) => Self::WrongState(illegal),
        }
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN)
}
