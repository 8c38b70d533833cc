//! Messages and closes: plain data. Knows nothing of the host.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::wit::types;
use crate::error::{Error, Result};

/// One whole WebSocket message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8.
    Text(String),
    /// Bytes.
    Binary(Vec<u8>),
}

/// In which kind of frame JSON travels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum JsonMode {
    /// Text frames.
    #[default]
    Text,
    /// Binary frames.
    Binary,
}

/// Why a websocket ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// 1005 where the peer gave none, 1006 where the connection ended without a close frame.
    pub code: u16,
    /// At most 123 bytes.
    pub reason: String,
}

impl Message {
    /// A value as compact JSON.
    ///
    /// # Errors
    /// [`Error::BadJson`] for what JSON cannot express, such as a map with keys that are not text.
    pub fn from_json(value: &impl Serialize, mode: JsonMode) -> Result<Self> {
        Ok(match mode {
            JsonMode::Text => Self::Text(serde_json::to_string(value)?),
            JsonMode::Binary => Self::Binary(serde_json::to_vec(value)?),
        })
    }

    /// The value of a message in JSON, in either kind of frame.
    ///
    /// ```
    /// use sessile_sdk::prelude::*;
    ///
    /// let moves = Message::from("[[1, 2], [3, 4]]").json::<Vec<(u8, u8)>>()?;
    /// assert_eq!(moves, [(1, 2), (3, 4)]);
    ///
    /// let error = Message::from("[1, ?]").json::<Vec<u8>>().unwrap_err();
    /// assert_eq!(error.to_string(), "bad JSON at line 1 column 5: expected value");
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::BadJson`] with the position.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(self.as_bytes())?)
    }

    /// The value of a message in JSON, in this kind of frame.
    ///
    /// # Errors
    /// [`Error::WrongKind`]; as [`Self::json`].
    pub fn json_in<T: DeserializeOwned>(&self, mode: JsonMode) -> Result<T> {
        match (self, mode) {
            (Self::Text(_), JsonMode::Binary) => Err(Error::WrongKind { wanted: "binary" }),
            (Self::Binary(_), JsonMode::Text) => Err(Error::WrongKind { wanted: "text" }),
            _ => self.json(),
        }
    }

    /// The text.
    ///
    /// # Errors
    /// [`Error::WrongKind`].
    pub fn into_text(self) -> Result<String> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Binary(_) => Err(Error::WrongKind { wanted: "text" }),
        }
    }

    /// The bytes of a binary message.
    ///
    /// # Errors
    /// [`Error::WrongKind`].
    pub fn into_bytes(self) -> Result<Vec<u8>> {
        match self {
            Self::Binary(bytes) => Ok(bytes),
            Self::Text(_) => Err(Error::WrongKind { wanted: "binary" }),
        }
    }

    /// The payload.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

impl From<JsonMode> for types::Kind {
    fn from(mode: JsonMode) -> Self {
        match mode {
            JsonMode::Text => Self::Text,
            JsonMode::Binary => Self::Binary,
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for Message {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl From<types::Message> for Message {
    fn from(message: types::Message) -> Self {
        match message {
            types::Message::Text(text) => Self::Text(text),
            types::Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl From<Message> for types::Message {
    fn from(message: Message) -> Self {
        match message {
            Message::Text(text) => Self::Text(text),
            Message::Binary(bytes) => Self::Binary(bytes),
        }
    }
}

impl From<types::CloseInfo> for Close {
    fn from(close: types::CloseInfo) -> Self {
        Self { code: close.code, reason: close.reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_in_both_kinds_is_compact_and_comes_back() {
        let value = serde_json::json!({ "a": [1, 2] });
        for mode in [JsonMode::Text, JsonMode::Binary] {
            let message = Message::from_json(&value, mode).unwrap();
            assert_eq!(message.as_bytes(), br#"{"a":[1,2]}"#);
            assert_eq!(message.json::<serde_json::Value>().unwrap(), value);
        }
    }

    #[test]
    fn json_that_is_bad_names_the_position() {
        let error = Message::from("{\"a\":\n oops}").json::<serde_json::Value>().unwrap_err();
        assert!(matches!(error, Error::BadJson { line: 2, column: 2, .. }), "{error:?}");
    }

    #[test]
    fn message_of_the_wrong_kind_is_a_typed_error() {
        assert_eq!(Message::from("x").into_bytes(), Err(Error::WrongKind { wanted: "binary" }));
        assert_eq!(Message::from(vec![1]).into_text(), Err(Error::WrongKind { wanted: "text" }));
        let wrong = Message::from("1").json_in::<u8>(JsonMode::Binary);
        assert_eq!(wrong, Err(Error::WrongKind { wanted: "binary" }));
        assert_eq!(Message::from("1").json_in::<u8>(JsonMode::Text), Ok(1));
    }
}
