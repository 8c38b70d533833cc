//! Who came and who went in one group since that was told last.
//!
//! Pure. One that came and went in between is in neither list; how many are told of at once is bounded.

use std::collections::HashMap;

use bytestring::ByteString;

use super::About;
use crate::event::WebsocketId;
use crate::limits;

/// What is to be told. Bounded by [`limits::PRESENCE_MAX`] in each direction; past it `complete` is false.
#[derive(Debug, Default)]
pub(super) struct Changes {
    changed: HashMap<WebsocketId, Change>,
    joined: usize,
    left: usize,
    incomplete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    Joined,
    Left,
    /// It is a member still, and what is known of it is new.
    Renewed,
}

/// Who came and who went. WIT `groups.presence`.
#[derive(Debug, PartialEq, Eq)]
pub struct Presence {
    /// Members that are new, or of which something new is known.
    pub joined: Vec<Present>,
    /// Who is no member any more.
    pub left: Vec<WebsocketId>,
    /// Members there are now.
    pub total: u64,
    /// Whether nobody is missing in the lists.
    pub complete: bool,
    /// The same as a peer is told it.
    pub text: ByteString,
}

/// A member as others see it. WIT `groups.member`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Present {
    /// Its id.
    pub id: WebsocketId,
    /// JSON.
    pub metadata: Option<ByteString>,
    /// Its tags in the group.
    pub tags: Box<[ByteString]>,
}

impl Present {
    pub(super) fn new(id: WebsocketId, about: Option<&About>) -> Self {
        let (metadata, tags) = about.map(|about| (about.metadata.clone(), about.tags.clone())).unwrap_or_default();
        Self { id, metadata, tags }
    }
}

impl Changes {
    pub(super) fn is_empty(&self) -> bool {
        self.changed.is_empty() && !self.incomplete
    }

    pub(super) fn joined(&mut self, id: WebsocketId) {
        if self.changed.get(&id) == Some(&Change::Left) {
            // Whoever was told of the first may have what is known of it; that may be other now.
            self.left -= 1;
            self.changed.insert(id, Change::Renewed);
        } else if self.has_room(self.joined) {
            self.joined += 1;
            self.changed.insert(id, Change::Joined);
        }
    }

    pub(super) fn renewed(&mut self, id: WebsocketId) {
        if !self.changed.contains_key(&id) && self.has_room(self.joined) {
            self.changed.insert(id, Change::Renewed);
        }
    }

    pub(super) fn left(&mut self, id: WebsocketId) {
        match self.changed.get(&id).copied() {
            Some(Change::Joined) => {
                self.joined -= 1;
                self.changed.remove(&id);
            }
            _ if self.has_room(self.left) => {
                self.left += 1;
                self.changed.insert(id, Change::Left);
            }
            _ => {}
        }
    }

    /// Notes that not all is told, where it has none.
    fn has_room(&mut self, there: usize) -> bool {
        let has_room = there < limits::PRESENCE_MAX && self.changed.len() < 2 * limits::PRESENCE_MAX;
        self.incomplete |= !has_room;
        has_room
    }

    /// What is told now, of members that `about` knows; then nothing is to be told.
    pub(super) fn take<'a>(
        &mut self,
        group: &str,
        total: usize,
        about: impl Fn(WebsocketId) -> Option<&'a About>,
    ) -> Presence {
        let Self { changed, incomplete, .. } = std::mem::take(self);
        let (mut left, mut joined) = (Vec::new(), Vec::new());
        for (id, change) in changed {
            match change {
                Change::Left => left.push(id),
                Change::Joined | Change::Renewed => joined.push(Present::new(id, about(id))),
            }
        }
        joined.sort_unstable_by_key(|present| present.id);
        left.sort_unstable();
        let complete = !incomplete;
        let text = text(group, &joined, &left, total, complete).into();
        Presence { joined, left, total: total as u64, complete, text }
    }
}

fn text(group: &str, joined: &[Present], left: &[WebsocketId], total: usize, complete: bool) -> String {
    let group = quoted(group);
    let joined = listed(joined.iter().map(shown));
    let left = listed(left.iter().map(|id| format!("\"{id}\"")));
    let lists = format!("\"joined\":[{joined}],\"left\":[{left}]");
    format!("{{\"presence\":{{\"group\":{group},{lists},\"total\":{total},\"complete\":{complete}}}}}")
}

fn shown(present: &Present) -> String {
    // It was checked when it came, and stays as it was written.
    let metadata = present.metadata.as_deref().unwrap_or("null");
    let tags = listed(present.tags.iter().map(|tag| quoted(tag)));
    format!("{{\"id\":\"{}\",\"metadata\":{metadata},\"tags\":[{tags}]}}", present.id)
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn listed(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    const A: WebsocketId = WebsocketId(10);
    const B: WebsocketId = WebsocketId(11);

    fn taken(changes: &mut Changes) -> Presence {
        changes.take("g", 1, |_| None)
    }

    #[test]
    fn one_that_came_and_went_is_not_told() {
        let mut changes = Changes::default();
        changes.joined(A);
        changes.left(A);
        assert!(changes.is_empty());
        changes.left(B);
        changes.joined(B);
        let presence = taken(&mut changes);
        assert_eq!((presence.joined.len(), presence.left.len(), changes.is_empty()), (1, 0, true));
        let told = r#"{"presence":{"group":"g","joined":[{"id":"000000000000000b","metadata":null,"tags":[]}],"left":[],"total":1,"complete":true}}"#;
        assert_eq!(&*presence.text, told);
    }

    #[test]
    fn storm_past_the_bound_is_told_as_incomplete() {
        let mut changes = Changes::default();
        for id in 0..10_000 {
            changes.joined(WebsocketId(id));
        }
        let presence = taken(&mut changes);
        assert_eq!((presence.joined.len(), presence.complete), (limits::PRESENCE_MAX, false));
        changes.left(A);
        assert!(taken(&mut changes).complete);
    }

    #[test]
    fn text_for_peers_is_json_whatever_names_are() {
        let metadata = Some("{\"n\":1.50}".into());
        let present = Present { id: A, metadata, tags: ["a\"b".into()].into() };
        let text = text("\"\n", &[present], &[B], 1, false);
        assert!(text.contains("\"metadata\":{\"n\":1.50}"), "{text}");
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(told["presence"]["group"], "\"\n");
        assert_eq!(told["presence"]["joined"][0]["tags"][0], "a\"b");
        assert_eq!(told["presence"]["left"][0], "000000000000000b");
    }

    proptest! {
        /// Who follows what is told has the members there are, as long as all is told.
        #[test]
        fn presence_told_from_the_first_on_is_who_is_there(steps in proptest::collection::vec((0_u64..8, 0_u8..3), 0..200)) {
            let (mut changes, mut there, mut known) = (Changes::default(), BTreeSet::new(), BTreeSet::new());
            for (id, step) in steps {
                let id = WebsocketId(id);
                match step {
                    0 if there.insert(id) => changes.joined(id),
                    1 if there.remove(&id) => changes.left(id),
                    2 => {
                        let presence = changes.take("g", there.len(), |_| None);
                        prop_assert!(presence.complete);
                        known.retain(|id| !presence.left.contains(id));
                        known.extend(presence.joined.iter().map(|present| present.id));
                        prop_assert_eq!(&known, &there);
                    }
                    _ => {}
                }
            }
        }
    }
}
