//! When which alarm rings: pure. Time and jitter are arguments.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::limits;

/// Nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub u64);

/// What a store knows one setting of an alarm by: never used again, so that one which is set anew is another.
pub type Key = i64;

/// Which of an app's alarms ring now: how many do at once.
#[derive(Debug, Default)]
pub struct Schedule {
    ringing: HashSet<Key>,
}

/// What follows from a look at the next alarms.
#[derive(Debug, PartialEq, Eq)]
pub struct Look {
    /// They are to ring now, and count as ringing from here on.
    pub begin: Vec<Key>,
    /// When to look again, if nothing changes before: none where nothing is to come, or one that rings must end first.
    pub next: Option<Moment>,
}

/// What becomes of an alarm whose call failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It rings again.
    At(Moment),
    /// It does not.
    GivenUp,
}

impl Moment {
    /// That never comes.
    pub const NEVER: Self = Self(u64::MAX);

    /// By the system's clock.
    pub fn now() -> Self {
        Self::at(SystemTime::now())
    }

    /// By the system's clock.
    pub fn at(time: SystemTime) -> Self {
        Self::default().after(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    /// So much later.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)))
    }

    /// From `earlier` to here; zero where that is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Schedule {
    /// How many of the next alarms a look must see: those that ring may be among them.
    pub const SEEN: u32 = limits::ALARMS_RINGING_MAX + 1;

    /// Looks at the next alarms, [`SEEN`](Self::SEEN) of them or all, by the time at which they are to ring.
    pub fn look(&mut self, now: Moment, upcoming: &[(Key, Moment)]) -> Look {
        let mut look = Look { begin: Vec::new(), next: None };
        for (key, at) in upcoming.iter().filter(|(key, _)| !self.ringing.contains(key)) {
            if *at > now {
                look.next = Some(*at);
                break;
            }
            if self.ringing.len() + look.begin.len() == limits::ALARMS_RINGING_MAX as usize {
                break;
            }
            look.begin.push(*key);
        }
        self.ringing.extend(&look.begin);
        look
    }

    /// One that rang does not any more.
    pub fn ended(&mut self, key: Key) {
        self.ringing.remove(&key);
    }
}

/// What becomes of an alarm after so many calls that failed, at least one: each waits twice as long as the one before.
/// `jitter`, any number, takes off up to half, so that alarms which failed together do not come back together.
pub fn retry(failed: u32, now: Moment, jitter: u64) -> Retry {
    if failed >= limits::ALARM_CALLS_MAX {
        return Retry::GivenUp;
    }
    let doublings = failed.saturating_sub(1).min(31);
    let longest = limits::ALARM_RETRY_MIN.saturating_mul(1 << doublings).min(limits::ALARM_RETRY_MAX);
    let half = longest / 2;
    let nanos = u64::try_from(half.as_nanos()).unwrap_or(u64::MAX);
    let share = u64::try_from((u128::from(nanos) * u128::from(jitter)) >> u64::BITS).unwrap_or(nanos);
    Retry::At(now.after(half + Duration::from_nanos(share)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn retry_doubles_from_a_second_to_five_minutes_then_gives_up() {
        let longest = |failed| match retry(failed, Moment(0), u64::MAX) {
            Retry::At(at) => Duration::from_nanos(at.0 + 1).as_millis(),
            Retry::GivenUp => 0,
        };
        let first: Vec<_> = (1..=11).map(longest).collect();
        let seconds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300].map(|seconds| seconds * 1000);
        assert_eq!(first, seconds);
        assert_eq!((longest(299), longest(300), longest(u32::MAX)), (300_000, 0, 0));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn retry_waits_between_half_and_the_whole(failed in 1..300_u32, now: u32, jitter: u64) {
            let whole = Duration::from_secs(300).min(SECOND * (1 << (failed - 1).min(20)));
            let now = Moment(u64::from(now));
            let Retry::At(at) = retry(failed, now, jitter) else { panic!("given up") };
            prop_assert!(at.since(now) >= whole / 2 && at.since(now) <= whole);
        }

        /// Alarms of any times, ended in any order, each look at the clock of its own: a model of the store.
        #[test]
        fn look_begins_each_once_in_order_never_early_and_within_the_bound(
            times in proptest::collection::vec(0..1000_u64, 0..300),
            picks in proptest::collection::vec(any::<usize>(), 400),
        ) {
            let mut store: BTreeMap<(Moment, Key), ()> =
                times.iter().zip(1..).map(|(at, key)| ((Moment(*at), key), ())).collect();
            let (mut schedule, mut now, mut rang) = (Schedule::default(), Moment(0), Vec::new());
            let (mut ringing, mut picks) = (Vec::<(Moment, Key)>::new(), picks.into_iter().cycle());
            while !store.is_empty() {
                let upcoming: Vec<_> = store.keys().take(Schedule::SEEN as usize).map(|(at, key)| (*key, *at)).collect();
                let look = schedule.look(now, &upcoming);
                for key in look.begin {
                    let (at, _) = *store.keys().find(|(_, other)| *other == key).unwrap();
                    prop_assert!(at <= now, "early");
                    prop_assert!(!rang.contains(&(at, key)), "twice");
                    rang.push((at, key));
                    ringing.push((at, key));
                }
                prop_assert!(ringing.len() <= limits::ALARMS_RINGING_MAX as usize);
                match look.next {
                    Some(next) if ringing.is_empty() => {
                        prop_assert!(next > now);
                        now = next;
                    }
                    _ => {
                        prop_assert!(!ringing.is_empty(), "nothing rings, and nothing is to come");
                        let ended = ringing.swap_remove(picks.next().unwrap() % ringing.len());
                        schedule.ended(ended.1);
                        store.remove(&ended);
                    }
                }
            }
            prop_assert_eq!(rang.len(), times.len());
            prop_assert!(rang.is_sorted(), "not in their order");
        }
    }
}
