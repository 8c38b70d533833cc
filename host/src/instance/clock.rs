//! The clock that interrupts guests: a thread that advances the engines' epochs.
//!
//! A thread of the operating system, since a tokio task would be starved by the very guests that it
//! is there to interrupt. While guests run it ticks every [`limits::EPOCH_TICK`]; when none has run
//! for a while it only looks every [`limits::EPOCH_IDLE`], so that an idle host sleeps. A guest that
//! slips past the sign is met by that slower tick.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::thread::Thread;

use crate::limits;

/// Ticks without a guest before the clock slows down.
const TICKS_AWAKE: u32 = 64;

/// The clock is slow.
const SLOW: u8 = 0;
/// It is fast, and no guest has run since it looked.
const QUIET: u8 = 1;
/// It is fast, or to become so: a guest has run.
const BUSY: u8 = 2;

/// A running clock.
#[derive(Debug)]
pub(super) struct Clock {
    state: Arc<AtomicU8>,
    thread: Thread,
}

impl Clock {
    /// Calls `tick` until it says that there is nothing left to tick.
    pub(super) fn start(tick: impl Fn() -> bool + Send + 'static) -> std::io::Result<Self> {
        let state = Arc::new(AtomicU8::new(SLOW));
        let seen = state.clone();
        let spawned = std::thread::Builder::new().name("epoch".into()).spawn(move || run(&seen, tick))?;
        Ok(Self { state, thread: spawned.thread().clone() })
    }

    /// A guest is about to run.
    pub(super) fn guest_runs(&self) {
        // Mostly it is set: a read of a line that all cores share.
        if self.state.load(Relaxed) != BUSY && self.state.swap(BUSY, Relaxed) == SLOW {
            self.thread.unpark();
        }
    }
}

fn run(state: &AtomicU8, tick: impl Fn() -> bool) {
    let mut quiet = TICKS_AWAKE;
    loop {
        std::thread::park_timeout(if quiet < TICKS_AWAKE { limits::EPOCH_TICK } else { limits::EPOCH_IDLE });
        if !tick() {
            return;
        }
        quiet = if state.compare_exchange(BUSY, QUIET, Relaxed, Relaxed).is_ok() { 0 } else { quiet.saturating_add(1) };
        // A guest that runs from here on finds it slow, or quiet, and says so again.
        if quiet >= TICKS_AWAKE && state.compare_exchange(QUIET, SLOW, Relaxed, Relaxed).is_err_and(|now| now == BUSY) {
            quiet = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn guest_runs_wakes_a_slow_clock_to_its_fast_pace() {
        let (ticks, ticked) = mpsc::sync_channel(64);
        let clock =
            Clock::start(move || !matches!(ticks.try_send(Instant::now()), Err(mpsc::TrySendError::Disconnected(_))))
                .unwrap();
        let slow = ticked.iter().zip(ticked.iter()).next().map(|(first, second)| second - first).unwrap();
        assert!(slow >= limits::EPOCH_IDLE, "{slow:?}");
        clock.guest_runs();
        let since = Instant::now();
        // Those before had waited to be taken.
        let fast = ticked.iter().filter_map(|tick| tick.checked_duration_since(since)).take(20).last().unwrap();
        assert!(fast < 20 * limits::EPOCH_IDLE / 2, "{fast:?}");
        assert!(fast > Duration::from_millis(10), "twenty ticks within {fast:?}");
    }
}
