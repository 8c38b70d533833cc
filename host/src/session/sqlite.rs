//! The embedded session store: one SQLite file, WAL, synchronous FULL.
//!
//! One thread writes: it takes all saves that have queued up and commits them together, so that a
//! burst costs one fsync. Another reads, so that a load never waits for one. Both queues are
//! bounded; a save is acknowledged after its commit and not before.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use tokio::sync::oneshot;

use super::db::{DbError, DbFuture, Row, Save, SessionDb};
use super::gather::Gathering;
use super::record::{Lifetimes, Timestamp};
use super::{Record, SessionKey, stored};
use crate::limits;

/// The schema that this host reads and writes (`PRAGMA user_version`).
pub(super) const SCHEMA: i64 = 2;

/// Sessions in a SQLite file.
pub struct SqliteDb {
    writes: Option<SyncSender<Write>>,
    loads: Option<SyncSender<Load>>,
    threads: Vec<JoinHandle<()>>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite cannot open it.
    #[error("session store {}: {cause}", .path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        cause: rusqlite::Error,
    },
    /// It was written by a newer host.
    #[error("session store {}: its schema is {found}, this host knows up to {SCHEMA}; use a newer host", .path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
    },
    /// The system gave no thread.
    #[error("session store: no thread: {0}")]
    NoThread(std::io::Error),
}

struct Write {
    what: What,
    answer: oneshot::Sender<Outcome>,
}

enum What {
    Save(Save),
    Rename(SessionKey, SessionKey),
    Flush(SessionKey, Timestamp),
    Touch(SessionKey, Timestamp, Lifetimes),
    Sweep(Timestamp),
}

/// What became of a write.
enum Done {
    Saved(Arc<Record>),
    Swept(usize),
    Other,
}

type Outcome = Result<Done, DbError>;

struct Load {
    key: SessionKey,
    now: Timestamp,
    answer: oneshot::Sender<Result<Option<Arc<Record>>, DbError>>,
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
        Self::open_with(path, limits::SESSION_BUSY)
    }

    fn open_with(path: &Path, busy: Duration) -> Result<Self, OpenError> {
        let unusable = |cause| OpenError::Unusable { path: path.to_owned(), cause };
        let mut writer = connect(path, busy).map_err(unusable)?;
        let found = migrate(&mut writer).map_err(unusable)?;
        if found > SCHEMA {
            return Err(OpenError::Newer { path: path.to_owned(), found });
        }
        let reader = connect(path, busy).map_err(unusable)?;
        let (writes, write_jobs) = sync_channel(limits::SESSION_QUEUE_MAX);
        let (loads, load_jobs) = sync_channel(limits::SESSION_QUEUE_MAX);
        let threads = vec![
            thread("session-writer", move || write(writer, &write_jobs))?,
            thread("session-reader", move || read(&reader, &load_jobs))?,
        ];
        Ok(Self { writes: Some(writes), loads: Some(loads), threads })
    }
}

impl SqliteDb {
    async fn written(&self, what: What) -> Outcome {
        let (answer, answered) = oneshot::channel();
        enqueue(self.writes.as_ref(), Write { what, answer })?;
        answered.await.unwrap_or_else(|_| Err(stopped()))
    }
}

impl SessionDb for SqliteDb {
    fn load(&self, key: SessionKey, now: Timestamp) -> DbFuture<'_, Option<Arc<Record>>> {
        Box::pin(async move {
            let (answer, answered) = oneshot::channel();
            enqueue(self.loads.as_ref(), Load { key, now, answer })?;
            answered.await.unwrap_or_else(|_| Err(stopped()))
        })
    }

    fn save(&self, save: Save) -> DbFuture<'_, Arc<Record>> {
        Box::pin(async move {
            match self.written(What::Save(save)).await? {
                Done::Saved(record) => Ok(record),
                _ => Err(stopped()),
            }
        })
    }

    fn rename(&self, from: SessionKey, to: SessionKey) -> DbFuture<'_, ()> {
        Box::pin(async move { self.written(What::Rename(from, to)).await.map(drop) })
    }

    fn flush(&self, key: SessionKey, until: Timestamp) -> DbFuture<'_, ()> {
        Box::pin(async move { self.written(What::Flush(key, until)).await.map(drop) })
    }

    fn touch(&self, key: SessionKey, now: Timestamp, lifetimes: Lifetimes) {
        let (answer, _unheard) = oneshot::channel();
        // Where the queue is full, the next use is noted instead.
        let _queued = enqueue(self.writes.as_ref(), Write { what: What::Touch(key, now, lifetimes), answer });
    }

    fn sweep(&self, now: Timestamp) -> DbFuture<'_, usize> {
        Box::pin(async move {
            match self.written(What::Sweep(now)).await? {
                Done::Swept(rows) => Ok(rows),
                _ => Err(stopped()),
            }
        })
    }
}

impl Drop for SqliteDb {
    /// Waits until everything queued is written.
    fn drop(&mut self) {
        self.writes = None;
        self.loads = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to write.
            let _ended = thread.join();
        }
    }
}

fn enqueue<T>(queue: Option<&SyncSender<T>>, job: T) -> Result<(), DbError> {
    match queue.ok_or_else(stopped)?.try_send(job) {
        Ok(()) => Ok(()),
        Err(TrySendError::Full(_)) => {
            Err(DbError::Unavailable(format!("{} requests are waiting already", limits::SESSION_QUEUE_MAX)))
        }
        Err(TrySendError::Disconnected(_)) => Err(stopped()),
    }
}

fn stopped() -> DbError {
    DbError::Unavailable("it has stopped".into())
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    std::thread::Builder::new().name(name.into()).spawn(run).map_err(OpenError::NoThread)
}

pub(super) fn connect(path: &Path, busy: Duration) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(busy)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Makes the schema where there is none, and brings an older one up; returns the one that there is.
pub(super) fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found >= SCHEMA {
        return Ok(found);
    }
    if found < 1 {
        transaction.execute_batch(SCHEMA_1)?;
    }
    transaction.execute_batch(SCHEMA_2)?;
    let (idle, absolute) = (limits::SESSION_IDLE.as_secs(), limits::SESSION_ABSOLUTE.as_secs());
    transaction.execute(
        "UPDATE sessions SET seen_at = saved_at, expires_at = min(saved_at + ?1, created_at + ?2)",
        params![idle.cast_signed(), absolute.cast_signed()],
    )?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()?;
    Ok(SCHEMA)
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

fn read(connection: &Connection, jobs: &Receiver<Load>) {
    for Load { key, now, answer } in jobs {
        let loaded = select(connection, key).map(|row| row.and_then(|row| row.loaded(now)).map(Arc::new));
        // Whoever asked may have gone.
        let _gone = answer.send(loaded.map_err(unavailable));
    }
}

fn write(mut connection: Connection, jobs: &Receiver<Write>) {
    let mut gathering = Gathering::default();
    while let Ok(first) = jobs.recv() {
        let batch = gathering.gather(first, jobs);
        let begun = Instant::now();
        let outcomes = match commit(&mut connection, &batch) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(writes = batch.len(), "sessions could not be written: {error}");
                let failed = unavailable(error);
                batch.iter().map(|_| Err(failed.clone())).collect()
            }
        };
        gathering.committed(batch.iter().filter_map(|write| write.what.key()), begun.elapsed());
        for (write, outcome) in batch.into_iter().zip(outcomes) {
            let _gone = write.answer.send(outcome);
        }
    }
}

impl What {
    fn key(&self) -> Option<SessionKey> {
        match self {
            Self::Save(save) => Some(save.key),
            Self::Rename(key, _) | Self::Flush(key, _) | Self::Touch(key, ..) => Some(*key),
            Self::Sweep(_) => None,
        }
    }
}

/// All writes of a batch in one transaction. One that conflicts or is too large is left out; an error
/// of the database undoes all.
fn commit(connection: &mut Connection, batch: &[Write]) -> rusqlite::Result<Vec<Outcome>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = batch.iter().map(|write| apply(&transaction, &write.what)).collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

fn apply(transaction: &Transaction<'_>, what: &What) -> rusqlite::Result<Outcome> {
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

fn unavailable(error: rusqlite::Error) -> DbError {
    DbError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::conformance::{key, save};
    use super::*;

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
        let mut connection = connect(&path, Duration::from_millis(20)).unwrap();
        // SQLite's own word for a full disk: no page may be added.
        connection.pragma_update(None, "max_page_count", 1).unwrap();
        let big = format!("\"{}\"", "x".repeat(16_000));
        let write = || Write { what: What::Save(save(key, "b", &big)), answer: oneshot::channel().0 };
        let error = commit(&mut connection, &[write()]).err().unwrap();
        assert!(error.to_string().contains("full"), "{error}");
        connection.pragma_update(None, "max_page_count", 100_000).unwrap();
        let outcomes = commit(&mut connection, &[write()]).unwrap();
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
