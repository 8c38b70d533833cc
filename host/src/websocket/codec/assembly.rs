//! A message while its frames come in.

use bytes::Bytes;

use super::deflate;
use super::text::Text;
use super::violation::Violation;
use crate::event::{Kind, Message};
use crate::limits;

/// A message of which at least one frame's head has come.
#[derive(Debug)]
pub(super) struct Assembly {
    kind: Kind,
    body: Body,
    /// Bytes of the payloads of the frames so far, the last of them as its head says.
    announced: u64,
    fragments: usize,
}

#[derive(Debug)]
enum Body {
    Text(Text),
    Binary(Vec<u8>),
    /// To be inflated when it is whole, so that a slow peer holds no window.
    Compressed(Vec<u8>),
}

impl Assembly {
    pub(super) fn new(kind: Kind, compressed: bool) -> Self {
        let body = match kind {
            _ if compressed => Body::Compressed(Vec::new()),
            Kind::Text => Body::Text(Text::default()),
            Kind::Binary => Body::Binary(Vec::new()),
        };
        Self { kind, body, announced: 0, fragments: 0 }
    }

    /// A frame of it begins: whether there is room is known from its head. `bytes_max` bounds the message,
    /// inflated.
    pub(super) fn announce(&mut self, length: u64, bytes_max: usize) -> Result<(), Violation> {
        let most = match self.body {
            Body::Compressed(_) => deflate::bytes_bound(bytes_max),
            _ => bytes_max,
        };
        self.announced = self.announced.saturating_add(length);
        if self.announced > most as u64 {
            return Err(Violation::TooLarge { bytes: self.announced, bytes_max });
        }
        self.fragments += 1;
        let fragments_max = limits::fragments_max(bytes_max);
        if self.fragments > fragments_max {
            return Err(Violation::TooManyFragments(fragments_max));
        }
        Ok(())
    }

    /// Takes a part of a payload, unmasked.
    pub(super) fn push(&mut self, part: &[u8]) -> Result<(), Violation> {
        match &mut self.body {
            Body::Text(text) => text.push(part)?,
            Body::Binary(bytes) | Body::Compressed(bytes) => bytes.extend_from_slice(part),
        }
        Ok(())
    }

    /// The payload so far, to be read into where it lies; none of text, which is checked part by part.
    pub(super) fn bytes(&mut self) -> Option<&mut Vec<u8>> {
        match &mut self.body {
            Body::Text(_) => None,
            Body::Binary(bytes) | Body::Compressed(bytes) => Some(bytes),
        }
    }

    /// The whole message.
    pub(super) fn finish(self, bytes_max: usize) -> Result<Message, Violation> {
        let bytes = match self.body {
            Body::Text(text) => return Ok(Message::Text(text.finish()?.into())),
            Body::Binary(bytes) => bytes,
            Body::Compressed(bytes) => deflate::inflate(&bytes, bytes_max)?,
        };
        if self.kind == Kind::Binary {
            return Ok(Message::Binary(Bytes::from(bytes)));
        }
        let mut text = Text::default();
        text.push(&bytes)?;
        Ok(Message::Text(text.finish()?.into()))
    }
}
