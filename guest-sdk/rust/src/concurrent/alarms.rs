//! Alarms, to be awaited.

use std::time::SystemTime;

use super::Session;
use crate::alarms::{Alarm, Owner, nanos};
use crate::bindings::awaited::wit::alarms as wit;
use crate::error::Result;

/// As [`alarms::Ringing`](crate::alarms::Ringing).
#[derive(Debug)]
pub struct Ringing {
    id: u64,
}

impl Ringing {
    #[doc(hidden)]
    pub fn new(id: u64) -> Self {
        Self { id }
    }

    /// As [`Ringing::session`](crate::alarms::Ringing::session).
    ///
    /// # Errors
    /// As there.
    pub async fn session(&self) -> Result<Session> {
        Session::open(self.id).await
    }
}

impl<'a> From<&'a Session> for Owner<'a> {
    fn from(session: &'a Session) -> Self {
        Self::Session(session)
    }
}

/// As [`alarms::set`](crate::alarms::set).
///
/// # Errors
/// As there.
pub async fn set(of: impl Into<Owner<'_>>, name: &str, due: SystemTime, payload: &[u8]) -> Result<()> {
    Ok(wit::set(of.into().awaited(), name.to_owned(), nanos(due), payload.to_vec()).await?)
}

/// As [`alarms::cancel`](crate::alarms::cancel).
///
/// # Errors
/// As there.
pub async fn cancel(of: impl Into<Owner<'_>>, name: &str) -> Result<bool> {
    Ok(wit::cancel(of.into().awaited(), name.to_owned()).await?)
}

/// As [`alarms::list`](crate::alarms::list).
///
/// # Errors
/// As there.
pub async fn list(of: impl Into<Owner<'_>>, after: Option<&str>, limit: u32) -> Result<Vec<Alarm>> {
    let alarms = wit::list(of.into().awaited(), after.map(str::to_owned), limit).await?;
    Ok(alarms.into_iter().map(Alarm::from).collect())
}
