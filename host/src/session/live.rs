//! Who holds which session in this process: so that all of them follow a new id, and end with a flush.
//!
//! Holders are the bindings of exchanges and websockets that have opened a session. One more thing
//! is known by it: a cookie whose id has no record is not believed, since a stranger may have
//! planted it (session fixation); but an id that this host itself put on a 101 names a session
//! while that websocket lives, though nothing may have been saved under it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use super::binding::Shared;
use super::db::{DbError, DbFuture};
use super::{SessionId, SessionKey};
use crate::event::WebsocketId;
use crate::usage::Timing;

/// The sessions that are held. Bounded by the live exchanges and websockets.
#[derive(Default)]
pub struct LiveSessions {
    holders: Mutex<HashMap<SessionKey, Vec<Holder>>>,
    /// How long saves took that were kept.
    pub saves: Timing,
    unsaved: AtomicU64,
    follower: OnceLock<Arc<dyn Follow>>,
}

/// What keeps something of sessions by their keys, and goes with them where they get others.
pub trait Follow: Send + Sync + 'static {
    /// A session is about to move: from here on it may be found under either key.
    fn moving(&self, from: SessionKey, to: SessionKey) -> DbFuture<'_, ()>;

    /// It has moved for good.
    fn moved(&self, from: SessionKey, to: SessionKey) -> DbFuture<'_, ()>;
}

struct Holder {
    shared: Weak<Shared>,
    minted: bool,
}

impl LiveSessions {
    /// What follows sessions to other keys; said once.
    pub fn follow(&self, follower: Arc<dyn Follow>) {
        let said = self.follower.set(follower);
        debug_assert!(said.is_ok(), "said twice");
    }

    pub(super) async fn moving(&self, from: SessionKey, to: SessionKey) -> Result<(), DbError> {
        match self.follower.get() {
            Some(follower) => follower.moving(from, to).await,
            None => Ok(()),
        }
    }

    /// Where it fails, what follows is still found under either key.
    pub(super) async fn moved(&self, from: SessionKey, to: SessionKey) {
        if let Some(follower) = self.follower.get()
            && let Err(error) = follower.moved(from, to).await
        {
            tracing::warn!(session = to.tag(), "what follows a session to its new key: {error}");
        }
    }

    /// Saves that the store failed.
    pub fn unsaved(&self) -> u64 {
        self.unsaved.load(Relaxed)
    }

    pub(super) fn failed(&self) {
        self.unsaved.fetch_add(1, Relaxed);
    }

    /// Whether somebody lives for whom this id was minted.
    pub(super) fn minted(&self, key: SessionKey) -> bool {
        let holders = self.lock();
        holders.get(&key).is_some_and(|held| held.iter().any(|holder| holder.minted && holder.is_alive()))
    }

    pub(super) fn hold(&self, key: SessionKey, shared: &Arc<Shared>, minted: bool) {
        self.lock().entry(key).or_default().push(Holder { shared: Arc::downgrade(shared), minted });
    }

    /// A holder goes; with it those whose going was not seen.
    pub(super) fn leave(&self, key: SessionKey, shared: &Arc<Shared>) {
        let mut holders = self.lock();
        let Some(held) = holders.get_mut(&key) else { return };
        held.retain(|holder| holder.is_alive() && !std::ptr::eq(holder.shared.as_ptr(), Arc::as_ptr(shared)));
        if held.is_empty() {
            holders.remove(&key);
        }
    }

    /// The websockets that hold this id.
    pub(super) fn websockets(&self, key: SessionKey) -> Vec<WebsocketId> {
        let held: Vec<Arc<Shared>> = {
            let holders = self.lock();
            holders.get(&key).into_iter().flatten().filter_map(|holder| holder.shared.upgrade()).collect()
        };
        held.iter().filter_map(|shared| shared.websocket()).collect()
    }

    /// All holders of an id get another.
    pub(super) fn cycle(&self, old: SessionKey, new: &SessionId) {
        let moved: Vec<Arc<Shared>> = {
            let mut holders = self.lock();
            let held = holders.remove(&old).unwrap_or_default();
            let alive = held.iter().filter_map(|holder| holder.shared.upgrade()).collect();
            holders.entry(new.key()).or_default().extend(held);
            alive
        };
        for shared in moved {
            shared.follow(old, new);
        }
    }

    /// The session is over for all of its holders but this one, who asked for it.
    pub(super) fn flush(&self, key: SessionKey, asked: &Arc<Shared>) {
        let held = self.lock().remove(&key).unwrap_or_default();
        for shared in held.iter().filter_map(|holder| holder.shared.upgrade()) {
            if !Arc::ptr_eq(&shared, asked) {
                shared.flushed_elsewhere();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, Vec<Holder>>> {
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holder {
    fn is_alive(&self) -> bool {
        self.shared.strong_count() > 0
    }
}
