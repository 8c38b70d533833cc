//! An app that is served: its current version, and what outlives versions.
//!
//! Owns the atomic pointer to the current one, its trial, and what is shared by all of them: sessions and groups.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::archive::Shelf;
use super::manifest::Store;
use super::trial::{Outcome, Trial};
use super::version::Version;
use crate::group::Groups;
use crate::session::{KeysError, LiveSessions, MemoryDb, Sessions, Signer, SqliteDb, sqlite_file};

/// An app.
pub struct App {
    /// Its name.
    pub name: String,
    /// Its versions on disk.
    pub shelf: Shelf,
    /// Where its sessions persist.
    pub sessions: Sessions,
    /// Its sessions minted for websockets that still live.
    pub live_sessions: Arc<LiveSessions>,
    groups: Arc<Groups>,
    store: Store,
    current: ArcSwap<Tried>,
    /// The one before, which a rollback needs at once.
    previous: Mutex<Option<Arc<Version>>>,
    failed: Arc<Notify>,
}

/// A version with its trial.
pub struct Tried {
    /// The version.
    pub version: Arc<Version>,
    /// What is known of it since it became current.
    pub trial: Trial,
}

/// Why an app cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its session store.
    #[error(transparent)]
    Sessions(#[from] crate::session::OpenError),
    /// The keys of its sessions in cookies.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl App {
    /// An app that begins with this version, whose groups these are. `failed` hears when a version has failed its
    /// trial. Blocks: opens the session store.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(shelf: Shelf, version: Version, groups: Arc<Groups>, failed: Arc<Notify>) -> Result<Self, OpenError> {
        let sessions = match version.store {
            Store::Sqlite => Sessions::Kept(Arc::new(SqliteDb::open(&sqlite_file(shelf.folder()))?)),
            Store::Memory => Sessions::Kept(Arc::new(MemoryDb::default())),
            Store::SignedCookie => Sessions::Carried(Arc::new(Signer::open(&shelf.folder().join("session-keys"))?)),
        };
        Ok(Self {
            name: version.name.clone(),
            shelf,
            sessions,
            live_sessions: Arc::default(),
            groups,
            store: version.store,
            current: ArcSwap::from_pointee(Tried::begin(Arc::new(version))),
            previous: Mutex::default(),
            failed,
        })
    }

    /// The current version.
    pub fn current(&self) -> Arc<Version> {
        self.current.load().version.clone()
    }

    /// The number of the current version.
    pub fn number(&self) -> u64 {
        self.current.load().version.number
    }

    /// The current version with its trial.
    pub fn tried(&self) -> Arc<Tried> {
        self.current.load_full()
    }

    /// Whether a version keeps sessions where this app does; only a restart changes that.
    pub fn keeps(&self, version: &Version) -> bool {
        self.store == version.store
    }

    /// Makes a version the current one.
    pub fn swap(&self, version: Arc<Version>) {
        let before = self.current.swap(Arc::new(Tried::begin(version)));
        *self.previous.lock().unwrap_or_else(PoisonError::into_inner) = Some(before.version.clone());
    }

    /// The version that was current before, if it is still the one of this number.
    pub fn previous(&self, number: u64) -> Option<Arc<Version>> {
        let previous = self.previous.lock().unwrap_or_else(PoisonError::into_inner);
        previous.clone().filter(|version| version.number == number)
    }

    /// The number of the version that was current before, since this process began.
    pub fn previous_number(&self) -> Option<u64> {
        self.previous.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|version| version.number)
    }

    /// Counts a call by a version; what an old one does is its own affair.
    pub fn count(&self, number: u64, outcome: Outcome) {
        let current = self.current.load();
        if current.version.number == number && current.trial.count(outcome, Instant::now) {
            self.failed.notify_one();
        }
    }

    /// The app's groups.
    pub fn groups(&self) -> &Arc<Groups> {
        &self.groups
    }
}

impl Tried {
    fn begin(version: Arc<Version>) -> Self {
        Self { trial: Trial::begin(version.rollback, Instant::now()), version }
    }
}
