//! The groups that one websocket is in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use super::members::Group;
use super::{GroupError, Groups, How, Joined, Position, Sink, check_name, lock};
use crate::event::WebsocketId;
use crate::limits;

/// The groups that one websocket is in; leaving is its drop.
#[derive(Debug)]
pub struct Membership {
    groups: Arc<Groups>,
    id: WebsocketId,
    /// None as long as it has been in none, as most are.
    joined: Mutex<Option<Box<In>>>,
}

#[derive(Debug, Default)]
struct In {
    groups: Vec<Arc<Group>>,
    /// Where its peer stood in groups of which it has not joined any yet.
    stands: Option<Box<Stands>>,
}

type Stands = HashMap<String, Position>;

impl Membership {
    /// A websocket that is in no group yet.
    #[must_use]
    pub fn new(groups: Arc<Groups>, id: WebsocketId) -> Self {
        Self { groups, id, joined: Mutex::default() }
    }

    /// Its peer comes from another websocket, and stood there in these groups: it takes up after that where it joins one of them,
    /// unless it is said otherwise.
    pub fn recall(&self, stands: impl IntoIterator<Item = (String, Position)>) {
        let stands: Stands = stands.into_iter().collect();
        if !stands.is_empty() {
            lock(&self.joined).get_or_insert_default().stands = Some(Box::new(stands));
        }
    }

    /// Joins a group; one that it is in knows of it what is said now.
    ///
    /// # Errors
    /// `InvalidName`, `TooMany`, `TooManyOfApp`.
    pub fn join(&self, name: &str, how: &How, sink: &Sink) -> Result<Joined, GroupError> {
        check_name(name)?;
        let mut joined = lock(&self.joined);
        let In { groups: joined, stands } = &mut **joined.get_or_insert_default();
        let known = joined.iter().find(|group| *group.name == *name).cloned();
        if known.is_none() && joined.len() >= limits::GROUPS_PER_WEBSOCKET_MAX {
            return Err(GroupError::TooMany);
        }
        let stood = stands.as_mut().and_then(|stands| stands.remove(name));
        let how = &How { since: how.since.or(stood), ..how.clone() };
        let (group, outcome) = self.groups.join(known.clone(), name, self.id, how, sink)?;
        if known.is_none() {
            joined.push(group);
        }
        Ok(outcome)
    }

    /// Leaves a group; one that it is not in is no error.
    ///
    /// # Errors
    /// `InvalidName`.
    pub fn leave(&self, name: &str) -> Result<(), GroupError> {
        check_name(name)?;
        let mut joined = lock(&self.joined);
        let Some(In { groups: joined, .. }) = joined.as_deref_mut() else { return Ok(()) };
        let at = joined.iter().position(|group| *group.name == *name);
        let left = at.map(|at| joined.swap_remove(at));
        if let Some(group) = left {
            self.groups.leave(&group, self.id);
        }
        Ok(())
    }

    /// Leaves all groups: the websocket has ended.
    pub fn leave_all(&self) {
        let joined = lock(&self.joined).take();
        for group in joined.into_iter().flat_map(|joined| joined.groups) {
            self.groups.leave(&group, self.id);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave_all();
    }
}
