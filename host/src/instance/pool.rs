//! Instances of one handler that may serve anyone: those of `isolation = "shared"`, and one that has served nobody yet. The one
//! that was used last goes first, so that those which are not needed grow old.
//!
//! Generic over what is kept, so that the order is testable. Drops happen outside the lock: an instance's drop returns pages.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Instance;
use crate::limits;

/// Idle instances of a handler.
pub(super) struct Pool<T = Instance> {
    /// From the one that is idle for longest, each with the sweep after which it came.
    idle: Mutex<VecDeque<(u64, T)>>,
    /// Sweeps so far: the clock of idleness, which costs nothing to read.
    sweeps: AtomicU64,
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        Self { idle: Mutex::default(), sweeps: AtomicU64::new(0) }
    }
}

impl<T> Pool<T> {
    /// The one that was used last, of those that fit.
    pub(super) fn take(&self, fits: impl Fn(&T) -> bool) -> Option<T> {
        let mut idle = self.lock();
        let last = idle.iter().rposition(|(_, instance)| fits(instance))?;
        idle.remove(last).map(|(_, instance)| instance)
    }

    /// Keeps one; past the bound it is dropped.
    pub(super) fn put(&self, instance: T) {
        let now = self.sweeps.load(Relaxed);
        let mut idle = self.lock();
        if idle.len() < limits::WARM_INSTANCES_MAX {
            idle.push_back((now, instance));
        }
    }

    /// Drops the one that is idle for longest; whether there was one.
    pub(super) fn evict(&self) -> bool {
        let dropped = self.lock().pop_front();
        dropped.is_some()
    }

    /// Drops those that nobody has used for so many sweeps. Called at a steady pace.
    pub(super) fn sweep(&self, sweeps: u64) {
        let now = self.sweeps.fetch_add(1, Relaxed) + 1;
        let Some(mark) = now.checked_sub(sweeps) else { return };
        let dropped: Vec<_> = {
            let mut idle = self.lock();
            let old = idle.iter().take_while(|(since, _)| *since <= mark).count();
            idle.drain(..old).collect()
        };
        drop(dropped);
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<(u64, T)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn any(_: &usize) -> bool {
        true
    }

    #[test]
    fn take_gives_the_one_that_was_used_last_of_those_that_fit() {
        let pool = Pool::default();
        (1..=4).for_each(|number| pool.put(number));
        assert_eq!((pool.take(|number| number % 2 == 1), pool.take(any)), (Some(3), Some(4)));
        assert_eq!((pool.take(|number| *number > 2), pool.take(any)), (None, Some(2)));
        assert!(pool.evict() && !pool.evict());
        assert_eq!(pool.take(any), None);
    }

    #[test]
    fn sweep_drops_those_that_were_not_needed() {
        let pool = Pool::default();
        (1..=2).for_each(|number| pool.put(number));
        for _ in 0..4 {
            let used = pool.take(any).unwrap_or_default();
            pool.put(used);
            pool.sweep(2);
        }
        assert_eq!((pool.len(), pool.take(any)), (1, Some(2)));
    }

    #[test]
    fn put_past_the_bound_is_dropped() {
        let pool = Pool::default();
        (0..limits::WARM_INSTANCES_MAX + 1).for_each(|number| pool.put(number));
        assert_eq!(pool.len(), limits::WARM_INSTANCES_MAX);
    }
}
