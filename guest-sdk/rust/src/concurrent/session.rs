//! The session, with saves to be awaited.

use std::ops::Deref;

use crate::bindings::awaited::wit::session;
use crate::error::Result;

/// As [`Session`](crate::Session), to which it derefs; opening and saving are awaited.
#[derive(Debug)]
pub struct Session {
    of: u64,
    plain: crate::Session,
}

impl Session {
    pub(super) async fn open(of: u64) -> Result<Self> {
        session::open(of).await?;
        Ok(Self { of, plain: crate::Session::opened(of) })
    }

    /// As [`Session::cycle_id`](crate::Session::cycle_id).
    ///
    /// # Errors
    /// As there.
    pub async fn cycle_id(&self) -> Result<()> {
        Ok(session::cycle_id(self.of).await?)
    }

    /// As [`Session::flush`](crate::Session::flush).
    ///
    /// # Errors
    /// As there.
    pub async fn flush(&self) -> Result<()> {
        Ok(session::flush(self.of).await?)
    }

    /// As [`Session::save`](crate::Session::save).
    ///
    /// # Errors
    /// As there.
    pub async fn save(&self) -> Result<u64> {
        Ok(session::save(self.of, None).await?)
    }

    /// As [`Session::save_if_version`](crate::Session::save_if_version).
    ///
    /// # Errors
    /// As there.
    pub async fn save_if_version(&self, version: u64) -> Result<u64> {
        Ok(session::save(self.of, Some(version)).await?)
    }
}

impl Deref for Session {
    type Target = crate::Session;

    fn deref(&self) -> &crate::Session {
        &self.plain
    }
}
