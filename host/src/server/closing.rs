//! The ends of websockets in a drain: some at a time, lest all of their peers come back in one instant.
//!
//! Owns how many are closed when. Which ones come first is left to chance: their ids are random, and they are taken in no
//! other order.

use std::time::Duration;

use tokio::time::MissedTickBehavior;

use crate::event::State;
use crate::failure::close_code;
use crate::limits;
use crate::websocket::registry::{Live, Registry};

/// Closes all websockets with 1001, and those that a handshake under way still becomes. Never returns.
pub(super) async fn close_some_at_a_time(websockets: &Registry) -> ! {
    let mut left = batches(open(websockets).len(), limits::DRAIN);
    let mut ticks = tokio::time::interval(limits::DRAIN_TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let open = open(websockets);
        for Live { port, .. } in open.iter().take(batch(open.len(), left)) {
            port.host_close(close_code::GOING_AWAY, "the host is shutting down");
        }
        left = left.saturating_sub(1);
    }
}

/// Those that nobody has closed.
fn open(websockets: &Registry) -> Vec<Live> {
    let mut all = websockets.all();
    all.retain(|live| live.port.state() <= State::Open);
    all
}

/// In how many batches so many websockets are closed, in a drain of this length.
fn batches(websockets: usize, drain: Duration) -> usize {
    if websockets <= limits::DRAIN_AT_ONCE_MAX {
        return 1;
    }
    let spread = limits::DRAIN_SPREAD.min(drain / 3);
    let ticks = spread.as_millis() / limits::DRAIN_TICK.as_millis();
    usize::try_from(ticks).unwrap_or(1).max(1)
}

/// How many of those that are open are closed now, with so many batches left, this one included; none left: all.
fn batch(open: usize, left: usize) -> usize {
    open.div_ceil(left.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn few_websockets_are_closed_at_once() {
        for few in [0, 1, limits::DRAIN_AT_ONCE_MAX] {
            assert_eq!(batches(few, MINUTE), 1);
            assert_eq!(batch(few, 1), few);
        }
    }

    #[test]
    fn spread_takes_five_seconds_and_at_most_a_third_of_the_drain() {
        assert_eq!(batches(101, MINUTE), 100);
        assert_eq!(batches(200_000, Duration::from_secs(3)), 20);
        assert_eq!(batches(200_000, Duration::ZERO), 1);
    }

    #[test]
    fn batches_are_even_and_leave_nothing() {
        for websockets in [101, 300, 12_345, 200_000] {
            let (count, mut open) = (batches(websockets, MINUTE), websockets);
            for left in (1..=count).rev() {
                let closed = batch(open, left);
                assert!(closed <= websockets.div_ceil(count), "{closed} of {websockets} at once");
                open -= closed;
            }
            assert_eq!(open, 0);
        }
    }

    #[test]
    fn websockets_that_come_after_the_last_batch_are_closed_as_they_come() {
        assert_eq!(batch(7, 0), 7);
    }
}
