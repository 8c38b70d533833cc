//! The session of one exchange or websocket: which id the peer holds, the record that was loaded,
//! the changes not yet saved.
//!
//! Owns the rules of FEATURES C1-C4, C6, C7 and C9 that are about one holder. Small while unused: an idle
//! websocket keeps one. No lock is held while the store is asked.

mod error;
mod state;

pub use error::SessionError;
pub use state::CookieAction;
pub(super) use state::Shared;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;

use self::state::{Head, Identity, Known, Peer, State};
use super::db::{DbError, Save, SessionDb};
use super::live::LiveSessions;
use super::overlay::{Overlay, unsaved};
use super::record::{Lifetimes, Timestamp};
use super::{Record, SessionId, SessionKey};
use crate::event::WebsocketId;
use crate::json;
use crate::limits;

const DAY: u64 = 24 * 3600;

/// A session as one exchange or websocket sees it.
pub struct SessionBinding {
    db: Arc<dyn SessionDb>,
    live: Arc<LiveSessions>,
    lifetimes: Arc<Lifetimes>,
    shared: Arc<Shared>,
}

impl SessionBinding {
    /// The session of a request that presented this id, or none.
    pub fn new(
        db: Arc<dyn SessionDb>,
        live: Arc<LiveSessions>,
        lifetimes: Arc<Lifetimes>,
        presented: Option<SessionId>,
    ) -> Self {
        Self::of(db, live, lifetimes, Identity::Unknown(presented.map(Box::new)), Head::Here)
    }

    /// A session that is saved, for who knows its key alone. Its cookie cannot be changed.
    pub fn stored(db: Arc<dyn SessionDb>, live: Arc<LiveSessions>, lifetimes: Arc<Lifetimes>, key: SessionKey) -> Self {
        let binding = Self::of(db, live, lifetimes, Identity::Stored(key), Head::Left);
        binding.live.hold(key, &binding.shared, false);
        binding
    }

    fn of(
        db: Arc<dyn SessionDb>,
        live: Arc<LiveSessions>,
        lifetimes: Arc<Lifetimes>,
        identity: Identity,
        head: Head,
    ) -> Self {
        let state =
            State { identity, head, flushed: false, resend: false, snapshot: None, overlay: None, websocket: None };
        let shared = Arc::new(Shared { state: Mutex::new(state) });
        Self { db, live, lifetimes, shared }
    }

    /// Which websocket this is of, and what to do when another holder flushes the session; said once.
    pub fn of_websocket(&self, id: WebsocketId, on_flush: impl Fn() + Send + Sync + 'static) {
        let said = self.state().websocket.replace((id, Box::new(on_flush)));
        debug_assert!(said.is_none(), "said twice");
    }

    /// Loads the latest saved record. An id without a record is not adopted, unless this host minted
    /// it for a websocket that lives; then, while the head is here, a new one is minted.
    ///
    /// # Errors
    /// `Deleted`, `Unavailable`.
    ///
    /// # Cancel safety
    /// Dropped, nothing has changed.
    pub async fn open(&self) -> Result<(), SessionError> {
        let (presented, key) = {
            let state = self.state();
            state.not_flushed()?;
            match &state.identity {
                Identity::Unknown(presented) => (Some(presented.as_deref().cloned()), None),
                identity => (None, identity.key()),
            }
        };
        let now = Timestamp::now();
        let key = key.or_else(|| presented.as_ref()?.as_ref().map(SessionId::key));
        let saved = match key {
            Some(key) => self.db.load(key, now).await?,
            None => None,
        };
        if let (Some(key), Some(record)) = (key, &saved)
            && record.is_stale(now, *self.lifetimes)
        {
            self.db.touch(key, now, *self.lifetimes);
            self.state().resend = self.db.is_carried();
        }
        if let Some(id) = presented {
            self.identify(id, saved.is_some())?;
        }
        if saved.is_none() && matches!(self.state().identity, Identity::Stored(_)) {
            return Err(SessionError::Deleted);
        }
        let mut state = self.state();
        state.not_flushed()?;
        state.snapshot = Some(saved.unwrap_or_else(unsaved));
        Ok(())
    }

    fn identify(&self, presented: Option<SessionId>, saved: bool) -> Result<(), SessionError> {
        let known = match presented {
            Some(id) if saved || self.live.minted(id.key()) => Known { id, peer: Peer::Holds },
            _ if self.state().head == Head::Left => return Ok(()),
            _ => Known { id: mint()?, peer: Peer::Lacks },
        };
        let (key, minted) = (known.id.key(), known.peer == Peer::Lacks);
        {
            let mut state = self.state();
            if state.identity.key().is_some() {
                return Ok(());
            }
            state.identity = Identity::Known(Box::new(known));
        }
        self.live.hold(key, &self.shared, minted);
        Ok(())
    }

    /// Gives the session another id, which the peer gets with the head; the old one opens nothing any
    /// more. For a login, so that an id which a stranger has seen is worth nothing after it.
    ///
    /// # Errors
    /// `NotOpen`, `Deleted`, `CookieUnreachable` once the head has left, `Unavailable`.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the session may be lost to its peer.
    pub async fn cycle_id(&self) -> Result<(), SessionError> {
        let old = {
            let state = self.state();
            state.not_flushed()?;
            state.snapshot.as_ref().ok_or(SessionError::NotOpen)?;
            match &state.identity {
                Identity::Known(known) if state.head == Head::Here => known.id.key(),
                _ => return Err(SessionError::CookieUnreachable),
            }
        };
        let new = mint()?;
        self.live.moving(old, new.key()).await?;
        self.db.rename(old, new.key()).await?;
        self.live.cycle(old, &new);
        self.live.moved(old, new.key()).await;
        let mut state = self.state();
        let saved = state.snapshot.as_ref().is_some_and(|record| record.version > 0);
        if let Identity::Known(known) = &mut state.identity {
            known.peer = if saved { Peer::Owed } else { Peer::Lacks };
        }
        state.resend = saved && self.db.is_carried();
        Ok(())
    }

    /// Ends the session for good, for a logout: the record goes, a later save of anybody fails, and
    /// all other websockets that hold it end. The head, if it is here, takes the cookie back.
    ///
    /// # Errors
    /// `NotOpen`, `Deleted` the second time, `Unavailable`.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the session may be flushed, and its other holders not told.
    pub async fn flush(&self) -> Result<(), SessionError> {
        let key = {
            let state = self.state();
            state.not_flushed()?;
            state.snapshot.as_ref().ok_or(SessionError::NotOpen)?;
            state.identity.key()
        };
        if let Some(key) = key {
            self.db.flush(key, Timestamp::now().after(limits::SESSION_TOMBSTONE)).await?;
            self.live.flush(key, &self.shared);
        }
        self.state().end();
        Ok(())
    }

    /// The start of its key, once it has been opened; it opens nothing.
    pub fn tag(&self) -> Option<String> {
        self.state().identity.key().map(|key| key.tag())
    }

    /// The key that it is found by later: of one that is open, and saved in a store.
    pub fn found_by(&self) -> Option<SessionKey> {
        let state = self.state();
        let saved = state.snapshot.as_ref().is_some_and(|record| record.version > 0);
        state.identity.key().filter(|_| saved && !state.flushed && !self.db.is_carried())
    }

    /// The websockets that have opened this session, itself too; none where it has not been opened.
    pub fn websockets(&self) -> Option<Vec<WebsocketId>> {
        let key = self.state().identity.key()?;
        Some(self.live.websockets(key))
    }

    /// Whether a peer that presents this id, or none, is one of the session's; anyone is where there is no session.
    pub fn is_of(&self, presented: Option<&SessionId>) -> bool {
        match &self.state().identity {
            Identity::Known(known) => presented == Some(&known.id),
            Identity::Unknown(Some(id)) => presented == Some(&**id),
            Identity::Stored(key) => presented.is_some_and(|id| id.key() == *key),
            Identity::Unknown(None) => true,
        }
    }

    /// Whether it was flushed, here or elsewhere.
    pub fn is_flushed(&self) -> bool {
        self.state().flushed
    }

    /// Gives the session a life of its own without use, up to 400 days; none for the app's. Saved as
    /// any change.
    ///
    /// # Errors
    /// `NotOpen`, `Deleted`, `TooLarge` in days.
    pub fn set_expiry(&self, expiry: Option<Duration>) -> Result<(), SessionError> {
        let (days, limit) = (expiry.map_or(0, |own| own.as_secs() / DAY), limits::SESSION_EXPIRY_MAX.as_secs() / DAY);
        if days > limit {
            let (actual, limit) = (days as usize, limit as usize);
            return Err(SessionError::TooLarge { what: "expiry in days", actual, limit });
        }
        self.write(|_, overlay| overlay.set_expiry(expiry))
    }

    /// A key's value, as JSON.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn get(&self, key: &str) -> Result<Option<Bytes>, SessionError> {
        self.read(|record, overlay| overlay.get(record, key))
    }

    /// Sets a key to a JSON value.
    ///
    /// # Errors
    /// `NotOpen`, `NotJson`, `TooLarge`.
    pub fn set(&self, key: &str, value: Bytes) -> Result<(), SessionError> {
        json::check(&value)?;
        Ok(self.write(|record, overlay| overlay.set(record, key, value))??)
    }

    /// Removes a key; says whether it was there.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn remove(&self, key: &str) -> Result<bool, SessionError> {
        self.write(|record, overlay| overlay.remove(record, key))
    }

    /// All keys, sorted.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn keys(&self) -> Result<Vec<String>, SessionError> {
        self.read(|record, overlay| overlay.keys(record))
    }

    /// Removes every key.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn clear(&self) -> Result<(), SessionError> {
        self.write(|record, overlay| overlay.clear(record))
    }

    /// Drops the unsaved changes.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn discard(&self) -> Result<(), SessionError> {
        self.write(|_, overlay| *overlay = Overlay::default())
    }

    /// Whether no record was ever saved.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn is_new(&self) -> Result<bool, SessionError> {
        Ok(self.version()? == 0)
    }

    /// The version that was loaded or saved last; 0 for none.
    ///
    /// # Errors
    /// `NotOpen`.
    pub fn version(&self) -> Result<u64, SessionError> {
        self.read(|record, _| record.version)
    }

    /// Merges the unsaved changes into the saved record; answers with its version when it is
    /// durable. Without changes nothing is written.
    ///
    /// # Errors
    /// `NotOpen`, `CookieUnreachable`, `Conflict`, `TooLarge`, `Unavailable`: the changes are kept.
    ///
    /// # Cancel safety
    /// Dropped while it waits, the changes may or may not be saved, and are no longer unsaved here.
    pub async fn save(&self, if_version: Option<u64>) -> Result<u64, SessionError> {
        let (key, changes) = {
            let mut state = self.state();
            state.not_flushed()?;
            let version = state.snapshot.as_ref().ok_or(SessionError::NotOpen)?.version;
            let key = state.saving_key(self.db.is_carried())?;
            match &mut state.overlay {
                Some(overlay) if overlay.is_modified() => (key, overlay.take()),
                _ => return Ok(version),
            }
        };
        let (now, lifetimes, begun) = (Timestamp::now(), *self.lifetimes, Instant::now());
        let saved = self.db.save(Save { key, changes: changes.clone(), if_version, now, lifetimes }).await;
        let mut state = self.state();
        match saved {
            Err(DbError::Deleted) => {
                state.end();
                Err(SessionError::Deleted)
            }
            Ok(record) => {
                self.live.saves.count(begun.elapsed());
                state.saved();
                state.resend = self.db.is_carried();
                let version = record.version;
                state.snapshot = Some(record);
                Ok(version)
            }
            Err(error) => {
                if matches!(error, DbError::Unavailable(_)) {
                    self.live.failed();
                }
                state.overlay.get_or_insert_default().put_back(changes);
                Err(error.into())
            }
        }
    }

    /// What the 101 does to the cookie: a session that was opened and minted is set on it, saved or
    /// not, since later is too late.
    pub fn cookie(&self) -> CookieAction {
        let state = self.state();
        match &state.identity {
            _ if state.flushed && state.was_held() => CookieAction::Expire,
            _ if state.flushed => CookieAction::Leave,
            // What is carried and was not saved is nothing to carry.
            Identity::Known(known) if self.db.is_carried() && !state.resend => CookieAction::Leave,
            Identity::Known(known) if known.peer != Peer::Holds || state.resend => {
                CookieAction::Set(self.db.cookie(&known.id))
            }
            _ => CookieAction::Leave,
        }
    }

    /// Saves what an exchange changed, before its head leaves, and says what the head does to the
    /// cookie: sets it with a save, takes back that of a session which was emptied, leaves that of
    /// one which was not touched.
    ///
    /// # Errors
    /// As [`Self::save`].
    pub async fn autosave(&self, every_request: bool) -> Result<CookieAction, SessionError> {
        let (opened, modified) = {
            let state = self.state();
            if state.flushed {
                return Ok(if state.was_held() { CookieAction::Expire } else { CookieAction::Leave });
            }
            (state.snapshot.is_some(), state.overlay.as_ref().is_some_and(|overlay| overlay.is_modified()))
        };
        if every_request && !opened {
            self.open().await?;
        }
        if modified && !self.is_emptied_unsaved() {
            self.save(None).await?;
        }
        Ok(self.state().head_action(every_request, modified, &*self.db))
    }

    /// The head has left: a peer that has no cookie now will not get one.
    pub fn head_left(&self) {
        let mut state = self.state();
        state.head = Head::Left;
        if let Identity::Known(known) = &mut state.identity
            && known.peer == Peer::Owed
        {
            known.peer = Peer::Holds;
        }
    }

    /// The cookie goes with the head that is leaving.
    pub fn cookie_given(&self) {
        if let Identity::Known(known) = &mut self.state().identity {
            known.peer = Peer::Holds;
        }
    }

    /// Whether there are unsaved changes.
    pub fn is_modified(&self) -> bool {
        self.state().overlay.as_ref().is_some_and(|overlay| overlay.is_modified())
    }

    /// Drops the loaded record, not the changes: the event is over.
    pub fn forget_snapshot(&self) {
        let mut state = self.state();
        state.snapshot = None;
        state.overlay.take_if(|overlay| !overlay.is_modified());
    }

    /// A session that never was saved and holds nothing has nothing to save.
    fn is_emptied_unsaved(&self) -> bool {
        self.read(|record, overlay| record.version == 0 && overlay.keys(record).is_empty()).unwrap_or(false)
    }

    fn read<T>(&self, read: impl FnOnce(&Record, &Overlay) -> T) -> Result<T, SessionError> {
        let state = self.state();
        state.not_flushed()?;
        let record = state.snapshot.as_deref().ok_or(SessionError::NotOpen)?;
        Ok(match &state.overlay {
            Some(overlay) => read(record, overlay),
            None => read(record, &Overlay::default()),
        })
    }

    fn write<T>(&self, write: impl FnOnce(&Record, &mut Overlay) -> T) -> Result<T, SessionError> {
        let mut state = self.state();
        state.not_flushed()?;
        let record = state.snapshot.clone().ok_or(SessionError::NotOpen)?;
        Ok(write(&record, state.overlay.get_or_insert_default()))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state()
    }
}

impl Drop for SessionBinding {
    fn drop(&mut self) {
        let key = self.state().identity.key();
        if let Some(key) = key {
            self.live.leave(key, &self.shared);
        }
    }
}

fn mint() -> Result<SessionId, SessionError> {
    SessionId::mint().map_err(|error| SessionError::Unavailable(error.to_string()))
}

impl fmt::Debug for SessionBinding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionBinding")
    }
}

#[cfg(test)]
mod tests;
