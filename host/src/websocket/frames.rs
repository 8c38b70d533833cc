//! The seam to tokio-tungstenite: frames in, frames out, over any byte stream.
//!
//! Owns the buffers' sizes and the translation of protocol errors into close codes. tungstenite is
//! named here, in the handshake and nowhere else, so that another codec can take its place. It
//! checks RFC 6455 §5 (masking, fragmentation, UTF-8, control frames) and answers pings and closes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Sink, Stream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Wire;
use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use crate::event::{Close, Message};
use crate::failure::close_code;
use crate::limits;

/// A byte stream under a websocket.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Any byte stream under a websocket.
pub type Io = Box<dyn Duplex>;

/// What came from the peer.
#[derive(Debug)]
pub enum Incoming {
    /// A whole message.
    Message(Message),
    /// A ping, which the codec answers.
    Ping,
    /// A pong.
    Pong,
    /// Its close frame; the codec's answer leaves with the next flush.
    Close(Option<Close>),
    /// It broke the protocol or a limit; nothing after it can be read.
    Violation(Close),
    /// The connection has ended.
    End,
}

/// A websocket's frames.
pub struct Frames {
    stream: Box<WebSocketStream<Io>>,
    /// The peer broke the protocol: nothing that it sends can be read.
    broken: bool,
    /// Our close frame is buffered or sent.
    closed: bool,
}

impl Frames {
    /// The server's side over a stream on which a handshake has been answered; `read` is what came
    /// after the request.
    pub async fn new(io: Io, read: Bytes, message_bytes_max: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(limits::READ_BUFFER_BYTES)
            .write_buffer_size(limits::WRITE_BUFFER_BYTES)
            .max_message_size(Some(message_bytes_max))
            .max_frame_size(Some(message_bytes_max));
        // Copied: a slice of hyper's read buffer, even an empty one, would keep all of that alive.
        let stream = WebSocketStream::from_partially_read(io, read.to_vec(), Role::Server, Some(config)).await;
        Self { stream: Box::new(stream), broken: false, closed: false }
    }

    /// The next thing from the peer. After a violation, what it still sends is read and thrown away
    /// until it ends, so that our close frame is not lost to a reset (RFC 6455 §7.1.1).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        if self.broken {
            return self.poll_discard(cx);
        }
        let next = ready!(Pin::new(&mut *self.stream).poll_next(cx));
        Poll::Ready(match next {
            Some(Ok(wire)) => incoming(wire),
            Some(Err(error)) => match violation(&error) {
                Some(close) => {
                    self.broken = true;
                    Incoming::Violation(close)
                }
                None => Incoming::End,
            },
            None => Incoming::End,
        })
    }

    /// Ready when a frame may be given to `start`.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        Pin::new(&mut *self.stream).poll_ready(cx).map_err(|_| Gone)
    }

    /// Buffers a message, or writes it if the buffer is full.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn start(&mut self, message: Message) -> Result<(), Gone> {
        self.start_wire(match message {
            Message::Text(text) => Wire::Text(text),
            Message::Binary(bytes) => Wire::Binary(bytes),
        })
    }

    /// Buffers a close frame.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn start_close(&mut self, close: Close) -> Result<(), Gone> {
        self.closed = true;
        let code = CloseCode::from(close.code);
        self.start_wire(Wire::Close(Some(CloseFrame { code, reason: close.reason.into() })))
    }

    /// Buffers a ping.
    ///
    /// # Errors
    /// [`Gone`].
    pub fn start_ping(&mut self) -> Result<(), Gone> {
        self.start_wire(Wire::Ping(Bytes::new()))
    }

    /// Writes what is buffered. After a violation and our close frame, it also ends our side of the
    /// connection: the peer's answer cannot be read, so the peer is to wait for nothing more.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let flushed = ready!(Pin::new(&mut *self.stream).poll_flush(cx));
        if flushed.is_ok() && self.broken && self.closed {
            return Pin::new(self.stream.get_mut()).poll_shutdown(cx).map_err(|_| Gone);
        }
        Poll::Ready(flushed.map_err(|_| Gone))
    }

    fn start_wire(&mut self, wire: Wire) -> Result<(), Gone> {
        Pin::new(&mut *self.stream).start_send(wire).map_err(|_| Gone)
    }

    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(self.stream.get_mut()).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                return Poll::Ready(Incoming::End);
            }
        }
    }
}

/// The connection takes no more frames.
#[derive(Clone, Copy, Debug)]
pub struct Gone;

fn incoming(wire: Wire) -> Incoming {
    match wire {
        Wire::Text(text) => Incoming::Message(Message::Text(text)),
        Wire::Binary(bytes) => Incoming::Message(Message::Binary(bytes)),
        Wire::Close(frame) => Incoming::Close(frame.map(|frame| Close::new(frame.code.into(), frame.reason.as_str()))),
        Wire::Ping(_) | Wire::Frame(_) => Incoming::Ping,
        Wire::Pong(_) => Incoming::Pong,
    }
}

/// The close that an error of the codec calls for; none where the connection is simply over.
fn violation(error: &Error) -> Option<Close> {
    match error {
        Error::Capacity(CapacityError::MessageTooLong { size, max_size }) => {
            Some(Close::new(close_code::TOO_LARGE, format!("message of {size} bytes exceeds the limit of {max_size}")))
        }
        Error::Capacity(_) => Some(Close::new(close_code::TOO_LARGE, "")),
        Error::Utf8(_) => Some(Close::new(close_code::INVALID_DATA, "text is not UTF-8")),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
        Error::Protocol(error) => {
            let reason = error.to_string();
            let end = reason.floor_char_boundary(limits::CLOSE_REASON_BYTES_MAX);
            Some(Close::new(close_code::PROTOCOL, reason.get(..end).unwrap_or_default()))
        }
        _ => None,
    }
}
