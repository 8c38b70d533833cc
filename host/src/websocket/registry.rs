//! The live websockets of the process with their apps, so that a drain can reach each, a swap, and who runs the host.
//!
//! Knows which apps have live websockets, each of which knows its own ([`crate::port::live`]), and which swaps are draining.
//! What takes time or wakes tasks happens outside the locks.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::door::Doors;
use crate::app::{App, Version};
use crate::event::WebsocketId;
use crate::failure::close_code;
use crate::limits;
use crate::outbox::Outboxes;
use crate::port::websocket::{Style, WebsocketPort};
use crate::usage::Usage;

/// What the websockets of an app are closed with that is served no more.
pub const UNDEPLOYED: &str = "the app was undeployed";

/// All live websockets, by their apps. Bounded by the connections there may be, and by [`limits::RESUME_AWAY_MAX`].
#[derive(Default)]
pub struct Registry {
    /// Those that have any.
    apps: Mutex<Vec<Arc<App>>>,
    /// Where peers come back, of those that resume.
    pub doors: Doors,
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

/// The live websockets of an app.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OfApp {
    /// How many.
    pub websockets: usize,
    /// Bytes that wait for their peers.
    pub outbox_bytes: usize,
    /// What they have used.
    pub usage: Usage,
}

/// An app whose versions have changed, and the websockets that have not gone with that yet.
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
        // Under the lock, so that nobody takes the app out for having none.
        let mut apps = lock(&self.apps);
        app.live().insert(port);
        if !apps.iter().any(|known| Arc::ptr_eq(known, &app)) {
            apps.push(app);
        }
    }

    /// A websocket's task has ended.
    pub fn remove(&self, id: WebsocketId, app: &Arc<App>) {
        let mut apps = lock(&self.apps);
        let port = app.live().remove(id);
        let app = if app.live().is_empty() {
            apps.iter().position(|known| Arc::ptr_eq(known, app)).map(|at| apps.swap_remove(at))
        } else {
            None
        };
        drop(apps);
        // An app that was undeployed may end with its last websocket, and that takes time.
        drop((port, app));
        self.doors.remove(id);
    }

    /// The one of this id.
    pub fn get(&self, id: WebsocketId) -> Option<Live> {
        self.apps().into_iter().find_map(|app| Some(Live { port: app.live().get(id)?, app }))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        lock(&self.apps).iter().map(|app| app.live().len()).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        lock(&self.apps).is_empty()
    }

    /// All there are now.
    pub fn all(&self) -> Vec<Live> {
        let of = |app: Arc<App>| app.live().all().into_iter().map(move |port| Live { port, app: app.clone() });
        self.apps().into_iter().flat_map(of).collect()
    }

    /// What each app has, by its name.
    pub fn by_app(&self) -> HashMap<String, OfApp> {
        // The lock is not held for as long as all of them are asked.
        let all = self.all();
        let mut apps = HashMap::<&str, OfApp>::new();
        for Live { app, port } in &all {
            let found = apps.entry(&app.name).or_default();
            found.websockets += 1;
            found.outbox_bytes += port.outbox.bytes();
            found.usage = found.usage.with(port.usage());
        }
        apps.into_iter().map(|(app, found)| (app.to_owned(), found)).collect()
    }

    /// Closes those of an app that is served no more, with 1001. One that comes after is closed as it comes.
    pub fn undeployed(&self, app: &Arc<App>) {
        app.live().all().iter().for_each(|port| port.host_close(close_code::GOING_AWAY, UNDEPLOYED));
    }

    fn apps(&self) -> Vec<Arc<App>> {
        lock(&self.apps).clone()
    }

    /// Other versions serve the app: loop-style websockets that are to move are told, and those that stay where they are
    /// for too long are closed by [`Self::close_stale`].
    pub fn swapped(&self, app: &Arc<App>, now: Instant) {
        for port in app.live().all().into_iter().filter(|port| matches!(port.style, Style::Loop(_))) {
            let wanted = app.version_for(port.lot);
            if takes_over(&wanted, &port) {
                port.retire(wanted.number);
            }
        }
        let until = now + app.drain() + 2 * limits::SWEEP;
        let mut draining = lock(&self.draining);
        match draining.iter_mut().find(|drain| Arc::ptr_eq(&drain.app, app)) {
            Some(drain) => drain.until = drain.until.max(until),
            None => draining.push(Drain { app: app.clone(), until, left: HashMap::new() }),
        }
    }

    /// Where outboxes hold too much together, empties the fullest and closes their websockets with 1013, so that those who
    /// read are not refused for those who do not. To be called every [`limits::SWEEP`].
    pub fn relieve(&self, outboxes: &Outboxes) {
        let (excess, short) = (outboxes.excess(), outboxes.was_short());
        if excess.is_none() && !short {
            return;
        }
        let mut all: Vec<_> = self.all().into_iter().map(|live| (live.port.outbox.bytes(), live.port)).collect();
        all.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        let (mut left, mut closed) = (excess.unwrap_or_default(), 0);
        for (bytes, port) in &all {
            let shared = bytes.saturating_sub(limits::OUTBOX_OWN_BYTES);
            if left == 0 || shared == 0 {
                port.outbox.nudge();
                continue;
            }
            left = left.saturating_sub(shared);
            closed += 1;
            port.overflowed();
        }
        let bytes_max = outboxes.bytes_max();
        tracing::warn!(
            closed,
            bytes_max,
            "what waits for slow peers fills the memory for it: the fullest were closed; --outbox-memory gives more"
        );
    }

    /// Closes with 1012 what has stayed for too long on a version that is not to serve it: loop-style websockets, and
    /// event-style ones whose handler is gone. To be called every [`limits::SWEEP`].
    pub fn close_stale(&self, now: Instant) {
        if lock(&self.draining).is_empty() {
            return;
        }
        let mut over = Vec::new();
        lock(&self.draining).retain_mut(|drain| {
            over.extend(drain.over(now));
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
    fn over(&mut self, now: Instant) -> Vec<Arc<WebsocketPort>> {
        let drain = self.app.drain();
        let stale = |port: &&Arc<WebsocketPort>| {
            let wanted = self.app.version_for(port.lot);
            // An event-style websocket that nothing has happened to moves when something does.
            let moves = matches!(port.style, Style::Event) && takes_over(&wanted, port);
            port.version() != wanted.number && !moves
        };
        let before = std::mem::take(&mut self.left);
        let mut over = Vec::new();
        let all = self.app.live().all();
        for port in all.iter().filter(stale) {
            let seen = before.get(&port.id).filter(|(moves, _)| *moves == port.moves());
            let since = seen.map_or(now, |(_, since)| *since);
            if now.saturating_duration_since(since) >= drain {
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
    version.handler(&port.rules.handler).is_some_and(|handler| match port.style {
        Style::Loop(_) => handler.exports.looped.is_some(),
        Style::Event => handler.exports.events.is_some(),
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
