//! Write WebSocket and HTTP handlers for Sessile in Rust.
//!
//! A handler is a WebAssembly component: build a `cdylib` crate with
//! `cargo build --release --target wasm32-wasip2`, name it in a `sessile.toml`, and
//! `sessile up` serves it. The host owns the socket; the handler can be replaced under it.
//!
//! # Loop style
//!
//! One call for one websocket, as long as it lives. The way of Starlette:
//!
//! ```
//! use sessile_sdk::prelude::*;
//!
//! fn echo(ws: WebSocket) -> Result<()> {
//!     ws.accept()?;
//!     while let Some(message) = ws.next()? {
//!         ws.send(message)?;
//!     }
//!     Ok(())
//! }
//!
//! sessile_sdk::websocket_loop!(echo);
//! # fn main() {}
//! ```
//!
//! It blocks in each call, and blocks nobody: it has an instance to itself. A handler that must wait
//! for two things at once awaits them instead, see [`concurrent`]. New code takes over when the next message is
//! awaited, see [`WebSocket`](WebSocket#new-code-under-a-live-websocket).
//!
//! # Event style
//!
//! A call for each thing that happens. Between calls an idle websocket costs no instance, and new
//! code takes over at the next message ([`WebsocketUpgrade`]):
//!
//! ```
//! use sessile_sdk::prelude::*;
//!
//! struct Chat;
//!
//! impl WebsocketEvents for Chat {
//!     fn on_open(ws: &WebSocket) -> Result<()> {
//!         ws.accept()?;
//!         ws.join("lobby")
//!     }
//!
//!     fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
//!         sessile_sdk::groups::publish("lobby", message)?;
//!         Ok(())
//!     }
//! }
//!
//! sessile_sdk::websocket_events!(Chat);
//! # fn main() {}
//! ```
//!
//! # HTTP
//!
//! ```
//! use sessile_sdk::prelude::*;
//!
//! fn visits(request: Request) -> Result<Response> {
//!     let session = request.session()?;
//!     let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
//!     session.set("visits", &visits)?;
//!     Ok(Response::text(format!("visit {visits}")))
//! }
//!
//! sessile_sdk::http!(visits);
//! # fn main() {}
//! ```
//!
//! # One component, several handlers
//!
//! A component may export one handler of each kind; they run in separate instances and share only the
//! [`Session`], the groups and the [`alarms`].
//!
//! # Tests
//!
//! The crate `sessile-testing` serves an app in the process of a `cargo test`, with the real host, and has
//! peers that connect, send, expect, and look into sessions.
//!
//! # When something goes wrong
//!
//! An `Err` from a handler is an orderly end: the host logs it, closes the websocket with 1011 or
//! answers 500, and tells the peer only the report's id. A panic ends the instance too; its text, which
//! Rust prints on stderr, and a backtrace are in the log under the same id. [`Error`] says which of its
//! cases are no failure.
//!
//! Globals are a cache that may vanish after any event; what must last goes into the [`Session`], or is
//! [attached](WebSocket::attach) to the websocket.
//! Everything is described by the WIT package `sessile:handler`, which every language shares.

pub mod alarms;
mod bindings;
pub mod concurrent;
pub mod connections;
mod error;
mod events;
pub mod groups;
mod head;
mod http;
pub mod log;
mod macros;
mod message;
mod multipart;
mod query;
pub mod raw;
mod session;
mod sse;
mod state;
pub mod time;
mod url;
mod websocket;

#[doc(hidden)]
pub mod export;

pub use error::{Error, Result};
pub use events::{PublicationHandler, WebsocketEvents, WebsocketUpgrade};
pub use head::Head;
pub use http::{BodyWriter, Request, Response};
pub use message::{Close, JsonMode, Message};
pub use multipart::Part;
pub use query::{Headers, Query};
pub use session::Session;
pub use sse::{SseEvent, SseStream};
pub use state::{Queued, State};
pub use url::Url;
pub use websocket::WebSocket;

/// What most handlers use.
pub mod prelude {
    pub use crate::{
        Close, Error, Message, PublicationHandler, Request, Response, Result, Session, WebSocket, WebsocketEvents,
        WebsocketUpgrade,
    };
}
