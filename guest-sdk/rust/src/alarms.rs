//! Calls at a time to come: durable, of the app or of a session, without a websocket and without an instance that waits.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//!
//! use sessile_sdk::alarms::{self, Alarm, Ringing};
//! use sessile_sdk::prelude::*;
//!
//! /// Reminds whoever asks in an hour.
//! fn remind(request: Request) -> Result<Response> {
//!     let session = request.session()?;
//!     session.set("what", &request.text()?)?;
//!     session.save()?;
//!     alarms::set(&session, "remind", SystemTime::now() + Duration::from_secs(3600), b"")?;
//!     Ok(Response::text("in an hour"))
//! }
//!
//! fn ring(ringing: Ringing, alarm: Alarm) -> Result<()> {
//!     let session = ringing.session()?;
//!     let what = session.get::<String>("what")?.unwrap_or_default();
//!     sessile_sdk::log::info(format!("{}: {what}, call {}", alarm.name, alarm.attempt));
//!     session.set("reminded", &true)
//! }
//!
//! sessile_sdk::http!(remind);
//! sessile_sdk::alarm!(ring);
//! # fn main() {}
//! ```
//!
//! **At least once.** An alarm whose handler fails or panics rings again, after a second, then two, up to five minutes, 300
//! times; so does one whose host died in its call. What must not happen twice is for the handler to see to.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::bindings::wit::alarms as wit;
use crate::error::Result;
use crate::session::Session;

/// An alarm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// 1-100 bytes.
    pub name: String,
    /// When it was to ring first; it never rings before.
    pub due: SystemTime,
    /// What came with it.
    pub payload: Vec<u8>,
    /// Which call this is, or would be next: from 1.
    pub attempt: u32,
}

/// Whose alarms are meant.
#[derive(Clone, Copy, Debug)]
pub enum Owner<'a> {
    /// The app's.
    App,
    /// A session's, which is open, and was saved once.
    Session(&'a Session),
}

impl<'a> From<&'a Session> for Owner<'a> {
    fn from(session: &'a Session) -> Self {
        Self::Session(session)
    }
}

/// An alarm that rings.
#[derive(Debug)]
pub struct Ringing {
    id: u64,
}

impl Ringing {
    #[doc(hidden)]
    pub fn new(id: u64) -> Self {
        Self { id }
    }

    /// The session that the alarm is of. Its changes are saved when the handler returns `Ok`. It cannot get another cookie.
    ///
    /// # Errors
    /// [`Error::SessionDeleted`](crate::Error::SessionDeleted),
    /// [`Error::SessionUnavailable`](crate::Error::SessionUnavailable).
    ///
    /// # Panics
    /// The call ends here where the alarm is the app's, which has no session.
    pub fn session(&self) -> Result<Session> {
        Session::open(self.id)
    }
}

/// Sets an alarm, durably, in place of one of the same owner and name.
///
/// The handler that sets it is the one that it rings, so its component must export one ([`alarm!`](crate::alarm!)).
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) for a name that is not 1-100 bytes, a payload over 16 KiB, or too many
/// alarms (1,000 of a session, 100,000 of an app); [`Error::NoAlarmHandler`](crate::Error::NoAlarmHandler);
/// [`Error::SessionNotOpen`](crate::Error::SessionNotOpen) for a session that was never saved;
/// [`Error::AlarmsUnavailable`](crate::Error::AlarmsUnavailable).
pub fn set<'a>(of: impl Into<Owner<'a>>, name: &str, due: SystemTime, payload: &[u8]) -> Result<()> {
    Ok(wit::set(of.into().wit(), name, nanos(due), payload)?)
}

/// Takes an alarm back; says whether it was there.
///
/// # Errors
/// [`Error::SessionNotOpen`](crate::Error::SessionNotOpen),
/// [`Error::AlarmsUnavailable`](crate::Error::AlarmsUnavailable).
pub fn cancel<'a>(of: impl Into<Owner<'a>>, name: &str) -> Result<bool> {
    Ok(wit::cancel(of.into().wit(), name)?)
}

/// An owner's alarms by name: those after the name `after`, at most `limit` and 100.
///
/// # Errors
/// As [`cancel`].
pub fn list<'a>(of: impl Into<Owner<'a>>, after: Option<&str>, limit: u32) -> Result<Vec<Alarm>> {
    let alarms = wit::list(of.into().wit(), after, limit)?;
    Ok(alarms.into_iter().map(Alarm::from).collect())
}

impl Owner<'_> {
    fn wit(self) -> wit::Owner {
        match self {
            Self::App => wit::Owner::App,
            Self::Session(session) => wit::Owner::Session(session.of()),
        }
    }

    pub(crate) fn awaited(self) -> crate::bindings::awaited::wit::alarms::Owner {
        match self {
            Self::App => crate::bindings::awaited::wit::alarms::Owner::App,
            Self::Session(session) => crate::bindings::awaited::wit::alarms::Owner::Session(session.of()),
        }
    }
}

/// What is before 1970 is due.
pub(crate) fn nanos(time: SystemTime) -> u64 {
    crate::websocket::nanos(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

macro_rules! from_wit {
    ($wit:path) => {
        impl From<$wit> for Alarm {
            fn from(alarm: $wit) -> Self {
                let due = UNIX_EPOCH + Duration::from_nanos(alarm.due);
                Self { name: alarm.name, due, payload: alarm.payload, attempt: alarm.attempt }
            }
        }
    };
}

from_wit!(wit::Alarm);
from_wit!(crate::bindings::awaited::wit::alarms::Alarm);
