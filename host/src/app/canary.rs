//! A canary: a version that serves a share of an app beside the current one, until it is promoted or aborted.
//!
//! Owns whom it serves, and what speaks against it: its traps, and a p99 beyond that of the current version in the same
//! time. Knows neither versions nor what becomes of it.

use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::str::FromStr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use histogram::AtomicHistogram;
use serde::{Deserialize, Serialize};

use crate::event::Lot;
use crate::limits;

/// A share of an app's websockets and sessions, in percent: 1 to 99.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Share(u8);

/// No share.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no share: 1% to 99% are")]
pub struct NoShare(String);

/// How long the calls of one version took since the last look at them.
#[derive(Debug)]
struct Times {
    counted: AtomicU64,
    buckets: AtomicHistogram,
}

/// A canary's calls beside those of the current version, looked at whenever both have enough of them.
#[derive(Debug)]
pub struct Race {
    canary: Times,
    current: Times,
    /// Of the current version's p99, in percent; zero: no bound.
    bound: u64,
    looks: Mutex<Looks>,
    lost: AtomicBool,
}

#[derive(Debug, Default)]
struct Looks {
    /// What the last one found.
    standing: Option<Standing>,
    /// How many in a row found the canary past the bound: the first finds cold instances.
    past: u32,
}

/// The p99s of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The canary's.
    pub canary: Duration,
    /// The current version's.
    pub current: Duration,
}

impl Share {
    /// In percent.
    pub fn percent(self) -> u8 {
        self.0
    }

    /// Whether this lot is in the share; another share of the same version has the same lots and more, another version
    /// has others.
    pub fn takes(self, lot: Lot, version: u64) -> bool {
        BuildHasherDefault::<DefaultHasher>::default().hash_one((lot, version)) % 100 < u64::from(self.0)
    }
}

impl TryFrom<u8> for Share {
    type Error = NoShare;

    fn try_from(percent: u8) -> Result<Self, NoShare> {
        if (1..100).contains(&percent) { Ok(Self(percent)) } else { Err(NoShare(format!("{percent}%"))) }
    }
}

impl From<Share> for u8 {
    fn from(share: Share) -> Self {
        share.0
    }
}

impl FromStr for Share {
    type Err = NoShare;

    fn from_str(text: &str) -> Result<Self, NoShare> {
        let percent = text.strip_suffix('%').unwrap_or(text).parse::<u8>().ok();
        percent.and_then(|percent| Self::try_from(percent).ok()).ok_or_else(|| NoShare(text.to_owned()))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Times {
    #[allow(
        clippy::expect_used,
        reason = "both are constants that it takes: eight parts to each power of two, up to 69 s"
    )]
    fn begin() -> Self {
        Self { counted: AtomicU64::new(0), buckets: AtomicHistogram::new(3, 36).expect("a valid configuration") }
    }

    fn count(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX).min((1 << 36) - 1);
        // Never out of range.
        let _counted = self.buckets.increment(nanos);
        self.counted.fetch_add(1, Relaxed);
    }

    fn are_enough(&self) -> bool {
        self.counted.load(Relaxed) >= limits::CANARY_CALLS
    }

    /// The p99, and a new beginning.
    fn take_p99(&self) -> Option<Duration> {
        self.counted.store(0, Relaxed);
        let bucket = self.buckets.drain().quantile_bucket(0.99).ok().flatten()?;
        Some(Duration::from_nanos(bucket.end()))
    }
}

impl Race {
    /// Begins with a bound, in percent of the current version's p99; zero: none.
    pub fn begin(bound: u64) -> Self {
        let (canary, current) = (Times::begin(), Times::begin());
        Self { canary, current, bound, looks: Mutex::default(), lost: AtomicBool::new(false) }
    }

    /// A call of the current version took so long.
    pub fn current(&self, took: Duration) {
        self.current.count(took);
    }

    /// One of the canary's did. True once: when it has been past the bound for some looks in a row.
    pub fn canary(&self, took: Duration) -> bool {
        self.canary.count(took);
        if !self.canary.are_enough() || !self.current.are_enough() {
            return false;
        }
        // Whoever has it looks.
        let Ok(mut looks) = self.looks.try_lock() else { return false };
        let Some(standing) = self.look() else { return false };
        looks.standing = Some(standing);
        looks.past = if standing.is_past(self.bound) { looks.past + 1 } else { 0 };
        looks.past >= limits::CANARY_LOOKS && !self.lost.swap(true, Relaxed)
    }

    /// Whether the canary was past the bound for long enough once.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Relaxed)
    }

    /// Both p99s at the last look; none before the first.
    pub fn standing(&self) -> Option<Standing> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner).standing
    }

    fn look(&self) -> Option<Standing> {
        // Somebody may just have.
        let enough = self.canary.are_enough() && self.current.are_enough();
        enough.then_some(())?;
        Some(Standing { canary: self.canary.take_p99()?, current: self.current.take_p99()? })
    }
}

impl Standing {
    fn is_past(self, bound: u64) -> bool {
        let Self { canary, current } = self;
        let past = canary.as_nanos() * 100 > current.as_nanos() * u128::from(bound);
        bound != 0 && past && canary > current + limits::CANARY_P99_FLOOR
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    const CALLS: u64 = limits::CANARY_CALLS;
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn share_takes_about_so_many_lots_and_a_larger_one_the_same_and_more() {
        let (small, large) = (Share::try_from(10).unwrap(), Share::try_from(30).unwrap());
        let lots: Vec<_> = (0..10_000_u64).map(Lot::of).collect();
        let taken = |share: Share, version| lots.iter().filter(|lot| share.takes(**lot, version)).count();
        assert!((900..1100).contains(&taken(small, 7)) && (2800..3200).contains(&taken(large, 7)));
        assert!(lots.iter().all(|lot| !small.takes(*lot, 7) || large.takes(*lot, 7)));
        let both = lots.iter().filter(|lot| small.takes(**lot, 7) && small.takes(**lot, 8)).count();
        assert!((50..150).contains(&both), "the next canary has others: {both}");
    }

    #[test]
    fn share_reads_with_and_without_a_sign_and_refuses_none_and_all() {
        assert_eq!("10%".parse::<Share>().unwrap(), "10".parse().unwrap());
        assert_eq!(serde_json::from_str::<Share>("10").unwrap().to_string(), "10%");
        for wrong in ["0", "0%", "100%", "-1", "1.5", "", "%", "ten"] {
            assert_eq!(wrong.parse::<Share>(), Err(NoShare(wrong.to_owned())));
        }
        assert!(serde_json::from_str::<Share>("100").unwrap_err().to_string().contains("1% to 99%"));
    }

    /// Calls of both, in turn; how often the canary was found past the bound.
    fn raced(bound: u64, calls: u64, current: Duration, canary: Duration) -> usize {
        let race = Race::begin(bound);
        let each = (0..calls).map(|_| {
            race.current(current);
            race.canary(canary)
        });
        each.filter(|lost| *lost).count()
    }

    #[test]
    fn canary_past_the_bound_loses_once_and_only_after_some_looks_in_a_row() {
        let looks = u64::from(limits::CANARY_LOOKS);
        assert_eq!(raced(200, 10 * looks * CALLS, 20 * MS, 60 * MS), 1);
        assert_eq!(raced(200, looks * CALLS - 1, 20 * MS, 60 * MS), 0, "too few");
        assert_eq!(raced(200, 10 * looks * CALLS, 20 * MS, 30 * MS), 0, "within");
        assert_eq!(raced(0, 10 * looks * CALLS, 2 * MS, 600 * MS), 0, "no bound");
        assert_eq!(raced(200, 10 * looks * CALLS, MS / 100, 3 * MS), 0, "nobody feels it");
    }

    #[test]
    fn canary_that_is_slow_at_first_stays() {
        let race = Race::begin(200);
        for number in 0..10 * CALLS {
            race.current(2 * MS);
            let first = number < (u64::from(limits::CANARY_LOOKS) - 1) * CALLS;
            assert!(!race.canary(if first { 500 * MS } else { 2 * MS }));
        }
        let Standing { canary, current } = race.standing().unwrap();
        assert_eq!(canary, current);
    }

    #[test]
    fn canary_that_is_slow_for_one_call_in_two_hundred_stays() {
        let race = Race::begin(200);
        for number in 0..10 * CALLS {
            race.current(2 * MS);
            assert!(!race.canary(if number % 200 == 0 { 500 * MS } else { 2 * MS }));
        }
    }

    #[test]
    fn call_without_end_is_counted_as_the_longest() {
        let race = Race::begin(200);
        for _ in 0..CALLS {
            race.current(Duration::MAX);
            race.canary(Duration::ZERO);
        }
        assert!(race.standing().unwrap().current > Duration::from_secs(60));
    }
}
