//! One websocket, in both styles. The host owns it; this is an id with operations.

use std::cell::OnceCell;
use std::ops::Deref;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::wit::{groups, websocket};
use crate::error::{Error, Result};
use crate::groups::{Joined, Membership};
use crate::head::Head;
use crate::message::{Close, JsonMode, Message};
use crate::session::Session;
use crate::state::{Queued, State};

/// A websocket that the host holds for this handler. What was asked is read through [`Head`].
///
/// Loop style receives from it; in event style messages come to
/// [`on_message`](crate::WebsocketEvents::on_message). All else is the same in both:
///
/// ```
/// use std::time::Duration;
///
/// use sessile_sdk::prelude::*;
///
/// fn quiz(ws: WebSocket) -> Result<()> {
///     ws.accept()?;
///     ws.send_text("what is six times seven?")?;
///     match ws.receive_timeout(Duration::from_secs(10)) {
///         Ok(answer) if answer.json::<u32>() == Ok(42) => ws.send_text("yes")?,
///         Ok(_) => ws.send_text("no")?,
///         Err(Error::TimedOut) => return ws.close(4000, "too slow"),
///         Err(error) => return Err(error),
///     }
///     while ws.next()?.is_some() {}
///     sessile_sdk::log::info(format_args!("the peer left with {:?}", ws.close_code()));
///     Ok(())
/// }
///
/// sessile_sdk::websocket_loop!(quiz);
/// # fn main() {}
/// ```
///
/// # New code under a live websocket
///
/// In loop style the next `receive` fails with [`Error::Retire`], once, when the host has another version of the app
/// (a `receive` that waits is woken; messages that wait are kept). Left to `?`, it **hands the websocket over**: the
/// handler of the new version is called for it, its `accept` is a no-op, and it receives what waits. What this
/// handler holds in variables is gone; what stays is the [attachment](Self::attachment), the
/// [`Session`], unsaved changes too, and the groups. So keep there what the next needs, and read it at the start:
///
/// ```
/// use sessile_sdk::prelude::*;
///
/// fn count(ws: WebSocket) -> Result<()> {
///     ws.accept()?;
///     let mut count = ws.attached::<u64>()?.unwrap_or(0);
///     while ws.next()?.is_some() {
///         count += 1;
///         ws.attach(&count)?;
///         ws.send(count.to_string())?;
///     }
///     Ok(())
/// }
///
/// sessile_sdk::websocket_loop!(count);
/// # fn main() {}
/// ```
///
/// A handler that would rather stay, to the end of a game say, catches [`Error::Retire`] and goes on receiving; it has
/// the `drain_s` of the manifest (30 s), then the host closes with 1012.
#[derive(Debug)]
pub struct WebSocket {
    id: u64,
    head: Head,
    close: OnceCell<Close>,
}

impl WebSocket {
    #[doc(hidden)]
    pub fn new(id: u64) -> Self {
        Self { id, head: Head::new(id), close: OnceCell::new() }
    }

    /// Its id: unguessable, unique among the live ones.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// Where it is in its life.
    pub fn state(&self) -> State {
        websocket::get_state(self.id).into()
    }

    /// The subprotocols that the peer offered, the preferred first.
    pub fn offered_subprotocols(&self) -> Vec<String> {
        websocket::offered_subprotocols(self.id)
    }

    /// The subprotocol that was accepted.
    pub fn subprotocol(&self) -> Option<String> {
        websocket::subprotocol(self.id)
    }

    /// Bytes that wait for the peer.
    pub fn buffered(&self) -> u64 {
        websocket::buffered(self.id)
    }

    /// Accepts the handshake. Of a websocket that was handed over, which is accepted, the first call changes nothing.
    ///
    /// # Errors
    /// [`Error::WrongState`] the second time, [`Error::Disconnected`].
    pub fn accept(&self) -> Result<()> {
        self.accept_with(None, &[])
    }

    /// Accepts with one of the offered subprotocols and more headers.
    ///
    /// # Errors
    /// As [`Self::accept`], and [`Error::NotOffered`], [`Error::InvalidHead`].
    pub fn accept_with(&self, subprotocol: Option<&str>, headers: &[(&str, &str)]) -> Result<()> {
        Ok(websocket::accept(self.id, subprotocol, &fields(headers))?)
    }

    /// Denies the handshake with a status of 400-599 and a body. A page in a browser sees none of it;
    /// for such, accept, then close with a code.
    ///
    /// # Errors
    /// [`Error::WrongState`] once it is answered, [`Error::InvalidHead`].
    pub fn reject(&self, status: u16, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Result<()> {
        Ok(websocket::reject(self.id, status, &fields(headers), body.as_ref())?)
    }

    /// Queues a message: a [`Message`], a text, or bytes. Order is kept. It is queued when this
    /// returns, not read by the peer.
    ///
    /// # Errors
    /// [`Error::Disconnected`], [`Error::WrongState`], [`Error::TooLarge`]; [`Error::TimedOut`] where
    /// the peer took nothing for so long that the host has given it up (1013).
    ///
    /// # Backpressure
    /// Waits while the outbox is full. [`Self::try_send`] never does.
    pub fn send(&self, message: impl Into<Message>) -> Result<()> {
        Ok(websocket::send(self.id, &message.into().into())?)
    }

    /// Queues a text.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_text(&self, text: impl Into<String>) -> Result<()> {
        self.send(Message::Text(text.into()))
    }

    /// Queues bytes.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_bytes(&self, bytes: impl Into<Vec<u8>>) -> Result<()> {
        self.send(Message::Binary(bytes.into()))
    }

    /// Queues a value as compact JSON in a text frame.
    ///
    /// # Errors
    /// As [`Self::send`], and [`Error::BadJson`].
    pub fn send_json(&self, value: &impl Serialize) -> Result<()> {
        self.send(Message::from_json(value, JsonMode::Text)?)
    }

    /// Queues a value as JSON in a frame of this kind.
    ///
    /// # Errors
    /// As [`Self::send_json`].
    pub fn send_json_in(&self, value: &impl Serialize, mode: JsonMode) -> Result<()> {
        self.send(Message::from_json(value, mode)?)
    }

    /// Queues a message if there is room, and says whether there was.
    ///
    /// # Errors
    /// [`Error::WrongState`], [`Error::TooLarge`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<Queued> {
        Ok(websocket::try_send(self.id, &message.into().into())?.into())
    }

    /// Queues JSON that is text already; the host checks it and takes the blanks out.
    ///
    /// # Errors
    /// As [`Self::send_json`].
    pub fn send_json_text(&self, json: &str, mode: JsonMode) -> Result<()> {
        Ok(websocket::send_json(self.id, json, mode.into())?)
    }

    /// Messages that `overflow = "drop-oldest"` of the manifest has dropped so far.
    pub fn dropped(&self) -> u64 {
        websocket::dropped(self.id)
    }

    /// The bytes that are attached to this websocket; none at first. They stay with it when no instance does, over new
    /// code too, and end with it.
    pub fn attachment(&self) -> Vec<u8> {
        websocket::attachment(self.id)
    }

    /// Attaches bytes in place of those before.
    ///
    /// # Errors
    /// [`Error::TooLarge`] past 16 KiB.
    pub fn set_attachment(&self, bytes: impl AsRef<[u8]>) -> Result<()> {
        Ok(websocket::set_attachment(self.id, bytes.as_ref())?)
    }

    /// The value that was [attached](Self::attach) as JSON; none where nothing is.
    ///
    /// # Errors
    /// [`Error::BadJson`] where it is of another type.
    pub fn attached<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        let bytes = self.attachment();
        if bytes.is_empty() { Ok(None) } else { Ok(Some(serde_json::from_slice(&bytes)?)) }
    }

    /// Attaches a value as JSON, of at most 16 KiB, in place of what was.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; [`Error::BadJson`] for what JSON cannot express.
    pub fn attach(&self, value: &(impl Serialize + ?Sized)) -> Result<()> {
        self.set_attachment(serde_json::to_vec(value)?)
    }

    /// Sends a ping and waits for its pong; says how long it was on its way.
    ///
    /// # Errors
    /// [`Error::WrongState`]; [`Error::Disconnected`] where none comes within 10 seconds.
    pub fn ping(&self) -> Result<Duration> {
        Ok(Duration::from_nanos(websocket::ping(self.id)?))
    }

    /// How long the last ping was on its way, the host's own included.
    pub fn round_trip(&self) -> Option<Duration> {
        websocket::round_trip(self.id).map(Duration::from_nanos)
    }

    /// The next message, none once the websocket has ended; then [`Self::close_code`] says why. Loop
    /// style.
    ///
    /// # Errors
    /// [`Error::WrongState`] before `accept`, [`Error::WrongStyle`]; [`Error::Retire`] once another version of the
    /// app can take over: leave it to `?`, or go on.
    pub fn next(&self) -> Result<Option<Message>> {
        match self.receive() {
            Ok(message) => Ok(Some(message)),
            Err(Error::Disconnected(close)) => {
                // The first stays, and all are the same.
                let _same = self.close.set(close);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// The close code with which [`Self::next`] ended: 1005 where the peer gave none, 1006 where the
    /// connection ended without a close frame.
    pub fn close_code(&self) -> Option<u16> {
        self.close_info().map(|close| close.code)
    }

    /// Code and reason with which [`Self::next`] ended.
    pub fn close_info(&self) -> Option<&Close> {
        self.close.get()
    }

    /// The next message. Loop style.
    ///
    /// # Errors
    /// [`Error::Disconnected`] once the websocket has ended; as [`Self::next`].
    pub fn receive(&self) -> Result<Message> {
        Ok(websocket::receive(self.id, None)?.into())
    }

    /// The next message, if it comes in time. Loop style.
    ///
    /// # Errors
    /// [`Error::TimedOut`]; as [`Self::receive`].
    pub fn receive_timeout(&self, timeout: Duration) -> Result<Message> {
        Ok(websocket::receive(self.id, Some(nanos(timeout)))?.into())
    }

    /// The next message, which is to be text.
    ///
    /// # Errors
    /// [`Error::WrongKind`], and the message is lost; as [`Self::receive`].
    pub fn receive_text(&self) -> Result<String> {
        self.receive()?.into_text()
    }

    /// The next message, which is to be binary.
    ///
    /// # Errors
    /// As [`Self::receive_text`].
    pub fn receive_bytes(&self) -> Result<Vec<u8>> {
        self.receive()?.into_bytes()
    }

    /// The next message, which is to be JSON, in either kind of frame.
    ///
    /// # Errors
    /// [`Error::BadJson`] with the position; as [`Self::receive`].
    pub fn receive_json<T: DeserializeOwned>(&self) -> Result<T> {
        self.receive()?.json()
    }

    /// The next message, which is to be JSON in a frame of this kind.
    ///
    /// # Errors
    /// [`Error::WrongKind`]; as [`Self::receive_json`].
    pub fn receive_json_in<T: DeserializeOwned>(&self, mode: JsonMode) -> Result<T> {
        self.receive()?.json_in(mode)
    }

    /// The text of the next message, which is to be JSON in a frame of this kind; the host checks it.
    ///
    /// # Errors
    /// As [`Self::receive_json_in`].
    pub fn receive_json_text(&self, mode: JsonMode) -> Result<String> {
        Ok(websocket::receive_json(self.id, mode.into(), None)?)
    }

    /// Closes, after all that is queued, with a code (1000-1003, 1007-1013, 3000-4999) and a reason of
    /// at most 123 bytes. In loop style it waits for the peer's close, up to a deadline. Before
    /// `accept` it denies the handshake with 403.
    ///
    /// # Errors
    /// [`Error::InvalidCode`], [`Error::TooLarge`], [`Error::WrongState`], [`Error::Disconnected`].
    pub fn close(&self, code: u16, reason: &str) -> Result<()> {
        Ok(websocket::close(self.id, code, reason)?)
    }

    /// The peer's session, loaded anew; unsaved changes stay. Cheap to repeat: open it in each event.
    /// Before `accept` it puts the cookie on the handshake; after, a peer without a cookie gets none.
    ///
    /// # Errors
    /// [`Error::SessionUnavailable`].
    pub fn session(&self) -> Result<Session> {
        Session::open(self.id)
    }

    /// Joins a group, to hear what is [published](crate::groups::publish) there; the websocket leaves
    /// it when it ends.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a bad name or too many groups, [`Error::PeerGone`].
    pub fn join(&self, group: &str) -> Result<()> {
        Ok(groups::join(self.id, group)?)
    }

    /// As [`Self::join`], with what others see of it, tags, and where it takes up. In a group that it is in, what is said now takes
    /// the place of what was said before.
    ///
    /// ```
    /// use sessile_sdk::groups::Membership;
    /// use sessile_sdk::prelude::*;
    ///
    /// struct Room;
    ///
    /// impl WebsocketEvents for Room {
    ///     fn on_open(ws: &WebSocket) -> Result<()> {
    ///         let joined = ws.join_as("room", &Membership::new().metadata(&"Ada")?.tag("editor"))?;
    ///         ws.send(format!("{} publications so far", joined.position.map_or(0, |at| at.offset)))
    ///     }
    ///
    ///     fn on_message(_: &WebSocket, _: Message) -> Result<()> {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// sessile_sdk::websocket_events!(Room);
    /// # fn main() {}
    /// ```
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a bad name, tag or too much metadata, [`Error::PeerGone`].
    pub fn join_as(&self, group: &str, how: &Membership) -> Result<Joined> {
        Ok(groups::join_as(self.id, group, &how.into())?.into())
    }

    /// Leaves a group; nothing happens if it is not in it.
    ///
    /// # Errors
    /// As [`Self::join`].
    pub fn leave(&self, group: &str) -> Result<()> {
        Ok(groups::leave(self.id, group)?)
    }
}

impl Deref for WebSocket {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
