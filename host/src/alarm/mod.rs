//! Alarms: what an app, or a session, wants to be called for at a time to come.
//!
//! Owns which ring when ([`Schedule`], [`retry`], [`Cron`]: pure), and where they are kept until they have rung. Makes no
//! calls: whoever does asks [`Alarms::look`] which, and says with [`Alarms::ended`] what came of each. What an engine could
//! hold for several hosts is asked by functions that may fail.

mod cron;
mod db;
mod schedule;
mod sqlite;
#[cfg(test)]
mod tests;

pub use self::cron::{Cron, CronAlarm, NotCron};
pub use self::db::{Alarm, AlarmError, Ended, Owner, Setting};
pub use self::schedule::{Key, Look, Moment, Retry, Schedule, retry};

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OnceCell};

use self::sqlite::{Found, Read, SqliteAlarms, Write};
use crate::limits;
use crate::session::{Follow, SessionKey};

/// The alarms of an app. Its file is made with the first of them.
pub struct Alarms {
    path: PathBuf,
    db: OnceCell<SqliteAlarms>,
    schedule: Mutex<Schedule>,
    /// When to look again; 0 is at once.
    wanted: AtomicU64,
    /// Woken when that comes nearer.
    wake: Arc<Notify>,
    /// The version whose manifest's alarms are in the store.
    followed: AtomicU64,
    /// What has been counted.
    pub counts: Counts,
}

/// What has become of alarms, since this host began.
#[derive(Debug, Default)]
pub struct Counts {
    /// Calls that returned well.
    pub rang: AtomicU64,
    /// Calls that failed, or could not be made.
    pub failed: AtomicU64,
    /// Alarms that were given up.
    pub given_up: AtomicU64,
}

impl Alarms {
    /// Those in an app's folder. `wake` hears when one is to ring earlier than whoever makes the calls knows.
    pub fn new(folder: &Path, wake: Arc<Notify>) -> Self {
        Self {
            path: sqlite::sqlite_file(folder),
            db: OnceCell::new(),
            schedule: Mutex::default(),
            wanted: AtomicU64::new(0),
            wake,
            followed: AtomicU64::new(0),
            counts: Counts::default(),
        }
    }

    /// Sets an alarm, in place of one of the same owner and name; durable when it returns.
    ///
    /// # Errors
    /// See [`AlarmError`].
    ///
    /// # Cancel safety
    /// Dropped while it waits, it may or may not be set.
    pub async fn set(&self, setting: Setting) -> Result<(), AlarmError> {
        let (name, payload, due) = (setting.name.len(), setting.payload.len(), setting.due);
        if !(1..=limits::ALARM_NAME_BYTES_MAX).contains(&name) {
            return Err(AlarmError::InvalidName(name));
        }
        if payload > limits::ALARM_PAYLOAD_BYTES_MAX {
            return Err(AlarmError::TooLarge(payload));
        }
        self.db().await?.write(Write::Set(setting)).await?;
        self.want(due);
        Ok(())
    }

    /// Takes an alarm back; whether it was there.
    ///
    /// # Errors
    /// `Unavailable`.
    ///
    /// # Cancel safety
    /// As [`Self::set`].
    pub async fn cancel(&self, owner: Owner, name: &str) -> Result<bool, AlarmError> {
        match self.there().await? {
            Some(db) => db.write(Write::Cancel(owner, name.to_owned())).await,
            None => Ok(false),
        }
    }

    /// An owner's alarms by name, those after `after`; at most [`ALARMS_LISTED_MAX`](limits::ALARMS_LISTED_MAX).
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn list(&self, owner: Owner, after: Option<String>, limit: u32) -> Result<Vec<Alarm>, AlarmError> {
        self.alarms(Read::OfOwner(owner, after, limit.min(limits::ALARMS_LISTED_MAX))).await
    }

    /// The next alarms of all owners.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn upcoming(&self, limit: u32) -> Result<Vec<Alarm>, AlarmError> {
        self.alarms(Read::All(limit)).await
    }

    /// How many there are.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn waiting(&self) -> Result<u64, AlarmError> {
        let Some(db) = self.there().await? else { return Ok(0) };
        match db.read(Read::Waiting).await? {
            Found::Waiting(waiting) => Ok(waiting),
            Found::Upcoming(_) | Found::Alarms(_) => Ok(0),
        }
    }

    /// Whether a look is due, or when it will be.
    pub fn wanted(&self) -> Moment {
        Moment(self.wanted.load(SeqCst))
    }

    /// The alarms of a version's manifest take the place of those of the version before.
    ///
    /// # Errors
    /// `Unavailable`; then those of the version before stay.
    pub async fn follow(&self, version: u64, alarms: &[CronAlarm], now: Moment) -> Result<(), AlarmError> {
        if self.followed.load(Relaxed) == version {
            return Ok(());
        }
        let db = if alarms.is_empty() { self.there().await? } else { Some(self.db().await?) };
        if let Some(db) = db {
            db.write(Write::Manifest(alarms.to_vec(), now)).await?;
            self.want(Moment(0));
        }
        self.followed.store(version, Relaxed);
        Ok(())
    }

    /// The version whose manifest was followed last; 0 for none.
    pub fn followed(&self) -> u64 {
        self.followed.load(Relaxed)
    }

    /// Those that are to ring now; each counts as ringing until it is said to have [`ended`](Self::ended).
    ///
    /// # Errors
    /// `Unavailable`; then a look is still wanted.
    pub async fn look(&self, now: Moment) -> Result<Vec<Key>, AlarmError> {
        // First: whoever sets one from here on asks for another look.
        self.wanted.store(Moment::NEVER.0, SeqCst);
        let Some(db) = self.there().await.inspect_err(|_| self.again())? else { return Ok(Vec::new()) };
        let found = db.read(Read::Upcoming).await.inspect_err(|_| self.again())?;
        let Found::Upcoming(upcoming) = found else { return Ok(Vec::new()) };
        let Look { begin, next } = self.schedule().look(now, &upcoming);
        if let Some(next) = next {
            self.wanted.fetch_min(next.0, SeqCst);
        }
        Ok(begin)
    }

    /// One that rings, as it is now; none where it was cancelled or set anew meanwhile.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn one(&self, key: Key) -> Result<Option<Alarm>, AlarmError> {
        Ok(self.alarms(Read::One(key)).await?.pop())
    }

    /// Keeps what came of a call, durably. One that was set anew meanwhile stays as it is.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn note(&self, key: Key, ended: Ended) -> Result<(), AlarmError> {
        self.db().await?.write(Write::Ended(key, ended)).await.map(drop)
    }

    /// It rings no more.
    pub fn ended(&self, key: Key) {
        self.schedule().ended(key);
        self.want(Moment(0));
    }

    /// A look is wanted at a time.
    fn want(&self, at: Moment) {
        if self.wanted.fetch_min(at.0, SeqCst) > at.0 {
            self.wake.notify_one();
        }
    }

    fn again(&self) {
        self.wanted.store(0, SeqCst);
    }

    async fn alarms(&self, read: Read) -> Result<Vec<Alarm>, AlarmError> {
        let Some(db) = self.there().await? else { return Ok(Vec::new()) };
        match db.read(read).await? {
            Found::Alarms(alarms) => Ok(alarms),
            Found::Upcoming(_) | Found::Waiting(_) => Ok(Vec::new()),
        }
    }

    async fn db(&self) -> Result<&SqliteAlarms, AlarmError> {
        let open = || async {
            let path = self.path.clone();
            let opened = tokio::task::spawn_blocking(move || sqlite::open(&path)).await;
            opened.unwrap_or_else(|lost| Err(AlarmError::Unavailable(lost.to_string())))
        };
        self.db.get_or_try_init(open).await
    }

    /// None where there never was an alarm.
    async fn there(&self) -> Result<Option<&SqliteAlarms>, AlarmError> {
        if !self.db.initialized() && !self.path.exists() {
            return Ok(None);
        }
        self.db().await.map(Some)
    }

    fn schedule(&self) -> MutexGuard<'_, Schedule> {
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The alarms of a session go with it to its new key. Both are written before the session has it, so that a crash between
/// loses none.
impl Follow for Alarms {
    fn moving(&self, from: SessionKey, to: SessionKey) -> crate::session::DbFuture<'_, ()> {
        Box::pin(async move { self.moved_by(Write::Moving(from, to)).await })
    }

    fn moved(&self, from: SessionKey, to: SessionKey) -> crate::session::DbFuture<'_, ()> {
        Box::pin(async move { self.moved_by(Write::Moved(from, to)).await })
    }
}

impl Alarms {
    async fn moved_by(&self, write: Write) -> Result<(), crate::session::DbError> {
        let moved = async {
            match self.there().await? {
                Some(db) => db.write(write).await.map(drop),
                None => Ok(()),
            }
        };
        moved.await.map_err(|error: AlarmError| crate::session::DbError::Unavailable(error.to_string()))
    }
}
