//! The CPU meter of a guest call, and the sign by which its future says "I am spinning".
//!
//! Shared by the epoch callback inside the store and by the driver that polls the call's future
//! (`instance::hybrid`). One of them runs at a time; the atomics carry the values between threads.
//!
//! A poll that sees no tick is shorter than one, and reads no clock: most events are. From the first
//! tick on the call is charged the CPU of its thread, so that a guest whose thread the kernel has set aside is not charged
//! for it; whoever drives it says how much that is. The deadline is absolute, so a guest that comes back
//! from a wait meets a tick at once. Each wait costs a little, so that waiting is not free. Only what is
//! delivered refills the budget, an event or so much of a body: a flood of host calls runs out like any loop.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::limits;

/// What the guest calls for one websocket or exchange have used.
#[derive(Debug)]
pub struct Meter {
    /// CPU of all calls, in nanoseconds.
    total: AtomicU64,
    /// The largest linear memory of an instance that served them.
    memory_bytes_max: AtomicU64,
    budget: AtomicU64,
    spent: AtomicU64,
    /// The CPU of the thread from which on the running poll is charged; [`UNKNOWN`] until it sees a tick, where nobody has
    /// asked before.
    since: AtomicU64,
    yielded: AtomicBool,
}

const UNKNOWN: u64 = u64::MAX;

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
            total: AtomicU64::new(0),
            memory_bytes_max: AtomicU64::new(0),
            budget: AtomicU64::new(0),
            spent: AtomicU64::new(0),
            since: AtomicU64::new(UNKNOWN),
            yielded: AtomicBool::new(false),
        }
    }

    /// Accounts for a poll of a call, wherever it ran.
    pub fn account(&self, cpu: Duration) {
        self.total.store(self.total.load(Relaxed) + nanos(cpu), Relaxed);
    }

    /// Accounts for the linear memory of an instance.
    pub fn account_memory(&self, bytes: u64) {
        self.memory_bytes_max.store(bytes.max(self.memory_bytes_max()), Relaxed);
    }

    /// CPU of all calls.
    pub fn total(&self) -> Duration {
        Duration::from_nanos(self.total.load(Relaxed))
    }

    /// The largest linear memory of an instance that served them.
    pub fn memory_bytes_max(&self) -> u64 {
        self.memory_bytes_max.load(Relaxed)
    }

    /// Fills the budget: an event is delivered.
    pub fn refill(&self, budget: Duration) {
        self.budget.store(nanos(budget), Relaxed);
        self.spent.store(0, Relaxed);
        self.since.store(UNKNOWN, Relaxed);
    }

    /// The budget that was filled last.
    pub fn budget(&self) -> Duration {
        Duration::from_nanos(self.budget.load(Relaxed))
    }

    /// The driver is about to poll the call, which is charged from its first tick on.
    pub fn poll_begins(&self) {
        self.since.store(UNKNOWN, Relaxed);
        self.yielded.store(false, Relaxed);
    }

    /// The same on a guest thread, which has used so much CPU: the call is charged from now on.
    pub fn poll_begins_at(&self, cpu: Duration) {
        self.since.store(nanos(cpu), Relaxed);
        self.yielded.store(false, Relaxed);
    }

    /// The driver has polled the call, which is not done; says whether it stopped only because of a
    /// tick. `cpu` is that of the thread, asked where it counts.
    pub fn poll_paused(&self, cpu: impl FnOnce() -> Duration) -> bool {
        let yielded = self.yielded.load(Relaxed);
        let wait = if yielded { 0 } else { nanos(limits::CPU_PER_WAIT) };
        self.spent.store(self.spent.load(Relaxed) + self.running(cpu) + wait, Relaxed);
        yielded
    }

    /// The epoch has ticked while the guest runs, on a thread that has used so much CPU.
    pub fn tick(&self, cpu: Duration) -> Tick {
        if self.since.load(Relaxed) == UNKNOWN {
            self.since.store(nanos(cpu), Relaxed);
        }
        let running = self.running(|| cpu);
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
    fn running(&self, cpu: impl FnOnce() -> Duration) -> u64 {
        match self.since.load(Relaxed) {
            UNKNOWN => 0,
            since => nanos(cpu()).saturating_sub(since),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn guest_that_runs_on_yields_at_its_second_tick_and_stops_past_its_budget() {
        let meter = Meter::new();
        meter.refill(3 * MS);
        meter.poll_begins();
        assert_eq!((meter.tick(7 * MS), meter.tick(8 * MS)), (Tick::Continue, Tick::Yield));
        assert!(meter.poll_paused(|| 8 * MS), "it stopped because of a tick");
        meter.poll_begins_at(20 * MS);
        assert_eq!(meter.tick(21 * MS), Tick::Yield, "1 ms and 1 ms");
        assert!(meter.poll_paused(|| 21 * MS));
        meter.poll_begins_at(30 * MS);
        assert_eq!(meter.tick(31 * MS), Tick::Yield);
        assert_eq!(meter.tick(31 * MS + Duration::from_micros(1)), Tick::Stop);
    }

    #[test]
    fn guest_whose_thread_is_set_aside_is_not_charged_for_that() {
        let meter = Meter::new();
        meter.refill(2 * MS);
        meter.poll_begins();
        for _ in 0..100 {
            assert_eq!(meter.tick(5 * MS), Tick::Continue);
        }
    }

    #[test]
    fn wait_is_charged_and_reads_no_clock_where_no_tick_was_seen() {
        let meter = Meter::new();
        meter.refill(2 * limits::CPU_PER_WAIT);
        for _ in 0..3 {
            meter.poll_begins();
            assert!(!meter.poll_paused(|| unreachable!("it was not asked")));
        }
        assert_eq!(meter.tick(MS), Tick::Stop);
    }
}
