//! Handlers that do several things at once: the same operations, to be awaited.
//!
//! The plain operations block: the handler stands still until the host has answered. It has an
//! instance to itself, so that delays nobody else, and it is the cheapest way to call. Only a handler
//! that must wait for two things at once needs more, for instance one that writes at its own pace
//! while it reads:
//!
//! ```
//! use std::time::Duration;
//!
//! use futures_util::future::{Either, select};
//! use sessile_sdk::concurrent::{WebSocket, sleep};
//! use sessile_sdk::prelude::{Error, Result};
//!
//! async fn ticker(ws: WebSocket) -> Result<()> {
//!     ws.accept().await?;
//!     let reader = std::pin::pin!(async {
//!         while let Some(message) = ws.next().await? {
//!             ws.send(message).await?;
//!         }
//!         Ok::<_, Error>(())
//!     });
//!     let writer = std::pin::pin!(async {
//!         loop {
//!             sleep(Duration::from_secs(1)).await;
//!             ws.send("tick").await?;
//!         }
//!     });
//!     match select(reader, writer).await {
//!         Either::Left((ended, _)) | Either::Right((ended, _)) => ended,
//!     }
//! }
//!
//! sessile_sdk::websocket_loop!(async ticker);
//! # fn main() {}
//! ```
//!
//! Use any crate that is not bound to a runtime (`futures-util`, `futures-lite`); tokio's timers and
//! channels with timeouts do not run in a guest. One handler of this kind puts its whole component on
//! the host's concurrent engine, where a call costs about twice as much (docs/performance.md).

pub mod alarms;
pub mod connections;
mod http;
mod session;
mod websocket;

use std::time::Duration;

pub use http::{BodyWriter, Request};
pub use session::Session;
pub use websocket::WebSocket;

use crate::bindings::awaited::wit::{groups as wit, time};
use crate::error::Result;
use crate::groups::{Delivery, Publication, Scope};
use crate::message::Message;
use crate::websocket::nanos;

/// As [`time::sleep`](crate::time::sleep); meanwhile other work of this call goes on.
pub async fn sleep(span: Duration) {
    time::sleep(nanos(span)).await;
}

/// As [`groups::publish`](crate::groups::publish).
///
/// # Errors
/// As there.
pub async fn publish(group: &str, message: impl Into<Message>) -> Result<Publication> {
    Ok(wit::publish(group.to_owned(), message.into().into()).await?.into())
}

/// As [`groups::publish_to`](crate::groups::publish_to).
///
/// # Errors
/// As there.
pub async fn publish_to(group: &str, message: impl Into<Message>, to: &Scope) -> Result<Delivery> {
    let (tag, except) = to.parts();
    Ok(wit::publish_to(group.to_owned(), message.into().into(), wit::Scope { tag, except }).await?.into())
}
