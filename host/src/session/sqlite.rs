//! The embedded session store: one SQLite file, as [`crate::sqlite`] keeps them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::db::{DbError, DbFuture, Row, Save, SessionDb};
use super::record::{Lifetimes, Timestamp};
use super::{Record, SessionKey, stored};
use crate::limits;
use crate::sqlite::{OpenError, Store, Tables, Unavailable};

/// Sessions in a SQLite file.
pub struct SqliteDb(Store<Sessions>);

/// What the file holds.
pub(super) struct Sessions;

/// A write.
pub(super) enum What {
    Save(Save),
    Rename(SessionKey, SessionKey),
    Flush(SessionKey, Timestamp),
    Touch(SessionKey, Timestamp, Lifetimes),
    Sweep(Timestamp),
}

/// What became of it.
pub(super) enum Done {
    Saved(Arc<Record>),
    Swept(usize),
    Other,
}

/// The session store of an app's folder.
pub fn sqlite_file(folder: &Path) -> PathBuf {
    folder.join("sessions.db")
}

impl SqliteDb {
    /// Opens the file, making it and its schema if need be, and starts its two threads.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        Self::open_with(path, limits::SQLITE_BUSY)
    }

    fn open_with(path: &Path, busy: Duration) -> Result<Self, OpenError> {
        Store::open(path, busy).map(Self)
    }
}

impl SessionDb for SqliteDb {
    fn load(&self, key: SessionKey, now: Timestamp) -> DbFuture<'_, Option<Arc<Record>>> {
        Box::pin(self.0.read((key, now)))
    }

    fn save(&self, save: Save) -> DbFuture<'_, Arc<Record>> {
        Box::pin(async move {
            match self.0.write(What::Save(save)).await? {
                Done::Saved(record) => Ok(record),
                Done::Swept(_) | Done::Other => Err(mixed_up()),
            }
        })
    }

    fn rename(&self, from: SessionKey, to: SessionKey) -> DbFuture<'_, ()> {
        Box::pin(async move { self.0.write(What::Rename(from, to)).await.map(drop) })
    }

    fn flush(&self, key: SessionKey, until: Timestamp) -> DbFuture<'_, ()> {
        Box::pin(async move { self.0.write(What::Flush(key, until)).await.map(drop) })
    }

    fn touch(&self, key: SessionKey, now: Timestamp, lifetimes: Lifetimes) {
        // Where the queue is full, the next use is noted instead.
        self.0.write_later(What::Touch(key, now, lifetimes));
    }

    fn sweep(&self, now: Timestamp) -> DbFuture<'_, usize> {
        Box::pin(async move {
            match self.0.write(What::Sweep(now)).await? {
                Done::Swept(rows) => Ok(rows),
                Done::Saved(_) | Done::Other => Err(mixed_up()),
            }
        })
    }
}

/// Never: each write has an answer of its kind.
fn mixed_up() -> DbError {
    DbError::Unavailable("it answered another question".into())
}

impl Tables for Sessions {
    type Write = What;
    type Written = Done;
    type Read = (SessionKey, Timestamp);
    type Found = Option<Arc<Record>>;
    type Error = DbError;
    type Writer = SessionKey;

    const NAME: &'static str = "session";
    const SCHEMA: i64 = 2;

    fn migrate(transaction: &Transaction<'_>, found: i64) -> rusqlite::Result<()> {
        if found < 1 {
            transaction.execute_batch(SCHEMA_1)?;
        }
        transaction.execute_batch(SCHEMA_2)?;
        let (idle, absolute) = (limits::SESSION_IDLE.as_secs(), limits::SESSION_ABSOLUTE.as_secs());
        transaction
            .execute(
                "UPDATE sessions SET seen_at = saved_at, expires_at = min(saved_at + ?1, created_at + ?2)",
                params![idle.cast_signed(), absolute.cast_signed()],
            )
            .map(drop)
    }

    fn writer(write: &What) -> Option<SessionKey> {
        match write {
            What::Save(save) => Some(save.key),
            What::Rename(key, _) | What::Flush(key, _) | What::Touch(key, ..) => Some(*key),
            What::Sweep(_) => None,
        }
    }

    fn write(transaction: &Transaction<'_>, write: &What) -> rusqlite::Result<Result<Done, DbError>> {
        apply(transaction, write)
    }

    fn read(connection: &Connection, (key, now): &(SessionKey, Timestamp)) -> rusqlite::Result<Option<Arc<Record>>> {
        Ok(select(connection, *key)?.and_then(|row| row.loaded(*now)).map(Arc::new))
    }
}

impl From<Unavailable> for DbError {
    fn from(Unavailable(cause): Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

const SCHEMA_1: &str = "CREATE TABLE sessions (
    key BLOB PRIMARY KEY,      -- SHA-256 of the id in the cookie
    version INTEGER NOT NULL,  -- counts saves, from 1
    record TEXT NOT NULL,      -- a JSON object: key to value
    created_at INTEGER NOT NULL,  -- seconds since 1970
    saved_at INTEGER NOT NULL
) WITHOUT ROWID";

const SCHEMA_2: &str = "
    ALTER TABLE sessions ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;     -- used last, about
    ALTER TABLE sessions ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE sessions ADD COLUMN expiry INTEGER;                         -- seconds: a life of its own
    ALTER TABLE sessions ADD COLUMN flushed INTEGER NOT NULL DEFAULT 0;     -- 1: a tombstone
    CREATE INDEX sessions_by_end ON sessions (expires_at);";

fn apply(transaction: &Transaction<'_>, what: &What) -> rusqlite::Result<Result<Done, DbError>> {
    match what {
        What::Save(save) => {
            let record = match save.over(select(transaction, save.key)?) {
                Ok(record) => Arc::new(record),
                Err(error) => return Ok(Err(error)),
            };
            insert(transaction, save.key, &record, save.now)?;
            Ok(Ok(Done::Saved(record)))
        }
        What::Rename(from, to) => {
            transaction
                .prepare_cached("UPDATE OR REPLACE sessions SET key = ?2 WHERE key = ?1 AND flushed = 0")?
                .execute([from.as_bytes(), to.as_bytes()])?;
            Ok(Ok(Done::Other))
        }
        What::Flush(key, until) => {
            transaction
                .prepare_cached(
                    "INSERT OR REPLACE INTO sessions
                     (key, version, record, created_at, saved_at, expires_at, flushed) VALUES (?1, 0, '{}', 0, 0, ?2, 1)",
                )?
                .execute(params![key.as_bytes(), until.0.cast_signed()])?;
            Ok(Ok(Done::Other))
        }
        What::Touch(key, now, lifetimes) => {
            if let Some(Row::Saved(record)) = select(transaction, *key)? {
                let record = record.used(*now, *lifetimes);
                transaction
                    .prepare_cached("UPDATE sessions SET seen_at = ?2, expires_at = ?3 WHERE key = ?1")?
                    .execute(params![key.as_bytes(), record.seen.0.cast_signed(), record.expires.0.cast_signed()])?;
            }
            Ok(Ok(Done::Other))
        }
        What::Sweep(now) => {
            let swept = transaction
                .prepare_cached(
                    "DELETE FROM sessions WHERE key IN (SELECT key FROM sessions WHERE expires_at <= ?1 LIMIT ?2)",
                )?
                .execute(params![now.0.cast_signed(), limits::SESSION_SWEEP_MAX])?;
            Ok(Ok(Done::Swept(swept)))
        }
    }
}

fn insert(connection: &Connection, key: SessionKey, record: &Record, now: Timestamp) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO sessions
             (key, version, record, created_at, saved_at, seen_at, expires_at, expiry)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            key.as_bytes(),
            record.version.cast_signed(),
            stored::encode(&record.values).map_err(json_error)?,
            record.created.0.cast_signed(),
            now.0.cast_signed(),
            record.seen.0.cast_signed(),
            record.expires.0.cast_signed(),
            record.expiry.map(|own| own.as_secs().cast_signed()),
        ])
        .map(drop)
}

fn select(connection: &Connection, key: SessionKey) -> rusqlite::Result<Option<Row>> {
    connection
        .prepare_cached(
            "SELECT version, record, created_at, seen_at, expires_at, expiry, flushed FROM sessions WHERE key = ?1",
        )?
        .query_row([key.as_bytes()], |row| {
            let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
            let expires = Timestamp(number(4)?);
            if number(6)? != 0 {
                return Ok(Row::Flushed(expires));
            }
            Ok(Row::Saved(Record {
                version: number(0)?,
                values: stored::decode(row.get_ref(1)?.as_str()?).map_err(json_error)?,
                expiry: row.get::<_, Option<i64>>(5)?.map(|own| Duration::from_secs(own.cast_unsigned())),
                created: Timestamp(number(2)?),
                seen: Timestamp(number(3)?),
                expires,
            }))
        })
        .optional()
}

pub(super) fn json_error(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::conformance::{key, save};
    use super::*;
    use crate::sqlite::{commit, connect};

    fn open() -> (TempDir, SqliteDb) {
        let folder = TempDir::new().unwrap();
        let db = SqliteDb::open_with(&folder.path().join("s.db"), Duration::from_millis(20)).unwrap();
        (folder, db)
    }

    #[tokio::test]
    async fn save_acknowledged_is_read_after_reopening() {
        let (folder, db) = open();
        let key = key();
        let saved = db.save(save(key, "a", "{\"x\": 1.50}")).await.unwrap();
        drop(db);
        let db = SqliteDb::open(&folder.path().join("s.db")).unwrap();
        assert_eq!(db.load(key, Timestamp(1)).await.unwrap(), Some(saved));
    }

    #[tokio::test]
    async fn locked_database_fails_the_save_and_recovers() {
        let (folder, db) = open();
        let other = Connection::open(folder.path().join("s.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = db.save(save(key(), "a", "1")).await.unwrap_err();
        assert!(matches!(&error, DbError::Unavailable(cause) if cause.contains("locked")), "{error}");
        other.execute_batch("ROLLBACK").unwrap();
        db.save(save(key(), "a", "1")).await.unwrap();
    }

    #[tokio::test]
    async fn full_disk_fails_the_save_and_recovers() {
        let (folder, db) = open();
        let key = key();
        db.save(save(key, "a", "1")).await.unwrap();
        drop(db);
        let path = folder.path().join("s.db");
        let mut connection = connect::<Sessions>(&path, Duration::from_millis(20)).unwrap();
        // SQLite's own word for a full disk: no page may be added.
        connection.pragma_update(None, "max_page_count", 1).unwrap();
        let big = format!("\"{}\"", "x".repeat(16_000));
        let write = What::Save(save(key, "b", &big));
        let error = commit::<Sessions>(&mut connection, [&write].into_iter()).err().unwrap();
        assert!(error.to_string().contains("full"), "{error}");
        connection.pragma_update(None, "max_page_count", 100_000).unwrap();
        let outcomes = commit::<Sessions>(&mut connection, [&write].into_iter()).unwrap();
        assert!(outcomes.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn schema_1_is_brought_up_with_its_sessions() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s.db");
        let (key, now) = (key(), Timestamp::now());
        let connection = Connection::open(&path).unwrap();
        connection.execute_batch(SCHEMA_1).unwrap();
        connection
            .execute(
                "INSERT INTO sessions VALUES (?1, 7, '{\"a\":1}', ?2, ?2)",
                params![key.as_bytes(), now.0.cast_signed()],
            )
            .unwrap();
        connection.pragma_update(None, "user_version", 1).unwrap();
        drop(connection);
        let db = SqliteDb::open(&path).unwrap();
        let record = db.load(key, now).await.unwrap().unwrap();
        assert_eq!((record.version, record.values["a"].as_ref()), (7, b"1".as_slice()));
        assert_eq!((record.created, record.expires), (now, now.after(limits::SESSION_IDLE)));
    }

    #[test]
    fn newer_schema_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 3).unwrap();
        let error = SqliteDb::open(&path).err().unwrap().to_string();
        assert!(error.ends_with("its schema is 3, this host knows up to 2; use a newer host"), "{error}");
    }
}
