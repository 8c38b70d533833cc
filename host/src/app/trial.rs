//! The first time of a version: whether it traps so often that it must go.
//!
//! Counts calls and traps since the swap; the time is an argument. Knows neither versions nor what becomes of them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use super::manifest::RollbackSettings;

/// How a call of a guest went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It returned, perhaps with a failure: its own orderly word.
    Served,
    /// It trapped, used up its CPU budget, or was cut at its deadline.
    Trapped,
}

/// What is known of one version since it became the current one, or the canary.
#[derive(Debug)]
pub struct Trial {
    settings: RollbackSettings,
    begun: Instant,
    calls: AtomicU64,
    traps: AtomicU64,
    failed: AtomicBool,
}

impl Trial {
    /// Of a version that begins to serve now.
    pub fn begin(settings: RollbackSettings, now: Instant) -> Self {
        let zero = AtomicU64::default;
        Self { settings, begun: now, calls: zero(), traps: zero(), failed: AtomicBool::new(false) }
    }

    /// Counts a call. True once: when the version has failed its trial.
    pub fn count(&self, outcome: Outcome, now: impl FnOnce() -> Instant) -> bool {
        let calls = self.calls.fetch_add(1, Relaxed) + 1;
        if outcome == Outcome::Served {
            return false;
        }
        let traps = self.traps.fetch_add(1, Relaxed) + 1;
        let RollbackSettings { window, traps: least, percent, .. } = self.settings;
        let often = traps >= least && u128::from(traps) * 100 >= u128::from(calls) * u128::from(percent);
        often && now().saturating_duration_since(self.begun) < window && !self.failed.swap(true, Relaxed)
    }

    /// Whether the version has failed its trial.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Relaxed)
    }

    /// Calls and traps so far.
    pub fn counted(&self) -> (u64, u64) {
        (self.calls.load(Relaxed), self.traps.load(Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SETTINGS: RollbackSettings =
        RollbackSettings { window: Duration::from_secs(60), traps: 3, percent: 10, p99_percent: 200 };

    fn counted(calls: &[(u64, Outcome)], after: Duration, settings: RollbackSettings) -> Vec<bool> {
        let begun = Instant::now();
        let trial = Trial::begin(settings, begun);
        let each = calls.iter().flat_map(|(times, outcome)| (0..*times).map(|_| *outcome));
        each.map(|outcome| trial.count(outcome, || begun + after)).collect()
    }

    #[test]
    fn version_fails_once_with_its_third_trap_in_time() {
        let soon = Duration::from_secs(1);
        assert_eq!(counted(&[(5, Outcome::Trapped)], soon, SETTINGS), [false, false, true, false, false]);
    }

    #[test]
    fn version_that_traps_seldom_or_late_or_whose_window_is_zero_stays() {
        let soon = Duration::from_secs(1);
        let none = |found: Vec<bool>| assert!(!found.contains(&true), "{found:?}");
        none(counted(&[(100, Outcome::Served), (10, Outcome::Trapped)], soon, SETTINGS));
        none(counted(&[(9, Outcome::Trapped)], Duration::from_secs(60), SETTINGS));
        none(counted(&[(9, Outcome::Trapped)], soon, RollbackSettings { window: Duration::ZERO, ..SETTINGS }));
        let often = counted(&[(100, Outcome::Served), (12, Outcome::Trapped)], soon, SETTINGS);
        assert_eq!(often.iter().filter(|failed| **failed).count(), 1);
    }
}
