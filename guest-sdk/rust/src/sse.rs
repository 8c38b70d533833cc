//! Server-sent events (WHATWG HTML §9.2): a stream of texts that a browser's `EventSource` reads.

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use crate::error::Result;
use crate::http::BodyWriter;

/// One event.
///
/// ```
/// use sessile_sdk::SseEvent;
///
/// let event = SseEvent::data("two\nlines").with_event("note").with_id("7");
/// assert_eq!(event.to_string(), "event: note\nid: 7\ndata: two\ndata: lines\n\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SseEvent {
    data: String,
    event: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
}

/// A response that streams events. Dropped without [`SseStream::finish`], the browser sees it aborted and
/// comes again.
#[derive(Debug)]
pub struct SseStream {
    body: BodyWriter,
}

impl SseEvent {
    /// A text, of any number of lines.
    pub fn data(data: impl Into<String>) -> Self {
        Self { data: data.into(), ..Self::default() }
    }

    /// A value as JSON.
    ///
    /// # Errors
    /// [`Error::BadJson`](crate::Error::BadJson) for what JSON cannot express.
    pub fn json(value: &impl Serialize) -> Result<Self> {
        Ok(Self::data(serde_json::to_string(value)?))
    }

    /// The same for `addEventListener(name)`; without one it is a `message`. Line breaks are left out.
    #[must_use]
    pub fn with_event(mut self, name: &str) -> Self {
        self.event = Some(one_line(name));
        self
    }

    /// The same with an id, which a browser that comes again sends as
    /// [`last_event_id`](crate::Request::last_event_id). Line breaks are left out.
    #[must_use]
    pub fn with_id(mut self, id: &str) -> Self {
        self.id = Some(one_line(id));
        self
    }

    /// The same with how long the browser waits before it comes again.
    #[must_use]
    pub fn with_retry(mut self, span: Duration) -> Self {
        self.retry = Some(span);
        self
    }
}

impl From<&str> for SseEvent {
    fn from(data: &str) -> Self {
        Self::data(data)
    }
}

impl From<String> for SseEvent {
    fn from(data: String) -> Self {
        Self::data(data)
    }
}

impl fmt::Display for SseEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(name) = &self.event {
            writeln!(f, "event: {name}")?;
        }
        if let Some(id) = &self.id {
            writeln!(f, "id: {id}")?;
        }
        if let Some(retry) = self.retry {
            writeln!(f, "retry: {}", retry.as_millis())?;
        }
        // Each kind of line break ends a line there, so each does here.
        for line in self.data.replace("\r\n", "\n").split(['\n', '\r']) {
            writeln!(f, "data: {line}")?;
        }
        writeln!(f)
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r', '\0'], "")
}

impl SseStream {
    pub(crate) fn new(body: BodyWriter) -> Self {
        Self { body }
    }

    /// Sends an event.
    ///
    /// # Errors
    /// [`Error::PeerGone`](crate::Error::PeerGone).
    ///
    /// # Backpressure
    /// Waits while the peer is slow.
    pub fn send(&self, event: impl Into<SseEvent>) -> Result<()> {
        self.body.write(event.into().to_string())
    }

    /// Sends a comment, which no listener sees: it keeps proxies from giving up on a quiet stream, and
    /// finds a peer that has gone.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn keep_alive(&self) -> Result<()> {
        self.body.write(":\n\n")
    }

    /// Ends the stream; a browser will come again.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn finish(self) -> Result<()> {
        self.body.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_cannot_smuggle_a_field() {
        let event = SseEvent::data("a\r\nid: 9\rb").with_event("x\nretry: 1").with_id("1\r2");
        assert_eq!(event.to_string(), "event: xretry: 1\nid: 12\ndata: a\ndata: id: 9\ndata: b\n\n");
        assert_eq!(SseEvent::data("").with_retry(Duration::from_secs(2)).to_string(), "retry: 2000\ndata: \n\n");
    }
}
