//! What the peer sends: its bytes, however they are cut, and what they mean.

use bytes::BufMut;
use bytes::buf::Limit;

use super::assembly::Assembly;
use super::head::{self, HEAD_BYTES_MAX, Head, Opcode};
use super::violation::Violation;
use super::{close, mask};
use crate::event::{Close, Kind, Message};
use crate::limits;

/// What came from the peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A whole message.
    Message(Message),
    /// A ping with its payload, to be answered with a pong of the same.
    Ping(Vec<u8>),
    /// A pong, solicited or not.
    Pong,
    /// Its close frame; what comes after it is not to be read (RFC 6455 §5.5.1).
    Close(Option<Close>),
}

/// The state of reading one websocket. While nothing is under way it holds no buffer.
#[derive(Debug)]
pub struct Reader {
    message_bytes_max: usize,
    deflate: bool,
    /// The begin of a head that is not yet whole.
    begun: Begun,
    frame: Option<Frame>,
    message: Option<Box<Assembly>>,
    control: Option<Box<Control>>,
}

/// A control frame of which a part has come.
#[derive(Debug, Default)]
struct Control {
    payload: Vec<u8>,
}

#[derive(Debug, Default)]
struct Begun {
    bytes: [u8; HEAD_BYTES_MAX],
    length: u8,
}

/// A frame whose head has come.
#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    fin: bool,
    key: [u8; 4],
    /// Bytes of the payload that have come.
    come: usize,
    /// Those that have not.
    remaining: usize,
}

impl Reader {
    /// A server's side; `deflate` says whether the handshake has agreed on compression.
    #[must_use]
    pub fn new(message_bytes_max: usize, deflate: bool) -> Self {
        Self { message_bytes_max, deflate, begun: Begun::default(), frame: None, message: None, control: None }
    }

    /// Reads up to the end of the first event, or all; returns how many bytes those are. Payloads are
    /// unmasked where they lie.
    ///
    /// # Errors
    /// [`Violation`]; then the reader is not to be used any more.
    pub fn read(&mut self, bytes: &mut [u8]) -> Result<(usize, Option<Event>), Violation> {
        let mut used = 0;
        loop {
            let rest = bytes.get_mut(used..).unwrap_or_default();
            if self.frame.is_none() {
                if rest.is_empty() {
                    return Ok((used, None));
                }
                used += self.read_head(rest)?;
                continue;
            }
            used += self.read_payload(rest)?;
            match &self.frame {
                Some(frame) if frame.remaining > 0 => return Ok((used, None)),
                _ => {}
            }
            if let Some(event) = self.end_frame()? {
                return Ok((used, Some(event)));
            }
        }
    }

    /// Whether a frame or a message has begun that is not yet whole.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        self.begun.length > 0 || self.frame.is_some() || self.message.is_some()
    }

    /// Room for the payload that comes next, where that is much and goes where it is read to: no more
    /// than the rest of the frame. After reading into it, [`filled`](Self::filled) is to be called.
    pub fn room(&mut self) -> Option<Limit<&mut Vec<u8>>> {
        let frame = self.frame.filter(|frame| frame.remaining >= limits::READ_BYTES && !frame.opcode.is_control())?;
        let bytes = self.message.as_mut()?.bytes()?;
        // Not at once for all that the head has announced: a peer may announce and then send nothing.
        let room = frame.remaining.min(bytes.len().max(limits::READ_BYTES));
        bytes.reserve_exact(room);
        Some(bytes.limit(room))
    }

    /// So many bytes were read into the [`room`](Self::room).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn filled(&mut self, read: usize) -> Result<Option<Event>, Violation> {
        let bytes = self.message.as_mut().and_then(|message| message.bytes());
        let (Some(frame), Some(bytes)) = (&mut self.frame, bytes) else { return Ok(None) };
        let begin = bytes.len().saturating_sub(read);
        mask::unmask(bytes.get_mut(begin..).unwrap_or_default(), frame.key, frame.come);
        frame.come += read;
        frame.remaining = frame.remaining.saturating_sub(read);
        if frame.remaining > 0 { Ok(None) } else { self.end_frame() }
    }

    fn read_head(&mut self, rest: &[u8]) -> Result<usize, Violation> {
        if self.begun.length == 0
            && let Some((head, length)) = head::parse(rest, self.deflate)?
        {
            self.begin_frame(head)?;
            return Ok(length);
        }
        let before = usize::from(self.begun.length);
        let free = self.begun.bytes.get_mut(before..).unwrap_or_default();
        let mut taken = 0;
        for (to, from) in free.iter_mut().zip(rest) {
            *to = *from;
            taken += 1;
            self.begun.length += 1;
        }
        let begun = self.begun.bytes.get(..before + taken).unwrap_or_default();
        let Some((head, length)) = head::parse(begun, self.deflate)? else { return Ok(taken) };
        self.begun.length = 0;
        self.begin_frame(head)?;
        Ok(length.saturating_sub(before))
    }

    fn begin_frame(&mut self, head: Head) -> Result<(), Violation> {
        let kind = match head.opcode {
            Opcode::Text => Some(Kind::Text),
            Opcode::Binary => Some(Kind::Binary),
            _ => None,
        };
        if let Some(kind) = kind {
            if self.message.is_some() {
                return Err(Violation::Interleaved);
            }
            self.message = Some(Box::new(Assembly::new(kind, head.compressed)));
        }
        if !head.opcode.is_control() {
            let message = self.message.as_mut().ok_or(Violation::LoneContinuation)?;
            message.announce(head.length, self.message_bytes_max)?;
        }
        let Head { opcode, fin, key, .. } = head;
        let remaining = usize::try_from(head.length).map_err(|_| Violation::Length)?;
        self.frame = Some(Frame { opcode, fin, key, come: 0, remaining });
        Ok(())
    }

    fn read_payload(&mut self, rest: &mut [u8]) -> Result<usize, Violation> {
        let Some(frame) = &mut self.frame else { return Ok(0) };
        let part = rest.get_mut(..frame.remaining.min(rest.len())).unwrap_or_default();
        mask::unmask(part, frame.key, frame.come);
        frame.come += part.len();
        frame.remaining -= part.len();
        match &mut self.message {
            Some(message) if !frame.opcode.is_control() => message.push(part)?,
            _ => self.control.get_or_insert_default().payload.extend_from_slice(part),
        }
        Ok(part.len())
    }

    /// A frame is whole, and perhaps with it a message.
    fn end_frame(&mut self) -> Result<Option<Event>, Violation> {
        let Some(frame) = self.frame.take() else { return Ok(None) };
        let control = if frame.opcode.is_control() { self.control.take() } else { None };
        let payload = control.map(|control| control.payload).unwrap_or_default();
        match frame.opcode {
            Opcode::Ping => Ok(Some(Event::Ping(payload))),
            Opcode::Pong => Ok(Some(Event::Pong)),
            Opcode::Close => Ok(Some(Event::Close(close::parse(&payload)?))),
            Opcode::Continuation | Opcode::Text | Opcode::Binary if !frame.fin => Ok(None),
            Opcode::Continuation | Opcode::Text | Opcode::Binary => {
                let message = self.message.take().map(|message| message.finish(self.message_bytes_max)).transpose()?;
                Ok(message.map(Event::Message))
            }
        }
    }
}
