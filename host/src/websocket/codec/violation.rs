//! What a peer may get wrong, and the close that it calls for.

use crate::event::Close;
use crate::failure::close_code;

/// A fault of the peer: what it sends after it cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// A reserved bit that no extension gave a meaning here (RFC 6455 §5.2, RFC 7692 §6).
    #[error("reserved bits are set")]
    ReservedBits,
    /// An opcode that the RFC has reserved (RFC 6455 §5.2).
    #[error("opcode {0} is reserved")]
    ReservedOpcode(u8),
    /// RFC 6455 §5.1.
    #[error("frame is not masked")]
    Unmasked,
    /// RFC 6455 §5.5.
    #[error("control frame is fragmented")]
    FragmentedControl,
    /// RFC 6455 §5.5.
    #[error("control frame has more than 125 bytes")]
    LongControl,
    /// A length with its highest bit set (RFC 6455 §5.2).
    #[error("frame's length is not below 2^63")]
    Length,
    /// RFC 6455 §5.4.
    #[error("continuation continues nothing")]
    LoneContinuation,
    /// RFC 6455 §5.4.
    #[error("message begins within another")]
    Interleaved,
    /// A close frame of one byte (RFC 6455 §5.5.1).
    #[error("close frame has half a code")]
    HalfCode,
    /// A code that may not be sent (RFC 6455 §7.4).
    #[error("close code {0} may not be sent")]
    CloseCode(u16),
    /// RFC 6455 §8.1.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// Not the data of RFC 7692 §7.2.1.
    #[error("compressed data is corrupt")]
    Corrupt,
    /// A message, or what it has been so far, of so many bytes.
    #[error("message of {bytes} bytes exceeds the limit of {bytes_max}")]
    TooLarge {
        /// What it has, as far as that is known.
        bytes: u64,
        /// The limit.
        bytes_max: usize,
    },
    /// A compressed message, which was not inflated further.
    #[error("message inflates beyond the limit of {bytes_max} bytes")]
    InflatesTooLarge {
        /// The limit.
        bytes_max: usize,
    },
    /// See [`fragments_max`](crate::limits::fragments_max).
    #[error("message has more than {0} fragments")]
    TooManyFragments(usize),
}

impl Violation {
    /// The close with which we answer (RFC 6455 §7.4.1).
    #[must_use]
    pub fn close(self) -> Close {
        let code = match self {
            Self::NotUtf8 | Self::Corrupt => close_code::INVALID_DATA,
            Self::TooLarge { .. } | Self::InflatesTooLarge { .. } | Self::TooManyFragments(_) => close_code::TOO_LARGE,
            _ => close_code::PROTOCOL,
        };
        Close::new(code, self.to_string())
    }
}
