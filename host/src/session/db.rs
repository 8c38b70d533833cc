//! The seam to where sessions persist.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::record::{Lifetimes, Timestamp};
use super::{Changes, Record, SessionId, SessionKey, TooLarge};

/// What a session store answers with, in time.
pub type DbFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, DbError>> + Send + 'a>>;

/// A save.
#[derive(Clone, Debug)]
pub struct Save {
    /// Of which session.
    pub key: SessionKey,
    /// What to merge.
    pub changes: Changes,
    /// Only over this version; 0 for none.
    pub if_version: Option<u64>,
    /// When.
    pub now: Timestamp,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
}

/// Where sessions persist. Whatever was acknowledged is seen by each call that follows.
pub trait SessionDb: Send + Sync + 'static {
    /// The saved record; none if there never was one, or it has ended.
    fn load(&self, key: SessionKey, now: Timestamp) -> DbFuture<'_, Option<Arc<Record>>>;

    /// Merges changes into the saved record, atomically, and answers when the result is durable. A
    /// record that has ended is begun anew; one that was flushed stays so.
    fn save(&self, save: Save) -> DbFuture<'_, Arc<Record>>;

    /// Moves a record to another key, atomically; nothing happens where there is none.
    fn rename(&self, from: SessionKey, to: SessionKey) -> DbFuture<'_, ()>;

    /// Ends a session for good: until `until` a save under its key fails with `Deleted`.
    fn flush(&self, key: SessionKey, until: Timestamp) -> DbFuture<'_, ()>;

    /// Notes a use, some time later; one that is lost is no harm.
    fn touch(&self, key: SessionKey, now: Timestamp, lifetimes: Lifetimes);

    /// Forgets some of what has ended; how many that were.
    fn sweep(&self, now: Timestamp) -> DbFuture<'_, usize>;

    /// The value of the cookie by which a peer comes back.
    fn cookie(&self, id: &SessionId) -> String {
        id.encode()
    }

    /// Whether the cookie carries the session, so that no save is of use once the head has left.
    fn is_carried(&self) -> bool {
        false
    }
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
    /// The session was flushed.
    #[error("the session was flushed")]
    Deleted,
    /// The result would be over a limit.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// The store itself: locked, full, gone, too busy.
    #[error("the session store failed: {0}")]
    Unavailable(String),
}

/// What a store has under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// A record, which may have ended.
    Saved(Record),
    /// A session that was flushed; to be forgotten at this time.
    Flushed(Timestamp),
}

impl Row {
    /// The record that a load answers with.
    pub(super) fn loaded(self, now: Timestamp) -> Option<Record> {
        match self {
            Self::Saved(record) if !record.has_expired(now) => Some(record),
            _ => None,
        }
    }

    /// When a sweep may forget it.
    pub(super) fn ends(&self) -> Timestamp {
        match self {
            Self::Saved(record) => record.expires,
            Self::Flushed(until) => *until,
        }
    }
}

impl Save {
    /// The record that this save makes of what is there: one rule for all stores.
    pub(super) fn over(&self, there: Option<Row>) -> Result<Record, DbError> {
        let record = match there {
            Some(Row::Flushed(until)) if self.now < until => return Err(DbError::Deleted),
            Some(row) => row.loaded(self.now).unwrap_or_default(),
            None => Record::default(),
        };
        if self.if_version.is_some_and(|version| version != record.version) {
            return Err(DbError::Conflict { saved: record.version });
        }
        Ok(record.merged(&self.changes)?.used(self.now, self.lifetimes))
    }
}
