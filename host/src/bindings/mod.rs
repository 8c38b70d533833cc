//! The WIT, in both directions: what guests import is here turned into calls on ports, sessions and
//! groups; what they export is turned into typed calls.
//!
//! Owns [`GuestState`], the data of a `wasmtime::Store`. Decides nothing: every rule is in the layer
//! below, so that this one can be read as a table of WIT item → host call.

mod alarms;
mod allowance;
mod connections;
mod groups;
mod http;
mod link;
mod misc;
mod outgoing;
mod raw;
mod session;
pub mod standard;
mod state;
mod types;
mod websocket;

pub use allowance::{Allowance, LinearMemory};
pub use link::{Calls, link};
pub use state::{GuestState, Identity, Serving};
pub use stderr::Stderr;

mod stderr;

mod generated {
    #![allow(missing_docs, unreachable_pub, dead_code, clippy::all, reason = "of the WIT's types alone is use made")]

    wasmtime::component::bindgen!({ path: "../wit", world: "all" });
}

pub(crate) use generated::exports::sessile::handler::websocket_handler::Outcome;
pub(crate) use generated::sessile::handler as wit;

use crate::event;
use crate::json::JsonError;

/// The package that this host speaks.
pub const PACKAGE: &str = "sessile:handler@0.1.0";

/// `sessile:handler/INTERFACE@0.1.0`.
pub fn qualified(interface: &str) -> String {
    let (package, version) = PACKAGE.split_once('@').unwrap_or((PACKAGE, ""));
    format!("{package}/{interface}@{version}")
}

impl From<event::Message> for wit::types::Message {
    fn from(message: event::Message) -> Self {
        match message {
            event::Message::Text(text) => Self::Text(text.into()),
            event::Message::Binary(bytes) => Self::Binary(bytes.into()),
        }
    }
}

impl From<wit::types::Message> for event::Message {
    fn from(message: wit::types::Message) -> Self {
        match message {
            wit::types::Message::Text(text) => Self::Text(text.into()),
            wit::types::Message::Binary(bytes) => Self::Binary(bytes.into()),
        }
    }
}

impl From<wit::types::CloseInfo> for event::Close {
    fn from(close: wit::types::CloseInfo) -> Self {
        Self { code: close.code, reason: close.reason }
    }
}

impl From<event::Kind> for wit::types::Kind {
    fn from(kind: event::Kind) -> Self {
        match kind {
            event::Kind::Text => Self::Text,
            event::Kind::Binary => Self::Binary,
        }
    }
}

impl From<wit::types::Kind> for event::Kind {
    fn from(kind: wit::types::Kind) -> Self {
        match kind {
            wit::types::Kind::Text => Self::Text,
            wit::types::Kind::Binary => Self::Binary,
        }
    }
}

impl From<event::Close> for wit::types::CloseInfo {
    fn from(close: event::Close) -> Self {
        Self { code: close.code, reason: close.reason }
    }
}

impl From<JsonError> for wit::types::JsonError {
    fn from(error: JsonError) -> Self {
        Self { line: error.line, column: error.column, reason: error.reason }
    }
}

fn excess(actual: usize, limit: usize) -> wit::types::Excess {
    wit::types::Excess { actual: actual as u64, limit: limit as u64 }
}
