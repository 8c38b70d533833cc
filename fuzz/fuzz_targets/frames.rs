//! What a peer sends after the handshake: any bytes, cut anywhere, with and without compression.
//!
//! Holds that nothing panics, that no message is larger than its bound, that how the bytes are cut makes
//! no difference, and that what the writer makes of a message is read as the same.
//!
//! The first two bytes are the bound of a message, bit 0 of the third is compression.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sessile_fuzz::event::Message;
use sessile_fuzz::websocket::codec::deflate::Deflate;
use sessile_fuzz::websocket::codec::reader::{Event, Reader};
use sessile_fuzz::websocket::codec::violation::Violation;
use sessile_fuzz::websocket::codec::writer::Writer;

fuzz_target!(|input: &[u8]| {
    let [low, high, flags, bytes @ ..] = input else { return };
    let (bound, deflate) = (usize::from(u16::from_le_bytes([*low, *high])) + 1, flags & 1 == 1);
    let whole = read(bytes, bound, deflate, bytes.len().max(1));
    for part in [1, 7, 125] {
        assert_eq!(read(bytes, bound, deflate, part), whole, "in parts of {part}");
    }
    for event in &whole.0 {
        let Event::Message(message) = event else { continue };
        assert!(message.len() <= bound, "{} bytes of {bound}", message.len());
        let again = read(&masked(&write(message.clone(), deflate)), message.len().max(1), deflate, 1 << 20);
        assert_eq!(again, (vec![event.clone()], None), "written and read");
    }
});

/// The events of some bytes that come in parts, and what broke them off.
fn read(bytes: &[u8], bound: usize, deflate: bool, part: usize) -> (Vec<Event>, Option<Violation>) {
    let (mut reader, mut events) = (Reader::new(bound, deflate), Vec::new());
    for part in bytes.chunks(part) {
        let (mut part, mut at) = (part.to_vec(), 0);
        loop {
            match reader.read(&mut part[at..]) {
                Ok((taken, event)) => {
                    at += taken;
                    match event {
                        Some(event @ Event::Close(_)) => {
                            events.push(event);
                            return (events, None);
                        }
                        Some(event) => events.push(event),
                        None => break,
                    }
                }
                Err(violation) => return (events, Some(violation)),
            }
        }
    }
    (events, None)
}

/// A message as the server writes it.
fn write(message: Message, deflate: bool) -> Vec<u8> {
    let mut writer = Writer::new(deflate.then_some(Deflate { server_window_bits: 15 }));
    writer.message(message);
    let mut bytes = Vec::new();
    while !writer.is_empty() {
        let mut small = Vec::new();
        let large = writer.gather(&mut small).to_vec();
        writer.advance(small.len() + large.len());
        bytes.extend(small.into_iter().chain(large));
    }
    bytes
}

/// A server's one frame as a client would have sent it: with a mask of zeros.
fn masked(frame: &[u8]) -> Vec<u8> {
    let head = match frame[1] {
        126 => 4,
        127 => 10,
        _ => 2,
    };
    [&[frame[0], frame[1] | 0x80], &frame[2..head], &[0; 4], &frame[head..]].concat()
}
