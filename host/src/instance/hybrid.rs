//! Where a guest call runs: inline on the I/O worker until its first tick, then away on the guest
//! runtime until it waits for something, then inline again.
//!
//! Most events are done within microseconds, and a hop to another thread costs as much as the event
//! itself; but a guest that spins must not delay any socket. Measured in docs/adr/0001: inline echo
//! speed, and beside 8 spinning guests 4 to 10 times the throughput of either pure way. A handler whose guests
//! spin or trap again and again would take a tick of every socket's time each time, so its calls begin away for a while.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};
use tokio::task::{JoinError, JoinHandle};

use super::engine::Guests;
use crate::limits;
use crate::meter::Meter;

/// A guest call.
pub type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Polls a call wherever it belongs. Dropping it drops the call, and with it the store: the only
/// way to stop a guest that waits.
pub struct Hybrid<T> {
    place: Place<T>,
    meter: Arc<Meter>,
    lane: Arc<Lane>,
}

/// Where the calls of one handler run.
pub struct Lane {
    guests: Arc<Guests>,
    since: Instant,
    /// Until when its calls begin away, in µs; one of them has spun.
    away_until: AtomicU64,
}

enum Place<T> {
    /// It has not been polled.
    New(Call<T>),
    Home(Call<T>),
    Away(Abort<Result<T, Call<T>>>),
    Gone,
}

/// The host's own task around the call panicked or was cancelled: never by a guest's doing.
#[derive(Debug, thiserror::Error)]
#[error("the task that ran the guest was lost: {0}")]
pub struct Lost(#[from] JoinError);

impl<T: Send + 'static> Hybrid<T> {
    /// A call of a handler.
    pub fn new(call: Call<T>, meter: Arc<Meter>, lane: Arc<Lane>) -> Self {
        Self { place: Place::New(call), meter, lane }
    }

    /// It has trapped: the next calls of its handler may too, and an instance and a stack that end so take as long as a
    /// spin.
    pub fn trapped(&self) {
        self.lane.spins();
    }

    /// One that comes home waits for something, and is not sent away again before it has been polled here.
    fn begin(&mut self, call: Call<T>, cx: &mut Context<'_>) -> Option<Poll<T>> {
        if self.lane.has_spun() {
            self.move_away(call);
            return None;
        }
        self.poll_home(call, cx)
    }

    fn poll_home(&mut self, mut call: Call<T>, cx: &mut Context<'_>) -> Option<Poll<T>> {
        self.meter.poll_begins();
        self.lane.guests.clock.guest_runs();
        let begun = Instant::now();
        let polled = call.as_mut().poll(cx);
        // Shorter than a tick: nobody else ran in between, or hardly ever.
        self.meter.account(begun.elapsed());
        match polled {
            Poll::Ready(value) => Some(Poll::Ready(value)),
            Poll::Pending if self.meter.poll_paused(thread_cpu) => {
                self.lane.spins();
                self.move_away(call);
                None
            }
            Poll::Pending => {
                self.place = Place::Home(call);
                Some(Poll::Pending)
            }
        }
    }

    fn move_away(&mut self, call: Call<T>) {
        let away = Away { call: Some(call), meter: self.meter.clone(), lane: self.lane.clone() };
        self.place = Place::Away(Abort(self.lane.guests.runtime.spawn(away)));
    }
}

impl Lane {
    /// Of a handler that has not run yet.
    pub(super) fn new(guests: Arc<Guests>) -> Self {
        Self { guests, since: Instant::now(), away_until: AtomicU64::new(0) }
    }

    /// A call has run for a tick, and would go on.
    fn spins(&self) {
        self.away_until.store(micros(self.since.elapsed() + limits::AWAY_AFTER_SPIN), Relaxed);
    }

    /// Whether one has lately.
    fn has_spun(&self) -> bool {
        let until = self.away_until.load(Relaxed);
        until != 0 && micros(self.since.elapsed()) < until
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

impl<T: Send + 'static> Future for Hybrid<T> {
    type Output = Result<T, Lost>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.place, Place::Gone) {
                Place::New(call) => {
                    if let Some(poll) = this.begin(call, cx) {
                        return poll.map(Ok);
                    }
                }
                Place::Home(call) => {
                    if let Some(poll) = this.poll_home(call, cx) {
                        return poll.map(Ok);
                    }
                }
                Place::Away(mut away) => match Pin::new(&mut away.0).poll(cx) {
                    Poll::Ready(Ok(Ok(value))) => return Poll::Ready(Ok(value)),
                    Poll::Ready(Ok(Err(call))) => this.place = Place::Home(call),
                    Poll::Ready(Err(lost)) => return Poll::Ready(Err(Lost(lost))),
                    Poll::Pending => {
                        this.place = Place::Away(away);
                        return Poll::Pending;
                    }
                },
                Place::Gone => return Poll::Pending,
            }
        }
    }
}

/// Polls a call on the guest runtime for as long as it only yields; a call that waits goes home.
struct Away<T> {
    call: Option<Call<T>>,
    meter: Arc<Meter>,
    lane: Arc<Lane>,
}

impl<T> Future for Away<T> {
    type Output = Result<T, Call<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut call) = self.call.take() else { return Poll::Pending };
        let begun = thread_cpu();
        self.meter.poll_begins_at(begun);
        self.lane.guests.clock.guest_runs();
        let polled = call.as_mut().poll(cx);
        self.meter.account(thread_cpu().saturating_sub(begun));
        match polled {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending if self.meter.poll_paused(thread_cpu) => {
                self.lane.spins();
                self.call = Some(call);
                Poll::Pending
            }
            Poll::Pending => Poll::Ready(Err(call)),
        }
    }
}

/// CPU of this thread, which the kernel may set aside for others; a system call.
pub(super) fn thread_cpu() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(now).unwrap_or_default()
}

/// Aborts its task when dropped.
struct Abort<T>(JoinHandle<T>);

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What the epoch callback lets a guest wait for: once around the executor.
pub(super) struct YieldOnce(pub(super) bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use tokio::runtime::{Builder, Runtime};

    use super::super::clock::Clock;
    use super::*;

    /// Says on which thread it ends; one that spins meets ticks first, for longer than one lasts.
    fn call(meter: &Arc<Meter>, spins: bool) -> Call<String> {
        let meter = meter.clone();
        Box::pin(async move {
            if spins {
                meter.tick(thread_cpu());
                let begun = thread_cpu();
                while thread_cpu() - begun < limits::EPOCH_TICK {
                    std::hint::spin_loop();
                }
                meter.tick(thread_cpu());
                YieldOnce(false).await;
            }
            std::thread::current().name().unwrap_or_default().to_owned()
        })
    }

    /// Two threads, and a lane between them.
    struct Lanes {
        home: Runtime,
        _away: Runtime,
        lane: Arc<Lane>,
        _ticks: Arc<()>,
    }

    impl Lanes {
        fn new() -> Self {
            let away = Builder::new_multi_thread().worker_threads(1).thread_name("guest").build().unwrap();
            let ticks = Arc::new(());
            let ticked = Arc::downgrade(&ticks);
            let clock = Clock::start(move || ticked.upgrade().is_some()).unwrap();
            let lane = Arc::new(Lane::new(Arc::new(Guests { runtime: away.handle().clone(), clock })));
            Self { home: Builder::new_current_thread().build().unwrap(), _away: away, lane, _ticks: ticks }
        }

        fn hybrid(&self, call: impl FnOnce(&Arc<Meter>) -> Call<String>) -> Hybrid<String> {
            let meter = Arc::new(Meter::new());
            meter.refill(limits::CPU);
            Hybrid::new(call(&meter), meter, self.lane.clone())
        }

        fn run(&self, spins: bool) -> String {
            self.home.block_on(self.hybrid(|meter| call(meter, spins))).unwrap()
        }
    }

    fn here() -> String {
        std::thread::current().name().unwrap().to_owned()
    }

    #[test]
    fn calls_of_a_handler_begin_away_for_a_while_after_one_that_spun_or_trapped() {
        let lanes = Lanes::new();
        assert_eq!(lanes.run(false), here());
        assert_eq!(lanes.run(true), "guest", "it went on there");
        assert!(lanes.lane.away_until.swap(u64::MAX, Relaxed) > 0, "for a while");
        assert_eq!(lanes.run(false), "guest", "the next begins there");
        lanes.lane.away_until.store(1, Relaxed);
        assert_eq!(lanes.run(false), here(), "the while is over");
        let mut trapped = lanes.hybrid(|meter| call(meter, false));
        lanes.home.block_on(&mut trapped).unwrap();
        lanes.lane.away_until.store(0, Relaxed);
        trapped.trapped();
        assert!(lanes.lane.away_until.load(Relaxed) > 0, "a trap is no shorter");
    }

    #[test]
    fn call_that_began_away_and_waits_comes_home_once() {
        let lanes = Lanes::new();
        lanes.run(true);
        lanes.lane.away_until.store(u64::MAX, Relaxed);
        let (polled, places) = std::sync::mpsc::sync_channel(8);
        let waiting = lanes.hybrid(|_| {
            Box::pin(std::future::poll_fn(move |cx| {
                let place = std::thread::current().name().unwrap_or_default().to_owned();
                match polled.send(place.clone()) {
                    Ok(()) if place == "guest" => Poll::Pending,
                    _ => {
                        cx.waker().wake_by_ref();
                        Poll::Ready(place)
                    }
                }
            }))
        });
        assert_eq!(lanes.home.block_on(waiting).unwrap(), here());
        assert_eq!(places.into_iter().collect::<Vec<_>>(), ["guest".to_owned(), here()]);
    }
}
