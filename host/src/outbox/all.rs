//! What all outboxes of the process together may hold.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};

use crate::limits;

/// Bytes of all outboxes, beyond what each may have in any case.
#[derive(Debug)]
pub struct Outboxes {
    used: AtomicUsize,
    bytes_max: usize,
    short: AtomicBool,
}

impl Outboxes {
    /// So many bytes for all.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { used: AtomicUsize::new(0), bytes_max, short: AtomicBool::new(false) }
    }

    /// Bytes that they hold.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }

    /// Bytes that they may hold.
    pub fn bytes_max(&self) -> usize {
        self.bytes_max
    }

    /// Bytes that are to be given back, so that there is room again; none while there is.
    pub fn excess(&self) -> Option<usize> {
        let (high, low) = (self.percent(limits::OUTBOXES_HIGH_PERCENT), self.percent(limits::OUTBOXES_LOW_PERCENT));
        let used = self.used();
        (used > high).then(|| used - low)
    }

    /// Whether there was no room for one since this was asked last.
    pub fn was_short(&self) -> bool {
        self.short.swap(false, Relaxed)
    }

    /// Takes so many bytes more, if there are any left. None cost nothing.
    pub(super) fn take(&self, more: usize) -> bool {
        if more == 0 {
            return true;
        }
        let fits = |used: usize| used.checked_add(more).filter(|used| *used <= self.bytes_max);
        let taken = self.used.fetch_update(Relaxed, Relaxed, fits).is_ok();
        if !taken {
            self.short.store(true, Relaxed);
        }
        taken
    }

    pub(super) fn give_back(&self, less: usize) {
        if less > 0 {
            self.used.fetch_sub(less, Relaxed);
        }
    }

    fn percent(&self, percent: usize) -> usize {
        self.bytes_max / 100 * percent
    }
}
