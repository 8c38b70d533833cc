//! The live websockets of the process with their apps, so that a drain can reach each, a swap, and who runs the host.
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

/// What the websockets of an app are closed with that is served no more.
pub const UNDEPLOYED: &str = "the app was undeployed";

/// All live websockets. Bounded by the connections there may be.
#[derive(Default)]
pub struct Registry {
    live: Mutex<HashMap<WebsocketId, Live>>,
    /// One for each app at most.
    draining: Mutex<Vec<Drain>>,
}

/// A live websocket.
#[derive(Clone)]
pub struct Live {
    /// The websocket.
    pub port: Arc<WebsocketPort>,
    /// Its app.
    pub app: Arc<App>,
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

    /// The app has another current version: its loop-style websockets are told, and those that stay where they are for
    /// too long are closed by [`Self::close_stale`].
    pub fn swapped(&self, app: &Arc<App>, now: Instant) {
        let current = app.current();
        let retiring = |port: &WebsocketPort| matches!(port.style, Style::Loop(_)) && takes_over(&current, port);
        for port in self.of(app).filter(|port| retiring(port)) {
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
    fn over(&mut self, all: &[Live], now: Instant) -> Vec<Arc<WebsocketPort>> {
        let current = self.app.current();
        let stale = |live: &&Live| {
            let Live { port, app } = live;
            // An event-style websocket that nothing has happened to moves when something does.
            let moves = matches!(port.style, Style::Event) && takes_over(&current, port);
            Arc::ptr_eq(app, &self.app) && port.version() != current.number && !moves
        };
        let before = std::mem::take(&mut self.left);
        let mut over = Vec::new();
        for Live { port, .. } in all.iter().filter(stale) {
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
