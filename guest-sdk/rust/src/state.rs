//! Where a websocket is, and what became of what it was given.

use std::fmt;

use crate::message::Close;

/// Where a websocket is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The handshake has not been answered.
    Connecting,
    /// Accepted.
    Open,
    /// One side has closed.
    Closing,
    /// Ended.
    Closed,
}

/// What became of a message given to [`WebSocket::try_send`](crate::WebSocket::try_send).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It is queued; so many bytes now wait for the peer.
    Queued(u64),
    /// There was no room.
    Full,
    /// The websocket has ended.
    Gone(Close),
}

macro_rules! from_wit {
    ($wit:path) => {
        const _: () = {
            use $wit as wit;

            impl From<wit::Queued> for Queued {
                fn from(queued: wit::Queued) -> Self {
                    match queued {
                        wit::Queued::Queued(bytes) => Self::Queued(bytes),
                        wit::Queued::Full => Self::Full,
                        wit::Queued::Gone(close) => Self::Gone(close.into()),
                    }
                }
            }
        };
    };
}

from_wit!(crate::bindings::wit::websocket);
from_wit!(crate::bindings::awaited::wit::websocket);

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
