//! Websockets, in both styles.

use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::wit::{groups, websocket};
use crate::error::{Error, Result};
use crate::head::Head;
use crate::message::{Close, JsonMode, Message};
use crate::session::Session;

/// A websocket that the host holds for this handler. What was asked is read through [`Head`].
#[derive(Debug)]
pub struct WebSocket {
    id: u64,
    head: Head,
    close: Option<Close>,
}

/// Where a websocket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The handshake has not been answered.
    Connecting,
    /// Accepted.
    Open,
    /// One side has closed.
    Closing,
    /// Ended.
    Closed,
}

/// What became of a message given to [`WebSocket::try_send`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It is queued; so many bytes now wait for the peer.
    Queued(u64),
    /// There was no room.
    Full,
    /// The websocket has ended.
    Gone(Close),
}

/// An event-style handler: a call for each thing that happens to a websocket.
#[allow(async_fn_in_trait, reason = "a guest has one thread")]
pub trait WebsocketEvents {
    /// The handshake has come: accept, reject, or return and so accept.
    async fn on_open(ws: &WebSocket) -> Result<()> {
        let _ = ws;
        Ok(())
    }

    /// A message came.
    async fn on_message(ws: &WebSocket, message: Message) -> Result<()>;

    /// Messages came, in order. Override it to treat all that has queued up at once.
    async fn on_messages(ws: &WebSocket, messages: Vec<Message>) -> Result<()> {
        for message in messages {
            Self::on_message(ws, message).await?;
        }
        Ok(())
    }

    /// The websocket has ended; exactly once, after all messages.
    async fn on_close(ws: &WebSocket, close: Close) -> Result<()> {
        let _ = (ws, close);
        Ok(())
    }
}

impl WebSocket {
    #[doc(hidden)]
    pub fn new(id: u64) -> Self {
        Self { id, head: Head::new(id), close: None }
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

    /// Accepts the handshake.
    ///
    /// # Errors
    /// [`Error::WrongState`] the second time, [`Error::Disconnected`].
    pub async fn accept(&self) -> Result<()> {
        self.accept_with(None, &[]).await
    }

    /// Accepts with one of the offered subprotocols and more headers.
    ///
    /// # Errors
    /// As [`Self::accept`], and [`Error::NotOffered`], [`Error::InvalidHead`].
    pub async fn accept_with(&self, subprotocol: Option<&str>, headers: &[(&str, &str)]) -> Result<()> {
        Ok(websocket::accept(self.id, subprotocol.map(str::to_owned), fields(headers)).await?)
    }

    /// Denies the handshake with a status of 400-599 and a body.
    ///
    /// # Errors
    /// [`Error::WrongState`] once it is answered, [`Error::InvalidHead`].
    pub async fn reject(&self, status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Result<()> {
        Ok(websocket::reject(self.id, status, fields(headers), body.into()).await?)
    }

    /// Queues a message; waits while the outbox is full.
    ///
    /// # Errors
    /// [`Error::Disconnected`], [`Error::WrongState`], [`Error::TooLarge`], [`Error::TimedOut`].
    pub async fn send(&self, message: impl Into<Message>) -> Result<()> {
        Ok(websocket::send(self.id, message.into().into()).await?)
    }

    /// Queues a value as JSON in a text frame.
    ///
    /// # Errors
    /// As [`Self::send`], and [`Error::BadJson`].
    pub async fn send_json(&self, value: &impl Serialize) -> Result<()> {
        self.send(Message::from_json(value, JsonMode::Text)?).await
    }

    /// Queues a value as JSON in a frame of this kind.
    ///
    /// # Errors
    /// As [`Self::send_json`].
    pub async fn send_json_in(&self, value: &impl Serialize, mode: JsonMode) -> Result<()> {
        self.send(Message::from_json(value, mode)?).await
    }

    /// Queues a message if there is room.
    ///
    /// # Errors
    /// [`Error::WrongState`], [`Error::TooLarge`].
    pub fn try_send(&self, message: impl Into<Message>) -> Result<Queued> {
        Ok(match websocket::try_send(self.id, &message.into().into())? {
            websocket::Queued::Queued(bytes) => Queued::Queued(bytes),
            websocket::Queued::Full => Queued::Full,
            websocket::Queued::Gone(close) => Queued::Gone(close.into()),
        })
    }

    /// The next message, none once the websocket has ended; then [`Self::close_info`] says why. Loop
    /// style.
    ///
    /// # Errors
    /// [`Error::WrongState`] before `accept`, [`Error::WrongStyle`].
    pub async fn next(&mut self) -> Result<Option<Message>> {
        match self.receive().await {
            Ok(message) => Ok(Some(message)),
            Err(Error::Disconnected(close)) => {
                self.close = Some(close);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Why [`Self::next`] ended.
    pub fn close_info(&self) -> Option<&Close> {
        self.close.as_ref()
    }

    /// The next message. Loop style.
    ///
    /// # Errors
    /// [`Error::Disconnected`] once the websocket has ended; as [`Self::next`].
    pub async fn receive(&self) -> Result<Message> {
        Ok(websocket::receive(self.id, None).await?.into())
    }

    /// The next message, if it comes in time. Loop style.
    ///
    /// # Errors
    /// [`Error::TimedOut`]; as [`Self::receive`].
    pub async fn receive_timeout(&self, timeout: Duration) -> Result<Message> {
        Ok(websocket::receive(self.id, Some(nanos(timeout))).await?.into())
    }

    /// The next message, which is to be text.
    ///
    /// # Errors
    /// [`Error::WrongKind`]; as [`Self::receive`].
    pub async fn receive_text(&self) -> Result<String> {
        self.receive().await?.into_text()
    }

    /// The next message, which is to be binary.
    ///
    /// # Errors
    /// [`Error::WrongKind`]; as [`Self::receive`].
    pub async fn receive_bytes(&self) -> Result<Vec<u8>> {
        self.receive().await?.into_bytes()
    }

    /// The next message, which is to be JSON, in either kind of frame.
    ///
    /// # Errors
    /// [`Error::BadJson`] with the position; as [`Self::receive`].
    pub async fn receive_json<T: DeserializeOwned>(&self) -> Result<T> {
        self.receive().await?.json()
    }

    /// Closes with a code (1000-1003, 1007-1013, 3000-4999) and a reason of at most 123 bytes.
    /// Before `accept` it denies the handshake with 403.
    ///
    /// # Errors
    /// [`Error::InvalidCode`], [`Error::TooLarge`], [`Error::WrongState`], [`Error::Disconnected`].
    pub async fn close(&self, code: u16, reason: &str) -> Result<()> {
        Ok(websocket::close(self.id, code, reason.to_owned()).await?)
    }

    /// The peer's session, loaded anew. Before `accept` it puts the cookie on the handshake.
    ///
    /// # Errors
    /// [`Error::SessionUnavailable`].
    pub async fn session(&self) -> Result<Session> {
        Session::open(self.id).await
    }

    /// Joins a group; the websocket leaves it when it ends.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a bad name or too many groups, [`Error::PeerGone`].
    pub async fn join(&self, group: &str) -> Result<()> {
        Ok(groups::join(self.id, group.to_owned()).await?)
    }

    /// Leaves a group.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for a bad name.
    pub async fn leave(&self, group: &str) -> Result<()> {
        Ok(groups::leave(self.id, group.to_owned()).await?)
    }
}

impl Deref for WebSocket {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl From<websocket::State> for State {
    fn from(state: websocket::State) -> Self {
        match state {
            websocket::State::Connecting => Self::Connecting,
            websocket::State::Open => Self::Open,
            websocket::State::Closing => Self::Closing,
            websocket::State::Closed => Self::Closed,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}

pub(crate) fn fields(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

pub(crate) fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
