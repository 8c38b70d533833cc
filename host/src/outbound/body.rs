//! The bodies of a request to another host, and of its answer: passed on as they come, watched for a
//! standstill.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};

use super::{Abort, BoxError, OutboundError};

/// When something last came or went.
#[derive(Clone, Debug)]
pub(super) struct Moved(Arc<Mutex<Instant>>);

impl Moved {
    pub(super) fn now() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }

    pub(super) fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

/// A request's body, as the guest gives it.
pub(super) struct Sending {
    pub(super) body: UnsyncBoxBody<Bytes, BoxError>,
    pub(super) moved: Moved,
}

impl Body for Sending {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.body).poll_frame(cx);
        if polled.is_ready() {
            self.moved.touch();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// An answer's body. Dropped, its connection ends.
///
/// # Backpressure
/// What is not asked for is not read from the connection.
pub struct ResponseBody {
    incoming: Incoming,
    idle: Duration,
    waiting: Option<Pin<Box<Sleep>>>,
    _connection: Abort<()>,
    _place: OwnedSemaphorePermit,
}

impl ResponseBody {
    pub(super) fn new(incoming: Incoming, idle: Duration, connection: Abort<()>, place: OwnedSemaphorePermit) -> Self {
        Self { incoming, idle, waiting: None, _connection: connection, _place: place }
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = OutboundError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, OutboundError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.incoming).poll_frame(cx) {
            this.waiting = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(OutboundError::Http)));
        }
        // Only the time in which the guest waits counts.
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(tokio::time::sleep(this.idle)));
        waiting.as_mut().poll(cx).map(|()| Some(Err(OutboundError::Idle)))
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
