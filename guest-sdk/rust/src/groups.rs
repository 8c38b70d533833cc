//! Messages to many websockets. To join and leave, see [`WebSocket`](crate::WebSocket).

use crate::bindings::wit::groups;
use crate::error::Result;
use crate::message::Message;

/// What became of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Websockets that will get it.
    pub queued: u32,
    /// Websockets that had no room for it.
    pub dropped: u32,
}

/// Queues a message to every websocket of a group, from any handler of the app.
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) for a bad name or too large a message.
pub async fn publish(group: &str, message: impl Into<Message>) -> Result<Publication> {
    let publication = groups::publish(group.to_owned(), message.into().into()).await?;
    Ok(Publication { queued: publication.queued, dropped: publication.dropped })
}
