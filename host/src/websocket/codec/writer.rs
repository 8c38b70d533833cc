//! What is sent to the peer: frames that wait, and in which pieces they are written.
//!
//! Payloads wait where they are, shared with whoever else sends them; only small ones are copied, when
//! they are written.

use std::collections::VecDeque;

use bytes::Bytes;

use super::deflate::Deflate;
use super::head::{Opcode, OwnHead};
use super::{close, deflate};
use crate::event::{Close, Message};
use crate::limits;

/// What a frame that waits costs beside its payload, in bytes: so that empty ones count too.
const FRAME_BYTES: usize = size_of::<Frame>();

/// The state of writing one websocket.
#[derive(Debug)]
pub struct Writer {
    deflate: Option<Deflate>,
    frames: VecDeque<Frame>,
    /// Bytes of the first frame that have been written.
    written: usize,
    /// What the frames cost.
    bytes: usize,
    /// The pong for which there was no room: the last one is enough (RFC 6455 §5.5.3).
    pong: Option<Box<Pong>>,
}

#[derive(Debug)]
struct Pong {
    payload: Vec<u8>,
}

#[derive(Debug)]
struct Frame {
    head: OwnHead,
    payload: Bytes,
}

impl Writer {
    /// A server's side, with what the handshake has agreed on.
    #[must_use]
    pub fn new(deflate: Option<Deflate>) -> Self {
        Self { deflate, frames: VecDeque::new(), written: 0, bytes: 0, pong: None }
    }

    /// Whether another frame may be added: less than [`limits::WRITE_BUFFER_BYTES`] wait.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.bytes < limits::WRITE_BUFFER_BYTES
    }

    /// Whether there is nothing to write.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// Gives back the memory of frames that have been written, where none waits.
    pub fn rest(&mut self) {
        if self.frames.is_empty() {
            self.frames = VecDeque::new();
        }
    }

    /// Adds a message, compressed where that was agreed on and makes it smaller.
    pub fn message(&mut self, message: Message) {
        let (opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.into_bytes()),
            Message::Binary(bytes) => (Opcode::Binary, bytes),
        };
        match self.deflate.and_then(|agreed| deflate::compress(&payload, agreed)) {
            Some(compressed) => self.push(opcode, true, compressed),
            None => self.push(opcode, false, payload),
        }
    }

    /// Adds a close frame.
    pub fn close(&mut self, close: Option<&Close>) {
        self.push(Opcode::Close, false, close.map(close::payload).unwrap_or_default().into());
    }

    /// Adds a ping.
    pub fn ping(&mut self) {
        self.push(Opcode::Ping, false, Bytes::new());
    }

    /// Adds a pong; where there is no room it waits for some, and gives way to a later one.
    pub fn pong(&mut self, payload: Vec<u8>) {
        if self.has_room() {
            self.push(Opcode::Pong, false, payload.into());
        } else {
            self.pong = Some(Box::new(Pong { payload }));
        }
    }

    /// Copies what is to be written next to the empty `small`, as far as that is worth it; returns what
    /// follows it and is large enough to be written from where it is.
    pub fn gather(&self, small: &mut Vec<u8>) -> &[u8] {
        let mut skip = self.written;
        for Frame { head, payload } in &self.frames {
            let head = head.as_bytes();
            small.extend_from_slice(head.get(skip..).unwrap_or_default());
            let rest = payload.get(skip.saturating_sub(head.len())..).unwrap_or_default();
            if rest.len() > limits::WRITE_COPY_BYTES_MAX {
                return rest;
            }
            small.extend_from_slice(rest);
            if small.len() >= limits::WRITE_BUFFER_BYTES {
                break;
            }
            skip = 0;
        }
        &[]
    }

    /// So many bytes of what [`gather`](Self::gather) gave have been written.
    pub fn advance(&mut self, written: usize) {
        self.written += written;
        while let Some(frame) = self.frames.front() {
            let length = frame.head.as_bytes().len() + frame.payload.len();
            if self.written < length {
                return;
            }
            self.written -= length;
            self.bytes -= frame.payload.len() + FRAME_BYTES;
            self.frames.pop_front();
        }
        if let Some(pong) = self.pong.take() {
            self.pong(pong.payload);
        }
    }

    fn push(&mut self, opcode: Opcode, compressed: bool, payload: Bytes) {
        self.bytes += payload.len() + FRAME_BYTES;
        self.frames.push_back(Frame { head: OwnHead::new(opcode, compressed, payload.len()), payload });
    }
}
