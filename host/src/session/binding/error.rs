//! What an operation on a session says.

use crate::json::JsonError;
use crate::session::TooLarge;
use crate::session::db::DbError;

/// Why an operation on a session failed. WIT `session.error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// Not opened for this event.
    #[error("the session is not open: call open first")]
    NotOpen,
    /// A value is not JSON.
    #[error("the value is not JSON: {0}")]
    NotJson(#[from] JsonError),
    /// Over a limit.
    #[error("session {what} of {actual} exceeds the limit of {limit}")]
    TooLarge {
        /// `key`, `value`, `keys` or `session`.
        what: &'static str,
        /// What there was.
        actual: usize,
        /// What is allowed.
        limit: usize,
    },
    /// Another version is saved.
    #[error("the saved version is {0}")]
    Conflict(u64),
    /// The cookie that it takes cannot reach the peer any more.
    #[error("the peer holds no session cookie, and it is too late to give it one")]
    CookieUnreachable,
    /// It was flushed.
    #[error("the session was flushed")]
    Deleted,
    /// The store failed.
    #[error("the session store failed: {0}")]
    Unavailable(String),
}

impl From<TooLarge> for SessionError {
    fn from(TooLarge { what, actual, limit }: TooLarge) -> Self {
        Self::TooLarge { what, actual, limit }
    }
}

impl From<DbError> for SessionError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Conflict { saved } => Self::Conflict(saved),
            DbError::Deleted => Self::Deleted,
            DbError::TooLarge(error) => error.into(),
            DbError::Unavailable(cause) => Self::Unavailable(cause),
        }
    }
}
