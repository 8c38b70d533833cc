//! The CPU meter of a guest call, and the sign by which its future says "I am spinning".
//!
//! Shared by the epoch callback inside the store and by the driver that polls the call's future
//! (`instance::hybrid`). One of them runs at a time; the atomics carry the values between threads.
//!
//! What is charged: each poll its time, but no more than the ticks it saw plus one, so that a guest
//! whose thread the kernel has set aside is not charged for it; and a small charge for each wait.
//! Only the delivery of an event refills the budget: a flood of host calls runs out like any loop.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::limits;

/// What one guest call has used.
#[derive(Debug)]
pub struct Meter {
    base: Instant,
    budget: AtomicU64,
    spent: AtomicU64,
    poll_start: AtomicU64,
    ticks: AtomicU32,
    yielded: AtomicBool,
}

/// What the guest may do at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tick {
    /// It has just begun, or waited until now: no reason to move.
    Continue,
    /// It has run for a tick: others come first.
    Yield,
    /// Its budget is used up.
    Stop,
}

impl Meter {
    /// A meter with an empty budget.
    pub fn new() -> Self {
        Self {
            base: Instant::now(),
            budget: AtomicU64::new(0),
            spent: AtomicU64::new(0),
            poll_start: AtomicU64::new(0),
            ticks: AtomicU32::new(0),
            yielded: AtomicBool::new(false),
        }
    }

    /// Fills the budget: an event is delivered.
    pub fn refill(&self, budget: Duration) {
        self.budget.store(nanos(budget), Relaxed);
        self.spent.store(0, Relaxed);
        self.ticks.store(0, Relaxed);
        self.poll_start.store(nanos(self.base.elapsed()), Relaxed);
    }

    /// The budget that was filled last.
    pub fn budget(&self) -> Duration {
        Duration::from_nanos(self.budget.load(Relaxed))
    }

    /// CPU charged since the last refill, without the poll that runs.
    pub fn spent(&self) -> Duration {
        Duration::from_nanos(self.spent.load(Relaxed))
    }

    /// The driver is about to poll the call.
    pub fn poll_begins(&self) {
        self.poll_start.store(nanos(self.base.elapsed()), Relaxed);
        self.ticks.store(0, Relaxed);
        self.yielded.store(false, Relaxed);
    }

    /// The driver has polled the call; says whether it stopped only because of a tick.
    pub fn poll_ended(&self, pending: bool) -> bool {
        let yielded = self.yielded.load(Relaxed);
        let wait = if pending && !yielded { nanos(limits::CPU_PER_WAIT) } else { 0 };
        let spent = self.spent.load(Relaxed) + self.running() + wait;
        self.spent.store(spent, Relaxed);
        yielded
    }

    /// The epoch has ticked while the guest runs.
    pub fn tick(&self) -> Tick {
        let running = self.running();
        self.ticks.fetch_add(1, Relaxed);
        if self.spent.load(Relaxed) + running > self.budget.load(Relaxed) {
            return Tick::Stop;
        }
        if running < nanos(limits::EPOCH_TICK) / 2 {
            return Tick::Continue;
        }
        self.yielded.store(true, Relaxed);
        Tick::Yield
    }

    fn running(&self) -> u64 {
        let elapsed = nanos(self.base.elapsed()).saturating_sub(self.poll_start.load(Relaxed));
        let seen = (u64::from(self.ticks.load(Relaxed)) + 1) * nanos(limits::EPOCH_TICK);
        elapsed.min(seen)
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self::new()
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
