//! When something happened, in 8 bytes where an instant has 16: each websocket holds some of them while it idles.

use std::num::NonZeroU64;
use std::ops::Add;
use std::sync::LazyLock;
use std::time::Duration;

use tokio::time::Instant;

/// What moments count from; before all of them.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment of this process, to the nanosecond, for five centuries. None has the size of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Moment(NonZeroU64);

impl Moment {
    pub(super) fn now() -> Self {
        // The begin first, so that it is no later.
        let begin = *BEGIN;
        let nanos = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
        Self(NonZeroU64::MIN.saturating_add(nanos))
    }

    pub(super) fn instant(self) -> Instant {
        *BEGIN + Duration::from_nanos(self.0.get() - 1)
    }

    pub(super) fn std(self) -> std::time::Instant {
        self.instant().into_std()
    }
}

impl Add<Duration> for Moment {
    type Output = Instant;

    fn add(self, time: Duration) -> Instant {
        self.instant() + time
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moment_is_the_instant_that_it_was() {
        let before = Instant::now();
        let moment = Moment::now();
        let after = Instant::now();
        // The first of the process counts from itself.
        assert!(before.max(*BEGIN) <= moment.instant() && moment.instant() <= after);
        assert_eq!(moment + Duration::from_secs(1), moment.instant() + Duration::from_secs(1));
        assert_eq!(size_of::<Option<Moment>>(), 8);
    }
}
