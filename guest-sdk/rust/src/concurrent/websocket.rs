//! One websocket, with operations to be awaited. Each says the same as its plain namesake.

use std::cell::OnceCell;
use std::ops::Deref;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Session;
use crate::bindings::awaited::wit::{groups, websocket};
use crate::error::{Error, Result};
use crate::groups::{Joined, Membership};
use crate::message::{Close, JsonMode, Message};
use crate::websocket::{fields, nanos};

/// As [`WebSocket`](crate::WebSocket), to which it derefs for all that does not wait. Several of its
/// operations may wait at once; of several `receive`s each message goes to one.
#[derive(Debug)]
pub struct WebSocket {
    plain: crate::WebSocket,
    close: OnceCell<Close>,
}

impl WebSocket {
    #[doc(hidden)]
    pub fn new(id: u64) -> Self {
        Self { plain: crate::WebSocket::new(id), close: OnceCell::new() }
    }

    /// As [`WebSocket::accept`](crate::WebSocket::accept).
    ///
    /// # Errors
    /// As there.
    pub async fn accept(&self) -> Result<()> {
        self.accept_with(None, &[]).await
    }

    /// As [`WebSocket::accept_with`](crate::WebSocket::accept_with).
    ///
    /// # Errors
    /// As there.
    pub async fn accept_with(&self, subprotocol: Option<&str>, headers: &[(&str, &str)]) -> Result<()> {
        Ok(websocket::accept(self.id(), subprotocol.map(str::to_owned), fields(headers)).await?)
    }

    /// As [`WebSocket::reject`](crate::WebSocket::reject).
    ///
    /// # Errors
    /// As there.
    pub async fn reject(&self, status: u16, headers: &[(&str, &str)], body: impl Into<Vec<u8>>) -> Result<()> {
        Ok(websocket::reject(self.id(), status, fields(headers), body.into()).await?)
    }

    /// As [`WebSocket::send`](crate::WebSocket::send).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped while it waits for room, the message may still be sent.
    pub async fn send(&self, message: impl Into<Message>) -> Result<()> {
        Ok(websocket::send(self.id(), message.into().into()).await?)
    }

    /// As [`WebSocket::send_text`](crate::WebSocket::send_text).
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_text(&self, text: impl Into<String>) -> Result<()> {
        self.send(Message::Text(text.into())).await
    }

    /// As [`WebSocket::send_bytes`](crate::WebSocket::send_bytes).
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_bytes(&self, bytes: impl Into<Vec<u8>>) -> Result<()> {
        self.send(Message::Binary(bytes.into())).await
    }

    /// As [`WebSocket::send_json`](crate::WebSocket::send_json).
    ///
    /// # Errors
    /// As there.
    pub async fn send_json(&self, value: &impl Serialize) -> Result<()> {
        self.send_json_in(value, JsonMode::Text).await
    }

    /// As [`WebSocket::send_json_in`](crate::WebSocket::send_json_in).
    ///
    /// # Errors
    /// As there.
    pub async fn send_json_in(&self, value: &impl Serialize, mode: JsonMode) -> Result<()> {
        self.send(Message::from_json(value, mode)?).await
    }

    /// As [`WebSocket::ping`](crate::WebSocket::ping).
    ///
    /// # Errors
    /// As there.
    pub async fn ping(&self) -> Result<Duration> {
        Ok(Duration::from_nanos(websocket::ping(self.id()).await?))
    }

    /// As [`WebSocket::next`](crate::WebSocket::next).
    ///
    /// # Errors
    /// As there.
    pub async fn next(&self) -> Result<Option<Message>> {
        match self.receive().await {
            Ok(message) => Ok(Some(message)),
            Err(Error::Disconnected(close)) => {
                // The first stays, and all are the same.
                let _same = self.close.set(close);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// As [`WebSocket::close_code`](crate::WebSocket::close_code).
    pub fn close_code(&self) -> Option<u16> {
        self.close_info().map(|close| close.code)
    }

    /// As [`WebSocket::close_info`](crate::WebSocket::close_info).
    pub fn close_info(&self) -> Option<&Close> {
        self.close.get()
    }

    /// As [`WebSocket::receive`](crate::WebSocket::receive).
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped while it waits, a message that has just come may be lost: keep it, or use
    /// [`Self::receive_timeout`].
    pub async fn receive(&self) -> Result<Message> {
        Ok(websocket::receive(self.id(), None).await?.into())
    }

    /// As [`WebSocket::receive_timeout`](crate::WebSocket::receive_timeout).
    ///
    /// # Errors
    /// As there.
    pub async fn receive_timeout(&self, timeout: Duration) -> Result<Message> {
        Ok(websocket::receive(self.id(), Some(nanos(timeout))).await?.into())
    }

    /// As [`WebSocket::receive_text`](crate::WebSocket::receive_text).
    ///
    /// # Errors
    /// As there.
    pub async fn receive_text(&self) -> Result<String> {
        self.receive().await?.into_text()
    }

    /// As [`WebSocket::receive_bytes`](crate::WebSocket::receive_bytes).
    ///
    /// # Errors
    /// As there.
    pub async fn receive_bytes(&self) -> Result<Vec<u8>> {
        self.receive().await?.into_bytes()
    }

    /// As [`WebSocket::receive_json`](crate::WebSocket::receive_json).
    ///
    /// # Errors
    /// As there.
    pub async fn receive_json<T: DeserializeOwned>(&self) -> Result<T> {
        self.receive().await?.json()
    }

    /// As [`WebSocket::receive_json_in`](crate::WebSocket::receive_json_in).
    ///
    /// # Errors
    /// As there.
    pub async fn receive_json_in<T: DeserializeOwned>(&self, mode: JsonMode) -> Result<T> {
        self.receive().await?.json_in(mode)
    }

    /// As [`WebSocket::close`](crate::WebSocket::close).
    ///
    /// # Errors
    /// As there.
    pub async fn close(&self, code: u16, reason: &str) -> Result<()> {
        Ok(websocket::close(self.id(), code, reason.to_owned()).await?)
    }

    /// As [`WebSocket::session`](crate::WebSocket::session).
    ///
    /// # Errors
    /// As there.
    pub async fn session(&self) -> Result<Session> {
        Session::open(self.id()).await
    }

    /// As [`WebSocket::join`](crate::WebSocket::join).
    ///
    /// # Errors
    /// As there.
    pub async fn join(&self, group: &str) -> Result<()> {
        Ok(groups::join(self.id(), group.to_owned()).await?)
    }

    /// As [`WebSocket::join_as`](crate::WebSocket::join_as).
    ///
    /// # Errors
    /// As there.
    pub async fn join_as(&self, group: &str, how: &Membership) -> Result<Joined> {
        Ok(groups::join_as(self.id(), group.to_owned(), how.into()).await?.into())
    }

    /// As [`WebSocket::leave`](crate::WebSocket::leave).
    ///
    /// # Errors
    /// As there.
    pub async fn leave(&self, group: &str) -> Result<()> {
        Ok(groups::leave(self.id(), group.to_owned()).await?)
    }
}

impl Deref for WebSocket {
    type Target = crate::WebSocket;

    fn deref(&self) -> &crate::WebSocket {
        &self.plain
    }
}
