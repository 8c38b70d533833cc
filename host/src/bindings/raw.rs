//! WIT `raw`.

use std::time::Duration;

use wasmtime::Result;

use super::link::Interface;
use super::wit::raw::{Accept, ApplicationState, Incoming, Outgoing, PeerState, ResponseBody, ResponseStart};
use super::wit::websocket::Error;
use crate::port::{lifecycle, websocket as port};

pub(super) fn link(raw: &mut Interface<'_>) -> Result<()> {
    raw.now("states", |state, (ws,): (u64,)| {
        let (peer, application) = state.websocket(ws)?.states();
        Ok(((PeerState::from(peer), ApplicationState::from(application)),))
    })?;
    raw.wait("send", |state, (ws, event): (u64, Outgoing)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.send_event(event.into()).await.map_err(Error::from),) })
    })?;
    raw.wait("receive", |state, (ws, timeout): (u64, Option<u64>)| {
        let port = state.websocket(ws)?;
        Ok(async move {
            let received = port.receive_event(timeout.map(Duration::from_nanos)).await;
            (received.map(Incoming::from).map_err(Error::from),)
        })
    })
}

impl From<port::Incoming> for Incoming {
    fn from(event: port::Incoming) -> Self {
        match event {
            port::Incoming::Connect => Self::Connect,
            port::Incoming::Message(message) => Self::Message(message.into()),
            port::Incoming::Disconnect(close) => Self::Disconnect(close.into()),
        }
    }
}

impl From<Outgoing> for port::Outgoing {
    fn from(event: Outgoing) -> Self {
        match event {
            Outgoing::Accept(Accept { subprotocol, headers }) => Self::Accept(subprotocol, headers),
            Outgoing::Message(message) => Self::Message(message.into()),
            Outgoing::Close(close) => Self::Close(close.into()),
            Outgoing::ResponseStart(ResponseStart { status, headers }) => Self::ResponseStart(status, headers),
            Outgoing::ResponseBody(ResponseBody { body, more }) => Self::ResponseBody(body, more),
        }
    }
}

impl From<lifecycle::PeerState> for PeerState {
    fn from(state: lifecycle::PeerState) -> Self {
        match state {
            lifecycle::PeerState::Connecting => Self::Connecting,
            lifecycle::PeerState::Connected => Self::Connected,
            lifecycle::PeerState::Disconnected => Self::Disconnected,
        }
    }
}

impl From<lifecycle::ApplicationState> for ApplicationState {
    fn from(state: lifecycle::ApplicationState) -> Self {
        match state {
            lifecycle::ApplicationState::Connecting => Self::Connecting,
            lifecycle::ApplicationState::Connected => Self::Connected,
            lifecycle::ApplicationState::Response => Self::Response,
            lifecycle::ApplicationState::Disconnected => Self::Disconnected,
        }
    }
}
