//! HTTP: requests and their answers. The host keeps the order of the answer and the session's save.

use std::ops::Deref;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::wit::http;
use crate::error::{Error, Result};
use crate::head::Head;
use crate::multipart::{self, Part};
use crate::query::Query;
use crate::session::Session;
use crate::sse::SseStream;
use crate::websocket::fields;

/// Bytes of a body that [`Request::text`], [`Request::json`] and [`Request::form`] take.
pub(crate) const BODY_BYTES_MAX: usize = 1 << 20;

/// A request. What was asked is read through [`Head`].
///
/// A handler returns its [`Response`], or streams one as it comes:
///
/// ```
/// use std::time::Duration;
///
/// use sessile_sdk::{prelude::*, time};
///
/// fn countdown(request: Request) -> Result<Response> {
///     let events = request.events()?;
///     for left in (0..10).rev() {
///         events.send(left.to_string())?;
///         time::sleep(Duration::from_secs(1));
///     }
///     events.finish()?;
///     Ok(Response::streamed())
/// }
///
/// sessile_sdk::http!(countdown);
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct Request {
    id: u64,
    head: Head,
}

/// What a handler answers.
///
/// ```
/// use sessile_sdk::prelude::*;
///
/// fn site(request: Request) -> Result<Response> {
///     match (request.method().as_str(), request.path().as_str()) {
///         ("GET", "/") => Ok(Response::html("<h1>Hello</h1>").with_header("cache-control", "no-store")),
///         ("POST", "/sum") => Response::json(&request.json::<Vec<u64>>()?.iter().sum::<u64>()),
///         _ => Ok(Response::text("no such page").with_status(404)),
///     }
/// }
///
/// sessile_sdk::http!(site);
/// # fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response(pub(crate) Answer);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Whole { status: u16, headers: Vec<(String, String)>, body: Vec<u8> },
    Streamed,
}

/// The body of a streamed response. Dropped without [`BodyWriter::finish`], the peer sees it aborted.
#[derive(Debug)]
#[must_use = "a body that is not finished is aborted"]
pub struct BodyWriter {
    id: u64,
}

impl Request {
    #[doc(hidden)]
    pub fn new(id: u64) -> Self {
        Self { id, head: Head::new(id) }
    }

    /// The next part of the body, of at most 64 KiB; none at its end.
    ///
    /// # Errors
    /// [`Error::PeerGone`], [`Error::TooLarge`].
    pub fn read(&self) -> Result<Option<Vec<u8>>> {
        Ok(http::read(self.id, u64::MAX)?)
    }

    /// The whole body, if it has at most so many bytes.
    ///
    /// # Errors
    /// [`Error::TooLarge`]; as [`Self::read`].
    pub fn bytes(&self, limit: usize) -> Result<Vec<u8>> {
        let mut body = Vec::new();
        while let Some(part) = self.read()? {
            body.extend(part);
            if body.len() > limit {
                return Err(Error::TooLarge { actual: body.len() as u64, limit: limit as u64 });
            }
        }
        Ok(body)
    }

    /// The whole body as text, of at most 1 MiB; what is no UTF-8 is replaced.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn text(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(BODY_BYTES_MAX)?).into_owned())
    }

    /// The whole body as JSON, of at most 1 MiB.
    ///
    /// # Errors
    /// [`Error::BadJson`]; as [`Self::bytes`].
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        Ok(serde_json::from_slice(&self.bytes(BODY_BYTES_MAX)?)?)
    }

    /// The whole body as the fields of a form, of at most 1 MiB.
    ///
    /// # Errors
    /// As [`Self::bytes`].
    pub fn form(&self) -> Result<Query> {
        Ok(Query::parse(&self.text()?))
    }

    /// The parts of a whole body in `multipart/form-data`, of at most so many bytes.
    ///
    /// # Errors
    /// [`Error::BadForm`]; as [`Self::bytes`].
    pub fn multipart(&self, limit: usize) -> Result<Vec<Part>> {
        multipart::parse(self.head.header("content-type").as_deref().unwrap_or_default(), &self.bytes(limit)?)
    }

    /// The id of the last event that a browser which comes again has seen.
    pub fn last_event_id(&self) -> Option<String> {
        self.head.header("last-event-id")
    }

    /// The peer's session. What is changed before the answer is saved with it.
    ///
    /// # Errors
    /// [`Error::SessionUnavailable`].
    pub fn session(&self) -> Result<Session> {
        Session::open(self.id)
    }

    /// Starts a streamed response; return [`Response::streamed`] once the body is finished.
    ///
    /// # Errors
    /// [`Error::WrongOrder`], [`Error::InvalidHead`], [`Error::SessionUnavailable`].
    pub fn start(&self, status: u16, headers: &[(&str, &str)]) -> Result<BodyWriter> {
        http::send_start(self.id, &http::Response { status, headers: fields(headers) })?;
        Ok(BodyWriter { id: self.id })
    }

    /// Starts a response of server-sent events; return [`Response::streamed`] after it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn events(&self) -> Result<SseStream> {
        let headers = [("content-type", "text/event-stream"), ("cache-control", "no-store")];
        self.start(200, &headers).map(SseStream::new)
    }

    /// Answers with a response as HTTP/1.1 writes it: status line, headers, an empty line, the body. The
    /// host parses and frames it anew. With `close`, the connection ends after it.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn send_raw(&self, response: impl AsRef<[u8]>, close: bool) -> Result<()> {
        Ok(http::send_raw(self.id, response.as_ref(), close)?)
    }

    /// Cancels the response: one that streams is seen as aborted; in place of one that has not begun,
    /// the connection ends. Return [`Response::streamed`] after it.
    ///
    /// # Errors
    /// [`Error::WrongOrder`] once all is sent.
    pub fn cancel(&self) -> Result<()> {
        Ok(http::send_cancel(self.id)?)
    }

    /// Ends the connection from this end, after a response that is finished; any other is cancelled.
    pub fn dispose(&self) {
        http::dispose(self.id);
    }

    /// Answers at once; the handler may go on, and returns [`Response::streamed`].
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn respond(&self, response: Response) -> Result<()> {
        match response.0 {
            Answer::Whole { status, headers, body } => {
                Ok(http::send(self.id, &http::Response { status, headers }, &body)?)
            }
            Answer::Streamed => Ok(()),
        }
    }
}

impl Deref for Request {
    type Target = Head;

    fn deref(&self) -> &Head {
        &self.head
    }
}

impl BodyWriter {
    /// Sends a part.
    ///
    /// # Errors
    /// [`Error::PeerGone`], [`Error::LengthMismatch`].
    ///
    /// # Backpressure
    /// Waits while the peer is slow.
    pub fn write(&self, part: impl AsRef<[u8]>) -> Result<()> {
        Ok(http::send_chunk(self.id, part.as_ref())?)
    }

    /// Ends the body.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn finish(self) -> Result<()> {
        Ok(http::send_finished(self.id)?)
    }
}

impl Response {
    /// Bytes, with status 200.
    pub fn bytes(body: impl Into<Vec<u8>>) -> Self {
        Self(Answer::Whole { status: 200, headers: Vec::new(), body: body.into() })
    }

    /// Plain text, with status 200.
    pub fn text(body: impl Into<String>) -> Self {
        Self::bytes(body.into()).with_header("content-type", "text/plain; charset=utf-8")
    }

    /// A page, with status 200.
    pub fn html(body: impl Into<String>) -> Self {
        Self::bytes(body.into()).with_header("content-type", "text/html; charset=utf-8")
    }

    /// JSON, with status 200.
    ///
    /// # Errors
    /// [`Error::BadJson`] for what JSON cannot express.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        Ok(Self::bytes(serde_json::to_vec(value)?).with_header("content-type", "application/json"))
    }

    /// An empty response of this status.
    pub fn status(status: u16) -> Self {
        Self::bytes(Vec::new()).with_status(status)
    }

    /// 303: the browser gets another address.
    pub fn see_other(location: &str) -> Self {
        Self::status(303).with_header("location", location)
    }

    /// Everything was already sent, by [`Request::start`] or [`Request::respond`].
    pub fn streamed() -> Self {
        Self(Answer::Streamed)
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, new: u16) -> Self {
        if let Answer::Whole { status, .. } = &mut self.0 {
            *status = new;
        }
        self
    }

    /// The same with one more header.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        if let Answer::Whole { headers, .. } = &mut self.0 {
            headers.push((name.to_owned(), value.to_owned()));
        }
        self
    }
}
