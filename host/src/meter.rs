//! The CPU meter of a guest call, and the sign by which its future says "I am spinning".
//!
//! Shared by the epoch callback inside the store and by the driver that polls the call's future
//! (`instance::hybrid`). One of them runs at a time; the atomics carry the values between threads.
//!
//! A poll that sees no tick is shorter than one, and reads no clock: most events are. From the first
//! tick on a poll is charged its time, but no more than the ticks it saw, so that a guest whose thread
//! the kernel has set aside is not charged for it. The deadline is absolute, so a guest that comes back
//! from a wait meets a tick at once. Each wait costs a little, so that waiting is not free. Only what is
//! delivered refills the budget, an event or so much of a body: a flood of host calls runs out like any loop.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use crate::limits;

/// What one guest call has used.
#[derive(Debug)]
pub struct Meter {
    base: Instant,
    budget: AtomicU64,
    spent: AtomicU64,
    /// When the running poll saw its first tick, and how many it has seen.
    first_tick: AtomicU64,
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
            first_tick: AtomicU64::new(0),
            ticks: AtomicU32::new(0),
            yielded: AtomicBool::new(false),
        }
    }

    /// Fills the budget: an event is delivered.
    pub fn refill(&self, budget: Duration) {
        self.budget.store(nanos(budget), Relaxed);
        self.spent.store(0, Relaxed);
        self.ticks.store(0, Relaxed);
    }

    /// The budget that was filled last.
    pub fn budget(&self) -> Duration {
        Duration::from_nanos(self.budget.load(Relaxed))
    }

    /// The driver is about to poll the call.
    pub fn poll_begins(&self) {
        self.ticks.store(0, Relaxed);
        self.yielded.store(false, Relaxed);
    }

    /// The driver has polled the call, which is not done; says whether it stopped only because of a
    /// tick.
    pub fn poll_paused(&self) -> bool {
        let yielded = self.yielded.load(Relaxed);
        let wait = if yielded { 0 } else { nanos(limits::CPU_PER_WAIT) };
        self.spent.store(self.spent.load(Relaxed) + self.running() + wait, Relaxed);
        yielded
    }

    /// The epoch has ticked while the guest runs.
    pub fn tick(&self) -> Tick {
        if self.ticks.fetch_add(1, Relaxed) == 0 {
            self.first_tick.store(self.now(), Relaxed);
        }
        let running = self.running();
        if self.spent.load(Relaxed) + running > self.budget.load(Relaxed) {
            return Tick::Stop;
        }
        if running < nanos(limits::EPOCH_TICK) / 2 {
            return Tick::Continue;
        }
        self.yielded.store(true, Relaxed);
        Tick::Yield
    }

    /// What the running poll is charged so far.
    fn running(&self) -> u64 {
        let ticks = u64::from(self.ticks.load(Relaxed));
        if ticks == 0 {
            return 0;
        }
        let elapsed = self.now().saturating_sub(self.first_tick.load(Relaxed));
        elapsed.min(ticks * nanos(limits::EPOCH_TICK))
    }

    fn now(&self) -> u64 {
        nanos(self.base.elapsed())
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
