//! Sessions in memory: for tests and for what may be lost with the process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::db::{DbError, DbFuture, Row, Save, SessionDb};
use super::record::{Lifetimes, Timestamp};
use super::{Record, SessionKey};
use crate::limits;

/// Sessions in a map.
#[derive(Debug, Default)]
pub struct MemoryDb {
    rows: Mutex<HashMap<SessionKey, Row>>,
}

impl MemoryDb {
    fn saved(&self, save: &Save) -> Result<Arc<Record>, DbError> {
        let mut rows = self.rows();
        if rows.len() >= limits::MEMORY_SESSIONS_MAX && !rows.contains_key(&save.key) {
            let max = limits::MEMORY_SESSIONS_MAX;
            return Err(DbError::Unavailable(format!("{max} sessions are in memory; use store = \"sqlite\"")));
        }
        let record = save.over(rows.get(&save.key).cloned())?;
        rows.insert(save.key, Row::Saved(record.clone()));
        Ok(Arc::new(record))
    }

    fn rows(&self) -> MutexGuard<'_, HashMap<SessionKey, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionDb for MemoryDb {
    fn load(&self, key: SessionKey, now: Timestamp) -> DbFuture<'_, Option<Arc<Record>>> {
        let loaded = self.rows().get(&key).cloned().and_then(|row| row.loaded(now)).map(Arc::new);
        Box::pin(std::future::ready(Ok(loaded)))
    }

    fn save(&self, save: Save) -> DbFuture<'_, Arc<Record>> {
        Box::pin(std::future::ready(self.saved(&save)))
    }

    fn rename(&self, from: SessionKey, to: SessionKey) -> DbFuture<'_, ()> {
        let mut rows = self.rows();
        if matches!(rows.get(&from), Some(Row::Saved(_)))
            && let Some(row) = rows.remove(&from)
        {
            rows.insert(to, row);
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn flush(&self, key: SessionKey, until: Timestamp) -> DbFuture<'_, ()> {
        self.rows().insert(key, Row::Flushed(until));
        Box::pin(std::future::ready(Ok(())))
    }

    fn touch(&self, key: SessionKey, now: Timestamp, lifetimes: Lifetimes) {
        if let Some(Row::Saved(record)) = self.rows().get_mut(&key) {
            *record = std::mem::take(record).used(now, lifetimes);
        }
    }

    fn sweep(&self, now: Timestamp) -> DbFuture<'_, usize> {
        let mut rows = self.rows();
        let before = rows.len();
        rows.retain(|_, row| row.ends() > now);
        Box::pin(std::future::ready(Ok(before - rows.len())))
    }
}
