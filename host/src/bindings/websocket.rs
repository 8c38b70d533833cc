//! WIT `websocket`.

use std::time::Duration;

use wasmtime::Result;

use super::excess;
use super::link::Interface;
use super::wit::types::{Kind, Message};
use super::wit::websocket::{Error, Misuse, Queued, State};
use crate::event;
use crate::outbox::Pushed;
use crate::port::lifecycle::IllegalTransition;
use crate::port::websocket::{Attachment, WebsocketError, WebsocketPort};

type Fields = Vec<(String, String)>;

pub(super) fn link(websocket: &mut Interface<'_>) -> Result<()> {
    websocket.now("get-state", |state, (ws,): (u64,)| Ok((State::from(state.websocket(ws)?.state()),)))?;
    websocket.now("offered-subprotocols", |state, (ws,): (u64,)| Ok((state.websocket(ws)?.offered().to_vec(),)))?;
    websocket.now("subprotocol", |state, (ws,): (u64,)| Ok((state.websocket(ws)?.subprotocol(),)))?;
    websocket.now("buffered", |state, (ws,): (u64,)| Ok((state.websocket(ws)?.outbox.bytes() as u64,)))?;
    websocket
        .now("try-send", |state, (ws, message): (u64, Message)| Ok((try_send(&*state.websocket(ws)?, message),)))?;
    websocket.now("dropped", |state, (ws,): (u64,)| Ok((state.websocket(ws)?.outbox.dropped(),)))?;
    websocket.now("round-trip", |state, (ws,): (u64,)| Ok((state.websocket(ws)?.round_trip().map(nanos),)))?;
    websocket.now("attachment", |state, (ws,): (u64,)| Ok((state.websocket(ws)?.attachment().to_vec(),)))?;
    websocket.now("set-attachment", |state, (ws, bytes): (u64, Vec<u8>)| {
        let port = state.websocket(ws)?;
        Ok((Attachment::new(bytes).map(|attachment| port.attach(attachment)).map_err(Error::from),))
    })?;
    websocket.wait("accept", |state, (ws, subprotocol, headers): (u64, Option<String>, Fields)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.accept(subprotocol, &headers).map_err(Error::from),) })
    })?;
    websocket.wait("reject", |state, (ws, status, headers, body): (u64, u16, Fields, Vec<u8>)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.reject(status, &headers, body).map_err(Error::from),) })
    })?;
    websocket.wait("send", |state, (ws, message): (u64, Message)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.send(message.into()).await.map_err(Error::from),) })
    })?;
    websocket.wait("send-json", |state, (ws, json, mode): (u64, String, Kind)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.send_json(json, mode.into()).await.map_err(Error::from),) })
    })?;
    websocket.wait("receive-json", |state, (ws, mode, timeout): (u64, Kind, Option<u64>)| {
        let port = state.websocket(ws)?;
        Ok(async move {
            let received = port.receive_json(mode.into(), timeout.map(Duration::from_nanos)).await;
            (received.map_err(Error::from),)
        })
    })?;
    websocket.wait("ping", |state, (ws,): (u64,)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.ping().await.map(nanos).map_err(Error::from),) })
    })?;
    websocket.wait("receive", |state, (ws, timeout): (u64, Option<u64>)| {
        let port = state.websocket(ws)?;
        Ok(async move {
            let received = port.receive(timeout.map(Duration::from_nanos)).await;
            (received.map(Message::from).map_err(Error::from),)
        })
    })?;
    websocket.wait("close", |state, (ws, code, reason): (u64, u16, String)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.close(code, reason).await.map_err(Error::from),) })
    })
}

pub(super) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

fn try_send(port: &WebsocketPort, message: Message) -> std::result::Result<Queued, Error> {
    queued(port, port.try_send(message.into())).map_err(Error::from)
}

/// What became of a message that a websocket was to send without waiting.
pub(super) fn queued(
    port: &WebsocketPort,
    pushed: std::result::Result<Pushed, WebsocketError>,
) -> std::result::Result<Queued, WebsocketError> {
    match pushed {
        Ok(Pushed::Queued(bytes)) => Ok(Queued::Queued(bytes as u64)),
        Ok(Pushed::Full) => Ok(Queued::Full),
        Ok(Pushed::Gone) | Err(WebsocketError::Disconnected(_)) => {
            Ok(Queued::Gone(port.end().unwrap_or_else(event::Close::abnormal).into()))
        }
        Err(error) => Err(error),
    }
}

impl From<event::State> for State {
    fn from(state: event::State) -> Self {
        match state {
            event::State::Connecting => Self::Connecting,
            event::State::Open => Self::Open,
            event::State::Closing => Self::Closing,
            event::State::Closed => Self::Closed,
        }
    }
}

impl From<IllegalTransition> for Misuse {
    fn from(illegal: IllegalTransition) -> Self {
        Self { call: illegal.call.to_string(), state: illegal.state.into() }
    }
}

impl From<WebsocketError> for Error {
    fn from(error: WebsocketError) -> Self {
        match error {
            WebsocketError::WrongState(illegal) => Self::WrongState(illegal.into()),
            WebsocketError::Disconnected(close) => Self::Disconnected(close.into()),
            WebsocketError::TooLarge(actual, limit) => Self::TooLarge(excess(actual, limit)),
            WebsocketError::TimedOut => Self::TimedOut,
            WebsocketError::WrongStyle => Self::WrongStyle,
            WebsocketError::InvalidCode(code) => Self::InvalidCode(code),
            WebsocketError::ReasonTooLong(actual, limit) => Self::ReasonTooLong(excess(actual, limit)),
            WebsocketError::NotOffered(name) => Self::NotOffered(name),
            WebsocketError::InvalidHead(text) => Self::InvalidHead(text),
            WebsocketError::WrongKind(kind) => Self::WrongKind(kind.into()),
            WebsocketError::BadJson(error) => Self::BadJson(error.into()),
            WebsocketError::Retire => Self::Retire,
        }
    }
}
