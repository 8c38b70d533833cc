//! What a guest, through the bindings, holds of one HTTP exchange.
//!
//! Owns the order of its answer (WIT `http.stage`), the session's autosave before the head leaves,
//! and the bounds of both bodies. Does not know hyper: the request's body comes as a stream, the
//! answer goes as one [`Answer`].

mod reply;
mod standard;
mod wire;

pub use self::reply::StageName;
pub use self::standard::{BoxError, Read, StandardBody, Unfinished};

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{self, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::reply::{Reply, Stage};
use self::standard::Pace;
use super::answer::{self, InvalidHead};
use super::head::Head;
use crate::event::ExchangeId;
use crate::limits;
use crate::meter::Meter;
use crate::session::{CookieAction, CookieSettings, SessionBinding};
use crate::usage::Totals;

/// The request's body: chunks of any size.
pub type RequestBody = Pin<Box<dyn Stream<Item = Result<Bytes, PeerGone>> + Send>>;

/// The connection ended before the body did.
#[derive(Debug)]
pub struct PeerGone;

/// One exchange as its handler sees it.
pub struct ExchangePort {
    /// Its id.
    pub id: ExchangeId,
    /// The request's head.
    pub head: Head,
    /// Its session.
    pub session: SessionBinding,
    /// The CPU of its handler's call.
    pub meter: Arc<Meter>,
    cookies: Arc<CookieSettings>,
    secure: bool,
    connection: CancellationToken,
    pace: Arc<Pace>,
    body: tokio::sync::Mutex<Body>,
    reply: Mutex<Reply>,
    stall: Duration,
}

struct Body {
    stream: Option<RequestBody>,
    left: Bytes,
    read: u64,
    /// For how long its parts were waited for.
    waited: Duration,
    /// For how long they may be, whatever the rate.
    grace: Duration,
    /// Whether the peer left before its end.
    cut: bool,
}

/// What an exchange begins with.
pub struct ExchangeParts {
    /// The request's head.
    pub head: Head,
    /// Its body, if it has one.
    pub body: Option<RequestBody>,
    /// The session.
    pub session: SessionBinding,
    /// How the session cookie is set.
    pub cookies: Arc<CookieSettings>,
    /// Whether the peer's connection is encrypted.
    pub secure: bool,
    /// Cancelled where the connection is to end after the answer.
    pub connection: CancellationToken,
    /// What time the peer has.
    pub patience: Patience,
    /// Where the bytes of the bodies are counted.
    pub used: Arc<Totals>,
}

/// A response on its way to the peer.
pub enum Answer {
    /// All of it.
    Whole(Response<Bytes>),
    /// Its head; the body follows.
    Streamed(Response<mpsc::Receiver<Chunk>>),
    /// A standard component's.
    Standard(Response<StandardBody>),
    /// None: the connection is to end.
    Cancelled,
}

/// What time a peer has.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// In which a request's body may come at any rate.
    pub body: Duration,
    /// In which nothing of a response need be taken.
    pub stall: Duration,
}

/// A part of a streamed body. One that ends without `End` was aborted.
pub enum Chunk {
    /// Bytes.
    Data(Bytes),
    /// The body is complete.
    End,
}

/// Why an operation failed. WIT `http.error`.
#[derive(Debug)]
pub enum ExchangeError {
    /// `Unanswered`, `Streaming` or `Finished`, by name.
    WrongOrder(StageName),
    /// Over the limit: actual, limit.
    TooLarge(u64, u64),
    /// The peer has gone.
    PeerGone,
    /// A header or status that cannot be sent.
    InvalidHead(String),
    /// Sent and promised bytes differ: actual, promised.
    LengthMismatch(u64, u64),
    /// The session could not be saved.
    SessionUnsaved,
    /// The body came too slowly, or nothing of the answer was taken.
    TimedOut,
}

impl ExchangePort {
    /// An exchange whose head has come.
    pub fn new(parts: ExchangeParts) -> Self {
        let ExchangeParts { head, body, session, cookies, secure, connection, patience, used } = parts;
        let meter = Arc::<Meter>::default();
        Self {
            id: ExchangeId::mint(),
            head,
            session,
            pace: Arc::new(Pace::new(meter.clone(), used)),
            meter,
            cookies,
            secure,
            connection,
            body: tokio::sync::Mutex::new(Body {
                stream: body,
                left: Bytes::new(),
                read: 0,
                waited: Duration::ZERO,
                grace: patience.body,
                cut: false,
            }),
            reply: Mutex::default(),
            stall: patience.stall,
        }
    }

    /// The next part of the request's body, at most `max` bytes; none at its end.
    ///
    /// # Errors
    /// `PeerGone`, `TooLarge`, `TimedOut`.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn read(&self, max: u64) -> Result<Option<Bytes>, ExchangeError> {
        let max = usize::try_from(max).unwrap_or(usize::MAX).clamp(1, limits::READ_BYTES_MAX);
        let mut body = self.body.lock().await;
        while body.left.is_empty() {
            let Some(chunk) = body.next().await? else {
                body.stream = None;
                return Ok(None);
            };
            body.left = chunk;
            body.read += body.left.len() as u64;
            if body.read > limits::REQUEST_BODY_BYTES_MAX {
                return Err(ExchangeError::TooLarge(body.read, limits::REQUEST_BODY_BYTES_MAX));
            }
        }
        let len = max.min(body.left.len());
        self.pace.read(len as u64);
        Ok(Some(body.left.split_to(len)))
    }

    /// Answers at once; a modified session is saved before.
    ///
    /// # Errors
    /// `WrongOrder`, `InvalidHead`, `SessionUnsaved`.
    pub async fn send(&self, status: u16, headers: Vec<(String, String)>, body: Vec<u8>) -> Result<(), ExchangeError> {
        self.answer(wire::Raw { status, headers, body }, false).await
    }

    async fn answer(&self, response: wire::Raw, close: bool) -> Result<(), ExchangeError> {
        let wire::Raw { status, headers, body } = response;
        let mut head = checked(status, &headers)?;
        head.headers_mut().remove(header::CONTENT_LENGTH);
        self.begin()?;
        if let Err(error) = self.save(&mut head).await {
            self.finish(Answer::Whole(unsaved()));
            return Err(error);
        }
        self.pace.wrote(body.len() as u64);
        if close {
            // First, for the answer may leave as soon as it is there, and its head says so.
            self.connection.cancel();
        }
        self.finish(Answer::Whole(head.map(|()| Bytes::from(body))));
        Ok(())
    }

    /// Answers with what a guest wrote as HTTP/1.1; with `close`, the connection ends after it.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn send_raw(&self, response: &[u8], close: bool) -> Result<(), ExchangeError> {
        self.answer(wire::parse(response)?, close).await
    }

    /// Starts a streamed answer; a modified session is saved before.
    ///
    /// # Errors
    /// `WrongOrder`, `InvalidHead`, `SessionUnsaved`.
    pub async fn send_start(&self, status: u16, headers: Vec<(String, String)>) -> Result<(), ExchangeError> {
        let mut head = checked(status, &headers)?;
        let promised = reply::promised(head.headers())?;
        self.begin()?;
        if let Err(error) = self.save(&mut head).await {
            self.finish(Answer::Whole(unsaved()));
            return Err(error);
        }
        let (chunks, body) = mpsc::channel(limits::RESPONSE_CHUNKS_MAX);
        let mut reply = self.reply();
        reply.stage = Stage::Streaming { chunks, promised, sent: 0 };
        reply.give(Answer::Streamed(head.map(|()| body)));
        Ok(())
    }

    /// Sends a part of the body; waits while the peer is slow.
    ///
    /// # Errors
    /// `WrongOrder`, `PeerGone`, `LengthMismatch`, `TimedOut`.
    pub async fn send_chunk(&self, chunk: Vec<u8>) -> Result<(), ExchangeError> {
        let chunks = self.reply().chunk(chunk.len() as u64)?;
        if chunk.is_empty() {
            return Ok(());
        }
        let len = chunk.len() as u64;
        self.push(&chunks, Chunk::Data(chunk.into())).await?;
        self.pace.wrote(len);
        Ok(())
    }

    /// Ends the body.
    ///
    /// # Errors
    /// `WrongOrder`, `PeerGone`, `LengthMismatch`: the body is then aborted.
    pub async fn send_finished(&self) -> Result<(), ExchangeError> {
        let stage = {
            let mut reply = self.reply();
            if !matches!(reply.stage, Stage::Streaming { .. }) {
                return Err(reply.wrong_order());
            }
            std::mem::replace(&mut reply.stage, Stage::Finished)
        };
        let Stage::Streaming { chunks, promised, sent } = stage else { return Ok(()) };
        match promised {
            Some(promised) if promised != sent => Err(ExchangeError::LengthMismatch(sent, promised)),
            _ => self.push(&chunks, Chunk::End).await,
        }
    }

    /// Answers as a standard component does, which has no session: head and body at once, the body to be
    /// taken from it. `read` is told how far.
    ///
    /// # Errors
    /// `WrongOrder`, `InvalidHead`.
    pub fn respond(&self, response: Response<UnsyncBoxBody<Bytes, BoxError>>, read: Read) -> Result<(), ExchangeError> {
        answer::status(response.status().as_u16())?;
        answer::unreserved(response.headers())?;
        self.begin()?;
        self.session.head_left();
        let mut reply = self.reply();
        reply.stage = Stage::Standard(read.clone());
        let pace = self.pace.clone();
        reply.give(Answer::Standard(response.map(|body| StandardBody::new(body, pace, read))));
        Ok(())
    }

    /// The handler is about to be dropped in its call: a standard body that ends now is not complete.
    pub fn cut(&self) {
        self.pace.cut();
    }

    /// Waits for room no longer than a peer may take nothing.
    async fn push(&self, chunks: &mpsc::Sender<Chunk>, chunk: Chunk) -> Result<(), ExchangeError> {
        let chunk = match chunks.try_send(chunk) {
            Ok(()) => return Ok(()),
            Err(TrySendError::Closed(_)) => return Err(ExchangeError::PeerGone),
            Err(TrySendError::Full(chunk)) => chunk,
        };
        match tokio::time::timeout(self.stall, chunks.send(chunk)).await {
            Ok(sent) => sent.map_err(|_| ExchangeError::PeerGone),
            Err(_) => {
                self.abort();
                Err(ExchangeError::TimedOut)
            }
        }
    }

    /// Cancels the answer: the peer sees it aborted, or the connection ended in its place.
    ///
    /// # Errors
    /// `WrongOrder` once all is sent, or while the head is on its way.
    pub fn send_cancel(&self) -> Result<(), ExchangeError> {
        self.reply().cancel()
    }

    /// Ends the connection; an answer that is not finished is cancelled.
    pub fn dispose(&self) {
        // One that is finished is sent before the end.
        let _finished = self.reply().cancel();
        self.connection.cancel();
    }

    /// The status of the answer that was given.
    pub fn status(&self) -> Option<StatusCode> {
        self.reply().status
    }

    /// Bytes of both bodies so far.
    pub fn moved(&self) -> u64 {
        self.pace.bytes()
    }

    /// Whether the connection is to end after the answer.
    pub fn is_last(&self) -> bool {
        self.connection.is_cancelled()
    }

    /// The answer, once it is given.
    pub fn poll_answer(&self, cx: &mut Context<'_>) -> Poll<Answer> {
        let mut reply = self.reply();
        match reply.answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => {
                reply.answered = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    /// The answer, if it is given; the handler has returned.
    pub fn take_answer(&self) -> Option<Answer> {
        self.reply().answer.take()
    }

    /// Whether a handler that has ended was told that the peer left within the request's body.
    pub fn was_left(&self) -> bool {
        self.body.try_lock().is_ok_and(|body| body.cut)
    }

    /// Ready once nobody reads a streamed body any more, or none is streamed.
    pub async fn body_ended(&self) {
        let (chunks, read) = match &self.reply().stage {
            Stage::Streaming { chunks, .. } => (Some(chunks.clone()), None),
            Stage::Standard(read) => (None, Some(read.clone())),
            Stage::Unanswered | Stage::Starting | Stage::Finished => return,
        };
        if let Some(chunks) = chunks {
            chunks.closed().await;
        }
        if let Some(read) = read {
            read.ended().await;
        }
    }

    /// Aborts what is still being streamed: the handler has ended without `send-finished`.
    pub fn abort(&self) {
        self.reply().stage = Stage::Finished;
    }

    /// FEATURES C2: what the session asks of the head that is about to leave.
    async fn save(&self, head: &mut Response<()>) -> Result<(), ExchangeError> {
        let action = if head.status() == StatusCode::INTERNAL_SERVER_ERROR {
            CookieAction::Leave
        } else {
            let every = self.cookies.save_every_request;
            self.session.autosave(every).await.map_err(|error| {
                tracing::error!(exchange = %self.id, "the session could not be saved: {error}");
                ExchangeError::SessionUnsaved
            })?
        };
        self.session.head_left();
        let cookie = match action {
            CookieAction::Leave => return Ok(()),
            CookieAction::Set(value) => self.cookies.set(&value, self.secure),
            CookieAction::Expire => self.cookies.expire(self.secure),
        };
        Ok(answer::append(head.headers_mut(), header::SET_COOKIE, &cookie)?)
    }

    fn begin(&self) -> Result<(), ExchangeError> {
        let mut reply = self.reply();
        if !matches!(reply.stage, Stage::Unanswered) {
            return Err(reply.wrong_order());
        }
        reply.stage = Stage::Starting;
        Ok(())
    }

    fn finish(&self, answer: Answer) {
        let mut reply = self.reply();
        reply.stage = Stage::Finished;
        reply.give(answer);
    }

    fn reply(&self) -> MutexGuard<'_, Reply> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Body {
    /// The next part, if it comes at the rate that a body must have.
    async fn next(&mut self) -> Result<Option<Bytes>, ExchangeError> {
        let Some(stream) = &mut self.stream else { return Ok(None) };
        let earned = Duration::from_secs(self.read / limits::BODY_BYTES_A_SECOND);
        let allowed = (self.grace + earned).saturating_sub(self.waited);
        let begun = Instant::now();
        let next = tokio::time::timeout(allowed, stream.next()).await;
        self.waited += begun.elapsed();
        match next {
            Ok(Some(Ok(part))) => Ok(Some(part)),
            Ok(None) => Ok(None),
            Ok(Some(Err(PeerGone))) => {
                self.cut = true;
                Err(ExchangeError::PeerGone)
            }
            Err(_) => Err(ExchangeError::TimedOut),
        }
    }
}

fn checked(status: u16, headers: &[(String, String)]) -> Result<Response<()>, InvalidHead> {
    let mut response = Response::new(());
    *response.status_mut() = answer::status(status)?;
    *response.headers_mut() = answer::headers(headers)?;
    Ok(response)
}

fn unsaved() -> Response<Bytes> {
    let mut response = Response::new(Bytes::from_static(b"the session could not be saved\n"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

impl From<InvalidHead> for ExchangeError {
    fn from(error: InvalidHead) -> Self {
        Self::InvalidHead(error.to_string())
    }
}
