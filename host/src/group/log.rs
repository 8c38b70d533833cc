//! The seam to what keeps histories that outlive the host.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::SystemTime;

use super::history::History;
use super::members::Group;
use super::{Delivery, GroupError, Kept, Position, Rule, Scope};
use crate::event::Message;

/// A publication under way into a log.
pub type Telling<'a> = Pin<Box<dyn Future<Output = Result<Delivery, GroupError>> + Send + 'a>>;

/// What keeps histories that outlive the host.
pub trait Log: Debug + Send + Sync {
    /// Numbers a publication and keeps it, then has it [told](Unkept::kept), in the order of the numbers of its group. Where the caller goes
    /// meanwhile, that is done all the same, or nothing is.
    ///
    /// # Errors
    /// `Unavailable`: then nobody has it.
    fn publish(&self, publication: Unkept) -> Telling<'_>;
}

/// A publication that is to be kept before it is told.
#[derive(Debug)]
pub struct Unkept {
    pub(super) group: Arc<Group>,
    /// Where the group's history begins, if the log has none of it yet.
    pub position: Position,
    /// What is published.
    pub message: Message,
    /// For whom; none: for all.
    pub scope: Option<Box<Scope>>,
    /// What the group may keep.
    pub rule: Rule,
    /// When it was published.
    pub at: SystemTime,
}

impl Unkept {
    /// The group's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.group.name
    }

    /// The group, as a number that no other has meanwhile.
    #[must_use]
    pub fn group(&self) -> usize {
        Arc::as_ptr(&self.group).addr()
    }

    /// It is kept, as this one: members are told.
    #[must_use]
    pub fn kept(self, position: Position) -> Delivery {
        let Self { group, message, scope, rule, at, .. } = self;
        let mut state = group.lock();
        group.committed(&mut state, position, Kept { offset: position.offset, at, message, scope }, rule)
    }
}

/// A group as a log has it.
#[derive(Debug)]
pub struct Restored {
    /// Its name.
    pub name: Arc<str>,
    /// Its newest publication.
    pub position: Position,
    /// What is kept, in order.
    pub kept: Vec<Kept>,
}

impl Restored {
    /// Its history, of which no more is there than its rule says.
    pub(super) fn history(self, rule: Rule, kept_bytes: &Arc<AtomicUsize>, now: SystemTime) -> History {
        let mut history = History::after(self.position, kept_bytes.clone());
        for kept in self.kept {
            history.restore(kept);
        }
        if let Some(depth) = rule.history {
            history.trim(now, depth);
        }
        history
    }
}
