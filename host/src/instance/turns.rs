//! How many events and exchanges of one handler are under way at once, and how many wait for that.
//!
//! Owns the bound and the queue. A call that need not wait costs two atomic operations and takes no lock, which all
//! websockets of the handler would contend for. Does not know instances.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use tokio::sync::Notify;

use crate::failure::Fault;
use crate::limits;

/// The turns of a handler.
#[derive(Debug)]
pub(super) struct Turns {
    most: usize,
    taken: AtomicUsize,
    waiting: AtomicUsize,
    freed: Notify,
}

/// A turn, until its drop.
#[derive(Debug)]
pub(super) struct Turn<'a>(&'a Turns);

/// One that waits, until its drop.
struct Waiting<'a>(&'a AtomicUsize);

impl Turns {
    /// So many at once.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: AtomicUsize::new(0), waiting: AtomicUsize::new(0), freed: Notify::new() }
    }

    /// A turn, over with its drop; past the bound it is waited for.
    ///
    /// # Errors
    /// `Busy`, where too many wait, or it took too long.
    ///
    /// # Cancel safety
    /// Dropped, its place in the queue is free.
    pub(super) async fn take(&self, wait: Duration) -> Result<Turn<'_>, Fault> {
        if let Some(turn) = self.try_take() {
            return Ok(turn);
        }
        let before = self.waiting.fetch_add(1, SeqCst);
        let _waiting = Waiting(&self.waiting);
        if before >= limits::IN_FLIGHT_QUEUE_MAX {
            return Err(self.busy());
        }
        tokio::time::timeout(wait, self.freed()).await.map_err(|_| self.busy())
    }

    async fn freed(&self) -> Turn<'_> {
        loop {
            let mut freed = pin!(self.freed.notified());
            // Before the look, so that a turn which ends after it is not missed.
            freed.as_mut().enable();
            if let Some(turn) = self.try_take() {
                return turn;
            }
            freed.await;
        }
    }

    fn try_take(&self) -> Option<Turn<'_>> {
        let fits = |taken| (taken < self.most).then_some(taken + 1);
        self.taken.fetch_update(SeqCst, SeqCst, fits).ok().map(|_| Turn(self))
    }

    fn busy(&self) -> Fault {
        Fault::Busy { in_flight: self.most, waiting: self.waiting.load(SeqCst).saturating_sub(1) }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        // In this order: who begins to wait after the second look sees the first.
        self.0.taken.fetch_sub(1, SeqCst);
        if self.0.waiting.load(SeqCst) > 0 {
            self.0.freed.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    const LONG: Duration = Duration::from_secs(3600);

    #[tokio::test]
    async fn turn_past_the_bound_waits_and_comes_with_the_end_of_another() {
        let turns = Turns::new(1);
        let first = turns.take(LONG).await.unwrap();
        let mut second = std::pin::pin!(turns.take(LONG));
        assert!(poll!(&mut second).is_pending());
        drop(first);
        assert!(second.await.is_ok());
    }

    #[tokio::test]
    async fn turn_past_the_queue_is_refused_and_who_gives_up_makes_room() {
        let turns = Turns::new(1);
        let _first = turns.take(LONG).await.unwrap();
        let mut waiting: Vec<_> = (0..limits::IN_FLIGHT_QUEUE_MAX).map(|_| Box::pin(turns.take(LONG))).collect();
        for one in &mut waiting {
            assert!(poll!(one).is_pending());
        }
        let refused = turns.take(LONG).await.unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.close_code()), (503, 1013), "{refused}");
        waiting.pop();
        assert!(poll!(Box::pin(turns.take(LONG))).is_pending());
    }

    #[tokio::test]
    async fn turn_that_does_not_come_in_time_is_refused() {
        let turns = Turns::new(1);
        let _first = turns.take(LONG).await.unwrap();
        let refused = turns.take(Duration::from_millis(1)).await;
        assert!(matches!(refused, Err(Fault::Busy { in_flight: 1, waiting: 0 })));
    }
}
