//! SQLite as a store of the host uses it: one file, WAL, synchronous FULL.
//!
//! One thread writes: it takes all writes that have queued up and commits them together, so that a
//! burst costs one fsync. Another reads, so that a load never waits for one. Both queues are
//! bounded; a write is acknowledged after its commit and not before. What is in the tables is its [`Tables`]'.

mod gather;

use std::hash::Hash;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use self::gather::Gathering;
use crate::limits;

/// What a file holds, and what is done with it. A write that its rules refuse is an `Error` and leaves the others of its
/// commit be; an error of the database undoes all of them.
pub trait Tables: Send + 'static {
    /// What a write does.
    type Write: Send + 'static;
    /// What it answers with.
    type Written: Send + 'static;
    /// What is looked for.
    type Read: Send + 'static;
    /// What is found.
    type Found: Send + 'static;
    /// Why a write or a read failed.
    type Error: From<Unavailable> + Send + 'static;
    /// Who writes: a commit waits for those that are about to write again.
    type Writer: Copy + Eq + Hash + Send + 'static;

    /// What errors and threads call it.
    const NAME: &'static str;
    /// The schema that this host reads and writes (`PRAGMA user_version`).
    const SCHEMA: i64;

    /// Brings an older schema up; 0 is that of an empty file.
    ///
    /// # Errors
    /// What SQLite says.
    fn migrate(transaction: &Transaction<'_>, found: i64) -> rusqlite::Result<()>;

    /// Who wants this write.
    fn writer(write: &Self::Write) -> Option<Self::Writer>;

    /// Does it.
    ///
    /// # Errors
    /// What SQLite says.
    fn write(
        transaction: &Transaction<'_>,
        write: &Self::Write,
    ) -> rusqlite::Result<Result<Self::Written, Self::Error>>;

    /// It is durable: what else is to be done, by the thread that writes and in the order of the writes, before it is
    /// answered.
    #[must_use]
    fn committed(_write: Self::Write, written: Self::Written) -> Self::Written {
        written
    }

    /// Looks for it.
    ///
    /// # Errors
    /// What SQLite says.
    fn read(connection: &Connection, read: &Self::Read) -> rusqlite::Result<Self::Found>;
}

/// The database did not do it: locked, full, gone, too busy. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unavailable(pub String);

/// An open file, and its two threads.
pub struct Store<T: Tables> {
    writes: Option<SyncSender<WriteJob<T>>>,
    reads: Option<SyncSender<ReadJob<T>>>,
    threads: Vec<JoinHandle<()>>,
}

/// The file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// SQLite cannot open it.
    #[error("{name} store {}: {cause}", .path.display())]
    Unusable {
        /// What it stores.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        cause: rusqlite::Error,
    },
    /// It was written by a newer host.
    #[error("{name} store {}: its schema is {found}, this host knows up to {known}; use a newer host", .path.display())]
    Newer {
        /// What it stores.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// This host's.
        known: i64,
    },
    /// The system gave no thread.
    #[error("{name} store: no thread: {cause}")]
    NoThread {
        /// What it stores.
        name: &'static str,
        /// What the system says.
        cause: std::io::Error,
    },
}

struct Job<W, A> {
    what: W,
    answer: oneshot::Sender<A>,
}

type WriteJob<T> = Job<<T as Tables>::Write, Result<<T as Tables>::Written, <T as Tables>::Error>>;
type ReadJob<T> = Job<<T as Tables>::Read, Result<<T as Tables>::Found, <T as Tables>::Error>>;

impl<T: Tables> Store<T> {
    /// Opens the file, making it and its schema if need be, and starts its two threads. `busy` is how long it waits where
    /// another process has locked it. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(path: &Path, busy: Duration) -> Result<Self, OpenError> {
        let writer = connect::<T>(path, busy)?;
        let reader = connect::<T>(path, busy)?;
        let (writes, write_jobs) = sync_channel(limits::SQLITE_QUEUE_MAX);
        let (reads, read_jobs) = sync_channel(limits::SQLITE_QUEUE_MAX);
        let threads = vec![
            thread::<T>("writer", move || write::<T>(writer, &write_jobs))?,
            thread::<T>("reader", move || read::<T>(&reader, &read_jobs))?,
        ];
        Ok(Self { writes: Some(writes), reads: Some(reads), threads })
    }

    /// Writes; the answer comes when it is durable.
    ///
    /// # Errors
    /// Those of the tables, `Unavailable` among them.
    ///
    /// # Cancel safety
    /// Dropped while it waits, it may or may not be written.
    pub async fn write(&self, what: T::Write) -> Result<T::Written, T::Error> {
        let (answer, answered) = oneshot::channel();
        enqueue(self.writes.as_ref(), Job { what, answer })?;
        answered.await.unwrap_or_else(|_| Err(stopped().into()))
    }

    /// Writes some time later; where the queue is full, not at all.
    pub fn write_later(&self, what: T::Write) {
        let (answer, _unheard) = oneshot::channel();
        let _queued = enqueue(self.writes.as_ref(), Job { what, answer });
    }

    /// Reads what was last committed.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub async fn read(&self, what: T::Read) -> Result<T::Found, T::Error> {
        let (answer, answered) = oneshot::channel();
        enqueue(self.reads.as_ref(), Job { what, answer })?;
        answered.await.unwrap_or_else(|_| Err(stopped().into()))
    }
}

impl<T: Tables> Drop for Store<T> {
    /// Waits until everything queued is written.
    fn drop(&mut self) {
        self.writes = None;
        self.reads = None;
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to write.
            let _ended = thread.join();
        }
    }
}

/// Opens the file alone, with its schema as this host has it.
///
/// # Errors
/// `Unusable`, `Newer`.
pub fn connect<T: Tables>(path: &Path, busy: Duration) -> Result<Connection, OpenError> {
    let unusable = |cause| OpenError::Unusable { name: T::NAME, path: path.to_owned(), cause };
    let mut connection = open(path, busy).map_err(unusable)?;
    match migrate::<T>(&mut connection).map_err(unusable)? {
        found if found > T::SCHEMA => {
            Err(OpenError::Newer { name: T::NAME, path: path.to_owned(), found, known: T::SCHEMA })
        }
        _ => Ok(connection),
    }
}

fn open(path: &Path, busy: Duration) -> rusqlite::Result<Connection> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(busy)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}

/// The schema that there is then.
fn migrate<T: Tables>(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found >= T::SCHEMA {
        return Ok(found);
    }
    T::migrate(&transaction, found)?;
    transaction.pragma_update(None, "user_version", T::SCHEMA)?;
    transaction.commit()?;
    Ok(T::SCHEMA)
}

fn enqueue<T>(queue: Option<&SyncSender<T>>, job: T) -> Result<(), Unavailable> {
    match queue.ok_or_else(stopped)?.try_send(job) {
        Ok(()) => Ok(()),
        Err(TrySendError::Full(_)) => {
            Err(Unavailable(format!("{} requests are waiting already", limits::SQLITE_QUEUE_MAX)))
        }
        Err(TrySendError::Disconnected(_)) => Err(stopped()),
    }
}

fn stopped() -> Unavailable {
    Unavailable("it has stopped".into())
}

fn unavailable(error: &rusqlite::Error) -> Unavailable {
    Unavailable(error.to_string())
}

fn thread<T: Tables>(role: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = std::thread::Builder::new().name(format!("{}-{role}", T::NAME));
    thread.spawn(run).map_err(|cause| OpenError::NoThread { name: T::NAME, cause })
}

fn read<T: Tables>(connection: &Connection, jobs: &Receiver<ReadJob<T>>) {
    for Job { what, answer } in jobs {
        let found = T::read(connection, &what).map_err(|error| unavailable(&error).into());
        // Whoever asked may have gone.
        let _gone = answer.send(found);
    }
}

fn write<T: Tables>(mut connection: Connection, jobs: &Receiver<WriteJob<T>>) {
    let mut gathering = Gathering::<T::Writer>::new();
    while let Ok(first) = jobs.recv() {
        let batch = gathering.gather(first, jobs);
        let begun = Instant::now();
        let outcomes = match commit::<T>(&mut connection, batch.iter().map(|job| &job.what)) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(store = T::NAME, writes = batch.len(), "could not be written: {error}");
                batch.iter().map(|_| Err(unavailable(&error).into())).collect()
            }
        };
        gathering.committed(batch.iter().filter_map(|job| T::writer(&job.what)), begun.elapsed());
        for (job, outcome) in batch.into_iter().zip(outcomes) {
            let Job { what, answer } = job;
            let _gone = answer.send(outcome.map(|written| T::committed(what, written)));
        }
    }
}

/// All writes of a batch in one transaction.
pub(crate) fn commit<'a, T: Tables>(
    connection: &mut Connection,
    batch: impl Iterator<Item = &'a T::Write>,
) -> rusqlite::Result<Vec<Result<T::Written, T::Error>>> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let outcomes = batch.map(|write| T::write(&transaction, write)).collect::<rusqlite::Result<_>>()?;
    transaction.commit()?;
    Ok(outcomes)
}
