//! How the calls of each version end: what a version is judged by.
//!
//! Owns the counts, for the last versions; decides nothing. Counting is one atomic addition, without a lock.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::App;
use crate::limits;

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned, perhaps with a failure: its own orderly word.
    Served,
    /// It trapped, used up its CPU budget, or was cut at its deadline.
    Trapped,
}

/// The calls of a version so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Those that returned.
    pub served: u64,
    /// Those that did not.
    pub trapped: u64,
}

/// The counts of the last [`limits::TRIALS_MAX`] versions.
#[derive(Debug, Default)]
pub(super) struct Trials([Trial; limits::TRIALS_MAX]);

/// A line of the cache each, so that versions do not slow one another.
#[derive(Debug, Default)]
#[repr(align(64))]
struct Trial {
    /// 0 for none.
    version: AtomicU64,
    served: AtomicU64,
    trapped: AtomicU64,
}

impl App {
    /// A call of a version has ended. One of a version that is no longer among the last is not counted.
    pub fn count(&self, version: u64, outcome: Outcome) {
        self.trials.count(version, outcome);
    }

    /// The calls of a version so far; none of one that is no longer among the last.
    pub fn tally(&self, version: u64) -> Tally {
        self.trials.tally(version)
    }
}

impl Trials {
    fn count(&self, version: u64, outcome: Outcome) {
        let trial = self.of(version);
        if trial.version.load(Relaxed) != version && !trial.begin(version) {
            return;
        }
        let count = match outcome {
            Outcome::Served => &trial.served,
            Outcome::Trapped => &trial.trapped,
        };
        count.fetch_add(1, Relaxed);
    }

    fn tally(&self, version: u64) -> Tally {
        let trial = self.of(version);
        if trial.version.load(Relaxed) != version {
            return Tally::default();
        }
        Tally { served: trial.served.load(Relaxed), trapped: trial.trapped.load(Relaxed) }
    }

    fn of(&self, version: u64) -> &Trial {
        let [first, ..] = &self.0;
        self.0.get(version as usize % limits::TRIALS_MAX).unwrap_or(first)
    }
}

impl Trial {
    /// Takes the place of an older version. Whoever counts at the same moment may be lost with the older's counts.
    fn begin(&self, version: u64) -> bool {
        let older = self.version.fetch_max(version, Relaxed);
        if older < version {
            self.served.store(0, Relaxed);
            self.trapped.store(0, Relaxed);
        }
        older <= version
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_by_version_and_outcome() {
        let trials = Trials::default();
        for outcome in [Outcome::Served, Outcome::Trapped, Outcome::Served] {
            trials.count(1, outcome);
        }
        trials.count(2, Outcome::Trapped);
        assert_eq!(trials.tally(1), Tally { served: 2, trapped: 1 });
        assert_eq!(trials.tally(2), Tally { served: 0, trapped: 1 });
        assert_eq!(trials.tally(3), Tally::default());
    }

    #[test]
    fn version_past_the_last_gives_way_and_is_not_counted_any_more() {
        let (trials, newer) = (Trials::default(), 1 + limits::TRIALS_MAX as u64);
        trials.count(1, Outcome::Trapped);
        trials.count(newer, Outcome::Served);
        trials.count(1, Outcome::Trapped);
        assert_eq!(trials.tally(1), Tally::default());
        assert_eq!(trials.tally(newer), Tally { served: 1, trapped: 0 });
    }
}
