//! Spans: what one event or exchange was, told once it is over to whoever collects traces.
//!
//! Owns ids, the parent that a request names, and the bounded queue to the exporter. Nobody waits for that: a span for which
//! there is no room is counted and gone. Knows neither apps nor where spans are sent.

mod otlp;
mod parent;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::sync::mpsc;

pub use self::otlp::encode;
pub use self::parent::{Parent, TraceId};

use crate::event::random_u64;
use crate::limits;

/// Where spans go.
#[derive(Clone, Debug)]
pub struct Spans {
    queue: mpsc::Sender<Span>,
    dropped: Arc<AtomicU64>,
}

/// The exporter's end of the queue.
#[derive(Debug)]
pub struct Queued {
    queue: mpsc::Receiver<Span>,
    dropped: Arc<AtomicU64>,
}

/// What has been.
#[derive(Debug)]
pub struct Span {
    trace: TraceId,
    id: u64,
    parent: Option<u64>,
    name: String,
    begun: SystemTime,
    took: Duration,
    attributes: Vec<(&'static str, Value)>,
    outcome: Outcome,
}

/// What an attribute says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Text; cut after [`SPAN_TEXT_BYTES_MAX`](limits::SPAN_TEXT_BYTES_MAX).
    Text(String),
    /// A count.
    Number(u64),
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// In order: `done`, `handoff`.
    Well(&'static str),
    /// With a fault of this name, or `cut`.
    Badly(&'static str),
}

/// A span under way; its drop is its end.
#[derive(Debug)]
pub struct Recording {
    spans: Spans,
    since: Instant,
    span: Option<Span>,
}

impl Spans {
    /// A queue of [`SPANS_QUEUED_MAX`](limits::SPANS_QUEUED_MAX).
    pub fn new() -> (Self, Queued) {
        let (sender, receiver) = mpsc::channel(limits::SPANS_QUEUED_MAX);
        let dropped = Arc::<AtomicU64>::default();
        (Self { queue: sender, dropped: dropped.clone() }, Queued { queue: receiver, dropped })
    }

    /// Begins a span; none where its parent was not sampled, for then it is not either (W3C Trace Context §3.2.2.5).
    pub fn begin(&self, name: String, parent: Option<Parent>) -> Option<Recording> {
        if parent.is_some_and(|parent| !parent.sampled) {
            return None;
        }
        let span = Span {
            trace: parent.map_or_else(TraceId::mint, |parent| parent.trace),
            id: random_u64(),
            parent: parent.map(|parent| parent.span),
            name,
            begun: SystemTime::now(),
            took: Duration::ZERO,
            attributes: Vec::new(),
            outcome: Outcome::Badly("cut"),
        };
        Some(Recording { spans: self.clone(), since: Instant::now(), span: Some(span) })
    }

    /// Spans that were lost: there was no room, or the endpoint did not take them.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

impl Recording {
    /// Says something of it.
    pub fn say(&mut self, key: &'static str, value: impl Into<Value>) {
        if let Some(span) = &mut self.span {
            span.attributes.push((key, value.into()));
        }
    }

    /// How it ended; one of which nothing is said was cut.
    pub fn ended(&mut self, outcome: Outcome) {
        if let Some(span) = &mut self.span {
            span.outcome = outcome;
        }
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        let Some(span) = self.span.take() else { return };
        let span = Span { took: self.since.elapsed(), ..span };
        if self.spans.queue.try_send(span).is_err() {
            self.spans.dropped.fetch_add(1, Relaxed);
        }
    }
}

impl Queued {
    /// Waits for spans, and takes at most [`SPANS_PER_REQUEST`](limits::SPANS_PER_REQUEST); none once all are taken after
    /// [`Self::close`].
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn take(&mut self, batch: &mut Vec<Span>) {
        self.queue.recv_many(batch, limits::SPANS_PER_REQUEST - batch.len()).await;
    }

    /// Takes no more: what is there can still be had.
    pub fn close(&mut self) {
        self.queue.close();
    }

    /// So many were taken and could not be sent.
    pub fn lost(&self, spans: usize) {
        self.dropped.fetch_add(spans as u64, Relaxed);
    }

    /// As [`Spans::dropped`].
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.get(..text.floor_char_boundary(limits::SPAN_TEXT_BYTES_MAX)).unwrap_or_default().to_owned())
    }
}

/// Nanoseconds since 1970.
fn nanos(at: SystemTime) -> u128 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn span_for_which_there_is_no_room_is_counted() {
        let (spans, mut queued) = Spans::new();
        for _ in 0..limits::SPANS_QUEUED_MAX + 3 {
            drop(spans.begin("a".into(), None));
        }
        assert_eq!(spans.dropped(), 3);
        let mut batch = Vec::new();
        queued.take(&mut batch).await;
        assert_eq!(batch.len(), limits::SPANS_PER_REQUEST);
        queued.lost(batch.len());
        assert_eq!(spans.dropped(), 3 + limits::SPANS_PER_REQUEST as u64);
    }

    #[tokio::test]
    async fn span_has_the_trace_of_its_parent_and_none_that_is_not_sampled() {
        let (spans, mut queued) = Spans::new();
        let parent = Parent { trace: TraceId(7), span: 9, sampled: true };
        drop(spans.begin("a".into(), Some(parent)));
        assert!(spans.begin("b".into(), Some(Parent { sampled: false, ..parent })).is_none());
        drop(spans.begin("c".into(), None));
        queued.close();
        let mut batch = Vec::new();
        queued.take(&mut batch).await;
        let [child, root] = batch.as_slice() else { panic!("{batch:?}") };
        assert_eq!((child.trace, child.parent, child.outcome), (TraceId(7), Some(9), Outcome::Badly("cut")));
        assert!(root.trace != TraceId(7) && root.parent.is_none());
    }

    #[test]
    fn text_without_end_is_cut() {
        let Value::Text(text) = Value::from("é".repeat(limits::SPAN_TEXT_BYTES_MAX).as_str()) else { panic!() };
        assert_eq!(text.len(), limits::SPAN_TEXT_BYTES_MAX);
    }
}
