//! Groups: named sets of websockets of one app, in this process.
//!
//! Owns who is in which group. Holds outboxes only: it does not know sockets, guests or what a
//! message means. A publication is queued to every member under the group's lock, so that all
//! members of a group see its publications in one order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Message, WebsocketId};
use crate::limits;
use crate::outbox::{Outbox, Pushed};

/// Why a websocket could not join.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The name is empty or too long.
    #[error("group name of {0} bytes: 1 to {limit} are allowed", limit = limits::GROUP_NAME_BYTES_MAX)]
    InvalidName(usize),
    /// It is in as many as it may.
    #[error("a websocket may be in {limit} groups", limit = limits::GROUPS_PER_WEBSOCKET_MAX)]
    TooMany,
}

/// What became of a publication.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Publication {
    /// Outboxes that took it.
    pub queued: u32,
    /// Outboxes that had no room.
    pub dropped: u32,
}

type Members = HashMap<WebsocketId, Arc<Outbox>>;

/// All groups of an app.
#[derive(Debug, Default)]
pub struct Groups {
    groups: Mutex<HashMap<Arc<str>, Members>>,
}

/// The groups that one websocket is in; leaving is its drop.
#[derive(Debug)]
pub struct Membership {
    groups: Arc<Groups>,
    id: WebsocketId,
    /// None as long as it has been in none, as most are.
    joined: Mutex<Option<Box<Joined>>>,
}

#[derive(Debug, Default)]
struct Joined {
    names: Vec<Arc<str>>,
}

impl Groups {
    /// Queues a message to every member of a group; a group without members takes it and nothing
    /// happens. The payload is shared, not copied.
    ///
    /// # Errors
    /// `InvalidName`.
    pub fn publish(&self, group: &str, message: &Message) -> Result<Publication, GroupError> {
        check_name(group)?;
        let groups = lock(&self.groups);
        let mut publication = Publication::default();
        for outbox in groups.get(group).into_iter().flat_map(HashMap::values) {
            match outbox.push(message.clone()) {
                Pushed::Queued(_) => publication.queued += 1,
                Pushed::Full => publication.dropped += 1,
                Pushed::Gone => {}
            }
        }
        Ok(publication)
    }
}

impl Membership {
    /// A websocket that is in no group yet.
    pub fn new(groups: Arc<Groups>, id: WebsocketId) -> Self {
        Self { groups, id, joined: Mutex::default() }
    }

    /// Joins a group; again is no error.
    ///
    /// # Errors
    /// `InvalidName`, `TooMany`.
    pub fn join(&self, group: &str, outbox: &Arc<Outbox>) -> Result<(), GroupError> {
        check_name(group)?;
        let mut joined = lock(&self.joined);
        let joined = &mut joined.get_or_insert_default().names;
        if joined.iter().any(|name| &**name == group) {
            return Ok(());
        }
        if joined.len() >= limits::GROUPS_PER_WEBSOCKET_MAX {
            return Err(GroupError::TooMany);
        }
        let mut groups = lock(&self.groups.groups);
        let name = match groups.get_key_value(group) {
            Some((name, _)) => name.clone(),
            None => Arc::from(group),
        };
        groups.entry(name.clone()).or_default().insert(self.id, outbox.clone());
        joined.push(name);
        Ok(())
    }

    /// Leaves a group; one that it is not in is no error.
    ///
    /// # Errors
    /// `InvalidName`.
    pub fn leave(&self, group: &str) -> Result<(), GroupError> {
        check_name(group)?;
        if let Some(joined) = &mut *lock(&self.joined) {
            joined.names.retain(|name| &**name != group);
        }
        self.groups.remove(group, self.id);
        Ok(())
    }

    /// Leaves all groups: the websocket has ended.
    pub fn leave_all(&self) {
        let joined = lock(&self.joined).take();
        for group in joined.map(|joined| joined.names).unwrap_or_default() {
            self.groups.remove(&group, self.id);
        }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        self.leave_all();
    }
}

impl Groups {
    fn remove(&self, group: &str, id: WebsocketId) {
        let mut groups = lock(&self.groups);
        if let Some(members) = groups.get_mut(group) {
            members.remove(&id);
            if members.is_empty() {
                groups.remove(group);
            }
        }
    }
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
mod tests {
    use super::*;
    use crate::outbox::{Bounds, Outboxes, Overflow};

    fn member(groups: &Arc<Groups>, messages_max: u32) -> (Membership, Arc<Outbox>) {
        (
            Membership::new(groups.clone(), WebsocketId::mint()),
            Arc::new(Outbox::new(
                Arc::new(Bounds { bytes_max: 1000, messages_max, overflow: Overflow::Wait }),
                Arc::new(Outboxes::new(1000)),
            )),
        )
    }

    #[test]
    fn publish_to_full_outbox_is_counted_as_dropped() {
        let groups = Arc::new(Groups::default());
        let (a, a_box) = member(&groups, 2);
        let (b, b_box) = member(&groups, 1);
        a.join("g", &a_box).unwrap();
        b.join("g", &b_box).unwrap();
        b.join("g", &b_box).unwrap();
        let message = Message::Text("m".into());
        assert_eq!(groups.publish("g", &message), Ok(Publication { queued: 2, dropped: 0 }));
        assert_eq!(groups.publish("g", &message), Ok(Publication { queued: 1, dropped: 1 }));
    }

    #[test]
    fn dropped_membership_leaves_and_empty_groups_vanish() {
        let groups = Arc::new(Groups::default());
        let (a, a_box) = member(&groups, 2);
        a.join("g", &a_box).unwrap();
        drop(a);
        assert!(lock(&groups.groups).is_empty());
        assert_eq!(groups.publish("g", &Message::Text("m".into())), Ok(Publication::default()));
    }

    #[test]
    fn join_past_the_limits_is_refused() {
        let groups = Arc::new(Groups::default());
        let (a, a_box) = member(&groups, 2);
        assert_eq!(a.join("", &a_box), Err(GroupError::InvalidName(0)));
        assert_eq!(a.join(&"x".repeat(101), &a_box), Err(GroupError::InvalidName(101)));
        for i in 0..limits::GROUPS_PER_WEBSOCKET_MAX {
            a.join(&i.to_string(), &a_box).unwrap();
        }
        assert_eq!(a.join("one more", &a_box), Err(GroupError::TooMany));
    }
}
