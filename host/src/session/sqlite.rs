//! The embedded session store: one SQLite file, WAL, synchronous FULL.
//!
//! One thread writes: it takes all saves that have queued up and commits them together, so that a
//! burst costs one fsync. Another reads, so that a load never waits for one. Both queues are
//! bounded; a save is acknowledged after its commit and not before.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::db::{DbError, DbFuture, SessionDb};
use super::{Changes, Record, SessionKey};
use crate::limits;

/// The schema that this host reads and writes (`PRAGMA user_version`).
const SCHEMA: i64 = 1;

/// Sessions in a SQLite file.
pub struct SqliteDb {
    saves: Option<SyncSender<Save>>,
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

struct Save {
    key: SessionKey,
    changes: Changes,
    if_version: Option<u64>,
    answer: oneshot::Sender<Result<Arc<Record>, DbError>>,
}

struct Load {
    key: SessionKey,
    answer: oneshot::Sender<Result<Option<Arc<Record>>, DbError>>,
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
        let (saves, save_jobs) = sync_channel(limits::SESSION_QUEUE_MAX);
        let (loads, load_jobs) = sync_channel(limits::SESSION_QUEUE_MAX);
        let threads = vec![
            thread("session-writer", move || write(writer, &save_jobs))?,
            thread("session-reader", move || read(&reader, &load_jobs))?,
        ];
        Ok(Self { saves: Some(saves), loads: Some(loads), threads })
    }
}

impl SessionDb for SqliteDb {
    fn load(&self, key: SessionKey) -> DbFuture<'_, Option<Arc<Record>>> {
        let (answer, answered) = oneshot::channel();
        let queued = enqueue(self.loads.as_ref(), Load { key, answer });
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(stopped()))
        })
    }

    fn save(&self, key: SessionKey, changes: Changes, if_version: Option<u64>) -> DbFuture<'_, Arc<Record>> {
        let (answer, answered) = oneshot::channel();
        let queued = enqueue(self.saves.as_ref(), Save { key, changes, if_version, answer });
        Box::pin(async move {
            queued?;
            answered.await.unwrap_or_else(|_| Err(stopped()))
        })
    }
}

impl Drop for SqliteDb {
    /// Waits until everything queued is written.
    fn drop(&mut self) {
        self.saves = None;
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

fn connect(path: &Path, busy: Duration) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(busy)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// Makes the schema where there is none; returns the one that there is.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found != 0 {
        return Ok(found);
    }
    transaction.execute_batch(
        "CREATE TABLE sessions (
            key BLOB PRIMARY KEY,      -- SHA-256 of the id in the cookie
            version INTEGER NOT NULL,  -- counts saves, from 1
            record TEXT NOT NULL,      -- a JSON object: key to value
            created_at INTEGER NOT NULL,  -- seconds since 1970
            saved_at INTEGER NOT NULL
        ) WITHOUT ROWID",
    )?;
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    transaction.commit()?;
    Ok(SCHEMA)
}

fn read(connection: &Connection, jobs: &Receiver<Load>) {
    for Load { key, answer } in jobs {
        let loaded = select(connection, key).map(|record| record.map(Arc::new));
        // Whoever asked may have gone.
        let _gone = answer.send(loaded.map_err(unavailable));
    }
}

fn write(mut connection: Connection, jobs: &Receiver<Save>) {
    while let Ok(first) = jobs.recv() {
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(limits::SESSION_COMMIT_MAX - 1));
        let outcomes = match commit(&mut connection, &batch) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(saves = batch.len(), "sessions could not be saved: {error}");
                let failed = unavailable(error);
                batch.iter().map(|_| Err(failed.clone())).collect()
            }
        };
        for (save, outcome) in batch.into_iter().zip(outcomes) {
            let _gone = save.answer.send(outcome);
        }
    }
}

type Outcome = Result<Arc<Record>, DbError>;

/// All saves of a batch in one transaction. One that conflicts or is too large is left out; an error
/// of the database undoes all.
fn commit(connection: &mut Connection, batch: &[Save]) -> rusqlite::Result<Vec<Outcome>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = batch.iter().map(|save| apply(&transaction, save)).collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(outcomes)
}

fn apply(transaction: &Transaction<'_>, save: &Save) -> rusqlite::Result<Outcome> {
    let record = select(transaction, save.key)?.unwrap_or_default();
    if save.if_version.is_some_and(|version| version != record.version) {
        return Ok(Err(DbError::Conflict { saved: record.version }));
    }
    let merged = match record.merged(&save.changes) {
        Ok(merged) => merged,
        Err(error) => return Ok(Err(error.into())),
    };
    transaction
        .prepare_cached(
            "INSERT INTO sessions (key, version, record, created_at, saved_at) VALUES (?1, ?2, ?3, ?4, ?4)
             ON CONFLICT (key) DO UPDATE SET version = ?2, record = ?3, saved_at = ?4",
        )?
        .execute(params![save.key.as_bytes(), merged.version.cast_signed(), encode(&merged)?, now()])?;
    Ok(Ok(Arc::new(merged)))
}

fn select(connection: &Connection, key: SessionKey) -> rusqlite::Result<Option<Record>> {
    connection
        .prepare_cached("SELECT version, record FROM sessions WHERE key = ?1")?
        .query_row([key.as_bytes()], |row| {
            let version: i64 = row.get(0)?;
            Ok(Record { version: version.cast_unsigned(), values: decode(row.get_ref(1)?.as_str()?)? })
        })
        .optional()
}

fn encode(record: &Record) -> rusqlite::Result<String> {
    let mut values = BTreeMap::new();
    for (key, value) in &record.values {
        let json: &RawValue = serde_json::from_slice(value).map_err(json_error)?;
        values.insert(key, json);
    }
    serde_json::to_string(&values).map_err(json_error)
}

fn decode(text: &str) -> rusqlite::Result<BTreeMap<String, Bytes>> {
    let values: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).map_err(json_error)?;
    Ok(values.into_iter().map(|(key, value)| (key, Bytes::from(String::from(Box::<str>::from(value))))).collect())
}

fn json_error(error: serde_json::Error) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
}

fn unavailable(error: rusqlite::Error) -> DbError {
    DbError::Unavailable(error.to_string())
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::SessionId;
    use super::*;

    fn open() -> (TempDir, SqliteDb) {
        let folder = TempDir::new().unwrap();
        let db = SqliteDb::open_with(&folder.path().join("s.db"), Duration::from_millis(20)).unwrap();
        (folder, db)
    }

    fn key() -> SessionKey {
        SessionId::mint().unwrap().key()
    }

    fn set(name: &str, value: &str) -> Changes {
        Changes { cleared: false, keys: [(name.to_owned(), Some(Bytes::from(value.to_owned())))].into() }
    }

    #[tokio::test]
    async fn save_acknowledged_is_read_at_once_and_after_reopening() {
        let (folder, db) = open();
        let key = key();
        assert_eq!(db.load(key).await.unwrap(), None);
        let saved = db.save(key, set("a", "{\"x\": 1.50}"), None).await.unwrap();
        assert_eq!(db.load(key).await.unwrap(), Some(saved.clone()));
        drop(db);
        let db = SqliteDb::open(&folder.path().join("s.db")).unwrap();
        assert_eq!(db.load(key).await.unwrap(), Some(saved));
    }

    #[tokio::test]
    async fn save_that_conflicts_or_is_too_large_spoils_no_other_of_its_batch() {
        let (_folder, db) = open();
        let (first, second) = (key(), key());
        let large = set("a", &format!("\"{}\"", "x".repeat(70_000)));
        let (good, conflict, too_large, other) = tokio::join!(
            db.save(first, set("a", "1"), None),
            db.save(first, set("a", "2"), Some(7)),
            db.save(second, large, None),
            db.save(second, set("b", "3"), Some(0)),
        );
        assert_eq!(good.unwrap().version, 1);
        assert_eq!(conflict, Err(DbError::Conflict { saved: 1 }));
        assert!(matches!(too_large, Err(DbError::TooLarge(_))), "{too_large:?}");
        assert_eq!(other.unwrap().version, 1);
    }

    #[tokio::test]
    async fn increments_with_if_version_and_retry_are_all_counted() {
        let (_folder, db) = open();
        let (db, key) = (Arc::new(db), key());
        let tasks: Vec<_> = (0..200).map(|_| tokio::spawn(increment(db.clone(), key))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        let record = db.load(key).await.unwrap().unwrap();
        assert_eq!((record.version, record.values["n"].clone()), (200, Bytes::from("200")));
    }

    async fn increment(db: Arc<SqliteDb>, key: SessionKey) {
        loop {
            let record = db.load(key).await.unwrap().unwrap_or_default();
            let n: u64 = record.values.get("n").map_or(0, |n| serde_json::from_slice(n).unwrap());
            match db.save(key, set("n", &(n + 1).to_string()), Some(record.version)).await {
                Ok(_) => return,
                Err(DbError::Conflict { .. }) => {}
                Err(error) => panic!("{error}"),
            }
        }
    }

    #[tokio::test]
    async fn locked_database_fails_the_save_and_recovers() {
        let (folder, db) = open();
        let other = Connection::open(folder.path().join("s.db")).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        let error = db.save(key(), set("a", "1"), None).await.unwrap_err();
        assert!(matches!(&error, DbError::Unavailable(cause) if cause.contains("locked")), "{error}");
        other.execute_batch("ROLLBACK").unwrap();
        db.save(key(), set("a", "1"), None).await.unwrap();
    }

    #[tokio::test]
    async fn full_disk_fails_the_save_and_recovers() {
        let (folder, db) = open();
        let key = key();
        db.save(key, set("a", "1"), None).await.unwrap();
        drop(db);
        let path = folder.path().join("s.db");
        let mut connection = connect(&path, Duration::from_millis(20)).unwrap();
        // SQLite's own word for a full disk: no page may be added.
        connection.pragma_update(None, "max_page_count", 1).unwrap();
        let save = |value: &str| Save { key, changes: set("b", value), if_version: None, answer: oneshot::channel().0 };
        let big = format!("\"{}\"", "x".repeat(16_000));
        let error = commit(&mut connection, &[save(&big)]).unwrap_err();
        assert!(error.to_string().contains("full"), "{error}");
        connection.pragma_update(None, "max_page_count", 100_000).unwrap();
        let outcomes = commit(&mut connection, &[save(&big)]).unwrap();
        assert!(outcomes.iter().all(Result::is_ok));
    }

    #[test]
    fn newer_schema_is_refused() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s.db");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 2).unwrap();
        let error = SqliteDb::open(&path).err().unwrap().to_string();
        assert!(error.ends_with("its schema is 2, this host knows up to 1; use a newer host"), "{error}");
    }
}
