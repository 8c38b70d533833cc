//! The seam between the codec and a connection: frames in, frames out, over any byte stream.
//!
//! Owns when is read and written, and what follows a close or a violation. What frames mean is the
//! codec's. Reading goes into a buffer of the thread and writing out of one, so that an idle websocket
//! holds none.

use std::cell::RefCell;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::io::poll_read_buf;

use super::codec::deflate::Deflate;
use super::codec::reader::{Event, Reader};
use super::codec::violation::Violation;
use super::codec::writer::Writer;
use crate::event::{Close, Message};
use crate::limits;

thread_local! {
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; limits::READ_BYTES]);
    static WRITE: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(limits::WRITE_BUFFER_BYTES));
}

/// A byte stream under a websocket.
pub trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Duplex for T {}

/// Any byte stream under a websocket.
pub type Io = Box<dyn Duplex>;

/// What came from the peer.
#[derive(Debug)]
pub enum Incoming {
    /// A whole message.
    Message(Message),
    /// A ping; the pong leaves with the next flush.
    Ping,
    /// A pong.
    Pong,
    /// Its close frame; the answer leaves with the next flush.
    Close(Option<Close>),
    /// It broke the protocol or a limit; nothing after it can be read.
    Violation(Close),
    /// The connection has ended.
    End,
}

/// A websocket's frames.
pub struct Frames {
    io: Io,
    reader: Reader,
    writer: Writer,
    ahead: Option<Box<Ahead>>,
    reading: Reading,
    /// Our close frame is waiting or sent: nothing may follow it (RFC 6455 §5.5.1).
    closed: bool,
    wrote: Wrote,
}

/// Whether the connection has taken any bytes since that was asked last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    Nothing,
    Something,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Open,
    /// The peer's close frame has come.
    Closed,
    /// The peer broke the protocol: nothing that it sends can be read.
    Broken,
}

/// Bytes that have been read and not been taken, before those of the connection.
struct Ahead {
    bytes: Box<[u8]>,
    taken: usize,
}

/// What one look at the peer's bytes has come to.
enum Seen {
    Event(Event),
    Violation(Violation),
    /// There are too few.
    Nothing,
    End,
}

impl Frames {
    /// The server's side over a stream on which a handshake has been answered; `read` is what came
    /// after the request.
    #[must_use]
    pub fn new(io: Io, read: &[u8], message_bytes_max: usize, deflate: Option<Deflate>) -> Self {
        // Copied: a slice of hyper's read buffer, even an empty one, would keep all of that alive.
        let ahead = Ahead::of(read);
        let reader = Reader::new(message_bytes_max, deflate.is_some());
        Self {
            io,
            reader,
            writer: Writer::new(deflate),
            ahead,
            reading: Reading::Open,
            closed: false,
            wrote: Wrote::Nothing,
        }
    }

    /// The next thing from the peer. After its close frame and our answer the connection is over. After a
    /// violation, what it still sends is read and thrown away until it ends, so that our close frame is
    /// not lost to a reset (RFC 6455 §7.1.1).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        match self.reading {
            Reading::Open => self.poll_event(cx),
            Reading::Closed => self.poll_flush(cx).map(|_| Incoming::End),
            Reading::Broken => self.poll_discard(cx),
        }
    }

    /// Whether the peer has begun a frame or a message that is not yet whole.
    #[must_use]
    pub fn is_midway(&self) -> bool {
        self.reading == Reading::Open && self.reader.is_midway()
    }

    /// What the peer still sends is read and thrown away, as after a violation.
    pub fn break_off(&mut self) {
        self.reading = Reading::Broken;
        self.ahead = None;
    }

    /// Whether the connection has taken any bytes since this was asked last.
    pub fn has_taken(&mut self) -> bool {
        std::mem::replace(&mut self.wrote, Wrote::Nothing) == Wrote::Something
    }

    /// Gives back the memory of frames that have been written.
    pub fn rest(&mut self) {
        self.writer.rest();
    }

    /// Ready when a frame may be given to `start`: few enough bytes wait to be written.
    pub fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while !self.writer.has_room() {
            ready!(self.poll_write(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Adds a message to what waits to be written.
    ///
    /// # Errors
    /// [`Gone`] after a close frame.
    pub fn start(&mut self, message: Message) -> Result<(), Gone> {
        self.may_start()?;
        self.writer.message(message);
        Ok(())
    }

    /// Adds a close frame.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_close(&mut self, close: &Close) -> Result<(), Gone> {
        self.may_start()?;
        self.closed = true;
        self.writer.close(Some(close));
        Ok(())
    }

    /// Adds a ping.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_ping(&mut self) -> Result<(), Gone> {
        self.may_start()?;
        self.writer.ping();
        Ok(())
    }

    /// Writes what waits. After a violation and our close frame, it also ends our side of the connection:
    /// the peer's answer cannot be read, so the peer is to wait for nothing more.
    pub fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        while !self.writer.is_empty() {
            ready!(self.poll_write(cx))?;
        }
        let io = Pin::new(&mut *self.io);
        let ended =
            if self.reading == Reading::Broken && self.closed { io.poll_shutdown(cx) } else { io.poll_flush(cx) };
        ended.map_err(|_| Gone)
    }

    fn may_start(&self) -> Result<(), Gone> {
        if self.closed { Err(Gone) } else { Ok(()) }
    }

    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        loop {
            let seen = match Ahead::read(&mut self.ahead, &mut self.reader) {
                Seen::Nothing => ready!(self.poll_read(cx)),
                seen => seen,
            };
            return Poll::Ready(match seen {
                Seen::Event(event) => self.incoming(event),
                Seen::Violation(violation) => {
                    self.break_off();
                    Incoming::Violation(violation.close())
                }
                Seen::Nothing => continue,
                Seen::End => Incoming::End,
            });
        }
    }

    fn incoming(&mut self, event: Event) -> Incoming {
        match event {
            Event::Message(message) => Incoming::Message(message),
            Event::Ping(payload) => {
                if !self.closed {
                    self.writer.pong(payload);
                }
                Incoming::Ping
            }
            Event::Pong => Incoming::Pong,
            Event::Close(close) => {
                self.reading = Reading::Closed;
                if !self.closed {
                    self.closed = true;
                    self.writer.close(close.as_ref());
                }
                Incoming::Close(close)
            }
        }
    }

    /// Reads from the connection once: a large payload to where it belongs, all else by the thread's buffer.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Seen> {
        let Self { io, reader, ahead, .. } = self;
        let io = Pin::new(&mut **io);
        if let Some(mut room) = reader.room() {
            let read = ready!(poll_read_buf(io, cx, &mut room));
            return Poll::Ready(match read {
                Ok(0) | Err(_) => Seen::End,
                Ok(read) => seen(reader.filled(read)),
            });
        }
        READ.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            let ended = ready!(io.poll_read(cx, &mut read)).is_err();
            let bytes = read.filled_mut();
            if ended || bytes.is_empty() {
                return Poll::Ready(Seen::End);
            }
            let taken = reader.read(bytes);
            if let Ok((taken, Some(_))) = &taken {
                // It was empty, or nothing would have been read.
                *ahead = Ahead::of(bytes.get(*taken..).unwrap_or_default());
            }
            Poll::Ready(seen(taken.map(|(_, event)| event)))
        })
    }

    /// Writes once.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Gone>> {
        let Self { io, writer, wrote, .. } = self;
        let io = Pin::new(&mut **io);
        let written = ready!(WRITE.with_borrow_mut(|small| {
            small.clear();
            match writer.gather(small) {
                [] => io.poll_write(cx, small),
                large => io.poll_write_vectored(cx, &[IoSlice::new(small), IoSlice::new(large)]),
            }
        }));
        match written {
            Ok(0) | Err(_) => Poll::Ready(Err(Gone)),
            Ok(written) => {
                writer.advance(written);
                *wrote = Wrote::Something;
                Poll::Ready(Ok(()))
            }
        }
    }

    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        READ.with_borrow_mut(|buffer| {
            loop {
                let mut read = ReadBuf::new(buffer);
                let ended = ready!(Pin::new(&mut *self.io).poll_read(cx, &mut read)).is_err();
                if ended || read.filled().is_empty() {
                    return Poll::Ready(Incoming::End);
                }
            }
        })
    }
}

impl Ahead {
    fn of(bytes: &[u8]) -> Option<Box<Self>> {
        (!bytes.is_empty()).then(|| Box::new(Self { bytes: bytes.into(), taken: 0 }))
    }

    /// The next event in these bytes; they go with the last of them.
    fn read(ahead: &mut Option<Box<Self>>, reader: &mut Reader) -> Seen {
        let Some(Self { bytes, taken }) = ahead.as_deref_mut() else { return Seen::Nothing };
        let read = reader.read(bytes.get_mut(*taken..).unwrap_or_default());
        if let Ok((more, _)) = &read {
            *taken += more;
        }
        if *taken >= bytes.len() {
            *ahead = None;
        }
        seen(read.map(|(_, event)| event))
    }
}

fn seen(read: Result<Option<Event>, Violation>) -> Seen {
    match read {
        Ok(Some(event)) => Seen::Event(event),
        Ok(None) => Seen::Nothing,
        Err(violation) => Seen::Violation(violation),
    }
}

/// The connection takes no more frames.
#[derive(Clone, Copy, Debug)]
pub struct Gone;

#[cfg(test)]
#[path = "frames_tests.rs"]
mod tests;
