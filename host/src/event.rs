//! What passes between the host and a handler, as plain data: ids, messages, closes, states.
//!
//! Knows neither wasm nor sockets, so that the state machines and the queues can be tested without.

use std::cell::RefCell;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher, Hash, Hasher, RandomState};

use bytes::Bytes;
pub use bytestring::ByteString;

/// Random numbers that a thread asks the system for at once: a system call for each exchange would
/// be felt.
const RANDOM_BATCH: usize = 32;

thread_local! {
    static RANDOM: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// 64 unguessable bits, from the system's generator.
///
/// That fails only where the call is forbidden (an old seccomp filter); then the standard library's
/// keyed hash steps in, whose key comes from the system by another way.
#[must_use]
pub fn random_u64() -> u64 {
    RANDOM.with_borrow_mut(|batch| {
        if batch.is_empty() {
            *batch = random_batch();
        }
        batch.pop().unwrap_or_else(|| RandomState::new().build_hasher().finish())
    })
}

fn random_batch() -> Vec<u64> {
    let mut bytes = [0; 8 * RANDOM_BATCH];
    match getrandom::fill(&mut bytes) {
        Ok(()) => bytes.as_chunks().0.iter().copied().map(u64::from_ne_bytes).collect(),
        Err(_) => Vec::new(),
    }
}

/// What decides which version serves a websocket or an exchange where there are two: the same for all of one session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Lot(u64);

impl Lot {
    /// Of what stays the same: then it does, in all runs of one build of the host.
    #[must_use]
    pub fn of(what: impl Hash) -> Self {
        Self(BuildHasherDefault::<DefaultHasher>::default().hash_one(what))
    }
}

macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl $name {
            /// A new id of 64 random bits.
            #[must_use]
            pub fn mint() -> Self {
                Self(random_u64())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:016x}", self.0)
            }
        }
    };
}

random_id! {
    /// One websocket (WIT `websocket-id`); printed as 16 hexadecimal digits.
    WebsocketId
}

random_id! {
    /// One HTTP request and its response (WIT `exchange-id`); printed as 16 hexadecimal digits.
    ExchangeId
}

random_id! {
    /// One alarm that rings (WIT `alarm-id`); printed as 16 hexadecimal digits.
    AlarmId
}

/// One whole WebSocket message (RFC 6455 §5.6, WIT `message`). A clone shares the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// UTF-8, checked when it was built.
    Text(ByteString),
    /// Any bytes.
    Binary(Bytes),
}

/// A kind of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8.
    Text,
    /// Bytes.
    Binary,
}

impl Message {
    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text(_) => Kind::Text,
            Self::Binary(_) => Kind::Binary,
        }
    }

    /// Bytes of the payload.
    #[must_use]
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the payload has no bytes; such a message is legal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The payload.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// Why a websocket ended (RFC 6455 §7.1.5, WIT `close`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    /// As on the wire, or 1005 (a close frame without a code) or 1006 (no close frame).
    pub code: u16,
    /// At most [`CLOSE_REASON_BYTES_MAX`](crate::limits::CLOSE_REASON_BYTES_MAX) bytes.
    pub reason: String,
}

impl Close {
    /// The peer's close frame had no code (RFC 6455 §7.4.1).
    pub const NO_CODE: u16 = 1005;
    /// The connection ended without the peer's close frame (RFC 6455 §7.4.1).
    pub const ABNORMAL: u16 = 1006;

    /// A close of this code and reason; nothing is checked.
    #[must_use]
    pub fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    /// The end of a connection without the peer's close frame: 1006.
    #[must_use]
    pub fn abnormal() -> Self {
        Self::new(Self::ABNORMAL, "")
    }
}

/// Where a websocket is in its life (WIT `websocket.state`); it only ever moves down this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// The handshake has come, nothing has been answered.
    Connecting,
    /// Accepted.
    Open,
    /// One side has closed, or a refusal is being sent.
    Closing,
    /// Ended.
    Closed,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connecting => "connecting",
            Self::Open => "open",
            Self::Closing => "closing",
            Self::Closed => "closed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_minted_twice_differs() {
        assert_ne!(WebsocketId::mint(), WebsocketId::mint());
        assert_eq!(ExchangeId(0xab).to_string(), "00000000000000ab");
    }

    #[test]
    fn message_length_is_in_bytes() {
        assert_eq!(Message::Text(ByteString::from_static("é")).len(), 2);
        assert!(Message::Binary(Bytes::new()).is_empty());
    }

    #[test]
    fn states_order_is_the_order_of_life() {
        assert!(State::Connecting < State::Open);
        assert!(State::Open < State::Closing);
        assert!(State::Closing < State::Closed);
    }
}
