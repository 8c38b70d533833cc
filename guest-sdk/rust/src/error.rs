//! One error for everything that a handler may meet. Owns its words; each carries the values.

use std::fmt;

use crate::bindings::wit;
use crate::message::Close;
use crate::state::State;

/// What an operation comes to.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation failed. None of these closes the websocket by itself.
///
/// Returned by a handler, the host logs it under an id, closes the websocket with 1011 or answers
/// 500, and tells the peer only the id. Two are no failure but of `on_close`, so that `?` may end a
/// handler: [`Error::Disconnected`] and [`Error::PeerGone`]; and [`Error::Retire`] hands the websocket over. A reason of your own is a text:
///
/// ```
/// use sessile_sdk::prelude::*;
///
/// fn seat(number: u32) -> Result<u32> {
///     if number > 40 { Err(format!("seat {number} of 40").into()) } else { Ok(number) }
/// }
///
/// assert_eq!(seat(41), Err(Error::Failed("seat 41 of 40".to_owned())));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// The websocket has ended, with this close.
    Disconnected(Close),
    /// The call is not legal in this state of the websocket.
    WrongState {
        /// Its name in the WIT, such as `accept`.
        call: String,
        /// The state in which it was made.
        state: State,
    },
    /// Text was wanted and binary came, or the other way round; the message is lost.
    WrongKind {
        /// `text` or `binary`.
        wanted: &'static str,
    },
    /// The message or value is not the JSON that was wanted.
    BadJson {
        /// From 1; 0 where there is no position.
        line: usize,
        /// From 1; 0 where there is no position, or before the first of its line.
        column: usize,
        /// What is wrong, without the position.
        reason: String,
    },
    /// The body is not the form that was wanted; the text says why.
    BadForm(String),
    /// Something is larger than its limit: a message, a close reason, a body, a group's name, the
    /// groups of a websocket, a session or a part of it.
    TooLarge {
        /// Bytes (or items) there were.
        actual: u64,
        /// Bytes (or items) allowed.
        limit: u64,
    },
    /// Nothing came, or the peer took nothing, in time.
    TimedOut,
    /// `receive` in event style, where messages come to `on_message`.
    WrongStyle,
    /// A close code that may not be sent: 1000-1003, 1007-1013 and 3000-4999 may.
    InvalidCode(u16),
    /// A subprotocol that the peer did not offer.
    NotOffered(String),
    /// A header or status that cannot be sent; the text says which.
    InvalidHead(String),
    /// An HTTP call in the wrong order; the text names the stage.
    WrongOrder(&'static str),
    /// The peer of an exchange has gone, or the websocket that was to join or leave a group.
    PeerGone,
    /// The body sent differs from the `content-length` promised.
    LengthMismatch {
        /// Bytes sent.
        actual: u64,
        /// Bytes promised.
        promised: u64,
    },
    /// The session was not opened; or, for an alarm, never saved.
    SessionNotOpen,
    /// Another version of the session is saved, this one: [`discard`](crate::Session::discard), open
    /// it again, and retry.
    Conflict(u64),
    /// The peer holds no session cookie, and it is too late to give it one.
    CookieUnreachable,
    /// The session store failed; nothing was saved, the changes are kept.
    SessionUnavailable(String),
    /// The handler that sets an alarm exports nothing that it could ring: [`alarm!`](crate::alarm!).
    NoAlarmHandler,
    /// The store of alarms failed; nothing was set or cancelled.
    AlarmsUnavailable(String),
    /// The session was flushed, here or by another of its holders.
    SessionDeleted,
    /// No websocket of this app that is connected has this id.
    Unknown(u64),
    /// `receive`: the host has another version of the app that can take this websocket over. Left to `?`, it does; see
    /// [`WebSocket`](crate::WebSocket#new-code-under-a-live-websocket).
    Retire,
    /// What keeps groups cannot do it now; the text says why.
    Unavailable(String),
    /// The host does not do that.
    Unsupported,
    /// The handler's own failure.
    Failed(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Disconnected(close) => write!(f, "the websocket has ended with {}", close.code),
            Self::WrongState { call, state } => write!(f, "{call} is illegal while the websocket is {state}"),
            Self::WrongKind { wanted } => write!(f, "the message is not {wanted}"),
            Self::BadJson { line: 0, reason, .. } => write!(f, "bad JSON: {reason}"),
            Self::BadJson { line, column, reason } => write!(f, "bad JSON at line {line} column {column}: {reason}"),
            Self::BadForm(why) => write!(f, "bad form: {why}"),
            Self::TooLarge { actual, limit } => write!(f, "{actual} exceeds the limit of {limit}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::WrongStyle => f.write_str("receive is for loop style; in event style messages come to on_message"),
            Self::InvalidCode(code) => write!(f, "close code {code} may not be sent"),
            Self::NotOffered(name) => write!(f, "subprotocol {name:?} was not offered"),
            Self::InvalidHead(what) => f.write_str(what),
            Self::WrongOrder(stage) => write!(f, "illegal while the response is {stage}"),
            Self::PeerGone => f.write_str("the peer has gone"),
            Self::LengthMismatch { actual, promised } => write!(f, "{actual} bytes sent, {promised} promised"),
            Self::SessionNotOpen => f.write_str("the session is not open"),
            Self::Conflict(saved) => write!(f, "version {saved} of the session is saved"),
            Self::CookieUnreachable => {
                f.write_str("the cookie that this needs cannot reach the peer any more: the head has left")
            }
            Self::SessionUnavailable(cause) => write!(f, "the session store failed: {cause}"),
            Self::NoAlarmHandler => f.write_str("this handler exports no alarm-handler"),
            Self::AlarmsUnavailable(cause) => write!(f, "the store of alarms failed: {cause}"),
            Self::SessionDeleted => f.write_str("the session was flushed"),
            Self::Unknown(id) => write!(f, "no websocket of this app that is connected has the id {id:016x}"),
            Self::Retire => f.write_str("the host has newer code for this websocket"),
            Self::Unavailable(cause) => write!(f, "unavailable: {cause}"),
            Self::Unsupported => f.write_str("this host does not do that"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Error {}

impl From<String> for Error {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}

impl From<&str> for Error {
    fn from(reason: &str) -> Self {
        Self::Failed(reason.to_owned())
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        // It ends its words with the position, which is in the fields.
        let (line, column, words) = (error.line(), error.column(), error.to_string());
        let position = format!(" at line {line} column {column}");
        Self::BadJson { line, column, reason: words.strip_suffix(&position).unwrap_or(&words).to_owned() }
    }
}

/// The errors of the interfaces: generated once for calls that block and once for those that are awaited.
macro_rules! from_wit {
    ($wit:path) => {
        const _: () = {
            use $wit as wit;

            impl From<wit::websocket::State> for State {
                fn from(state: wit::websocket::State) -> Self {
                    match state {
                        wit::websocket::State::Connecting => Self::Connecting,
                        wit::websocket::State::Open => Self::Open,
                        wit::websocket::State::Closing => Self::Closing,
                        wit::websocket::State::Closed => Self::Closed,
                    }
                }
            }

            impl From<wit::websocket::Error> for Error {
                fn from(error: wit::websocket::Error) -> Self {
                    use wit::websocket::Error as Wit;
                    match error {
                        Wit::WrongState(misuse) => Self::WrongState { call: misuse.call, state: misuse.state.into() },
                        Wit::Disconnected(close) => Self::Disconnected(close.into()),
                        Wit::TooLarge(excess) | Wit::ReasonTooLong(excess) => excess.into(),
                        Wit::TimedOut => Self::TimedOut,
                        Wit::WrongStyle => Self::WrongStyle,
                        Wit::InvalidCode(code) => Self::InvalidCode(code),
                        Wit::NotOffered(name) => Self::NotOffered(name),
                        Wit::InvalidHead(what) => Self::InvalidHead(what),
                        Wit::WrongKind(kind) => kind.into(),
                        Wit::BadJson(error) => error.into(),
                        Wit::Retire => Self::Retire,
                        Wit::Unsupported => Self::Unsupported,
                    }
                }
            }

            impl From<wit::http::Error> for Error {
                fn from(error: wit::http::Error) -> Self {
                    use wit::http::{Error as Wit, Stage};
                    match error {
                        Wit::WrongOrder(Stage::Unanswered) => Self::WrongOrder("unanswered"),
                        Wit::WrongOrder(Stage::Streaming) => Self::WrongOrder("streaming"),
                        Wit::WrongOrder(Stage::Finished) => Self::WrongOrder("finished"),
                        Wit::TooLarge(excess) => excess.into(),
                        Wit::PeerGone => Self::PeerGone,
                        Wit::InvalidHead(what) => Self::InvalidHead(what),
                        Wit::LengthMismatch(excess) => {
                            Self::LengthMismatch { actual: excess.actual, promised: excess.limit }
                        }
                        Wit::TimedOut => Self::TimedOut,
                        Wit::SessionUnsaved => Self::SessionUnavailable("so the response was not sent".to_owned()),
                        Wit::Unsupported => Self::Unsupported,
                    }
                }
            }

            impl From<wit::session::Error> for Error {
                fn from(error: wit::session::Error) -> Self {
                    use wit::session::Error as Wit;
                    match error {
                        Wit::NotOpen => Self::SessionNotOpen,
                        Wit::NotJson(error) => error.into(),
                        Wit::TooLarge(excess) => excess.into(),
                        Wit::Conflict(saved) => Self::Conflict(saved),
                        Wit::CookieUnreachable => Self::CookieUnreachable,
                        Wit::Unavailable(cause) => Self::SessionUnavailable(cause),
                        Wit::Deleted => Self::SessionDeleted,
                        Wit::Unsupported => Self::Unsupported,
                    }
                }
            }

            impl From<wit::connections::Error> for Error {
                fn from(error: wit::connections::Error) -> Self {
                    use wit::connections::Error as Wit;
                    match error {
                        Wit::Unknown(id) => Self::Unknown(id),
                        Wit::TooLarge(excess) | Wit::ReasonTooLong(excess) | Wit::InvalidName(excess) => excess.into(),
                        Wit::InvalidCode(code) => Self::InvalidCode(code),
                        Wit::SessionNotOpen => Self::SessionNotOpen,
                        Wit::WrongState(misuse) => Self::WrongState { call: misuse.call, state: misuse.state.into() },
                        Wit::Disconnected(close) => Self::Disconnected(close.into()),
                        Wit::Unavailable(cause) => Self::Unavailable(cause),
                        Wit::Unsupported => Self::Unsupported,
                    }
                }
            }

            impl From<wit::alarms::Error> for Error {
                fn from(error: wit::alarms::Error) -> Self {
                    use wit::alarms::Error as Wit;
                    match error {
                        Wit::InvalidName(excess) | Wit::TooMany(excess) | Wit::TooLarge(excess) => excess.into(),
                        Wit::NoHandler => Self::NoAlarmHandler,
                        Wit::NoSession => Self::SessionNotOpen,
                        Wit::Unavailable(cause) => Self::AlarmsUnavailable(cause),
                        Wit::Unsupported => Self::Unsupported,
                    }
                }
            }

            impl From<wit::groups::Error> for Error {
                fn from(error: wit::groups::Error) -> Self {
                    use wit::groups::Error as Wit;
                    match error {
                        Wit::InvalidName(excess) | Wit::TooMany(excess) | Wit::TooLarge(excess) => excess.into(),
                        Wit::InvalidTag(excess) => excess.into(),
                        Wit::InvalidMetadata(error) => error.into(),
                        Wit::Gone => Self::PeerGone,
                        Wit::Unavailable(cause) => Self::Unavailable(cause),
                        Wit::Unsupported => Self::Unsupported,
                    }
                }
            }
        };
    };
}

from_wit!(crate::bindings::wit);
from_wit!(crate::bindings::awaited::wit);

impl From<wit::types::JsonError> for Error {
    fn from(error: wit::types::JsonError) -> Self {
        Self::BadJson { line: error.line as usize, column: error.column as usize, reason: error.reason }
    }
}

/// A message of this kind came, and the other was wanted.
impl From<wit::types::Kind> for Error {
    fn from(kind: wit::types::Kind) -> Self {
        match kind {
            wit::types::Kind::Text => Self::WrongKind { wanted: "binary" },
            wit::types::Kind::Binary => Self::WrongKind { wanted: "text" },
        }
    }
}

impl From<wit::types::Excess> for Error {
    fn from(excess: wit::types::Excess) -> Self {
        Self::TooLarge { actual: excess.actual, limit: excess.limit }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_error_says_its_position_once() {
        let error = Error::from(serde_json::from_str::<u8>("\n x").unwrap_err());
        assert_eq!(error.to_string(), "bad JSON at line 2 column 2: expected value");
    }

    #[test]
    fn json_error_without_a_position_names_none() {
        let unfit = Error::from(serde_json::from_value::<u8>(serde_json::json!("x")).unwrap_err());
        assert_eq!(unfit.to_string(), "bad JSON: invalid type: string \"x\", expected u8");
        let error = wit::types::JsonError { line: 1, column: 2, reason: "expected value".into() };
        let refused = Error::from(wit::session::Error::NotJson(error));
        assert_eq!(refused.to_string(), "bad JSON at line 1 column 2: expected value");
    }

    #[test]
    fn error_carries_its_values() {
        let excess = wit::types::Excess { actual: 70_012, limit: 65_536 };
        let error = Error::from(wit::websocket::Error::TooLarge(excess));
        assert_eq!(error, Error::TooLarge { actual: 70_012, limit: 65_536 });
        assert_eq!(error.to_string(), "70012 exceeds the limit of 65536");
        assert_eq!(Error::from(wit::session::Error::Conflict(7)), Error::Conflict(7));
    }
}
