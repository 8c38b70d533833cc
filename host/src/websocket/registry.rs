//! The live websockets of the process, so that a drain can reach each, and a swap.
//!
//! Knows who is live and which swaps are draining. What takes time or wakes tasks happens outside the locks.

use std::collections::HashMap;
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
    /// One for each app at most.
    draining: Mutex<Vec<Drain>>,
}

/// An app whose version has changed, and the websockets that have not gone with it yet.
struct Drain {
    app: Arc<App>,
    /// Until when there may be more of them.
    until: Instant,
    /// How often each had moved when it was first seen where it is, and when that was.
    left: HashMap<WebsocketId, (u32, Instant)>,
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

    /// The app has another current version: its loop-style websockets are told, and those that stay where they are for
    /// too long are closed by [`Self::close_stale`].
    pub fn swapped(&self, app: &Arc<App>, now: Instant) {
        let current = app.current();
        let retiring = |port: &WebsocketPort| {
            matches!(port.style, Style::Loop(_)) && port.membership.is_of(app.groups()) && takes_over(&current, port)
        };
        for port in self.all().into_iter().filter(|port| retiring(port)) {
            port.retire(current.number);
        }
        let until = now + current.drain + 2 * limits::SWEEP;
        let mut draining = lock(&self.draining);
        match draining.iter_mut().find(|drain| Arc::ptr_eq(&drain.app, app)) {
            Some(drain) => drain.until = drain.until.max(until),
            None => draining.push(Drain { app: app.clone(), until, left: HashMap::new() }),
        }
    }

    /// Closes with 1012 what has stayed for too long on a version that is not the current one: loop-style websockets, and
    /// event-style ones whose handler is gone. To be called every [`limits::SWEEP`].
    pub fn close_stale(&self, now: Instant) {
        if lock(&self.draining).is_empty() {
            return;
        }
        let all = self.all();
        let mut over = Vec::new();
        lock(&self.draining).retain_mut(|drain| {
            over.extend(drain.over(&all, now));
            now < drain.until || !drain.left.is_empty()
        });
        for port in over {
            tracing::debug!(websocket = %port.id, version = port.version(), "stayed past the drain of its version");
            port.host_close(close_code::RESTART, "a new version took over");
        }
    }
}

impl Drain {
    /// Notes who is on which version, and gives those that have been on theirs for too long.
    fn over(&mut self, all: &[Arc<WebsocketPort>], now: Instant) -> Vec<Arc<WebsocketPort>> {
        let current = self.app.current();
        let stale = |port: &&Arc<WebsocketPort>| {
            // An event-style websocket that nothing has happened to moves when something does.
            let moves = matches!(port.style, Style::Event) && takes_over(&current, port);
            port.membership.is_of(self.app.groups()) && port.version() != current.number && !moves
        };
        let before = std::mem::take(&mut self.left);
        let mut over = Vec::new();
        for port in all.iter().filter(stale) {
            let seen = before.get(&port.id).filter(|(moves, _)| *moves == port.moves());
            let since = seen.map_or(now, |(_, since)| *since);
            if now.saturating_duration_since(since) >= current.drain {
                over.push(port.clone());
            } else {
                self.left.insert(port.id, (port.moves(), since));
            }
        }
        over
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
