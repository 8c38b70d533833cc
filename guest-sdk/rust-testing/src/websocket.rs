//! The peer's end of a websocket.

use std::net::TcpStream;

use serde::Serialize;
use serde::de::DeserializeOwned;
use sessile_sdk::{Close, Message};
use tungstenite::handshake::client::Response;
use tungstenite::http::HeaderMap;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Error, Message as Wire};

use crate::PATIENCE;

/// A websocket that the app accepted. Pings are answered while it receives. Dropped, its connection ends
/// without a close frame: the handler sees 1006.
pub struct WebSocket {
    stream: tungstenite::WebSocket<TcpStream>,
    response: Response,
}

impl WebSocket {
    pub(crate) fn new(stream: tungstenite::WebSocket<TcpStream>, response: Response) -> Self {
        Self { stream, response }
    }

    /// The headers of the 101.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The subprotocol that the handler chose.
    pub fn subprotocol(&self) -> Option<&str> {
        self.headers().get("sec-websocket-protocol")?.to_str().ok()
    }

    /// Sends a text or bytes.
    ///
    /// # Panics
    /// Where the websocket has ended.
    #[track_caller]
    pub fn send(&mut self, message: impl Into<Message>) {
        let wire = match message.into() {
            Message::Text(text) => Wire::text(text),
            Message::Binary(bytes) => Wire::binary(bytes),
        };
        if let Err(error) = self.stream.send(wire) {
            panic!("the message was not sent: {error}");
        }
    }

    /// Sends a value as JSON in a text.
    ///
    /// # Panics
    /// Where the websocket has ended.
    #[track_caller]
    pub fn send_json(&mut self, value: &impl Serialize) {
        self.send(serde_json::to_string(value).expect("a value that JSON can express"));
    }

    /// The next message.
    ///
    /// # Panics
    /// Where the app closed instead, or nothing came for [`PATIENCE`].
    #[track_caller]
    pub fn receive(&mut self) -> Message {
        match self.next("a message") {
            Ok(message) => message,
            Err(Close { code, reason }) => panic!("no message, but a close: {code} {reason:?}"),
        }
    }

    /// The next message's text.
    ///
    /// # Panics
    /// As [`Self::receive`]; where the message is binary.
    #[track_caller]
    pub fn receive_text(&mut self) -> String {
        match self.receive() {
            Message::Text(text) => text,
            Message::Binary(bytes) => panic!("not a text, but {bytes:?}"),
        }
    }

    /// The value of the next message.
    ///
    /// # Panics
    /// As [`Self::receive`]; where the message is not JSON of this type.
    #[track_caller]
    pub fn receive_json<T: DeserializeOwned>(&mut self) -> T {
        let message = self.receive();
        match serde_json::from_slice(message.as_bytes()) {
            Ok(value) => value,
            Err(error) => panic!("{error}: {message:?}"),
        }
    }

    /// Receives, and compares.
    ///
    /// # Panics
    /// As [`Self::receive`]; where it is another message.
    #[track_caller]
    pub fn expect(&mut self, message: impl Into<Message>) {
        assert_eq!(self.receive(), message.into());
    }

    /// Receives JSON, and compares.
    ///
    /// # Panics
    /// As [`Self::receive_json`]; where it is another value.
    #[track_caller]
    pub fn expect_json(&mut self, value: serde_json::Value) {
        assert_eq!(self.receive_json::<serde_json::Value>(), value);
    }

    /// Waits until the app has closed.
    ///
    /// # Panics
    /// Where a message comes instead, or nothing for [`PATIENCE`].
    #[track_caller]
    pub fn closed(&mut self) -> Close {
        match self.next("a close") {
            Ok(message) => panic!("no close, but {message:?}"),
            Err(close) => close,
        }
    }

    /// Closes, and waits for the app's answer; messages before it are passed over.
    ///
    /// # Panics
    /// Without an answer for [`PATIENCE`].
    #[track_caller]
    pub fn close(mut self, code: u16, reason: &str) -> Close {
        // One that has ended says so below.
        let _ended = self.stream.close(Some(CloseFrame { code: code.into(), reason: reason.into() }));
        loop {
            if let Err(close) = self.next("the answer to the close") {
                return close;
            }
        }
    }

    #[track_caller]
    fn next(&mut self, awaited: &str) -> Result<Message, Close> {
        loop {
            match self.stream.read() {
                Ok(Wire::Text(text)) => return Ok(Message::Text(text.as_str().to_owned())),
                Ok(Wire::Binary(bytes)) => return Ok(Message::Binary(bytes.into())),
                Ok(Wire::Close(frame)) => {
                    // Sends the answer.
                    let _ended = self.stream.flush();
                    return Err(frame.map_or_else(|| close(1005, ""), |frame| close(frame.code.into(), &frame.reason)));
                }
                Ok(Wire::Ping(_) | Wire::Pong(_) | Wire::Frame(_)) => {}
                Err(Error::Io(error)) if error.kind() == std::io::ErrorKind::WouldBlock => {
                    panic!("{awaited} was awaited, and nothing came for {PATIENCE:?}");
                }
                Err(_) => return Err(close(1006, "")),
            }
        }
    }
}

fn close(code: u16, reason: &str) -> Close {
    Close { code, reason: reason.to_owned() }
}
