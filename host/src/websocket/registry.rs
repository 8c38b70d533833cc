//! The live websockets of the process with their apps, so that a drain can reach each, a swap, and who runs the host.
//!
//! Knows who is live and which swaps are draining. What takes time or wakes tasks happens outside the locks.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::app::{App, Version};
use crate::event::WebsocketId;
use crate::failure::close_code;
use crate::limits;
use crate::port::websocket::{Style, WebsocketPort};

/// What the websockets of an app are closed with that is served no more.
pub const UNDEPLOYED: &str = "the app was undeployed";

/// All live websockets. Bounded by the connections there may be.
#[derive(Default)]
pub struct Registry {
    live: Mutex<HashMap<WebsocketId, Live>>,
    draining: Mutex<VecDeque<Swap>>,
}

/// A live websocket.
#[derive(Clone)]
pub struct Live {
    /// The websocket.
    pub port: Arc<WebsocketPort>,
    /// Its app.
    pub app: Arc<App>,
}

/// A version that was replaced, and how long its websockets may stay.
struct Swap {
    app: Arc<App>,
    replaced: u64,
    due: Instant,
}

impl Registry {
    /// A websocket's task begins.
    pub fn insert(&self, port: Arc<WebsocketPort>, app: Arc<App>) {
        lock(&self.live).insert(port.id, Live { port, app });
    }

    /// A websocket's task has ended.
    pub fn remove(&self, id: WebsocketId) {
        // An app that was undeployed may end with its last websocket, and that takes time.
        let removed = lock(&self.live).remove(&id);
        drop(removed);
    }

    /// The one of this id.
    pub fn get(&self, id: WebsocketId) -> Option<Live> {
        lock(&self.live).get(&id).cloned()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        lock(&self.live).len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        lock(&self.live).is_empty()
    }

    /// All there are now.
    pub fn all(&self) -> Vec<Live> {
        lock(&self.live).values().cloned().collect()
    }

    /// How many each app has, by its name.
    pub fn counts(&self) -> HashMap<String, usize> {
        let live = lock(&self.live);
        let mut counts = HashMap::<&str, usize>::new();
        for Live { app, .. } in live.values() {
            *counts.entry(&app.name).or_default() += 1;
        }
        counts.into_iter().map(|(app, count)| (app.to_owned(), count)).collect()
    }

    /// Closes those of an app that is served no more, with 1001. One that comes after is closed as it comes.
    pub fn undeployed(&self, app: &Arc<App>) {
        self.of(app).for_each(|port| port.host_close(close_code::GOING_AWAY, UNDEPLOYED));
    }

    /// Those of an app. Whatever wakes tasks happens outside the lock, so they are taken out first.
    fn of(&self, app: &Arc<App>) -> impl Iterator<Item = Arc<WebsocketPort>> {
        self.all().into_iter().filter(move |live| Arc::ptr_eq(&live.app, app)).map(|live| live.port)
    }

    /// The app's current version has replaced another: its loop-style websockets are told, and those that have
    /// not left the old one in time are closed by [`Self::close_stale`].
    pub fn swapped(&self, app: &Arc<App>, replaced: u64, now: Instant) {
        let current = app.current();
        let retiring = |port: &WebsocketPort| matches!(port.style, Style::Loop(_)) && takes_over(&current, port);
        for port in self.of(app).filter(|port| retiring(port)) {
            port.retire(current.number);
        }
        let swap = Swap { app: app.clone(), replaced, due: now + current.drain };
        let mut draining = lock(&self.draining);
        draining.push_back(swap);
        let over = if draining.len() > limits::SWAPS_DRAINING_MAX { draining.pop_front() } else { None };
        drop(draining);
        over.iter().for_each(|swap| self.close_left(swap));
    }

    /// Closes with 1012 what has stayed for too long on a version that was replaced: loop-style websockets, and
    /// event-style ones whose handler is gone. To be called every [`limits::SWEEP`].
    pub fn close_stale(&self, now: Instant) {
        let due: Vec<_> = {
            let mut draining = lock(&self.draining);
            let (due, left) = std::mem::take(&mut *draining).into_iter().partition(|swap: &Swap| swap.due <= now);
            *draining = left;
            Vec::from(due)
        };
        due.iter().for_each(|swap| self.close_left(swap));
    }

    fn close_left(&self, swap: &Swap) {
        let current = swap.app.current();
        let stale = |port: &WebsocketPort| {
            let version = port.version();
            // An event-style websocket that nothing has happened to moves when something does.
            let moves = matches!(port.style, Style::Event) && takes_over(&current, port);
            version <= swap.replaced && version != current.number && !moves
        };
        for port in self.of(&swap.app).filter(|port| stale(port)) {
            tracing::debug!(websocket = %port.id, version = port.version(), "stayed past the drain of its version");
            port.host_close(close_code::RESTART, "a new version took over");
        }
    }
}

/// Whether a version has the websocket's handler in its style.
fn takes_over(version: &Version, port: &WebsocketPort) -> bool {
    version.handler(&port.handler).is_some_and(|handler| match port.style {
        Style::Loop(_) => handler.exports.looped.is_some(),
        Style::Event => handler.exports.events.is_some(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
