//! permessage-deflate: the RFC's examples, bombs, what is corrupt, and flate2 at the other end.

use bytes::Bytes;
use flate2::{Compress, Compression, FlushCompress};
use proptest::prelude::*;

use super::super::deflate::{Deflate, WINDOW_BITS_MAX, WINDOW_BITS_MIN, bytes_bound, compress, inflate};
use super::super::writer::Writer;
use super::*;
use crate::limits;

const AGREED: Deflate = Deflate { server_window_bits: WINDOW_BITS_MAX };

/// What a peer of another window, level and flush makes of a message.
fn peers(payload: &[u8], level: u32, window_bits: u8, parts: usize) -> Vec<u8> {
    let mut state = Compress::new_with_window_bits(Compression::new(level), false, window_bits);
    let mut compressed = Vec::with_capacity(bytes_bound(payload.len()) + 10 * parts);
    for part in payload.chunks(payload.len().div_ceil(parts).max(1)) {
        state.compress_vec(part, &mut compressed, FlushCompress::Sync).unwrap();
    }
    if payload.is_empty() {
        return vec![0];
    }
    compressed.strip_suffix(&[0, 0, 0xff, 0xff]).unwrap().to_vec()
}

#[test]
fn messages_of_the_rfcs_examples_are_inflated() {
    // §7.2.3.1 to 7.2.3.6, but for 7.2.3.2, which needs the window of the message before.
    let examples: [(&[u8], &str); 6] = [
        (&[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00], "Hello"),
        (&[0x00, 0x05, 0x00, 0xfa, 0xff, 0x48, 0x65, 0x6c, 0x6c, 0x6f, 0x00], "Hello"),
        (&[0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00], "Hello"),
        (&[0xf2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xff, 0xff, 0xca, 0xc9, 0xc9, 0x07, 0x00], "Hello"),
        (&[0x00], ""),
        (&[0x02, 0x00], ""),
    ];
    for (compressed, message) in examples {
        assert_eq!(read_deflated(&frame(0xc1, compressed)), (vec![text(message)], Ok(())), "{compressed:x?}");
    }
    let (first, second) = examples[0].0.split_at(3);
    let fragmented = [frame(0x41, first), frame(0x89, b""), frame(0x80, second)].concat();
    assert_eq!(read_deflated(&fragmented), (vec![Event::Ping(Vec::new()), text("Hello")], Ok(())));
}

#[test]
fn plain_messages_pass_between_compressed_ones() {
    let bytes = [frame(0x81, b"plain"), frame(0xc1, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00])].concat();
    assert_eq!(read_deflated(&bytes), (vec![text("plain"), text("Hello")], Ok(())));
}

#[test]
fn data_that_is_corrupt_or_ends_too_early_is_refused() {
    let good = peers(&b"abcdefgh".repeat(100), 6, 15, 1);
    assert_eq!(inflate(&good, MAX).as_deref(), Ok(&*b"abcdefgh".repeat(100)));
    for cut in 0..good.len() {
        assert_eq!(inflate(&good[..cut], MAX), Err(Violation::Corrupt), "{cut}");
    }
    assert_eq!(inflate(&[0xff; 20], MAX), Err(Violation::Corrupt));
    let far_back = [0x4a, 0x04, 0x3f, 0x00];
    assert_eq!(inflate(&far_back, MAX), Err(Violation::Corrupt));
    assert_eq!(read_deflated(&frame(0xc2, &[0xff; 20])).1, Err(Violation::Corrupt));
    let not_utf8 = peers(b"\xff\xfe\xfd", 6, 15, 1);
    assert_eq!(read_deflated(&frame(0xc1, &not_utf8)).1, Err(Violation::NotUtf8));
    assert_eq!(Violation::Corrupt.close().code, 1007);
}

#[test]
fn bomb_is_cut_at_the_limit() {
    let bomb = peers(&vec![0; 16 << 20], 9, 15, 1);
    assert!(bomb.len() < MAX, "{} bytes", bomb.len());
    let cut = Err(Violation::InflatesTooLarge { bytes_max: MAX });
    assert_eq!(inflate(&bomb, MAX), cut);
    assert_eq!(inflate(&bomb, 1), Err(Violation::InflatesTooLarge { bytes_max: 1 }));
    let (_, result) = read_deflated(&frame(0xc2, &bomb));
    assert_eq!(result.map_err(|violation| violation.close().code), Err(1009));
    for length in [1, 2, limits::INFLATE_BYTES, MAX - 1, MAX] {
        let inflated = inflate(&peers(&vec![0; length], 9, 15, 1), length).unwrap();
        assert_eq!((inflated.len(), inflated.capacity() <= length), (length, true));
        assert!(inflate(&peers(&vec![0; length + 1], 9, 15, 1), length).is_err());
    }
}

#[test]
fn last_blocks_without_end_are_refused() {
    let last_block = [0x03, 0x00];
    let most = last_block.repeat(limits::DEFLATE_ENDS_MAX);
    assert_eq!(inflate(&[&most[..], &[0]].concat(), MAX), Ok(Vec::new()));
    assert_eq!(inflate(&last_block.repeat(limits::DEFLATE_ENDS_MAX + 2), MAX), Err(Violation::Corrupt));
}

#[test]
fn message_of_the_limit_that_does_not_compress_is_taken() {
    let noise = noise(MAX);
    let compressed = peers(&noise, 6, 15, 1);
    assert!(compressed.len() > MAX);
    assert_eq!(read_deflated(&frame(0xc2, &compressed)), (vec![binary(&noise)], Ok(())));
    assert_eq!(compress(&noise.into(), AGREED), None, "and is not sent so");
    let endless = frame(0xc2, &vec![0; bytes_bound(MAX) + 1]);
    assert!(matches!(read_deflated(&endless[..14]).1, Err(Violation::TooLarge { .. })));
}

/// A state that is reset before its output has been taken remembers where that was, and stumbles over
/// it after some hundred messages (zlib-rs 0.6.8).
#[test]
fn many_messages_that_do_not_compress_harm_none_after_them() {
    for payload in noise(1000 * 256).chunks(256) {
        assert_eq!(compress(&Bytes::copy_from_slice(payload), AGREED), None);
    }
    let text = Bytes::from("after them ".repeat(50));
    assert_eq!(inflate(&compress(&text, AGREED).unwrap(), MAX), Ok(text.to_vec()));
}

fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let bytes = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    });
    bytes.take(length).collect()
}

#[test]
fn message_is_compressed_where_that_is_worth_it() {
    let sent = |message: &str, deflate| {
        let mut writer = Writer::new(deflate);
        writer.message(Message::Text(message.to_owned().into()));
        let mut small = Vec::new();
        let large = writer.gather(&mut small).len();
        (small[0], small.len() + large)
    };
    let repeated = "{\"name\": \"value\"}".repeat(100);
    let (first, length) = sent(&repeated, Some(AGREED));
    assert_eq!(first, 0xc1);
    assert!(length < 100, "{length}");
    assert_eq!(sent(&repeated, None), (0x81, 1700 + 4));
    assert_eq!(sent(&"a".repeat(limits::DEFLATE_BYTES_MIN - 1), Some(AGREED)).0, 0x81);
    assert_eq!(sent(&"a".repeat(limits::DEFLATE_BYTES_MIN), Some(AGREED)).0, 0xc1);
}

#[test]
fn message_held_by_several_is_compressed_once() {
    let payload = Bytes::from("published ".repeat(100));
    let held = payload.clone();
    let first = compress(&payload, AGREED).unwrap();
    assert_eq!(compress(&held, AGREED).unwrap().as_ptr(), first.as_ptr());
    let narrow = Deflate { server_window_bits: WINDOW_BITS_MIN };
    let other = compress(&held, narrow).unwrap();
    assert_ne!(other.as_ptr(), first.as_ptr(), "another window is another message");
    assert_ne!(compress(&Bytes::from("published ".repeat(100)), narrow).unwrap().as_ptr(), other.as_ptr());
    assert_ne!(compress(&held.slice(..500), narrow), Some(other));
}

proptest! {
    #[test]
    fn message_of_any_peer_is_inflated_however_it_is_cut(
        seed in prop::collection::vec(any::<u8>(), 0..200),
        times in 0_usize..200,
        level in 0_u32..10,
        window_bits in 9_u8..16,
        parts in 1_usize..10,
        pieces in prop::collection::vec(1_usize..5000, 1..5),
    ) {
        let payload = seed.repeat(times);
        let compressed = peers(&payload, level, window_bits, parts);
        let (head, tail) = compressed.split_at(compressed.len() / 3);
        let bytes = [frame(0x42, head), frame(0x80, tail)].concat();
        let (events, result) = read_in(Reader::new(MAX, true), &bytes, &pieces);
        prop_assert_eq!((events, result), (vec![binary(&payload)], Ok(())));
    }

    #[test]
    fn message_compressed_with_any_window_is_inflated(
        words in prop::collection::vec("[a-z]{1,8}", 20..4000),
        server_window_bits in WINDOW_BITS_MIN..=WINDOW_BITS_MAX,
    ) {
        let payload = Bytes::from(words.concat());
        if let Some(compressed) = compress(&payload, Deflate { server_window_bits }) {
            prop_assert!(compressed.len() < payload.len());
            // A peer that has no more than the window that it asked for.
            let mut peer = flate2::Decompress::new_with_window_bits(false, server_window_bits);
            let mut inflated = Vec::with_capacity(payload.len() + 1);
            let input = [&compressed[..], &[0, 0, 0xff, 0xff]].concat();
            peer.decompress_vec(&input, &mut inflated, flate2::FlushDecompress::Sync).unwrap();
            prop_assert_eq!(Bytes::from(inflated), payload);
        }
    }

    #[test]
    fn inflating_any_bytes_never_exceeds_the_limit(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        bytes_max in 1_usize..3000,
    ) {
        let mut damaged = peers(&b"some text to repeat, ".repeat(200), 6, 15, 3);
        for (index, byte) in flips {
            *index.get_mut(&mut damaged[..]) = byte;
        }
        for bytes in [bytes, damaged] {
            if let Ok(inflated) = inflate(&bytes, bytes_max) {
                prop_assert!(inflated.len() <= bytes_max && inflated.capacity() <= bytes_max);
            }
        }
    }
}
