//! Groups: named sets of websockets of one app.
//!
//! Owns who is in which group, what a group keeps of its publications, and who is told of those that come and go. Holds sinks only: it does not
//! know sockets, guests or what a message means. A publication is queued to every member under the group's lock, so that all members
//! of a group see its publications in one order. What an engine between several hosts will do instead is in docs/adr/0011.

mod error;
mod history;
mod join;
mod log;
mod members;
mod membership;
mod presence;
mod rules;
mod sink;

pub use self::error::GroupError;
pub use self::history::{Depth, Kept, Position};
pub use self::join::{About, How, Joined};
pub use self::log::{Log, Restored, Telling, Unkept};
pub use self::membership::Membership;
pub use self::presence::{Presence, Present};
pub use self::rules::{Names, Rule, Rules};
pub use self::sink::{Content, Publication, Publications, Sink};

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::SystemTime;

use arc_swap::ArcSwap;
use bytestring::ByteString;
use tokio::sync::Notify;

use self::history::History;
use self::members::{Group, State};
use crate::event::{Message, WebsocketId};
use crate::limits;

/// What became of a publication, member by member. WIT `groups.delivery`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Those that took it.
    pub queued: u32,
    /// Those that had no room.
    pub full: u32,
    /// Those that were about to end.
    pub gone: u32,
    /// Where it is in the history.
    pub position: Option<Position>,
}

/// Whom a publication is for. WIT `groups.scope`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Those with this tag.
    pub tag: Option<ByteString>,
    /// Not this one.
    pub except: Option<WebsocketId>,
}

impl Scope {
    fn is_for(&self, id: WebsocketId, about: Option<&About>) -> bool {
        self.except != Some(id) && self.tag.as_ref().is_none_or(|tag| about.is_some_and(|about| about.has(tag)))
    }
}

/// Which members are asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page<'a> {
    /// Those with this tag.
    pub tag: Option<&'a str>,
    /// Those with a larger id.
    pub after: Option<WebsocketId>,
    /// So many.
    pub limit: usize,
}

/// What a history has after a position. WIT `groups.history-page`.
#[derive(Debug)]
pub struct Told {
    /// In order.
    pub publications: Vec<Kept>,
    /// After the newest there is.
    pub position: Position,
    /// Whether nothing is missing before the first.
    pub recovered: bool,
}

/// All groups of an app.
#[derive(Debug, Default)]
pub struct Groups {
    all: Mutex<HashMap<Arc<str>, Arc<Group>>>,
    rules: ArcSwap<Rules>,
    /// Groups of which somebody came or went, until that is told; each once.
    changed: Mutex<Vec<Arc<Group>>>,
    due: Arc<Notify>,
    /// Bytes of all histories.
    kept_bytes: Arc<AtomicUsize>,
    /// Where those are that outlive the host, once a manifest wants some to.
    log: OnceLock<Box<dyn Log>>,
    clock: Clock,
}

/// What time it is; a test says so itself.
#[derive(Debug, Default)]
enum Clock {
    #[default]
    System,
    #[cfg(test)]
    Stepped(std::sync::atomic::AtomicU64),
}

impl Clock {
    fn now(&self) -> SystemTime {
        match self {
            Self::System => SystemTime::now(),
            #[cfg(test)]
            Self::Stepped(seconds) => {
                let seconds = seconds.load(std::sync::atomic::Ordering::Relaxed);
                SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(seconds)
            }
        }
    }
}

impl Groups {
    /// No groups yet. `due` hears when there is something for [`Self::tell_presence`] to tell.
    #[must_use]
    pub fn new(due: Arc<Notify>) -> Self {
        Self { due, ..Self::default() }
    }

    /// Whether there is a log for histories that outlive the host.
    #[must_use]
    pub fn has_log(&self) -> bool {
        self.log.get().is_some()
    }

    /// Keeps those histories here from now on, as these rules have it, and takes back what was kept before. The first log stays.
    pub fn keep_in(&self, log: Box<dyn Log>, restored: Vec<Restored>, rules: &Rules) {
        let mut all = lock(&self.all);
        for group in restored {
            self.restore(&mut all, group, rules);
        }
        let _first = self.log.set(log);
    }

    /// From now on groups are as the manifest says. One that is there keeps or tells what it did, as long as it has members; what a
    /// history may hold changes with the next publication.
    pub fn rule(&self, rules: Rules) {
        self.rules.store(Arc::new(rules));
    }

    /// Queues a message to the members of a group that it is for; in a group that keeps nothing and has no members nothing
    /// happens. The payload is shared, not copied. Where the history is to outlive the host, it is on disk first.
    ///
    /// # Errors
    /// `InvalidName`, `TooManyOfApp`, `Unavailable`.
    ///
    /// # Cancel safety
    /// Dropped, it is published all the same, or not at all.
    pub async fn publish(&self, name: &str, message: Message, scope: Option<Scope>) -> Result<Delivery, GroupError> {
        check_name(name)?;
        let rule = self.rules.load().of(name);
        let scope = scope.filter(|scope| *scope != Scope::default()).map(Box::new);
        if rule.history.is_none() {
            let Some(group) = self.find(name) else { return Ok(Delivery::default()) };
            return Ok(group.publish(&mut group.lock(), message, scope, rule, self.clock.now()));
        }
        let published = self.with(name, rule, |group, state| match state.durable() {
            None => Published::Told(group.publish(state, message, scope, rule, self.clock.now())),
            Some(position) => {
                let (group, at) = (group.clone(), self.clock.now());
                Published::ToBeKept(Unkept { group, position, message, scope, rule, at })
            }
        })?;
        match (published, self.log.get()) {
            (Published::Told(delivery), _) => Ok(delivery),
            (Published::ToBeKept(publication), Some(log)) => log.publish(publication).await,
            (Published::ToBeKept(_), None) => Err(GroupError::Unavailable("its log is not open".to_owned())),
        }
    }

    /// How many members a group has.
    ///
    /// # Errors
    /// `InvalidName`.
    pub fn count(&self, name: &str) -> Result<usize, GroupError> {
        check_name(name)?;
        Ok(self.find(name).map_or(0, |group| group.lock().len()))
    }

    /// The ids of a group's members, in no order; none where there is no such group.
    #[must_use]
    pub fn ids(&self, name: &str) -> Vec<WebsocketId> {
        self.find(name).map_or_else(Vec::new, |group| group.lock().ids().collect())
    }

    /// Members of a group, by ascending id.
    ///
    /// # Errors
    /// `InvalidName`.
    pub fn members(&self, name: &str, page: Page<'_>) -> Result<Vec<Present>, GroupError> {
        check_name(name)?;
        let page = Page { limit: page.limit.min(limits::MEMBERS_LISTED_MAX), ..page };
        Ok(self.find(name).map_or_else(Vec::new, |group| group.lock().members(&page)))
    }

    /// What the history of a group has after a position, or all of it.
    ///
    /// # Errors
    /// `InvalidName`, `NoHistory`, `TooManyOfApp`.
    pub fn history(&self, name: &str, since: Option<Position>, limit: usize) -> Result<Told, GroupError> {
        check_name(name)?;
        let rule = self.rules.load().of(name);
        let depth = rule.history.ok_or(GroupError::NoHistory)?;
        self.with(name, rule, |_, state| {
            let history = state.history().ok_or(GroupError::NoHistory)?;
            history.trim(self.clock.now(), depth);
            Ok(told(history, since, limit))
        })?
    }

    /// Tells the members of each group who came and who went since this was called last. To be called a moment after `due` was
    /// notified: the longer that is, the more is told at once.
    pub fn tell_presence(&self) {
        for group in std::mem::take(&mut *lock(&self.changed)) {
            let mut state = group.lock();
            if let Some(presence) = state.take_presence(&group.name) {
                let content = Content::Presence(Arc::new(presence));
                let publication = Publication { group: group.name.clone(), position: None, content };
                // One that has no room misses it, as `groups.presence` says.
                group.tell(&state, &publication, None);
            }
        }
    }

    /// Forgets groups that have no members and nothing that is worth keeping. To be called every [`limits::SWEEP`].
    pub fn sweep(&self) {
        let (rules, now) = (self.rules.load(), self.clock.now());
        let idle: Vec<_> = lock(&self.all).values().cloned().collect();
        for group in idle {
            let mut state = group.lock();
            if let (Some(history), Some(depth)) = (state.history(), rules.of(&group.name).history) {
                history.trim(now, depth);
            }
            let idle = state.is_idle();
            drop(state);
            if idle {
                self.forget(&group);
            }
        }
    }

    fn restore(&self, all: &mut HashMap<Arc<str>, Arc<Group>>, restored: Restored, rules: &Rules) {
        let (name, rule) = (restored.name.clone(), rules.of(&restored.name));
        let history = restored.history(rule, &self.kept_bytes, self.clock.now());
        // One that there is has been published to by a version before, and goes on as it was.
        all.entry(name.clone()).or_insert_with(|| Arc::new(Group::restored(name, rule, history)));
    }

    fn find(&self, name: &str) -> Option<Arc<Group>> {
        lock(&self.all).get(name).cloned()
    }

    /// Does something with a group, which is made if need be.
    fn with<R>(&self, name: &str, rule: Rule, act: impl FnOnce(&Arc<Group>, &mut State) -> R) -> Result<R, GroupError> {
        loop {
            let group = self.group(name, rule)?;
            let mut state = group.lock();
            if !state.ended {
                return Ok(act(&group, &mut state));
            }
            // It was forgotten in between: the next has its name.
        }
    }

    /// A websocket joins a group, which `known` is if it is in it.
    fn join(
        &self,
        known: Option<Arc<Group>>,
        name: &str,
        id: WebsocketId,
        how: &How,
        sink: &Sink,
    ) -> Result<(Arc<Group>, Joined), GroupError> {
        let join = |group: &Arc<Group>, state: &mut State| {
            let told = state.has_changed();
            let joined = group.join(state, id, sink, how.about.clone(), how.since);
            (group.clone(), joined, !told && state.has_changed())
        };
        let (group, joined, changed) = match known {
            Some(group) => join(&group, &mut group.lock()),
            None => self.with(name, self.rules.load().of(name), join)?,
        };
        if changed {
            self.changed(group.clone());
        }
        Ok((group, joined))
    }

    fn leave(&self, group: &Arc<Group>, id: WebsocketId) {
        let mut state = group.lock();
        let told = state.has_changed();
        state.leave(id);
        let (changed, idle) = (!told && state.has_changed(), state.is_idle());
        drop(state);
        if idle {
            self.forget(group);
        } else if changed {
            self.changed(group.clone());
        }
    }

    /// The group of this name, which is made if need be.
    fn group(&self, name: &str, rule: Rule) -> Result<Arc<Group>, GroupError> {
        let mut all = lock(&self.all);
        if let Some(group) = all.get(name) {
            return Ok(group.clone());
        }
        if all.len() >= limits::GROUPS_MAX {
            return Err(GroupError::TooManyOfApp);
        }
        let name: Arc<str> = name.into();
        let group = Arc::new(Group::new(name.clone(), rule, &self.kept_bytes));
        all.insert(name, group.clone());
        Ok(group)
    }

    /// Takes a group out that is idle; whoever has found it before looks again.
    fn forget(&self, group: &Arc<Group>) {
        let mut all = lock(&self.all);
        let mut state = group.lock();
        if state.is_idle() && !state.ended {
            state.ended = true;
            all.remove(&group.name);
        }
    }

    /// Somebody came or went, for the first time since that was told: so a group is here once.
    fn changed(&self, group: Arc<Group>) {
        lock(&self.changed).push(group);
        self.due.notify_one();
    }
}

/// A publication, or what is needed to make it one.
enum Published {
    Told(Delivery),
    ToBeKept(Unkept),
}

fn told(history: &History, since: Option<Position>, limit: usize) -> Told {
    let mut room = limits::HISTORY_PAGE_BYTES_MAX;
    let mut fits = |kept: &&Kept| {
        let fits = room >= kept.message.len();
        room = room.saturating_sub(kept.message.len());
        fits
    };
    let (publications, recovered) = match since {
        None => (history.all().take(limit).take_while(&mut fits).cloned().collect(), false),
        Some(since) => match history.since(since) {
            Some(missed) => (missed.take(limit).take_while(&mut fits).cloned().collect(), true),
            None => (Vec::new(), false),
        },
    };
    Told { publications, position: history.position(), recovered }
}

fn check_name(name: &str) -> Result<(), GroupError> {
    match name.len() {
        1..=limits::GROUP_NAME_BYTES_MAX => Ok(()),
        bytes => Err(GroupError::InvalidName(bytes)),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
