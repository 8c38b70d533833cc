//! What a guest, through the bindings, and groups, through the outbox, hold of one websocket.
//!
//! Owns the websocket's life (who may do what now), the answer to its handshake, and its queues.
//! Does no I/O: the websocket's task ([`crate::websocket`]) moves bytes and tells it what came.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::answer::{self, InvalidHead};
use super::head::Head;
use super::inbox::Inbox;
use super::lifecycle::{CloseError, Closing, Lifecycle, REJECT_STATUS};
use crate::event::{Close, Message, State, WebsocketId};
use crate::failure::{Fault, ReportId, close_code};
use crate::group::Membership;
use crate::limits;
use crate::meter::Meter;
use crate::outbox::{Outbox, Pushed};
use crate::session::{CookieAction, CookieSettings, SessionBinding};

/// How the websocket's handler is written.
#[derive(Debug)]
pub enum Style {
    /// Loop style: messages wait for `receive`.
    Loop(Inbox),
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
    /// How its handler is written.
    pub style: Style,
    /// Its session.
    pub session: SessionBinding,
    /// What is to be sent.
    pub outbox: Arc<Outbox>,
    /// The groups it is in.
    pub membership: Membership,
    /// The CPU of its handler's calls.
    pub meter: Arc<Meter>,
    cookies: Arc<CookieSettings>,
    secure: bool,
    message_bytes_max: usize,
    offered: Box<[String]>,
    life: Mutex<Life>,
}

#[derive(Debug)]
struct Life {
    lifecycle: Lifecycle,
    subprotocol: Option<Box<str>>,
    answer: Option<Box<Answer>>,
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
    WrongState(State),
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
}

/// What a port is made of.
pub struct WebsocketParts {
    /// The handshake's head.
    pub head: Head,
    /// How the handler is written.
    pub style: Style,
    /// The session.
    pub session: SessionBinding,
    /// The groups of the app.
    pub groups: Arc<crate::group::Groups>,
    /// How the session cookie is set.
    pub cookies: Arc<CookieSettings>,
    /// Whether the peer's connection is encrypted.
    pub secure: bool,
    /// Offered subprotocols.
    pub offered: Box<[String]>,
    /// Bounds: message bytes, outbox bytes, outbox messages.
    pub bounds: (usize, usize, usize),
}

impl WebsocketPort {
    /// A websocket whose handshake has come.
    pub fn new(parts: WebsocketParts) -> Self {
        let id = WebsocketId::mint();
        let (message_bytes_max, outbox_bytes_max, outbox_messages_max) = parts.bounds;
        Self {
            id,
            head: parts.head,
            style: parts.style,
            session: parts.session,
            outbox: Arc::new(Outbox::new(outbox_bytes_max, outbox_messages_max)),
            membership: Membership::new(parts.groups, id),
            meter: Arc::default(),
            cookies: parts.cookies,
            secure: parts.secure,
            message_bytes_max,
            offered: parts.offered,
            life: Mutex::new(Life { lifecycle: Lifecycle::new(), subprotocol: None, answer: None, answered: None }),
        }
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        self.life().lifecycle.state()
    }

    /// The subprotocols that the peer offered.
    pub fn offered(&self) -> &[String] {
        &self.offered
    }

    /// The subprotocol that was chosen.
    pub fn subprotocol(&self) -> Option<String> {
        self.life().subprotocol.as_deref().map(str::to_owned)
    }

    /// Answers the handshake with 101. A session that was opened puts its cookie on it.
    ///
    /// # Errors
    /// `WrongState`, `NotOffered`, `InvalidHead`, `Disconnected`.
    pub fn accept(&self, subprotocol: Option<String>, headers: &[(String, String)]) -> Result<(), WebsocketError> {
        let mut head = answer::headers(headers)?;
        if let Some(name) = &subprotocol {
            if !self.offered.contains(name) {
                return Err(WebsocketError::NotOffered(name.clone()));
            }
            answer::insert(&mut head, http::header::SEC_WEBSOCKET_PROTOCOL, name)?;
        }
        let mut life = self.life();
        if life.lifecycle.accept().is_err() {
            return Err(life.refusal());
        }
        if let CookieAction::Set(id) = self.session.cookie() {
            answer::append(&mut head, http::header::SET_COOKIE, &self.cookies.set(&id, self.secure))?;
            self.session.cookie_given();
        }
        self.session.head_left();
        life.subprotocol = subprotocol.map(Into::into);
        life.answer(Answer::Accept(head));
        Ok(())
    }

    /// Answers the handshake with another status.
    ///
    /// # Errors
    /// `WrongState`, `InvalidHead`, `Disconnected`.
    pub fn reject(&self, status: u16, headers: &[(String, String)], body: Vec<u8>) -> Result<(), WebsocketError> {
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .ok_or_else(|| WebsocketError::InvalidHead(format!("status {status}: 400-599 may deny a handshake")))?;
        let head = answer::headers(headers)?;
        let mut life = self.life();
        if life.lifecycle.reject().is_err() {
            return Err(life.refusal());
        }
        drop(life);
        self.deny(status, head, body);
        Ok(())
    }

    /// Queues a message, waiting for room.
    ///
    /// # Errors
    /// `WrongState`, `Disconnected`, `TooLarge`; `TimedOut` where the peer took nothing for
    /// [`limits::SEND_WAIT`]: the websocket is then closed with 1013.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the message is not sent.
    pub async fn send(&self, message: Message) -> Result<(), WebsocketError> {
        self.may_send(&message)?;
        let mut slot = Some(message);
        let mut pushed = std::future::poll_fn(|cx| self.outbox.poll_push(&mut slot, cx));
        // Most find room at once, and need no timer.
        let at_once = match futures_util::poll!(&mut pushed) {
            Poll::Ready(pushed) => Ok(pushed),
            Poll::Pending => tokio::time::timeout(limits::SEND_WAIT, pushed).await,
        };
        match at_once {
            Ok(Pushed::Queued(_)) => Ok(()),
            Ok(_) => Err(self.life().refusal()),
            Err(_) => {
                self.host_close(close_code::TRY_AGAIN, "the peer takes nothing");
                Err(WebsocketError::TimedOut)
            }
        }
    }

    /// Queues a message if there is room.
    ///
    /// # Errors
    /// `WrongState`, `TooLarge`.
    pub fn try_send(&self, message: Message) -> Result<Pushed, WebsocketError> {
        self.may_send(&message)?;
        Ok(self.outbox.push(message))
    }

    /// The next message. Its delivery refills the CPU budget.
    ///
    /// # Errors
    /// `WrongStyle`, `WrongState` before `accept`, `TimedOut`, `Disconnected`.
    ///
    /// # Cancel safety
    /// Dropped while it waits, no message is lost.
    pub async fn receive(&self, timeout: Option<Duration>) -> Result<Message, WebsocketError> {
        let Style::Loop(inbox) = &self.style else { return Err(WebsocketError::WrongStyle) };
        if self.state() == State::Connecting {
            return Err(WebsocketError::WrongState(State::Connecting));
        }
        let received = std::future::poll_fn(|cx| inbox.poll_receive(cx));
        let message = match timeout {
            None => received.await,
            Some(span) => match tokio::time::timeout(span, received).await {
                Ok(message) => message,
                Err(_) => return Err(WebsocketError::TimedOut),
            },
        };
        let message = message.map_err(WebsocketError::Disconnected)?;
        self.meter.refill(self.meter.budget());
        Ok(message)
    }

    /// Closes; before `accept` it rejects with 403. In loop style it waits for the end.
    ///
    /// # Errors
    /// `InvalidCode`, `ReasonTooLong`, `WrongState`, `Disconnected`.
    pub async fn close(&self, code: u16, reason: String) -> Result<(), WebsocketError> {
        let closing = {
            let mut life = self.life();
            match life.lifecycle.close(code, &reason) {
                Ok(closing) => closing,
                Err(CloseError::Illegal(_)) => return Err(life.refusal()),
                Err(error) => return Err(error.into()),
            }
        };
        if closing == Closing::Reject {
            self.deny(status(REJECT_STATUS), HeaderMap::new(), Vec::new());
            return Ok(());
        }
        self.outbox.close(Close { code, reason });
        if let Style::Loop(inbox) = &self.style {
            std::future::poll_fn(|cx| inbox.poll_end(cx)).await;
        }
        Ok(())
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

    /// The handler did not do its work: the peer gets the status or code of the one table, and the
    /// report's id, never the guest's text.
    pub fn fail(&self, fault: &Fault, report: ReportId) {
        self.give_up(fault.status(), fault.close_code(), &format!("report {report}"));
    }

    /// The peer's close frame came; nothing more will be read.
    pub fn peer_closed(&self, code: Option<u16>, reason: &str) {
        // Illegal only after the end, where a late frame changes nothing.
        let _late = self.life().lifecycle.peer_closed(code, reason);
    }

    /// Our close frame has left.
    pub fn close_sent(&self) {
        // The library answers a peer's close by itself; then none of ours was owed.
        let _unowed = self.life().lifecycle.close_sent();
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
        self.membership.leave_all();
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
        match life.answer.take() {
            Some(answer) => Poll::Ready(*answer),
            None => {
                life.answered = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Ready once there is an answer to take.
    pub fn poll_answered(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut life = self.life();
        if life.answer.is_some() {
            return Poll::Ready(());
        }
        life.answered = Some(cx.waker().clone());
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
        self.life().answer(Answer::Reject(status, head, body));
        self.outbox.end();
    }

    fn may_send(&self, message: &Message) -> Result<(), WebsocketError> {
        if message.len() > self.message_bytes_max {
            return Err(WebsocketError::TooLarge(message.len(), self.message_bytes_max));
        }
        let life = self.life();
        life.lifecycle.send().map_err(|_| life.refusal())
    }

    fn life(&self) -> MutexGuard<'_, Life> {
        self.life.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Life {
    fn answer(&mut self, answer: Answer) {
        self.answer = Some(Box::new(answer));
        if let Some(waker) = self.answered.take() {
            waker.wake();
        }
    }

    /// Why a call is refused now: the close if there is one, else the state.
    fn refusal(&self) -> WebsocketError {
        match self.lifecycle.end() {
            Some(close) => WebsocketError::Disconnected(close.clone()),
            None => WebsocketError::WrongState(self.lifecycle.state()),
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
            CloseError::Illegal(illegal) => Self::WrongState(illegal.state),
        }
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).unwrap_or(StatusCode::FORBIDDEN)
}
