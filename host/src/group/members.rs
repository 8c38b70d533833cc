//! One group: its members, and what it keeps.
//!
//! Owns the order of its publications: whatever is told to its members is told under its lock. Reads no clock.

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use super::history::{History, Kept, Position};
use super::presence::{Changes, Presence, Present};
use super::sink::{Content, Publication, Sink};
use super::{About, Delivery, Joined, Page, Rule, Scope};
use crate::event::{Message, WebsocketId, random_u64};
use crate::outbox::Pushed;

/// A named set of websockets.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: Arc<str>,
    state: Mutex<State>,
}

/// Small where the group keeps nothing: there may be many.
#[derive(Debug, Default)]
pub(super) struct State {
    members: HashMap<WebsocketId, Member>,
    keeps: Option<Box<Keeps>>,
    /// It is no more among the groups; whoever finds it so looks again.
    pub(super) ended: bool,
}

#[derive(Debug)]
struct Member {
    sink: Sink,
    about: Option<Box<About>>,
}

#[derive(Debug)]
struct Keeps {
    history: Option<History>,
    /// Whether the history is on disk.
    durable: bool,
    changes: Option<Changes>,
}

impl Group {
    /// One that has no member; `kept_bytes` counts those of all histories.
    pub(super) fn new(name: Arc<str>, rule: Rule, kept_bytes: &Arc<AtomicUsize>) -> Self {
        let begin = Position { epoch: random_u64(), offset: 0 };
        let history = rule.history.map(|_| History::after(begin, kept_bytes.clone()));
        let keeps = Keeps { history, durable: rule.durable, changes: rule.presence.then(Changes::default) };
        let keeps = (keeps.history.is_some() || keeps.changes.is_some()).then(|| Box::new(keeps));
        Self { name, state: Mutex::new(State { keeps, ..State::default() }) }
    }

    /// One whose history was on disk.
    pub(super) fn restored(name: Arc<str>, rule: Rule, history: History) -> Self {
        let keeps = Keeps { history: Some(history), durable: true, changes: rule.presence.then(Changes::default) };
        Self { name, state: Mutex::new(State { keeps: Some(Box::new(keeps)), ..State::default() }) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells a publication to the members that it is for.
    pub(super) fn tell(&self, state: &State, publication: &Publication, scope: Option<&Scope>) -> Delivery {
        let mut delivery = Delivery { position: publication.position, ..Delivery::default() };
        let mut framed = None;
        for (id, member) in &state.members {
            if scope.is_some_and(|scope| !scope.is_for(*id, member.about.as_deref())) {
                continue;
            }
            match member.sink.push(publication, &mut framed) {
                Pushed::Queued(_) => delivery.queued += 1,
                Pushed::Full => delivery.full += 1,
                Pushed::Gone => delivery.gone += 1,
            }
        }
        delivery
    }

    fn publication(&self, offset: Option<Position>, message: Message) -> Publication {
        Publication { group: self.name.clone(), position: offset, content: Content::Message(message) }
    }

    /// Keeps a publication, if the group keeps any, and tells it.
    pub(super) fn publish(
        &self,
        state: &mut State,
        message: Message,
        scope: Option<Box<Scope>>,
        rule: Rule,
        now: SystemTime,
    ) -> Delivery {
        let position = state.history().zip(rule.history).map(|(history, depth)| {
            let (message, scope) = (message.clone(), scope.clone());
            history.push(message, scope, now, depth)
        });
        self.tell(state, &self.publication(position, message), scope.as_deref())
    }

    /// Keeps a publication that is on disk, and tells it.
    pub(super) fn committed(&self, state: &mut State, position: Position, kept: Kept, rule: Rule) -> Delivery {
        let (publication, scope) = (self.publication(Some(position), kept.message.clone()), kept.scope.clone());
        if let Some(history) = state.history() {
            let at = kept.at;
            history.restore(kept);
            if let Some(depth) = rule.history {
                history.trim(at, depth);
            }
        }
        self.tell(state, &publication, scope.as_deref())
    }

    /// Makes a websocket a member, or changes what is known of it; what it missed is queued first.
    pub(super) fn join(
        &self,
        state: &mut State,
        id: WebsocketId,
        sink: &Sink,
        about: Option<Box<About>>,
        since: Option<Position>,
    ) -> Joined {
        let position = state.history().map(|history| history.position());
        let mut joined = Joined { position, recovered: false, publications: 0 };
        if let (Some(since), Some(history)) = (since, state.history()) {
            (joined.recovered, joined.publications) = self.recover(history, since, id, sink, about.as_deref());
        }
        sink.joined(&self.name, &joined);
        let before = state.members.get(&id).map(|member| member.about.clone());
        if let Some(changes) = state.changes() {
            match &before {
                None => changes.joined(id),
                Some(known) if *known != about => changes.renewed(id),
                Some(_) => {}
            }
        }
        state.members.insert(id, Member { sink: sink.clone(), about });
        joined
    }

    /// Queues what was published after a position: whether that is all of it, and how much.
    fn recover(
        &self,
        history: &History,
        since: Position,
        id: WebsocketId,
        sink: &Sink,
        about: Option<&About>,
    ) -> (bool, u32) {
        let Some(missed) = history.since(since) else { return (false, 0) };
        let epoch = history.position().epoch;
        let mut queued = 0;
        for Kept { offset, message, scope, .. } in missed {
            if scope.as_ref().is_some_and(|scope| !scope.is_for(id, about)) {
                continue;
            }
            let position = Position { epoch, offset: *offset };
            match sink.push(&self.publication(Some(position), message.clone()), &mut None) {
                Pushed::Queued(_) => queued += 1,
                Pushed::Full | Pushed::Gone => return (false, queued),
            }
        }
        (true, queued)
    }
}

impl State {
    pub(super) fn history(&mut self) -> Option<&mut History> {
        self.keeps.as_mut()?.history.as_mut()
    }

    /// Where the history is, if it is on disk.
    pub(super) fn durable(&mut self) -> Option<Position> {
        let keeps = self.keeps.as_mut().filter(|keeps| keeps.durable)?;
        keeps.history.as_ref().map(History::position)
    }

    fn changes(&mut self) -> Option<&mut Changes> {
        self.keeps.as_mut()?.changes.as_mut()
    }

    /// Whether there are changes to be told of.
    pub(super) fn has_changed(&mut self) -> bool {
        self.changes().is_some_and(|changes| !changes.is_empty())
    }

    /// Whether it was a member.
    pub(super) fn leave(&mut self, id: WebsocketId) -> bool {
        let was = self.members.remove(&id).is_some();
        if was && let Some(changes) = self.changes() {
            changes.left(id);
        }
        was
    }

    /// Who came and went since it was asked last; none where nobody did.
    pub(super) fn take_presence(&mut self, group: &str) -> Option<Presence> {
        let Self { members, keeps, .. } = self;
        let changes = keeps.as_mut()?.changes.as_mut().filter(|changes| !changes.is_empty())?;
        let about = |id| members.get(&id).and_then(|member: &Member| member.about.as_deref());
        Some(changes.take(group, members.len(), about))
    }

    /// Whether nothing would be lost with it. A history that has nothing in it ends with its last member.
    pub(super) fn is_idle(&self) -> bool {
        let idle = |keeps: &Keeps| !keeps.durable && keeps.history.as_ref().is_none_or(History::is_empty);
        self.members.is_empty() && self.keeps.as_deref().is_none_or(idle)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// The ids of all members.
    pub(super) fn ids(&self) -> impl Iterator<Item = WebsocketId> {
        self.members.keys().copied()
    }

    /// Members by ascending id.
    pub(super) fn members(&self, page: &Page<'_>) -> Vec<Present> {
        let meant = |(id, member): &(&WebsocketId, &Member)| {
            let tagged = |tag| member.about.as_ref().is_some_and(|about| about.has(tag));
            page.after.is_none_or(|after| **id > after) && page.tag.is_none_or(tagged)
        };
        let mut found: Vec<_> = self.members.iter().filter(meant).collect();
        found.sort_unstable_by_key(|(id, _)| **id);
        found.truncate(page.limit);
        found.into_iter().map(|(id, member)| Present::new(*id, member.about.as_deref())).collect()
    }
}
