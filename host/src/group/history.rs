//! The history of one group: what was published lately, by position.
//!
//! Pure: `now` is an argument, and what it may hold is given with each publication. Knows no member.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime};

use super::Scope;
use crate::event::Message;
use crate::limits;

/// A place in a history: after the publication of this number. WIT `groups.position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of one count.
    pub epoch: u64,
    /// From 1; 0 before the first.
    pub offset: u64,
}

/// What a history may hold; past it the oldest go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Depth {
    /// Publications.
    pub messages_max: usize,
    /// Bytes of their messages.
    pub bytes_max: usize,
    /// Since they were published.
    pub age_max: Duration,
}

/// A publication that is kept. A clone shares its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub offset: u64,
    /// When it was published.
    pub at: SystemTime,
    /// What was published.
    pub message: Message,
    /// For whom; none: for all.
    pub scope: Option<Box<Scope>>,
}

/// The history of a group, in one epoch.
#[derive(Debug)]
pub(super) struct History {
    epoch: u64,
    /// The number of the newest publication, kept or not.
    last: u64,
    kept: VecDeque<Kept>,
    bytes: usize,
    /// Of all histories of the app.
    all_bytes: Arc<AtomicUsize>,
}

impl History {
    /// One that begins, or goes on, after a position.
    pub(super) fn after(position: Position, all_bytes: Arc<AtomicUsize>) -> Self {
        Self { epoch: position.epoch, last: position.offset, kept: VecDeque::new(), bytes: 0, all_bytes }
    }

    /// After the newest publication.
    pub(super) fn position(&self) -> Position {
        Position { epoch: self.epoch, offset: self.last }
    }

    /// Whether it keeps nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// Numbers a publication and keeps it, and no more than it may hold.
    pub(super) fn push(
        &mut self,
        message: Message,
        scope: Option<Box<Scope>>,
        now: SystemTime,
        depth: Depth,
    ) -> Position {
        self.last += 1;
        self.restore(Kept { offset: self.last, at: now, message, scope });
        self.trim(now, depth);
        self.position()
    }

    /// Takes back what was kept before, in order.
    pub(super) fn restore(&mut self, kept: Kept) {
        self.last = self.last.max(kept.offset);
        self.bytes += kept.message.len();
        self.all_bytes.fetch_add(kept.message.len(), Relaxed);
        self.kept.push_back(kept);
    }

    /// Forgets what is too old, or too much.
    pub(super) fn trim(&mut self, now: SystemTime, depth: Depth) {
        while let Some(oldest) = self.kept.front() {
            let old = now.duration_since(oldest.at).is_ok_and(|age| age > depth.age_max);
            let much = self.kept.len() > depth.messages_max || self.bytes > depth.bytes_max;
            if !old && !much && self.all_bytes.load(Relaxed) <= limits::HISTORIES_BYTES_MAX {
                break;
            }
            self.forget_oldest();
        }
        if self.kept.is_empty() {
            self.kept = VecDeque::new();
        }
    }

    fn forget_oldest(&mut self) {
        let bytes = self.kept.pop_front().map_or(0, |kept| kept.message.len());
        self.bytes -= bytes;
        self.all_bytes.fetch_sub(bytes, Relaxed);
    }

    /// What was published after a position, in order; none where something of it is not known any more.
    pub(super) fn since(&self, position: Position) -> Option<impl Iterator<Item = &Kept>> {
        let oldest = self.kept.front().map_or(self.last + 1, |kept| kept.offset);
        let known = position.epoch == self.epoch && (oldest - 1..=self.last).contains(&position.offset);
        known.then(|| self.kept.iter().filter(move |kept| kept.offset > position.offset))
    }

    /// All that is kept, in order.
    pub(super) fn all(&self) -> impl Iterator<Item = &Kept> {
        self.kept.iter()
    }
}

impl Drop for History {
    fn drop(&mut self) {
        self.all_bytes.fetch_sub(self.bytes, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DEPTH: Depth = Depth { messages_max: 5, bytes_max: 40, age_max: Duration::from_secs(10) };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn history() -> History {
        History::after(Position { epoch: 7, offset: 0 }, Arc::default())
    }

    fn offsets(history: &History, offset: u64) -> Option<Vec<u64>> {
        history.since(Position { epoch: 7, offset }).map(|kept| kept.map(|kept| kept.offset).collect())
    }

    #[test]
    fn position_that_is_kept_gives_all_after_it_and_no_other_does() {
        let mut history = history();
        assert_eq!(offsets(&history, 0), Some(vec![]), "nothing was missed");
        for _ in 0..7 {
            history.push(Message::Text("m".into()), None, at(0), DEPTH);
        }
        assert_eq!(offsets(&history, 1), None, "the third is the oldest that is kept");
        assert_eq!(offsets(&history, 2), Some(vec![3, 4, 5, 6, 7]));
        assert_eq!(offsets(&history, 7), Some(vec![]));
        assert_eq!(offsets(&history, 8), None, "of a future that was lost");
        assert!(history.since(Position { epoch: 8, offset: 7 }).is_none());
    }

    #[test]
    fn history_that_has_aged_knows_its_newest_position_still() {
        let mut history = history();
        history.push(Message::Text("m".into()), None, at(0), DEPTH);
        history.trim(at(11), DEPTH);
        assert!(history.is_empty() && history.bytes == 0);
        assert_eq!((offsets(&history, 1), offsets(&history, 0)), (Some(vec![]), None));
        assert_eq!(history.push(Message::Text("m".into()), None, at(11), DEPTH).offset, 2);
    }

    proptest! {
        /// Whatever was published and forgotten: what `since` gives has no gap, or it gives nothing.
        #[test]
        fn history_never_has_a_silent_gap(
            published in proptest::collection::vec((0_u64..6, 0_usize..30), 0..60),
            from in 0_u64..70,
        ) {
            let (mut history, mut now) = (history(), 0);
            for (later, bytes) in &published {
                now += later;
                history.push(Message::Binary(vec![0; *bytes].into()), None, at(now), DEPTH);
                prop_assert!(history.bytes <= DEPTH.bytes_max && history.all().count() <= DEPTH.messages_max);
                prop_assert_eq!(history.bytes, history.all().map(|kept| kept.message.len()).sum::<usize>());
            }
            let last = published.len() as u64;
            if let Some(found) = offsets(&history, from) {
                prop_assert_eq!(found, (from + 1..=last).collect::<Vec<_>>());
            } else {
                prop_assert!(from > last || history.all().next().is_none_or(|oldest| oldest.offset > from + 1));
            }
        }
    }
}
