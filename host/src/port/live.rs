//! The live websockets of one app: who is connected, for its handlers and for who runs the host.
//!
//! Owns the set, in the order of ids, so that a page of it needs no other. Ids are random, so the order tells nothing. No
//! lock is held for longer than to copy [`LIVE_BATCH`](limits::LIVE_BATCH) of them: what is then asked of each is asked
//! without. Nothing here makes a peer send or receive anything.

use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::lifecycle::ApplicationState;
use super::websocket::WebsocketPort;
use crate::event::{State, WebsocketId};
use crate::limits;

/// The live websockets of an app.
#[derive(Debug, Default)]
pub struct Live(Mutex<BTreeMap<WebsocketId, Arc<WebsocketPort>>>);

/// Which of them are meant; each field that is there leaves fewer.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// The pattern of their route.
    pub route: Option<String>,
    /// The name of their handler.
    pub handler: Option<String>,
    /// Those that may be, in ascending order: of a group, of a session. None: all.
    pub among: Option<Vec<WebsocketId>>,
}

impl Live {
    /// A websocket begins.
    pub fn insert(&self, port: Arc<WebsocketPort>) {
        self.lock().insert(port.id, port);
    }

    /// A websocket has ended.
    pub fn remove(&self, id: WebsocketId) -> Option<Arc<WebsocketPort>> {
        self.lock().remove(&id)
    }

    /// The one of this id, in whatever state.
    pub fn get(&self, id: WebsocketId) -> Option<Arc<WebsocketPort>> {
        self.lock().get(&id).cloned()
    }

    /// The one of this id, if somebody is connected: it was accepted, and has not ended.
    pub fn connected(&self, id: WebsocketId) -> Option<Arc<WebsocketPort>> {
        self.get(id).filter(|port| is_connected(port))
    }

    /// How many there are, in whatever state.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// All there are now, in whatever state.
    pub fn all(&self) -> Vec<Arc<WebsocketPort>> {
        let mut all = Vec::with_capacity(self.len());
        loop {
            let after = all.last().map(|port: &Arc<WebsocketPort>| port.id);
            let batch = self.after(after);
            if batch.is_empty() {
                return all;
            }
            all.extend(batch);
        }
    }

    /// Those who are connected and meant, in ascending order, until `act` has enough of them, which it says by `false`.
    /// One that is there all the while is met once; who comes or goes meanwhile may be met.
    ///
    /// # Cancel safety
    /// Dropped, those that were met have been.
    pub async fn each(
        &self,
        which: &Selection,
        mut after: Option<WebsocketId>,
        mut act: impl FnMut(&Arc<WebsocketPort>) -> bool,
    ) {
        loop {
            let (batch, last) = self.batch(which, after);
            let Some(last) = last else { return };
            for port in batch.iter().filter(|port| which.means(port)) {
                if !act(port) {
                    return;
                }
            }
            after = Some(last);
            // Others of this thread have waited for a batch.
            tokio::task::yield_now().await;
        }
    }

    /// The next of those that may be meant, and the last id that was looked at; none at the end.
    fn batch(&self, which: &Selection, after: Option<WebsocketId>) -> (Vec<Arc<WebsocketPort>>, Option<WebsocketId>) {
        let Some(among) = &which.among else {
            let batch = self.after(after);
            let last = batch.last().map(|port| port.id);
            return (batch, last);
        };
        let from = after.map_or(0, |after| among.partition_point(|id| *id <= after));
        let ids: Vec<_> = among.iter().skip(from).take(limits::LIVE_BATCH).copied().collect();
        let live = self.lock();
        (ids.iter().filter_map(|id| live.get(id).cloned()).collect(), ids.last().copied())
    }

    fn after(&self, after: Option<WebsocketId>) -> Vec<Arc<WebsocketPort>> {
        let from = after.map_or(Unbounded, Excluded);
        self.lock().range((from, Unbounded)).take(limits::LIVE_BATCH).map(|(_, port)| port.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<WebsocketId, Arc<WebsocketPort>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Selection {
    /// Leaves those that are also in this list.
    pub fn narrow(&mut self, mut ids: Vec<WebsocketId>) {
        ids.sort_unstable();
        ids.dedup();
        if let Some(among) = &self.among {
            ids.retain(|id| among.binary_search(id).is_ok());
        }
        self.among = Some(ids);
    }

    fn means(&self, port: &WebsocketPort) -> bool {
        self.route.as_ref().is_none_or(|route| **route == *port.rules.route)
            && self.handler.as_ref().is_none_or(|handler| **handler == *port.rules.handler)
            && is_connected(port)
    }
}

fn is_connected(port: &WebsocketPort) -> bool {
    match port.state() {
        State::Open => true,
        // It may also be a handshake that is being denied.
        State::Closing => port.states().1 != ApplicationState::Response,
        State::Connecting | State::Closed => false,
    }
}
