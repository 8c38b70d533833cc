//! Whom a commit waits for.
//!
//! Writers that were answered by the last commit write again a moment after it; a commit that began at once
//! would leave them to the next, so that two halves take turns. So it waits for those of the last two
//! commits, for half of what a commit takes (as PostgreSQL advises for its `commit_delay`), from the end of
//! the last one: a write that comes later, or from the only writer, waits for nobody. Where they do not come
//! in time, it tries that ever more rarely.

use std::collections::HashSet;
use std::hash::Hash;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use crate::limits;

/// Gathers what one commit writes.
pub(super) struct Gathering<W> {
    last: HashSet<W>,
    before: HashSet<W>,
    until: Option<Instant>,
    /// Waits in a row that were in vain.
    vain: u32,
    /// Commits that will not wait.
    skipped: u32,
}

impl<W: Copy + Eq + Hash> Gathering<W> {
    pub(super) fn new() -> Self {
        Self { last: HashSet::new(), before: HashSet::new(), until: None, vain: 0, skipped: 0 }
    }

    /// The first job with those that are queued, and those that are worth a wait.
    pub(super) fn gather<T>(&mut self, first: T, jobs: &Receiver<T>) -> Vec<T> {
        let mut batch = vec![first];
        batch.extend(jobs.try_iter().take(limits::SQLITE_COMMIT_MAX - 1));
        let writers = self.last.union(&self.before).count().min(limits::SQLITE_COMMIT_MAX);
        let Some(until) = self.until.filter(|_| batch.len() < writers) else { return batch };
        if self.skipped > 0 {
            self.skipped -= 1;
            return batch;
        }
        while batch.len() < writers {
            let Ok(next) = jobs.recv_timeout(until.saturating_duration_since(Instant::now())) else {
                self.vain = (self.vain + 1).min(limits::SQLITE_GATHER_SKIP);
                self.skipped = (1 << self.vain) - 1;
                return batch;
            };
            batch.push(next);
        }
        self.vain = 0;
        batch
    }

    /// A commit has ended, and these writers are about to be answered.
    pub(super) fn committed(&mut self, writers: impl Iterator<Item = W>, took: Duration) {
        std::mem::swap(&mut self.last, &mut self.before);
        self.last.clear();
        self.last.extend(writers);
        // Of a shorter wait the system's timer would make a long one.
        let wait = Some(took / 2).filter(|wait| *wait >= limits::SQLITE_GATHER_MIN);
        self.until = wait.map(|wait| Instant::now() + wait.min(limits::SQLITE_GATHER_MAX));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn commit_waits_for_the_writers_of_the_last_and_not_for_strangers() {
        let (one, other) = (1, 2);
        let mut gathering = Gathering::new();
        let (queue, jobs) = sync_channel(8);
        gathering.committed([one].into_iter(), LONG);
        gathering.until = Some(Instant::now() + LONG);
        assert_eq!(gathering.gather(one, &jobs).len(), 1, "the only writer waits for nobody");
        gathering.committed([one, other].into_iter(), LONG);
        gathering.until = Some(Instant::now() + LONG);
        let late = std::thread::spawn(move || queue.send(other));
        assert_eq!(gathering.gather(one, &jobs).len(), 2);
        late.join().unwrap().unwrap();
    }

    #[test]
    fn wait_that_was_in_vain_is_not_repeated_at_once() {
        let (one, other) = (1, 2);
        let mut gathering = Gathering::new();
        let (_queue, jobs) = sync_channel(8);
        gathering.committed([one, other].into_iter(), Duration::from_millis(1));
        assert_eq!(gathering.gather(one, &jobs).len(), 1);
        assert_eq!((gathering.vain, gathering.skipped), (1, 1));
        gathering.until = Some(Instant::now() + LONG);
        assert_eq!(gathering.gather(one, &jobs).len(), 1);
        assert_eq!((gathering.vain, gathering.skipped), (1, 0));
    }
}
