//! The session: state that lasts, shared by the exchanges and websockets of one browser. Turns values
//! into the JSON that every language reads; the host keeps them.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::wit::session;
use crate::error::Result;
use crate::websocket::nanos;

/// The session of a websocket or exchange. Changes are seen here at once, and by others after a
/// save: an exchange saves by itself when it answers, unless the status is 500; a websocket when
/// [`Session::save`] is called. Unsaved changes of a websocket outlive the instance, not the websocket.
///
/// Saves merge key by key, so two writers of different keys never lose each other's. To read, modify
/// and write one key, save over the version that was read, and try again where another was faster:
///
/// ```
/// use sessile_sdk::prelude::*;
///
/// fn count(request: Request) -> Result<Response> {
///     loop {
///         let session = request.session()?;
///         let count = session.get::<u64>("count")?.unwrap_or(0) + 1;
///         session.set("count", &count)?;
///         match session.save_if_version(session.version()?) {
///             Ok(_) => return Ok(Response::text(count.to_string())),
///             Err(Error::Conflict(_)) => session.discard()?,
///             Err(error) => return Err(error),
///         }
///     }
/// }
///
/// sessile_sdk::http!(count);
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Session {
    of: u64,
}

impl Session {
    pub(crate) fn open(of: u64) -> Result<Self> {
        session::open(of)?;
        Ok(Self::opened(of))
    }

    pub(crate) fn opened(of: u64) -> Self {
        Self { of }
    }

    pub(crate) fn of(&self) -> u64 {
        self.of
    }

    /// A key's value; none where it is not there.
    ///
    /// # Errors
    /// [`Error::BadJson`](crate::Error::BadJson) where it is of another type.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        match session::get(self.of, key)? {
            Some(value) => Ok(Some(serde_json::from_slice(&value)?)),
            None => Ok(None),
        }
    }

    /// Sets a key of 1-128 bytes to a value of at most 16 KiB of JSON; a session holds 128 keys and
    /// 64 KiB.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge); [`Error::BadJson`](crate::Error::BadJson) for what
    /// JSON cannot express.
    pub fn set(&self, key: &str, value: &(impl Serialize + ?Sized)) -> Result<()> {
        Ok(session::set(self.of, key, &serde_json::to_vec(value)?)?)
    }

    /// Removes a key; says whether it was there.
    ///
    /// # Errors
    /// [`Error::SessionNotOpen`](crate::Error::SessionNotOpen) after the event in which it was opened.
    pub fn remove(&self, key: &str) -> Result<bool> {
        Ok(session::remove(self.of, key)?)
    }

    /// Whether a key is there.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn contains(&self, key: &str) -> Result<bool> {
        Ok(session::get(self.of, key)?.is_some())
    }

    /// Who has logged in: the value of the key `user`, which a login sets, after
    /// [`cycle_id`](Self::cycle_id).
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn user<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.get("user")
    }

    /// All keys, sorted.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn keys(&self) -> Result<Vec<String>> {
        Ok(session::keys(self.of)?)
    }

    /// Whether there is no key.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn is_empty(&self) -> Result<bool> {
        Ok(self.keys()?.is_empty())
    }

    /// Removes every key.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn clear(&self) -> Result<()> {
        Ok(session::clear(self.of)?)
    }

    /// Drops the unsaved changes: after a [`Error::Conflict`](crate::Error::Conflict), before the
    /// session is opened again.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn discard(&self) -> Result<()> {
        Ok(session::discard(self.of)?)
    }

    /// Whether nothing was ever saved.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn is_new(&self) -> Result<bool> {
        Ok(session::is_new(self.of)?)
    }

    /// The version that was loaded or saved last; 0 for none.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn version(&self) -> Result<u64> {
        Ok(session::version(self.of)?)
    }

    /// Lets the session end after so long without use, at most 400 days, in place of what the manifest
    /// says; none to go back to that. Saved as any change.
    ///
    /// # Errors
    /// [`Error::TooLarge`](crate::Error::TooLarge) in days; as [`Self::remove`].
    pub fn set_expiry(&self, expiry: Option<Duration>) -> Result<()> {
        Ok(session::set_expiry(self.of, expiry.map(nanos))?)
    }

    /// Gives the session another id: at each login, so that an id which a stranger planted or saw opens
    /// nothing. The peer gets it with the response, or with the 101.
    ///
    /// # Errors
    /// [`Error::CookieUnreachable`](crate::Error::CookieUnreachable) after those; as [`Self::save`].
    pub fn cycle_id(&self) -> Result<()> {
        Ok(session::cycle_id(self.of)?)
    }

    /// Ends the session for good: at logout. Its record is gone, its websockets are closed with 1008,
    /// this one when its handler returns.
    ///
    /// # Errors
    /// [`Error::SessionDeleted`](crate::Error::SessionDeleted) the second time, as of every call that
    /// follows; [`Error::SessionUnavailable`](crate::Error::SessionUnavailable).
    pub fn flush(&self) -> Result<()> {
        Ok(session::flush(self.of)?)
    }

    /// Saves the changes, key by key; returns the version once they are durable.
    ///
    /// # Errors
    /// [`Error::CookieUnreachable`](crate::Error::CookieUnreachable),
    /// [`Error::SessionUnavailable`](crate::Error::SessionUnavailable): the changes are kept.
    pub fn save(&self) -> Result<u64> {
        Ok(session::save(self.of, None)?)
    }

    /// Saves only if `version` is still the saved one: for read-modify-write.
    ///
    /// # Errors
    /// [`Error::Conflict`](crate::Error::Conflict); as [`Self::save`].
    pub fn save_if_version(&self, version: u64) -> Result<u64> {
        Ok(session::save(self.of, Some(version))?)
    }
}
