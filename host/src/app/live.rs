//! An app that is served: its current version, and what outlives versions.
//!
//! Owns the atomic pointer to the current one and the canary beside it, their trials, and what is shared by all of them: sessions and groups.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::Notify;

use super::archive::Shelf;
use super::canary::{Race, Share};
use super::manifest::{RollbackSettings, Store};
use super::trial::{Outcome, Trial};
use super::version::Version;
use crate::alarm::Alarms;
use crate::event::Lot;
use crate::group::Groups;
use crate::histories;
use crate::port::live::Live;
use crate::session::{KeysError, LiveSessions, MemoryDb, Sessions, Signer, SqliteDb, sqlite_file};
use crate::usage::Totals;

/// An app.
pub struct App {
    /// Its name.
    pub name: String,
    /// Its versions on disk.
    pub shelf: Shelf,
    /// Where its sessions persist.
    pub sessions: Sessions,
    /// What has been used by what has ended.
    pub usage: Arc<Totals>,
    /// Its sessions minted for websockets that still live.
    pub live_sessions: Arc<LiveSessions>,
    lasting: Lasting,
    store: Store,
    serving: ArcSwap<Serving>,
    /// The one before, which a rollback needs at once.
    previous: Mutex<Option<Arc<Version>>>,
    failed: Arc<Notify>,
}

/// What an app's versions share, each of their instances and those after them.
#[derive(Clone)]
pub struct Lasting {
    /// Who is in which group.
    pub groups: Arc<Groups>,
    /// Who is connected.
    pub live: Arc<Live>,
    /// Its alarms.
    pub alarms: Arc<Alarms>,
}

/// A version with its trial.
pub struct Tried {
    /// The version.
    pub version: Arc<Version>,
    /// What is known of it since it became current, or the canary.
    pub trial: Trial,
}

/// The versions that serve.
#[derive(Clone)]
struct Serving {
    current: Arc<Tried>,
    canary: Option<Arc<Canary>>,
}

/// A version that serves a share beside the current one.
pub struct Canary {
    /// The version.
    pub version: Arc<Version>,
    /// Whom it serves.
    pub share: Share,
    /// Its traps since it began; goes with it where its share changes.
    pub trial: Arc<Trial>,
    /// Its times beside those of the current version.
    pub race: Arc<Race>,
}

/// Why an app cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The file of its sessions, or of its groups.
    #[error(transparent)]
    Store(#[from] crate::sqlite::OpenError),
    /// The keys of its sessions in cookies.
    #[error(transparent)]
    Keys(#[from] KeysError),
}

impl App {
    /// An app that begins with this version, which shares this. `failed` hears when a version has failed its
    /// trial. Blocks: opens the session store.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(shelf: Shelf, version: Version, lasting: Lasting, failed: Arc<Notify>) -> Result<Self, OpenError> {
        let sessions = match version.store {
            Store::Sqlite => Sessions::Kept(Arc::new(SqliteDb::open(&sqlite_file(shelf.folder()))?)),
            Store::Memory => Sessions::Kept(Arc::new(MemoryDb::default())),
            Store::SignedCookie => Sessions::Carried(Arc::new(Signer::open(&shelf.folder().join("session-keys"))?)),
        };
        histories::prepare(&lasting.groups, &version.groups, shelf.folder())?;
        lasting.groups.rule(version.groups.clone());
        let live_sessions = Arc::<LiveSessions>::default();
        live_sessions.follow(lasting.alarms.clone());
        Ok(Self {
            name: version.name.clone(),
            shelf,
            sessions,
            usage: Arc::default(),
            live_sessions,
            lasting,
            store: version.store,
            serving: ArcSwap::from_pointee(Serving::only(Arc::new(version))),
            previous: Mutex::default(),
            failed,
        })
    }

    /// The current version.
    pub fn current(&self) -> Arc<Version> {
        self.serving.load().current.version.clone()
    }

    /// What time websockets have to leave a version that is not to serve them any more.
    pub fn drain(&self) -> Duration {
        self.serving.load().current.version.drain
    }

    /// The number of the current version.
    pub fn number(&self) -> u64 {
        self.serving.load().current.version.number
    }

    /// The current version with its trial.
    pub fn tried(&self) -> Arc<Tried> {
        self.serving.load().current.clone()
    }

    /// The canary, if one runs.
    pub fn canary(&self) -> Option<Arc<Canary>> {
        self.serving.load().canary.clone()
    }

    /// The version that is to serve a lot.
    pub fn version_for(&self, lot: Lot) -> Arc<Version> {
        self.serving.load().serves(lot).clone()
    }

    /// The number of the version that is to serve a lot.
    pub fn number_for(&self, lot: Lot) -> u64 {
        self.serving.load().serves(lot).number
    }

    /// Whether a version keeps sessions where this app does; only a restart changes that.
    pub fn keeps(&self, version: &Version) -> bool {
        self.store == version.store
    }

    /// Makes a version the current one, and the only one.
    pub fn swap(&self, version: Arc<Version>) {
        self.lasting.groups.rule(version.groups.clone());
        let before = self.serving.swap(Arc::new(Serving::only(version)));
        *self.previous.lock().unwrap_or_else(PoisonError::into_inner) = Some(before.current.version.clone());
    }

    /// Lets a version serve a share beside the current one; that of the canary, if it is the one already. To be called
    /// by who has the app's turn.
    pub fn share(&self, version: Arc<Version>, share: Share) {
        let serving = self.serving.load_full();
        let same = serving.canary.as_ref().filter(|canary| canary.version.number == version.number);
        let canary = match same {
            Some(canary) => Canary { version, share, trial: canary.trial.clone(), race: canary.race.clone() },
            None => Canary::begin(version, share),
        };
        self.serving.store(Arc::new(Serving { current: serving.current.clone(), canary: Some(Arc::new(canary)) }));
    }

    /// Lets the current version serve alone. To be called by who has the app's turn.
    pub fn end_canary(&self) {
        self.serving.store(Arc::new(Serving { current: self.tried(), canary: None }));
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
        if outcome == Outcome::Trapped {
            self.usage.trapped();
        }
        let serving = self.serving.load();
        let trial = match &serving.canary {
            _ if serving.current.version.number == number => &serving.current.trial,
            Some(canary) if canary.version.number == number => &canary.trial,
            _ => return,
        };
        if trial.count(outcome, Instant::now) {
            self.failed.notify_one();
        }
    }

    /// Counts what time the call for an event took a version.
    pub fn event_took(&self, number: u64, took: Duration) {
        self.usage.events.count(took);
        self.race(number, took);
    }

    /// Counts what time the answer to a request took a version.
    pub fn request_took(&self, number: u64, took: Duration) {
        self.usage.requests.count(took);
        self.race(number, took);
    }

    fn race(&self, number: u64, took: Duration) {
        let serving = self.serving.load();
        let Some(canary) = &serving.canary else { return };
        if canary.version.number == number {
            if canary.race.canary(took) {
                self.failed.notify_one();
            }
        } else if serving.current.version.number == number {
            canary.race.current(took);
        }
    }

    /// The app's groups.
    pub fn groups(&self) -> &Groups {
        &self.lasting.groups
    }

    /// What its versions share.
    pub fn lasting(&self) -> &Lasting {
        &self.lasting
    }

    /// Its live websockets.
    pub fn live(&self) -> &Live {
        &self.lasting.live
    }

    /// Its alarms.
    pub fn alarms(&self) -> &Alarms {
        &self.lasting.alarms
    }
}

impl Serving {
    fn only(version: Arc<Version>) -> Self {
        let trial = Trial::begin(version.rollback, Instant::now());
        Self { current: Arc::new(Tried { version, trial }), canary: None }
    }

    fn serves(&self, lot: Lot) -> &Arc<Version> {
        match &self.canary {
            Some(canary) if canary.share.takes(lot, canary.version.number) => &canary.version,
            _ => &self.current.version,
        }
    }
}

impl Canary {
    fn begin(version: Arc<Version>, share: Share) -> Self {
        let settings = version.rollback;
        // It is on trial for as long as it is a canary; zero is "never".
        let window = if settings.window.is_zero() { Duration::ZERO } else { Duration::MAX };
        let trial = Trial::begin(RollbackSettings { window, ..settings }, Instant::now());
        Self { race: Arc::new(Race::begin(settings.p99_percent)), trial: Arc::new(trial), version, share }
    }

    /// Whether it has trapped too often, or was too slow.
    pub fn has_failed(&self) -> bool {
        self.trial.has_failed() || self.race.is_lost()
    }
}
