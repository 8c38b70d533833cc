//! Where a guest call runs: inline on the I/O worker until its first tick, then away on the guest
//! runtime until it waits for something, then inline again.
//!
//! Most events are done within microseconds, and a hop to another thread costs as much as the event
//! itself; but a guest that spins must not delay any socket. Measured in docs/adr/0001: inline echo
//! speed, and beside 8 spinning guests 4 to 10 times the throughput of either pure way.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::{JoinError, JoinHandle};

use super::engine::Guests;
use crate::meter::Meter;

/// A guest call.
pub type Call<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// Polls a call wherever it belongs. Dropping it drops the call, and with it the store: the only
/// way to stop a guest that waits.
pub struct Hybrid<T> {
    place: Place<T>,
    meter: Arc<Meter>,
    guests: Arc<Guests>,
}

enum Place<T> {
    Home(Call<T>),
    Away(Abort<Result<T, Call<T>>>),
    Gone,
}

/// The host's own task around the call panicked or was cancelled: never by a guest's doing.
#[derive(Debug, thiserror::Error)]
#[error("the task that ran the guest was lost: {0}")]
pub struct Lost(#[from] JoinError);

impl<T: Send + 'static> Hybrid<T> {
    /// A call that begins inline.
    pub fn new(call: Call<T>, meter: Arc<Meter>, guests: Arc<Guests>) -> Self {
        Self { place: Place::Home(call), meter, guests }
    }

    fn poll_home(&mut self, mut call: Call<T>, cx: &mut Context<'_>) -> Option<Poll<T>> {
        self.meter.poll_begins();
        self.guests.clock.guest_runs();
        match call.as_mut().poll(cx) {
            Poll::Ready(value) => Some(Poll::Ready(value)),
            Poll::Pending if self.meter.poll_paused() => {
                let away = Away { call: Some(call), meter: self.meter.clone(), guests: self.guests.clone() };
                self.place = Place::Away(Abort(self.guests.runtime.spawn(away)));
                None
            }
            Poll::Pending => {
                self.place = Place::Home(call);
                Some(Poll::Pending)
            }
        }
    }
}

impl<T: Send + 'static> Future for Hybrid<T> {
    type Output = Result<T, Lost>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        loop {
            match std::mem::replace(&mut this.place, Place::Gone) {
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
    guests: Arc<Guests>,
}

impl<T> Future for Away<T> {
    type Output = Result<T, Call<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(mut call) = self.call.take() else { return Poll::Pending };
        self.meter.poll_begins();
        self.guests.clock.guest_runs();
        match call.as_mut().poll(cx) {
            Poll::Ready(value) => Poll::Ready(Ok(value)),
            Poll::Pending if self.meter.poll_paused() => {
                self.call = Some(call);
                Poll::Pending
            }
            Poll::Pending => Poll::Ready(Err(call)),
        }
    }
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
