//! Sessions that were minted for websockets that still live, saved or not.
//!
//! A cookie whose id has no record is not believed: a stranger may have planted it (session
//! fixation). One exception: an id that this host itself put on a 101 names a session from then on,
//! though nothing may have been saved under it. Bounded by the live websockets.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::SessionKey;

/// The ids that were minted for live websockets.
#[derive(Debug, Default)]
pub struct LiveSessions {
    keys: Mutex<HashMap<SessionKey, usize>>,
}

/// Keeps an id believed until it is dropped.
#[derive(Debug)]
pub(super) struct Minted {
    live: Arc<LiveSessions>,
    key: SessionKey,
}

impl LiveSessions {
    /// Whether a websocket lives for which this id was minted.
    pub fn contains(&self, key: SessionKey) -> bool {
        self.lock().contains_key(&key)
    }

    pub(super) fn hold(self: &Arc<Self>, key: SessionKey) -> Minted {
        *self.lock().entry(key).or_default() += 1;
        Minted { live: self.clone(), key }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionKey, usize>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Minted {
    fn drop(&mut self) {
        let mut keys = self.live.lock();
        if let Some(count) = keys.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                keys.remove(&self.key);
            }
        }
    }
}
