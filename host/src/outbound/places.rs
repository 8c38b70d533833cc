//! How many requests an instance has under way.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Waker};

use futures_util::future::{BoxFuture, MaybeDone, maybe_done};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::OutboundError;
use crate::limits;

/// The places of one instance: some requests run, some wait, more are refused.
#[derive(Clone, Debug)]
pub struct Places {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

type Acquire = BoxFuture<'static, Result<OwnedSemaphorePermit, AcquireError>>;

/// A request that waits for its place, behind those that came before.
pub(super) struct Queued {
    place: Pin<Box<MaybeDone<Acquire>>>,
    _waiting: OwnedSemaphorePermit,
}

impl Default for Places {
    fn default() -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self { running: places(limits::OUTBOUND_MAX), waiting: places(limits::OUTBOUND_QUEUE_MAX) }
    }
}

impl Places {
    pub(super) fn queue(&self) -> Result<Queued, OutboundError> {
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| OutboundError::Busy)?;
        let place: Acquire = Box::pin(self.running.clone().acquire_owned());
        let mut place = Box::pin(maybe_done(place));
        // The first poll takes the place in the queue, and whoever waits later polls it again. Without it, a guest
        // that waits for its first answer could find the places taken by answers that it has not yet got to.
        let _queued = place.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        Ok(Queued { place, _waiting: waiting })
    }
}

impl Queued {
    /// The place, once there is one; given back when it is dropped.
    pub(super) async fn place(mut self) -> Result<OwnedSemaphorePermit, OutboundError> {
        self.place.as_mut().await;
        self.place.as_mut().take_output().and_then(Result::ok).ok_or(OutboundError::Busy)
    }
}
