//! The seam to where sessions persist.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{Changes, Record, SessionKey, TooLarge};

/// What a session store answers with, in time.
pub type DbFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

/// Where sessions persist.
pub trait SessionDb: Send + Sync + 'static {
    /// The saved record; none if there never was one. A save that was
    /// acknowledged before is seen.
    fn load(&self, key: SessionKey) -> DbFuture<'_, Option<Arc<Record>>>;

    /// Merges changes into the saved record, atomically, and answers when the result is durable.
    /// With `if_version`, only if that is the saved version (0: no record).
    fn save(&self, key: SessionKey, changes: Changes, if_version: Option<u64>) -> DbFuture<'_, Arc<Record>>;
}

/// Why a session store did not do it; nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// Another version is saved.
    #[error("the saved version is {saved}")]
    Conflict {
        /// Which.
        saved: u64,
    },
    /// The result would be over a limit.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The store itself: locked, full, gone, too busy.
    #[error("the session store failed: {0}")]
    Unavailable(String),
}
