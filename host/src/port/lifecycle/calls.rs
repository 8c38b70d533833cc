//! The words of a websocket's life: states of the two sides, calls, what they ask, why they fail.

use std::fmt;

use crate::event::State;

/// How far the peer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PeerState {
    /// Its handshake is here, no handler has been told.
    Connecting,
    /// A handler knows of it.
    Connected,
    /// It has closed or is gone.
    Disconnected,
}

/// How far the application has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplicationState {
    /// It has not answered the handshake.
    Connecting,
    /// It has accepted.
    Connected,
    /// It is refusing the handshake with a response.
    Response,
    /// It has closed or refused, or the websocket has ended.
    Disconnected,
}

/// What the caller or the wire tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    /// [`Lifecycle::connect`](super::Lifecycle::connect)
    Connect,
    /// [`Lifecycle::accept`](super::Lifecycle::accept)
    Accept,
    /// [`Lifecycle::reject`](super::Lifecycle::reject)
    Reject,
    /// A part of the response that denies, before its start or after its end.
    Response,
    /// [`Lifecycle::response_sent`](super::Lifecycle::response_sent)
    ResponseSent,
    /// [`Lifecycle::send`](super::Lifecycle::send)
    Send,
    /// [`Lifecycle::receive`](super::Lifecycle::receive)
    Receive,
    /// [`Lifecycle::close`](super::Lifecycle::close)
    Close,
    /// [`Lifecycle::ping`](super::Lifecycle::ping)
    Ping,
    /// [`Lifecycle::close_sent`](super::Lifecycle::close_sent)
    CloseSent,
    /// [`Lifecycle::close_timed_out`](super::Lifecycle::close_timed_out)
    CloseTimedOut,
    /// [`Lifecycle::peer_closed`](super::Lifecycle::peer_closed)
    PeerClosed,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Response => "response body",
            Self::ResponseSent => "end of response",
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::CloseSent => "close frame",
            Self::CloseTimedOut => "close timeout",
            Self::PeerClosed => "close of the peer",
        })
    }
}

/// A call that this state does not allow; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{call} is illegal while the websocket is {state}")]
pub struct IllegalTransition {
    /// The state in which it was tried.
    pub state: State,
    /// What was tried.
    pub call: Call,
}

/// Why a close was refused; nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CloseError {
    /// The code may not be sent (RFC 6455 §7.4).
    #[error("close code {0} may not be sent: 1000-1003, 1007-1013 and 3000-4999 may")]
    InvalidCode(u16),
    /// The reason does not fit in a control frame (RFC 6455 §5.5).
    #[error("close reason of {actual} bytes exceeds the limit of {limit}")]
    ReasonTooLong {
        /// Bytes there were.
        actual: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// It has already closed or ended.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
}

/// What a close asks of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Send a close frame after everything queued, then report [`Lifecycle::close_sent`](super::Lifecycle::close_sent).
    Frame,
    /// It came before accept: answer with [`REJECT_STATUS`](super::REJECT_STATUS), then report
    /// [`Lifecycle::response_sent`](super::Lifecycle::response_sent).
    Reject,
}

/// What the peer's close frame asks of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send a close frame now, instead of any of ours that waits, then report
    /// [`Lifecycle::close_sent`](super::Lifecycle::close_sent) (RFC 6455 §5.5.1).
    Owed,
    /// Ours has left, this was the answer: the websocket has ended.
    Given,
}
