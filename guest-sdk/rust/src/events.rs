//! Event style: what a handler may be told.

use crate::error::Result;
use crate::groups::Told;
use crate::message::{Close, Message};
use crate::websocket::WebSocket;

/// An event-style handler: a call for each thing that happens to a websocket.
///
/// One call at a time for one websocket. Between calls the host may drop the instance, or put new
/// code in its place ([`WebsocketUpgrade`]), so a global is a cache that may vanish: what must last goes into the
/// [`Session`](crate::Session), or is [attached](crate::WebSocket::attach) to the websocket. Export it with [`websocket_events!`](crate::websocket_events).
///
/// ```
/// use sessile_sdk::prelude::*;
///
/// struct Shout;
///
/// impl WebsocketEvents for Shout {
///     fn on_open(ws: &WebSocket) -> Result<()> {
///         if ws.header("authorization").is_none() {
///             return ws.reject(401, &[("www-authenticate", "Bearer")], "who are you?");
///         }
///         ws.accept()
///     }
///
///     fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
///         match message {
///             Message::Text(text) => ws.send(text.to_uppercase()),
///             Message::Binary(_) => ws.close(1003, "text only"),
///         }
///     }
/// }
///
/// sessile_sdk::websocket_events!(Shout);
/// # fn main() {}
/// ```
///
/// # Errors
/// The first `Err` ends the call: the host logs it and closes with 1011. That the peer has left
/// ([`Error::Disconnected`](crate::Error::Disconnected)) is no failure of `on_open` and `on_message`;
/// `on_close` follows.
pub trait WebsocketEvents {
    /// The handshake has come: accept, reject, or return and so accept.
    fn on_open(ws: &WebSocket) -> Result<()> {
        let _ = ws;
        Ok(())
    }

    /// A message came.
    fn on_message(ws: &WebSocket, message: Message) -> Result<()>;

    /// Messages came, in order. Override it to treat all that has queued up at once.
    fn on_messages(ws: &WebSocket, messages: Vec<Message>) -> Result<()> {
        for message in messages {
            Self::on_message(ws, message)?;
        }
        Ok(())
    }

    /// The websocket has ended; exactly once, after all messages. Nothing can be sent any more.
    fn on_close(ws: &WebSocket, close: Close) -> Result<()> {
        let _ = (ws, close);
        Ok(())
    }
}

/// What is published to the groups of a websocket, in place of the peer: the handler sends on what it likes.
///
/// Optional beside [`WebsocketEvents`]. Export it with [`publication_handler!`](crate::publication_handler).
///
/// ```
/// use sessile_sdk::groups::{Content, Told};
/// use sessile_sdk::prelude::*;
///
/// struct Room;
///
/// impl WebsocketEvents for Room {
///     fn on_open(ws: &WebSocket) -> Result<()> {
///         ws.join("room")
///     }
///
///     fn on_message(_: &WebSocket, message: Message) -> Result<()> {
///         sessile_sdk::groups::publish("room", message).map(drop)
///     }
/// }
///
/// impl PublicationHandler for Room {
///     fn on_publication(ws: &WebSocket, told: Told) -> Result<()> {
///         match told.content {
///             Content::Message(message) => ws.send(message),
///             Content::Presence(presence) => ws.send(format!("{} are here", presence.total)),
///         }
///     }
/// }
///
/// sessile_sdk::websocket_events!(Room);
/// sessile_sdk::publication_handler!(Room);
/// # fn main() {}
/// ```
///
/// # Errors
/// As those of [`WebsocketEvents`].
pub trait PublicationHandler {
    /// A group that the websocket is in was told something.
    fn on_publication(ws: &WebSocket, told: Told) -> Result<()>;

    /// Several at once, in order; as [`WebsocketEvents::on_messages`].
    fn on_publications(ws: &WebSocket, told: Vec<Told>) -> Result<()> {
        told.into_iter().try_for_each(|told| Self::on_publication(ws, told))
    }
}

/// The moment in which this version of an event-style handler takes a websocket over from another.
///
/// Optional beside [`WebsocketEvents`]. Called once for such a websocket, before its next event, to rewrite what the
/// other version has left. Export it with [`websocket_upgrade!`](crate::websocket_upgrade).
///
/// ```
/// use sessile_sdk::prelude::*;
///
/// struct Scores;
///
/// impl WebsocketEvents for Scores {
///     fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
///         let mut scores = ws.attached::<Vec<u32>>()?.unwrap_or_default();
///         scores.push(message.json()?);
///         ws.attach(&scores)
///     }
/// }
///
/// impl WebsocketUpgrade for Scores {
///     fn on_upgrade(ws: &WebSocket, _from: u64) -> Result<()> {
///         // Before version 7 it was the best score alone.
///         match ws.attached::<u32>() {
///             Ok(Some(best)) => ws.attach(&[best]),
///             _ => Ok(()),
///         }
///     }
/// }
///
/// sessile_sdk::websocket_events!(Scores);
/// sessile_sdk::websocket_upgrade!(Scores);
/// # fn main() {}
/// ```
///
/// # Errors
/// As those of [`WebsocketEvents`]: an `Err` closes the websocket with 1011. A panic, here or in the event that
/// follows, gives the websocket back to the version before, with its attachment as it was.
pub trait WebsocketUpgrade {
    /// A websocket comes over from a version, the number of which is `from`.
    fn on_upgrade(ws: &WebSocket, from: u64) -> Result<()>;
}
