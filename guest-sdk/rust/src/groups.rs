//! Messages to many websockets. To join and leave, see [`WebSocket`](crate::WebSocket::join).

use crate::bindings::wit::groups;
use crate::error::Result;
use crate::message::Message;

/// What became of a publication. Nothing is lost silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Outboxes that took it.
    pub queued: u32,
    /// Outboxes that had no room for it.
    pub dropped: u32,
}

/// Queues a message to every websocket of a group, from any handler of the app, HTTP too.
///
/// ```
/// use sessile_sdk::{groups, prelude::*};
///
/// fn announce(request: Request) -> Result<Response> {
///     let publication = groups::publish("lobby", request.text()?)?;
///     Ok(Response::text(format!("{} hear it, {} were too slow", publication.queued, publication.dropped)))
/// }
///
/// sessile_sdk::http!(announce);
/// # fn main() {}
/// ```
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) for a name that is not 1-100 bytes, or too large a
/// message.
///
/// # Backpressure
/// None: an outbox that is full drops it, and is counted.
pub fn publish(group: &str, message: impl Into<Message>) -> Result<Publication> {
    let publication = groups::publish(group, &message.into().into())?;
    Ok(Publication { queued: publication.queued, dropped: publication.dropped })
}
