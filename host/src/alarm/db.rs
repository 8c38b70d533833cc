//! What a store of alarms does, and what it keeps of one. [`SqliteAlarms`](super::SqliteAlarms) is the one that there is.

use super::schedule::{Key, Moment};
use crate::limits;
use crate::session::SessionKey;

/// Whose an alarm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// The app's, set by its handlers.
    App,
    /// The app's, of its manifest.
    Manifest,
    /// A session's.
    Session(SessionKey),
}

impl Owner {
    /// Alarms that it may have.
    pub(super) fn most(self) -> usize {
        match self {
            Self::App | Self::Manifest => limits::ALARMS_PER_APP_MAX,
            Self::Session(_) => limits::ALARMS_PER_SESSION_MAX,
        }
    }
}

/// An alarm that is to be set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Whose.
    pub owner: Owner,
    /// Its name.
    pub name: String,
    /// The handler that set it.
    pub handler: String,
    /// When it is to ring.
    pub due: Moment,
    /// What comes with it.
    pub payload: Vec<u8>,
}

/// An alarm, as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Of this setting.
    pub key: Key,
    /// What was set.
    pub setting: Setting,
    /// The key that its session is about to have, or has.
    pub moving: Option<SessionKey>,
    /// When it is to ring next: later than `due` once a call failed.
    pub next: Moment,
    /// Calls that failed.
    pub failed: u32,
    /// What was said of the last of them.
    pub error: Option<String>,
    /// Its expression, if it is the manifest's.
    pub cron: Option<String>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It is over: the alarm is forgotten.
    Done,
    /// It rings again, for another reason than a failure.
    Again(Moment),
    /// It rings again, since a call failed, which counts, or could not be made.
    Retry {
        /// When.
        at: Moment,
        /// How many calls have failed by now.
        failed: u32,
        /// What is said of the last.
        error: String,
    },
}

/// Why an operation on alarms failed; nothing was changed. WIT `alarms.error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AlarmError {
    /// The name is empty or too long.
    #[error("alarm name of {0} bytes: 1 to {limit} are allowed", limit = limits::ALARM_NAME_BYTES_MAX)]
    InvalidName(usize),
    /// The owner has as many as it may.
    #[error("a {0}th alarm, and {1} are allowed")]
    TooMany(usize, usize),
    /// The payload is too large.
    #[error("alarm payload of {0} bytes exceeds the limit of {limit}", limit = limits::ALARM_PAYLOAD_BYTES_MAX)]
    TooLarge(usize),
    /// The store failed.
    #[error("the store of alarms failed: {0}")]
    Unavailable(String),
}
