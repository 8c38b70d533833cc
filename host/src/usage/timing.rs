//! How long something took, counted in buckets: two additions each time, nothing shared with whoever reads.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The upper bounds of the buckets, in microseconds; what takes longer is in one more. From ten milliseconds on they are those
/// that OpenTelemetry advises for requests.
pub const BOUNDS_MICROS: [u64; 18] = [
    10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 10_000_000,
];

/// Counts.
#[derive(Debug, Default)]
pub struct Timing {
    buckets: [AtomicU64; BOUNDS_MICROS.len() + 1],
    nanos: AtomicU64,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timed {
    /// How many fell into each bucket: not into this one or one before, as Prometheus has it.
    pub buckets: [u64; BOUNDS_MICROS.len() + 1],
    /// The sum of all.
    pub sum: Duration,
}

impl Timing {
    /// It took so long once more.
    pub fn count(&self, took: Duration) {
        let micros = super::micros(took);
        let index = BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        if let Some(bucket) = self.buckets.get(index) {
            bucket.fetch_add(1, Relaxed);
        }
        self.nanos.fetch_add(u64::try_from(took.as_nanos()).unwrap_or(u64::MAX), Relaxed);
    }

    /// What was counted so far.
    pub fn counted(&self) -> Timed {
        let buckets = std::array::from_fn(|index| self.buckets.get(index).map_or(0, |bucket| bucket.load(Relaxed)));
        Timed { buckets, sum: Duration::from_nanos(self.nanos.load(Relaxed)) }
    }
}

impl Timed {
    /// How many there were.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_falls_into_the_bucket_that_it_does_not_pass() {
        let timing = Timing::default();
        for micros in [0, 10, 11, 25, 10_000_000, 10_000_001] {
            timing.count(Duration::from_micros(micros));
        }
        let timed = timing.counted();
        assert_eq!((timed.buckets[0], timed.buckets[1], timed.buckets[17], timed.buckets[18]), (2, 2, 1, 1));
        assert_eq!((timed.count(), timed.sum), (6, Duration::from_micros(20_000_047)));
    }
}
