//! The codec as a whole: against RFC 6455 and RFC 7692, against itself however its bytes are cut, and
//! against tungstenite as the peer.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at a surprise")]

mod deflate;
mod oracle;
mod reading;
mod writing;

use bytes::BufMut;

use super::mask;
use super::reader::{Event, Reader};
use super::violation::Violation;
use crate::event::Message;

const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
const MAX: usize = 64 * 1024;

/// A frame as a peer sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ ..126 => frame.push(0x80 | length as u8),
        length @ ..65_536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        length => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend(KEY);
    let head = frame.len();
    frame.extend(payload);
    mask::unmask(&mut frame[head..], KEY, 0);
    frame
}

fn text(text: &str) -> Event {
    Event::Message(Message::Text(text.to_owned().into()))
}

fn binary(bytes: &[u8]) -> Event {
    Event::Message(Message::Binary(bytes.to_vec().into()))
}

/// What a reader makes of bytes that come in pieces of these lengths, again and again, read as a
/// connection is: into its room where it offers some.
fn read_in(mut reader: Reader, mut bytes: &[u8], pieces: &[usize]) -> (Vec<Event>, Result<(), Violation>) {
    let mut events = Vec::new();
    let mut pieces = pieces.iter().copied().cycle();
    while !bytes.is_empty() {
        let length = pieces.next().unwrap_or(usize::MAX).clamp(1, bytes.len());
        let into_room = reader.room().map(|mut room| {
            let length = length.min(room.remaining_mut());
            room.put_slice(&bytes[..length]);
            length
        });
        if let Some(read) = into_room {
            bytes = &bytes[read..];
            match reader.filled(read) {
                Ok(event) => events.extend(event),
                Err(violation) => return (events, Err(violation)),
            }
            continue;
        }
        let (piece, rest) = bytes.split_at(length);
        bytes = rest;
        let mut piece = piece.to_vec();
        let mut taken = 0;
        while taken < piece.len() {
            match reader.read(&mut piece[taken..]) {
                Ok((read, event)) => {
                    assert!(read > 0, "it takes something");
                    taken += read;
                    events.extend(event);
                }
                Err(violation) => return (events, Err(violation)),
            }
        }
    }
    (events, Ok(()))
}

fn read(bytes: &[u8]) -> (Vec<Event>, Result<(), Violation>) {
    read_in(Reader::new(MAX, false), bytes, &[])
}

fn read_deflated(bytes: &[u8]) -> (Vec<Event>, Result<(), Violation>) {
    read_in(Reader::new(MAX, true), bytes, &[])
}
