//! The websocket as a stream of events in both directions, as ASGI has it. WIT `raw`.
//!
//! Nothing here has rules of its own: each event is one of the port's operations.

use std::time::Duration;

use http::{HeaderMap, StatusCode};

use super::{Style, WebsocketError, WebsocketPort};
use crate::event::{Close, Message};
use crate::limits;
use crate::port::answer;
use crate::port::lifecycle::{ApplicationState, Call, IllegalTransition};

/// What came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The handshake.
    Connect,
    /// A message.
    Message(Message),
    /// The end.
    Disconnect(Close),
}

/// What is to happen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// The handshake is answered with 101: subprotocol, headers.
    Accept(Option<String>, Vec<(String, String)>),
    /// A message is sent.
    Message(Message),
    /// The websocket is closed.
    Close(Close),
    /// An answer that denies the handshake begins: status, headers.
    ResponseStart(u16, Vec<(String, String)>),
    /// A part of its body, and whether another follows.
    ResponseBody(Vec<u8>, bool),
}

/// How far the events have told of the websocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Told {
    #[default]
    Nothing,
    Connect,
    Disconnect,
}

/// An answer that denies the handshake, while its body comes.
#[derive(Debug)]
pub(super) struct Denial {
    pub(super) status: StatusCode,
    pub(super) head: HeaderMap,
    body: Vec<u8>,
}

impl Denial {
    pub(super) fn new(status: u16, headers: &[(String, String)]) -> Result<Self, WebsocketError> {
        let status = StatusCode::from_u16(status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .ok_or_else(|| WebsocketError::InvalidHead(format!("status {status}: 400-599 may deny a handshake")))?;
        Ok(Self { status, head: answer::headers(headers)?, body: Vec::new() })
    }
}

impl WebsocketPort {
    /// The next event.
    ///
    /// # Errors
    /// `WrongStyle`; `Disconnected` after [`Incoming::Disconnect`]; as [`Self::receive`].
    ///
    /// # Cancel safety
    /// Dropped while it waits, no event is lost.
    pub async fn receive_event(&self, timeout: Option<Duration>) -> Result<Incoming, WebsocketError> {
        if matches!(self.style, Style::Event) {
            return Err(WebsocketError::WrongStyle);
        }
        let told = std::mem::replace(&mut self.life().told, Told::Connect);
        if told == Told::Nothing {
            return Ok(Incoming::Connect);
        }
        self.life().told = told;
        match self.receive(timeout).await {
            Err(WebsocketError::Disconnected(close)) if told == Told::Connect => {
                self.life().told = Told::Disconnect;
                Ok(Incoming::Disconnect(close))
            }
            received => received.map(Incoming::Message),
        }
    }

    /// Makes an event happen.
    ///
    /// # Errors
    /// `WrongState` where it is illegal now, and nothing has changed; those of the operation.
    ///
    /// # Cancel safety
    /// As [`Self::send`].
    pub async fn send_event(&self, event: Outgoing) -> Result<(), WebsocketError> {
        match event {
            Outgoing::Accept(subprotocol, headers) => self.accept(subprotocol, &headers),
            Outgoing::Message(message) => self.send(message).await,
            Outgoing::Close(close) => self.close(close.code, close.reason).await,
            Outgoing::ResponseStart(status, headers) => self.response_start(status, &headers),
            Outgoing::ResponseBody(body, more) => self.response_body(&body, more),
        }
    }

    fn response_start(&self, status: u16, headers: &[(String, String)]) -> Result<(), WebsocketError> {
        let denial = Denial::new(status, headers)?;
        let mut life = self.life();
        let rejected = life.lifecycle.reject();
        rejected.map_err(|illegal| life.refusal(illegal))?;
        life.answering.get_or_insert_default().denial = Some(denial);
        Ok(())
    }

    fn response_body(&self, body: &[u8], more: bool) -> Result<(), WebsocketError> {
        let mut life = self.life();
        let (state, application) = (life.lifecycle.state(), life.lifecycle.application());
        let begun = application == ApplicationState::Response;
        let denial = life.answering.as_mut().and_then(|answering| answering.denial.as_mut());
        let Some(denial) = denial.filter(|_| begun) else {
            return Err(life.refusal(IllegalTransition { state, call: Call::Response }));
        };
        let bytes = denial.body.len() + body.len();
        if bytes > limits::DENIAL_BYTES_MAX {
            return Err(WebsocketError::TooLarge(bytes, limits::DENIAL_BYTES_MAX));
        }
        denial.body.extend_from_slice(body);
        if more {
            return Ok(());
        }
        let denial = life.answering.as_mut().and_then(|answering| answering.denial.take());
        drop(life);
        if let Some(Denial { status, head, body }) = denial {
            self.deny(status, head, body);
        }
        Ok(())
    }
}
