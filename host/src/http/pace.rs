//! Keeping a connection to time: its first byte, a request's head, the time between two requests,
//! and what a peer leaves untaken.
//!
//! [`Pace`] is the state, read and written by the connection's own tasks; [`Paced`] is the stream
//! that tells it of bytes, [`Busy`] an exchange that is under way. The body of a request has its own
//! rule, which the exchange's port keeps.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use std::{fmt, io};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use crate::app::manifest::PaceSettings;
use crate::limits;

/// Of a millisecond count: no such moment.
const NEVER: u64 = u64::MAX;

/// What a connection is waiting for.
pub(super) struct Pace {
    settings: PaceSettings,
    accepted: Instant,
    /// Exchanges and websockets under way.
    busy: AtomicU32,
    /// Whether one ever was.
    used: AtomicBool,
    /// Whether it is HTTP/2, where a peer may send frames that begin nothing.
    multiplexed: AtomicBool,
    /// When it fell idle: milliseconds since it was accepted.
    idle: AtomicU64,
    /// When the first byte of a head came, or [`NEVER`].
    heading: AtomicU64,
    /// Since when the peer takes nothing, or [`NEVER`].
    stalled: AtomicU64,
    /// Bodies of which the peer has not taken all that there is, and when it last took of any.
    offered: AtomicU32,
    taken: AtomicU64,
    /// Since when all is said and the peer has not ended, or [`NEVER`].
    lingering: AtomicU64,
}

/// Why a connection is ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Overdue {
    #[error("the peer sent nothing in {0:?}")]
    FirstByte(Duration),
    #[error("a request's head took longer than {0:?}")]
    Head(Duration),
    #[error("idle for {0:?}")]
    Idle(Duration),
    #[error("the peer took nothing for {0:?}")]
    Stalled(Duration),
    #[error("the peer did not end in {0:?}")]
    Linger(Duration),
}

impl Pace {
    /// Of a connection that was accepted then.
    pub(super) fn new(settings: PaceSettings, accepted: Instant) -> Self {
        Self {
            settings,
            accepted,
            busy: AtomicU32::new(0),
            used: AtomicBool::new(false),
            multiplexed: AtomicBool::new(false),
            idle: AtomicU64::new(0),
            heading: AtomicU64::new(NEVER),
            stalled: AtomicU64::new(NEVER),
            offered: AtomicU32::new(0),
            taken: AtomicU64::new(0),
            lingering: AtomicU64::new(NEVER),
        }
    }

    /// Whether a request has ever come.
    pub(super) fn used(&self) -> bool {
        self.used.load(Relaxed)
    }

    /// Ready when the peer has had its time.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub(super) async fn overdue(&self) -> Overdue {
        // What begins after a look has at least the shortest of the times, so looking that often is
        // exact, and nothing need be armed when bytes come.
        let PaceSettings { head, idle, stall, .. } = self.settings;
        let shortest = limits::FIRST_BYTE.min(head).min(idle).min(stall).min(limits::LINGER);
        loop {
            let now = self.now();
            let (due, reason) = self.deadline();
            if due <= now {
                return reason;
            }
            let wait = Duration::from_millis(due - now).min(shortest);
            tokio::time::sleep(wait).await;
        }
    }

    /// The next moment at which something is overdue, and what.
    fn deadline(&self) -> (u64, Overdue) {
        let taken = if self.offered.load(Relaxed) > 0 { self.taken.load(Relaxed) } else { NEVER };
        let stalled = self.stalled.load(Relaxed).min(taken);
        let stall = (after(stalled, self.settings.stall), Overdue::Stalled(self.settings.stall));
        let lingering = self.lingering.load(Relaxed);
        if lingering != NEVER {
            return (after(lingering, limits::LINGER), Overdue::Linger(limits::LINGER));
        }
        if self.busy.load(Relaxed) > 0 {
            return stall;
        }
        let (heading, idle) = (self.heading.load(Relaxed), self.idle.load(Relaxed));
        let (head, rest) = (self.settings.head, self.settings.idle);
        let quiet = match self.used.load(Relaxed) {
            _ if heading != NEVER => (after(heading, head), Overdue::Head(head)),
            false => (after(0, limits::FIRST_BYTE), Overdue::FirstByte(limits::FIRST_BYTE)),
            true => (after(idle, rest), Overdue::Idle(rest)),
        };
        if stall.0 < quiet.0 { stall } else { quiet }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.accepted.elapsed().as_millis()).unwrap_or(NEVER)
    }

    /// Bytes have come.
    fn heard(&self) {
        let begun = self.busy.load(Relaxed) == 0 && self.heading.load(Relaxed) == NEVER;
        if begun && !self.multiplexed.load(Relaxed) {
            self.heading.store(self.now(), Relaxed);
        }
    }

    fn wrote<T>(&self, poll: Poll<T>) -> Poll<T> {
        match (&poll, self.stalled.load(Relaxed)) {
            (Poll::Pending, NEVER) => self.stalled.store(self.now(), Relaxed),
            (Poll::Ready(_), since) if since != NEVER => self.stalled.store(NEVER, Relaxed),
            _ => {}
        }
        poll
    }
}

fn after(since: u64, time: Duration) -> u64 {
    since.saturating_add(u64::try_from(time.as_millis()).unwrap_or(NEVER))
}

/// An exchange or websocket that is under way on its connection.
pub(super) struct Busy {
    pace: Arc<Pace>,
    /// Whether a part of its body was given, and the next has not been asked for.
    offered: bool,
}

impl Busy {
    pub(super) fn begin(pace: &Arc<Pace>, version: http::Version) -> Self {
        pace.busy.fetch_add(1, Relaxed);
        pace.used.store(true, Relaxed);
        pace.heading.store(NEVER, Relaxed);
        if version == http::Version::HTTP_2 {
            pace.multiplexed.store(true, Relaxed);
        }
        Self { pace: pace.clone(), offered: false }
    }

    /// A part of the body is asked for, or was given.
    pub(super) fn offered(&mut self, offered: bool) {
        if self.offered == offered {
            return;
        }
        self.offered = offered;
        self.pace.taken.store(self.pace.now(), Relaxed);
        match offered {
            true => self.pace.offered.fetch_add(1, Relaxed),
            false => self.pace.offered.fetch_sub(1, Relaxed),
        };
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.offered(false);
        self.pace.idle.store(self.pace.now(), Relaxed);
        self.pace.busy.fetch_sub(1, Relaxed);
    }
}

impl fmt::Debug for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Busy")
    }
}

/// A stream that tells its connection's pace of bytes.
pub(super) struct Paced<S> {
    stream: S,
    pace: Arc<Pace>,
    /// Bytes that were thrown away at the end.
    lingered: usize,
}

impl<S> Paced<S> {
    pub(super) fn new(stream: S, pace: Arc<Pace>) -> Self {
        Self { stream, pace, lingered: 0 }
    }

    pub(super) fn into_inner(self) -> S {
        self.stream
    }
}

impl<S: AsyncRead + Unpin> Paced<S> {
    /// Ready once the peer has ended, or has sent more than anyone would. What it still sends is thrown
    /// away: to end with bytes unread would reset the connection, and the answer with it (RFC 9112 §9.6).
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.pace.lingering.load(Relaxed) == NEVER {
            self.pace.lingering.store(self.pace.now(), Relaxed);
        }
        let mut scratch = [0; 4096];
        while self.lingered < limits::LINGER_BYTES_MAX {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
            self.lingered += buffer.filled().len();
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pace.heard();
        }
        read
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.pace.wrote(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, parts);
        self.pace.wrote(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.pace.wrote(flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        self.poll_linger(cx).map(Ok)
    }
}
