//! The body of a standard component's answer: it comes as one, and is taken from it as the peer reads.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use tokio_util::sync::CancellationToken;

use crate::limits;
use crate::meter::Meter;
use crate::usage::Totals;

/// An error of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// How much of an exchange's bodies has passed, and whether its handler was cut.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) meter: Arc<Meter>,
    bytes: AtomicU64,
    used: Arc<Totals>,
    cut: AtomicBool,
}

impl Pace {
    pub(super) fn new(meter: Arc<Meter>, used: Arc<Totals>) -> Self {
        Self { meter, bytes: AtomicU64::new(0), used, cut: AtomicBool::new(false) }
    }

    /// Bytes of both bodies so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Some of the request's body was read.
    pub(super) fn read(&self, len: u64) {
        self.used.read(len);
        self.moved(len);
    }

    /// Some of the response's body was sent.
    pub(super) fn wrote(&self, len: u64) {
        self.used.wrote(len);
        self.moved(len);
    }

    /// Bytes of a body have passed. Like the delivery of a message, so much of it refills the CPU budget:
    /// who streams has no end, and is paced by the peer.
    fn moved(&self, len: u64) {
        let before = self.bytes.fetch_add(len, Ordering::Relaxed);
        if before / limits::BODY_BYTES_PER_REFILL != (before + len) / limits::BODY_BYTES_PER_REFILL {
            self.meter.refill(self.meter.budget());
        }
    }

    /// To be called before the handler's store is dropped, which ends the body: the end is seen after this.
    pub(super) fn cut(&self) {
        self.cut.store(true, Ordering::Release);
    }

    fn is_cut(&self) -> bool {
        self.cut.load(Ordering::Acquire)
    }
}

/// How far a standard body is read.
#[derive(Clone, Debug, Default)]
pub struct Read {
    ended: CancellationToken,
    whole: Arc<AtomicBool>,
}

impl Read {
    /// Ready once nobody reads it any more; whether all of it was read.
    pub async fn ended(&self) -> bool {
        self.ended.cancelled().await;
        self.whole.load(Ordering::Acquire)
    }
}

/// The handler ended, or gave up, before its body did.
#[derive(Debug, thiserror::Error)]
#[error("the response was not finished")]
pub struct Unfinished;

/// A standard component's body.
///
/// # Backpressure
/// The component waits for as long as the body is not polled.
pub struct StandardBody {
    body: UnsyncBoxBody<Bytes, BoxError>,
    pace: Arc<Pace>,
    read: Read,
}

impl StandardBody {
    pub(super) fn new(body: UnsyncBoxBody<Bytes, BoxError>, pace: Arc<Pace>, read: Read) -> Self {
        Self { body, pace, read }
    }
}

impl Body for StandardBody {
    type Data = Bytes;
    type Error = Unfinished;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Unfinished>>> {
        Pin::new(&mut self.body).poll_frame(cx).map(|frame| match frame {
            Some(Ok(frame)) => {
                self.pace.wrote(frame.data_ref().map_or(0, |data| data.len() as u64));
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                tracing::debug!("a response was aborted: {error}");
                Some(Err(Unfinished))
            }
            // The end of its store looks like the end of the body.
            None if self.pace.is_cut() => Some(Err(Unfinished)),
            None => {
                self.read.whole.store(true, Ordering::Release);
                None
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream() && !self.pace.is_cut()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for StandardBody {
    fn drop(&mut self) {
        if self.is_end_stream() {
            // One that was known to be empty is not polled.
            self.read.whole.store(true, Ordering::Release);
        }
        self.read.ended.cancel();
    }
}
