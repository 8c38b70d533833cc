//! A websocket as a stream of events in both directions, as ASGI has it: for frameworks that bring
//! their own API. The same websocket with the same rules; both ways may be mixed. Loop style.
//!
//! ```
//! use sessile_sdk::prelude::*;
//! use sessile_sdk::raw::{self, Incoming, Outgoing};
//!
//! fn echo(ws: WebSocket) -> Result<()> {
//!     loop {
//!         match raw::receive(&ws)? {
//!             Incoming::Connect => raw::send(&ws, Outgoing::Accept { subprotocol: None, headers: Vec::new() })?,
//!             Incoming::Message(message) => raw::send(&ws, Outgoing::Message(message))?,
//!             Incoming::Disconnect(_) => return Ok(()),
//!         }
//!     }
//! }
//!
//! sessile_sdk::websocket_loop!(echo);
//! # fn main() {}
//! ```

use std::time::Duration;

use crate::bindings::wit::raw as wit;
use crate::bindings::wit::types::CloseInfo;
use crate::error::Result;
use crate::message::{Close, Message};
use crate::websocket::{WebSocket, nanos};

/// What came. ASGI: `websocket.connect`, `websocket.receive`, `websocket.disconnect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// The handshake has come; first, and once.
    Connect,
    /// A message.
    Message(Message),
    /// The end; last, and once.
    Disconnect(Close),
}

/// What is to happen. ASGI: `websocket.accept`, `websocket.send`, `websocket.close`,
/// `websocket.http.response.start`, `websocket.http.response.body`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// Answers the handshake with 101.
    Accept {
        /// One of those that the peer offered.
        subprotocol: Option<String>,
        /// Beside those of the protocol.
        headers: Vec<(String, String)>,
    },
    /// Queues a message.
    Message(Message),
    /// Closes; before `Accept` it denies with 403.
    Close(Close),
    /// Begins to deny the handshake.
    ResponseStart {
        /// 400-599.
        status: u16,
        /// Without `content-length`.
        headers: Vec<(String, String)>,
    },
    /// A part of the denial's body.
    ResponseBody {
        /// At most 64 KiB in all parts together.
        body: Vec<u8>,
        /// Whether another follows.
        more: bool,
    },
}

/// How far the peer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// No handler was told.
    Connecting,
    /// A handler knows of it.
    Connected,
    /// It has closed, or is gone.
    Disconnected,
}

/// How far the application has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationState {
    /// The handshake is not answered.
    Connecting,
    /// Accepted.
    Connected,
    /// The handshake is being denied.
    Response,
    /// It has closed or denied, or the websocket has ended.
    Disconnected,
}

/// How far both have come.
pub fn states(ws: &WebSocket) -> (PeerState, ApplicationState) {
    let (peer, application) = wit::states(ws.id());
    let peer = match peer {
        wit::PeerState::Connecting => PeerState::Connecting,
        wit::PeerState::Connected => PeerState::Connected,
        wit::PeerState::Disconnected => PeerState::Disconnected,
    };
    let application = match application {
        wit::ApplicationState::Connecting => ApplicationState::Connecting,
        wit::ApplicationState::Connected => ApplicationState::Connected,
        wit::ApplicationState::Response => ApplicationState::Response,
        wit::ApplicationState::Disconnected => ApplicationState::Disconnected,
    };
    (peer, application)
}

/// Makes an event happen.
///
/// # Errors
/// [`Error::WrongState`](crate::Error::WrongState) where it is illegal now, and nothing has changed;
/// those of the operation that it stands for.
pub fn send(ws: &WebSocket, event: Outgoing) -> Result<()> {
    Ok(wit::send(ws.id(), &event.into())?)
}

/// The next event.
///
/// # Errors
/// [`Error::Disconnected`](crate::Error::Disconnected) after [`Incoming::Disconnect`].
pub fn receive(ws: &WebSocket) -> Result<Incoming> {
    Ok(wit::receive(ws.id(), None)?.into())
}

/// The next event, if it comes in time.
///
/// # Errors
/// [`Error::TimedOut`](crate::Error::TimedOut); as [`receive`].
pub fn receive_timeout(ws: &WebSocket, timeout: Duration) -> Result<Incoming> {
    Ok(wit::receive(ws.id(), Some(nanos(timeout)))?.into())
}

impl From<wit::Incoming> for Incoming {
    fn from(event: wit::Incoming) -> Self {
        match event {
            wit::Incoming::Connect => Self::Connect,
            wit::Incoming::Message(message) => Self::Message(message.into()),
            wit::Incoming::Disconnect(close) => Self::Disconnect(close.into()),
        }
    }
}

impl From<Outgoing> for wit::Outgoing {
    fn from(event: Outgoing) -> Self {
        match event {
            Outgoing::Accept { subprotocol, headers } => Self::Accept(wit::Accept { subprotocol, headers }),
            Outgoing::Message(message) => Self::Message(message.into()),
            Outgoing::Close(Close { code, reason }) => Self::Close(CloseInfo { code, reason }),
            Outgoing::ResponseStart { status, headers } => Self::ResponseStart(wit::ResponseStart { status, headers }),
            Outgoing::ResponseBody { body, more } => Self::ResponseBody(wit::ResponseBody { body, more }),
        }
    }
}
