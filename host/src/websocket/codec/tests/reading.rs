//! Frames of a peer, right and wrong.

use proptest::prelude::*;

use super::*;
use crate::event::Close;
use crate::failure::close_code;
use crate::limits;

#[test]
fn frames_of_the_rfcs_examples_are_read() {
    // §5.7: masked "Hello", then "Hel" and "lo" with a ping between.
    let mut bytes = vec![0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    bytes.extend([frame(0x01, b"Hel"), frame(0x89, b"Hello"), frame(0x80, b"lo")].concat());
    bytes.extend([frame(0x8a, b""), frame(0x82, &[7; 300]), frame(0x88, &[])].concat());
    let expected = vec![
        text("Hello"),
        Event::Ping(b"Hello".to_vec()),
        text("Hello"),
        Event::Pong,
        binary(&[7; 300]),
        Event::Close(None),
    ];
    assert_eq!(read(&bytes), (expected, Ok(())));
}

#[test]
fn message_of_no_bytes_or_of_empty_fragments_is_a_message() {
    let bytes = [frame(0x81, b""), frame(0x02, b""), frame(0x00, b""), frame(0x80, b"")].concat();
    assert_eq!(read(&bytes), (vec![text(""), binary(b"")], Ok(())));
}

#[test]
fn close_frame_says_code_and_reason() {
    let close = Event::Close(Some(Close::new(1000, "bye")));
    assert_eq!(read(&frame(0x88, b"\x03\xe8bye")), (vec![close], Ok(())));
}

#[test]
fn order_of_frames_against_the_rfc_is_a_violation() {
    assert_eq!(read(&frame(0x80, b"a")).1, Err(Violation::LoneContinuation));
    assert_eq!(read(&[frame(0x01, b"a"), frame(0x81, b"b")].concat()).1, Err(Violation::Interleaved));
    assert_eq!(read(&[frame(0x81, b"a"), frame(0x00, b"b")].concat()).1, Err(Violation::LoneContinuation));
}

#[test]
fn text_that_is_not_utf8_is_refused_before_its_end() {
    let mut begun = frame(0x01, b"ab\xed\xa0");
    assert_eq!(read(&begun).1, Err(Violation::NotUtf8));
    begun = frame(0x81, b"ab\xffcdefgh");
    begun.truncate(9);
    assert_eq!(read(&begun).1, Err(Violation::NotUtf8), "within the frame");
    assert_eq!(read(&frame(0x81, b"\xc3")).1, Err(Violation::NotUtf8), "it ends within a character");
    assert_eq!(read(&[frame(0x01, b"\xc3"), frame(0x80, b"\xa9")].concat()), (vec![text("é")], Ok(())));
}

#[test]
fn message_over_the_limit_is_refused_by_its_head() {
    let whole = frame(0x82, &vec![0; MAX + 1]);
    let too_large = Err(Violation::TooLarge { bytes: MAX as u64 + 1, bytes_max: MAX });
    assert_eq!(read(&whole[..14]).1, too_large);
    let parts = [frame(0x02, &vec![0; MAX]), frame(0x80, b"1")].concat();
    assert_eq!(read(&parts).1, too_large);
    assert_eq!(read(&frame(0x82, &vec![1; MAX])), (vec![binary(&vec![1; MAX])], Ok(())));
    let Err(violation) = read(&parts).1 else { panic!("it was taken") };
    let close = Close::new(close_code::TOO_LARGE, "message of 65537 bytes exceeds the limit of 65536");
    assert_eq!(violation.close(), close);
}

#[test]
fn fragments_over_the_limit_are_refused() {
    let most = limits::fragments_max(MAX);
    let mut bytes = frame(0x01, b"");
    bytes.extend(frame(0x00, b"").repeat(most - 1));
    assert_eq!(read(&bytes), (Vec::new(), Ok(())));
    bytes.extend(frame(0x80, b""));
    assert_eq!(read(&bytes).1, Err(Violation::TooManyFragments(most)));
    assert_eq!(limits::fragments_max(1), limits::FRAGMENTS_MIN);
    assert_eq!(limits::fragments_max(limits::MESSAGE_BYTES_CEILING), 262_144);
}

#[test]
fn reason_of_every_violation_fits_into_a_close_frame() {
    let most = usize::MAX;
    for violation in [
        Violation::TooLarge { bytes: u64::MAX, bytes_max: most },
        Violation::InflatesTooLarge { bytes_max: most },
        Violation::TooManyFragments(most),
        Violation::LongControl,
    ] {
        assert!(violation.close().reason.len() <= limits::CLOSE_REASON_BYTES_MAX, "{violation}");
    }
}

/// A frame of any kind, more often right than wrong.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        4 => prop::sample::select(vec![0x81_u8, 0x82, 0x01, 0x02, 0x00, 0x80, 0x89, 0x8a, 0xc1, 0xc2, 0x41]),
        1 => prop::sample::select(vec![0x88_u8, 0x83, 0x91, 0x09]),
    ];
    let payload = prop_oneof![
        4 => "[a-zé𝄞]{0,40}".prop_map(String::into_bytes),
        2 => prop::collection::vec(any::<u8>(), 0..200),
        1 => (30_000_usize..40_000).prop_map(|length| vec![b'x'; length]),
        1 => Just(vec![0x4a, 0x04, 0x00]),
    ];
    (first, payload).prop_map(|(first, payload)| frame(first, &payload))
}

proptest! {
    #[test]
    fn frames_cut_anywhere_are_the_same_events(
        frames in prop::collection::vec(any_frame(), 1..8),
        pieces in prop::collection::vec(prop_oneof![1_usize..20, 1_usize..50_000], 1..8),
        deflate: bool,
    ) {
        let bytes = frames.concat();
        let reader = || Reader::new(MAX, deflate);
        prop_assert_eq!(read_in(reader(), &bytes, &pieces), read_in(reader(), &bytes, &[]));
    }

    #[test]
    fn any_bytes_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        pieces in prop::collection::vec(1_usize..50, 1..4),
        deflate: bool,
    ) {
        let (_, _) = read_in(Reader::new(100, deflate), &bytes, &pieces);
    }
}
