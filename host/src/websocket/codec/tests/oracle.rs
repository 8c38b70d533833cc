//! tungstenite at the other end.

use std::io::{Read, Result, Write};

use proptest::prelude::*;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};
use tokio_tungstenite::tungstenite::{Message as Wire, Utf8Bytes};

use super::super::writer::Writer;
use super::*;

/// Two directions of bytes.
#[derive(Default)]
struct Pipe {
    to_peer: Vec<u8>,
    from_peer: Vec<u8>,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let length = into.len().min(self.to_peer.len());
        into[..length].copy_from_slice(&self.to_peer[..length]);
        self.to_peer.drain(..length);
        Ok(length)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.from_peer.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

fn any_message() -> impl Strategy<Value = Message> {
    prop_oneof![
        "[a-zé𝄞]{0,200}".prop_map(|text| Message::Text(text.into())),
        prop::collection::vec(any::<u8>(), 0..2000).prop_map(|bytes| Message::Binary(bytes.into())),
        (0_usize..=MAX).prop_map(|length| Message::Binary(vec![9; length].into())),
    ]
}

fn wire(message: &Message) -> Wire {
    match message {
        Message::Text(text) => Wire::Text(Utf8Bytes::from(text.to_string())),
        Message::Binary(bytes) => Wire::Binary(bytes.clone()),
    }
}

proptest! {
    #[test]
    fn messages_of_tungstenite_are_read(
        messages in prop::collection::vec(any_message(), 1..6),
        pieces in prop::collection::vec(1_usize..40_000, 1..4),
    ) {
        let mut peer = WebSocket::from_raw_socket(Pipe::default(), Role::Client, None);
        for message in &messages {
            peer.send(wire(message)).unwrap();
        }
        let (events, result) = read_in(Reader::new(MAX, false), &peer.get_ref().from_peer, &pieces);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(events, messages.into_iter().map(Event::Message).collect::<Vec<_>>());
    }

    #[test]
    fn messages_are_read_by_tungstenite(messages in prop::collection::vec(any_message(), 1..6)) {
        let mut writer = Writer::new(None);
        for message in &messages {
            writer.message(message.clone());
        }
        let mut pipe = Pipe::default();
        let mut small = Vec::new();
        while !writer.is_empty() {
            small.clear();
            let large = writer.gather(&mut small);
            pipe.to_peer.extend([&small, large].concat());
            let written = small.len() + large.len();
            writer.advance(written);
        }
        let mut peer = WebSocket::from_raw_socket(pipe, Role::Client, None);
        for message in &messages {
            prop_assert_eq!(peer.read().unwrap(), wire(message));
        }
    }
}
