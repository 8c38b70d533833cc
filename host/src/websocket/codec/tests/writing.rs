//! Frames of ours, and the pieces in which they are written.

use bytes::Bytes;
use proptest::prelude::*;

use super::super::writer::Writer;
use super::*;
use crate::event::Close;
use crate::limits;

/// All that waits, written in steps of at most so many bytes.
fn written(writer: &mut Writer, step: usize) -> Vec<u8> {
    let mut all = Vec::new();
    let mut small = Vec::new();
    while !writer.is_empty() {
        small.clear();
        let large = writer.gather(&mut small);
        assert!(small.len() < limits::WRITE_BUFFER_BYTES + limits::WRITE_COPY_BYTES_MAX + 10);
        let offered = [&small[..], large].concat();
        let taken = step.clamp(1, offered.len());
        all.extend(&offered[..taken]);
        writer.advance(taken);
    }
    all
}

#[test]
fn frames_are_unmasked_and_whole() {
    let mut writer = Writer::new(None);
    writer.message(Message::Text("Hello".into()));
    writer.ping();
    writer.pong(b"p".to_vec());
    writer.close(Some(&Close::new(1000, "ok")));
    assert_eq!(written(&mut writer, usize::MAX), b"\x81\x05Hello\x89\x00\x8a\x01p\x88\x04\x03\xe8ok");
    writer.close(None);
    assert_eq!(written(&mut writer, usize::MAX), b"\x88\x00");
}

#[test]
fn large_payload_is_written_from_where_it_is() {
    let payload = Bytes::from(vec![5; limits::WRITE_COPY_BYTES_MAX + 1]);
    let mut writer = Writer::new(None);
    writer.message(Message::Text("a".into()));
    writer.message(Message::Binary(payload.clone()));
    writer.message(Message::Text("b".into()));
    let mut small = Vec::new();
    assert_eq!(writer.gather(&mut small).as_ptr(), payload.as_ptr());
    assert_eq!(small, [&b"\x81\x01a\x82\x7e"[..], &4097_u16.to_be_bytes()].concat());
    writer.advance(small.len() + 4000);
    small.clear();
    assert!(writer.gather(&mut small).is_empty());
    assert_eq!(small, [&[5; 97][..], b"\x81\x01b"].concat(), "its end is small");
}

#[test]
fn writer_has_room_until_its_bound_and_again_below_it() {
    let mut writer = Writer::new(None);
    let mut frames = 0;
    while writer.has_room() {
        writer.message(Message::Binary(Bytes::new()));
        frames += 1;
    }
    assert!(frames <= limits::WRITE_BUFFER_BYTES / 32, "empty messages count too: {frames}");
    writer.advance(2);
    assert!(writer.has_room());
}

#[test]
fn pongs_without_room_are_the_last_one() {
    let mut writer = Writer::new(None);
    writer.message(Message::Binary(vec![0; limits::WRITE_BUFFER_BYTES].into()));
    for payload in ["1", "2", "3"] {
        writer.pong(payload.into());
    }
    let all = written(&mut writer, usize::MAX);
    assert!(all.ends_with(b"\0\x8a\x013"), "{:?}", &all[all.len() - 8..]);
}

proptest! {
    #[test]
    fn frames_written_in_any_steps_are_the_same_bytes(
        lengths in prop::collection::vec(prop_oneof![0_usize..300, 0_usize..10_000], 1..10),
        step in prop_oneof![1_usize..10, 1_usize..10_000],
    ) {
        let mut writers = [Writer::new(None), Writer::new(None)];
        for writer in &mut writers {
            for (index, length) in lengths.iter().enumerate() {
                writer.message(Message::Binary(vec![index as u8; *length].into()));
            }
        }
        let [one, other] = &mut writers;
        prop_assert_eq!(written(one, step), written(other, usize::MAX));
    }
}
