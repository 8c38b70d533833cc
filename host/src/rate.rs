//! So many in a second, and a burst of so many at once: the virtual schedule of ITU-T I.371, also known as GCRA.
//!
//! Pure: `now` is an argument. A state is one instant, so that each websocket and each address can afford one; that is why
//! it is not a library's.

use std::time::{Duration, Instant};

/// What is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// From one to the next, in the long run.
    every: Duration,
    /// That those which come early may be ahead of that.
    ahead: Duration,
}

/// What has been taken of a quota.
#[derive(Clone, Copy, Debug, Default)]
pub struct Taken {
    /// When the next one is due, by the schedule.
    due: Option<Instant>,
}

impl Quota {
    /// So many a second in the long run, and so many at once; both at least one.
    #[must_use]
    pub const fn a_second(count: u32, burst: u32) -> Self {
        let count = if count == 0 { 1 } else { count };
        let every = Duration::from_nanos(1_000_000_000 / count as u64);
        Self { every, ahead: every.saturating_mul(burst.saturating_sub(1)) }
    }
}

impl std::fmt::Display for Quota {
    /// So many, of which a second is to be said.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0}", 1.0 / self.every.as_secs_f64())
    }
}

impl Taken {
    /// Takes one, if that is allowed now.
    pub fn take(&mut self, quota: &Quota, now: Instant) -> bool {
        let due = self.due.map_or(now, |due| due.max(now));
        if due.saturating_duration_since(now) > quota.ahead {
            return false;
        }
        self.due = Some(due + quota.every);
        true
    }

    /// Whether it is as if nothing had been taken.
    #[must_use]
    pub fn is_over(&self, now: Instant) -> bool {
        self.due.is_none_or(|due| due <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn taken(state: &mut Taken, quota: &Quota, now: Instant, tries: usize) -> usize {
        (0..tries).filter(|_| state.take(quota, now)).count()
    }

    #[test]
    fn take_gives_the_burst_at_once_and_the_rate_after_it() {
        let (quota, begin, mut state) = (Quota::a_second(10, 64), Instant::now(), Taken::default());
        assert_eq!(taken(&mut state, &quota, begin, 100), 64);
        assert_eq!(taken(&mut state, &quota, begin + Duration::from_millis(100), 100), 1);
        assert_eq!(taken(&mut state, &quota, begin + Duration::from_millis(350), 100), 2);
        assert_eq!(
            taken(&mut state, &quota, begin + Duration::from_secs(60), 100),
            64,
            "no more than the burst is saved up"
        );
    }

    #[test]
    fn take_at_the_rate_is_never_refused() {
        let (quota, begin, mut state) = (Quota::a_second(20, 1), Instant::now(), Taken::default());
        assert!((0..1000).all(|number| state.take(&quota, begin + number * Duration::from_millis(50))));
        assert!(!state.take(&quota, begin + 999 * Duration::from_millis(50)));
    }

    #[test]
    fn quota_is_shown_as_it_was_given() {
        for count in [1, 3, 7, 10, 100_000] {
            assert_eq!(Quota::a_second(count, 1).to_string(), count.to_string());
        }
    }

    #[test]
    fn over_is_when_the_schedule_has_caught_up() {
        let (quota, begin, mut state) = (Quota::a_second(10, 5), Instant::now(), Taken::default());
        assert!(state.is_over(begin));
        taken(&mut state, &quota, begin, 5);
        assert!(
            !state.is_over(begin + Duration::from_millis(499)) && state.is_over(begin + Duration::from_millis(500))
        );
    }
}
