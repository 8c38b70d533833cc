//! The live websockets of the process, so that a drain can reach each, and a swap.
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

/// All live websockets. Bounded by the connections there may be.
#[derive(Default)]
pub struct Registry {
    live: Mutex<HashMap<WebsocketId, Arc<WebsocketPort>>>,
    draining: Mutex<VecDeque<Swap>>,
}

/// A version that was replaced, and how long its websockets may stay.
struct Swap {
    app: Arc<App>,
    replaced: u64,
    due: Instant,
}

impl Registry {
    /// A websocket's task begins.
    pub fn insert(&self, port: Arc<WebsocketPort>) {
        lock(&self.live).insert(port.id, port);
    }

    /// A websocket's task has ended.
    pub fn remove(&self, id: WebsocketId) {
        lock(&self.live).remove(&id);
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
    pub fn all(&self) -> Vec<Arc<WebsocketPort>> {
        lock(&self.live).values().cloned().collect()
    }

    /// Closes every one. Closing wakes tasks, so it happens outside the lock.
    pub fn close_all(&self, code: u16, reason: &str) {
        for port in self.all() {
            port.host_close(code, reason);
        }
    }

    /// The app's current version has replaced another: its loop-style websockets are told, and those that have
    /// not left the old one in time are closed by [`Self::close_stale`].
    pub fn swapped(&self, app: &Arc<App>, replaced: u64, now: Instant) {
        let current = app.current();
        let retiring = |port: &WebsocketPort| {
            matches!(port.style, Style::Loop(_)) && port.membership.is_of(app.groups()) && takes_over(&current, port)
        };
        for port in self.all().into_iter().filter(|port| retiring(port)) {
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
            port.membership.is_of(swap.app.groups()) && version <= swap.replaced && version != current.number && !moves
        };
        for port in self.all().into_iter().filter(|port| stale(port)) {
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
