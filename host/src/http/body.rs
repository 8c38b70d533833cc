//! Response bodies: whole, or streamed from a guest as it sends.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::mpsc;

use super::pace::Busy;
use crate::port::exchange::{Chunk, StandardBody, Unfinished};

/// The body of any response.
pub(super) enum Reply {
    /// All of it; none once it is taken.
    Whole(Option<Bytes>),
    /// A file, as it is read.
    File(UnsyncBoxBody<Bytes, std::io::Error>),
    /// A standard component's.
    Standard(StandardBody),
    /// As the guest sends it, with the length that it promised.
    Streamed(mpsc::Receiver<Chunk>, Progress),
}

/// How far a streamed body has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// More is to come.
    Going,
    /// All was sent.
    Done,
}

/// The guest ended without ending the body, or a file could not be read: hyper then cuts the connection, so that the peer sees an
/// aborted body and never a truncated success.
#[derive(Debug, thiserror::Error)]
#[error("the response was not finished")]
pub(super) struct Aborted;

impl Reply {
    /// A body that is known.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self::Whole(Some(bytes.into()))
    }
}

impl From<Infallible> for Aborted {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

impl From<Unfinished> for Aborted {
    fn from(_: Unfinished) -> Self {
        Self
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        match &mut *self {
            Self::Whole(bytes) => {
                Poll::Ready(bytes.take().filter(|bytes| !bytes.is_empty()).map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::File(file) => Pin::new(file).poll_frame(cx).map_err(|error| {
                tracing::warn!("a file could not be read on: {error}");
                Aborted
            }),
            Self::Standard(body) => Pin::new(body).poll_frame(cx).map_err(Aborted::from),
            Self::Streamed(_, Progress::Done) => Poll::Ready(None),
            Self::Streamed(chunks, progress) => chunks.poll_recv(cx).map(|chunk| match chunk {
                Some(Chunk::Data(bytes)) => Some(Ok(Frame::data(bytes))),
                Some(Chunk::End) => {
                    *progress = Progress::Done;
                    None
                }
                None => Some(Err(Aborted)),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.as_ref().is_none_or(Bytes::is_empty),
            Self::File(file) => file.is_end_stream(),
            Self::Standard(body) => body.is_end_stream(),
            Self::Streamed(_, progress) => *progress == Progress::Done,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::File(file) => file.size_hint(),
            Self::Standard(body) => body.size_hint(),
            Self::Streamed(..) => SizeHint::default(),
        }
    }
}

/// A reply with what its connection is busy with, until all of it is taken.
pub(super) struct Held {
    pub(super) reply: Reply,
    pub(super) busy: Busy,
}

impl Body for Held {
    type Data = Bytes;
    type Error = Aborted;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Aborted>>> {
        self.busy.offered(false);
        let frame = Pin::new(&mut self.reply).poll_frame(cx);
        if matches!(frame, Poll::Ready(Some(Ok(_)))) && !self.reply.is_end_stream() {
            self.busy.offered(true);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.reply.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.reply.size_hint()
    }
}
