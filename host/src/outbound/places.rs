//! How many requests an instance has under way.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::OutboundError;
use crate::limits;

/// The places of one instance: some requests run, some wait, more are refused.
#[derive(Clone, Debug)]
pub struct Places {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

/// A request that waits for its place.
pub(super) struct Queued {
    running: Arc<Semaphore>,
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
        Ok(Queued { running: self.running.clone(), _waiting: waiting })
    }
}

impl Queued {
    /// The place, once there is one; given back when it is dropped.
    pub(super) async fn place(self) -> Result<OwnedSemaphorePermit, OutboundError> {
        self.running.acquire_owned().await.map_err(|_| OutboundError::Busy)
    }
}
