//! The head of a frame (RFC 6455 §5.2), parsed and written.

use super::violation::Violation;

/// Bytes of the longest head that a peer sends: two, eight of length, four of key.
pub(super) const HEAD_BYTES_MAX: usize = 14;
/// Bytes of the longest that we send: the same without a key.
const OWN_HEAD_BYTES_MAX: usize = 10;

const FIN: u8 = 0x80;
const RSV1: u8 = 0x40;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// The longest payload of a control frame (RFC 6455 §5.5).
const CONTROL_BYTES_MAX: u64 = 125;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn parse(bits: u8) -> Result<Self, Violation> {
        match bits {
            0 => Ok(Self::Continuation),
            1 => Ok(Self::Text),
            2 => Ok(Self::Binary),
            8 => Ok(Self::Close),
            9 => Ok(Self::Ping),
            10 => Ok(Self::Pong),
            reserved => Err(Violation::ReservedOpcode(reserved)),
        }
    }

    fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The head of a frame of the peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    /// Whether it is the last of its message.
    pub(super) fin: bool,
    /// RSV1: whether its message is compressed (RFC 7692 §6).
    pub(super) compressed: bool,
    pub(super) opcode: Opcode,
    /// Bytes of the payload.
    pub(super) length: u64,
    pub(super) key: [u8; 4],
}

/// Parses the head with which these bytes begin, and says how long it is; none while it is not whole.
/// `deflate` says whether RSV1 has a meaning.
pub(super) fn parse(bytes: &[u8], deflate: bool) -> Result<Option<(Head, usize)>, Violation> {
    let [first, second, rest @ ..] = bytes else { return Ok(None) };
    let (fin, compressed) = (first & FIN != 0, first & RSV1 != 0);
    let opcode = Opcode::parse(first & 0x0f)?;
    // Only the first frame of a message says that it is compressed (RFC 7692 §6).
    let may_compress = deflate && matches!(opcode, Opcode::Text | Opcode::Binary);
    if first & RESERVED & !(if may_compress { RSV1 } else { 0 }) != 0 {
        return Err(Violation::ReservedBits);
    }
    if second & MASKED == 0 {
        return Err(Violation::Unmasked);
    }
    let short = u64::from(second & !MASKED);
    if opcode.is_control() && !fin {
        return Err(Violation::FragmentedControl);
    }
    if opcode.is_control() && short > CONTROL_BYTES_MAX {
        return Err(Violation::LongControl);
    }
    // That a length has the fewest bytes is a rule for who sends it; there are peers that keep to eight.
    let (length, width) = match short {
        126 => (rest.first_chunk().map(|bytes| u64::from(u16::from_be_bytes(*bytes))), 2),
        127 => (rest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)), 8),
        short => (Some(short), 0),
    };
    let Some(length) = length else { return Ok(None) };
    if length >> 63 != 0 {
        return Err(Violation::Length);
    }
    let Some(key) = rest.get(width..).and_then(<[u8]>::first_chunk) else { return Ok(None) };
    Ok(Some((Head { fin, compressed, opcode, length, key: *key }, 2 + width + 4)))
}

/// The head of a frame of ours: never fragmented, never masked.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnHead {
    bytes: [u8; OWN_HEAD_BYTES_MAX],
    length: u8,
}

impl OwnHead {
    pub(super) fn new(opcode: Opcode, compressed: bool, length: usize) -> Self {
        let first = FIN | opcode.bits() | if compressed { RSV1 } else { 0 };
        let mut bytes = [0; OWN_HEAD_BYTES_MAX];
        let [b0, b1, b2, b3, ..] = &mut bytes;
        *b0 = first;
        let length = match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ ..=125), _) => {
                *b1 = short;
                2
            }
            (_, Ok(medium)) => {
                *b1 = 126;
                [*b2, *b3] = medium.to_be_bytes();
                4
            }
            _ => {
                *b1 = 127;
                let (_, wide) = bytes.split_at_mut(2);
                wide.copy_from_slice(&(length as u64).to_be_bytes());
                10
            }
        };
        Self { bytes, length }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at a surprise")]

    use super::*;

    /// First two bytes, then a key where they have no length of their own.
    fn fault(first: u8, second: u8) -> Violation {
        parse(&[first, second, 0, 0, 0, 0], false).unwrap_err()
    }

    #[test]
    fn head_of_each_length_is_parsed_once_it_is_whole() {
        let table: [(&[u8], u64); 3] = [
            (&[0x82, 0x80 | 125, 1, 2, 3, 4], 125),
            (&[0x82, 0x80 | 126, 0x12, 0x34, 1, 2, 3, 4], 0x1234),
            (&[0x82, 0x80 | 127, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4], 0x1_0000_0002),
        ];
        for (bytes, length) in table {
            for cut in 0..bytes.len() {
                assert_eq!(parse(&bytes[..cut], false), Ok(None));
            }
            let (head, read) = parse(&[bytes, b"payload"].concat(), false).unwrap().unwrap();
            let expected = Head { fin: true, compressed: false, opcode: Opcode::Binary, length, key: [1, 2, 3, 4] };
            assert_eq!((head, read), (expected, bytes.len()));
        }
    }

    #[test]
    fn head_against_the_rfc_is_refused_at_its_second_byte() {
        for first in [0xc1, 0xa1, 0x91, 0xf2] {
            assert_eq!(fault(first, 0x80), Violation::ReservedBits);
        }
        for opcode in [3, 7, 11, 15] {
            assert_eq!(fault(0x80 | opcode, 0x80), Violation::ReservedOpcode(opcode));
        }
        assert_eq!(fault(0x81, 5), Violation::Unmasked);
        for opcode in [8, 9, 10] {
            assert_eq!(fault(opcode, 0x80), Violation::FragmentedControl);
            assert_eq!(fault(0x80 | opcode, 0x80 | 126), Violation::LongControl);
        }
        assert_eq!(parse(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], false), Err(Violation::Length));
    }

    #[test]
    fn rsv1_is_for_the_first_frame_of_a_message_and_with_deflate_only() {
        let read = |first: u8| parse(&[first, 0x80, 0, 0, 0, 0], true).map(|read| read.unwrap().0.compressed);
        for first in [0xc1, 0x42] {
            assert_eq!(read(first), Ok(true));
        }
        assert_eq!(read(0x81), Ok(false));
        for first in [0xc0, 0xc8, 0xc9, 0xca, 0xe1, 0xd2] {
            assert_eq!(read(first), Err(Violation::ReservedBits), "{first:x}");
        }
    }

    #[test]
    fn own_head_has_the_shortest_length() {
        let head = |length| OwnHead::new(Opcode::Text, false, length).as_bytes().to_vec();
        assert_eq!(head(0), [0x81, 0]);
        assert_eq!(head(125), [0x81, 125]);
        assert_eq!(head(126), [0x81, 126, 0, 126]);
        assert_eq!(head(65_535), [0x81, 126, 0xff, 0xff]);
        assert_eq!(head(65_536), [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!(OwnHead::new(Opcode::Binary, true, 1).as_bytes(), [0xc2, 1]);
    }
}
