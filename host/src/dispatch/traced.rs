//! The span of a guest call: what it served, from its beginning to its end, however that comes.
//!
//! Owns the names of spans and attributes (docs/tracing.md). Where no spans are exported, each call costs one relaxed load.

use std::sync::Arc;

use http::Method;

use crate::event::Message;
use crate::failure::Fault;
use crate::feed::Source;
use crate::group::Publication;
use crate::instance::{Ended, Event};
use crate::port::alarm::AlarmPort;
use crate::port::exchange::ExchangePort;
use crate::port::head::Head;
use crate::port::websocket::WebsocketPort;
use crate::traces::{Outcome, Parent, Recording, Spans};

/// A call under way that is traced.
pub(super) struct Traced {
    recording: Recording,
    served: Served,
}

enum Served {
    /// One event.
    Event(Arc<WebsocketPort>),
    /// A loop-style handler; how many messages, and bytes, had come before it.
    Loop(Arc<WebsocketPort>, u64, u64),
    Exchange(Arc<ExchangePort>),
    Alarm(Arc<AlarmPort>),
}

impl Traced {
    /// The delivery of an event; none where it is not traced.
    pub(super) fn event(source: &Source, port: &Arc<WebsocketPort>, event: &Event) -> Option<Self> {
        let spans = source.feed.spans()?;
        let (name, messages, bytes) = match event {
            Event::Open => ("open", 0, 0),
            Event::Messages(list) => ("messages", list.len(), list.iter().map(Message::len).sum()),
            Event::Publications(list) => ("publications", list.len(), list.iter().map(Publication::len).sum::<usize>()),
            Event::Close(_) => ("close", 0, 0),
        };
        let mut recording = begin(spans, source, name, parent(&port.head))?;
        recording.say("sessile.event", name);
        recording.say("sessile.messages", messages as u64);
        recording.say("sessile.bytes", bytes as u64);
        Some(Self { recording, served: Served::Event(port.clone()) })
    }

    /// A loop-style handler; none where it is not traced.
    pub(super) fn looped(source: &Source, port: &Arc<WebsocketPort>) -> Option<Self> {
        let mut recording = begin(source.feed.spans()?, source, "loop", parent(&port.head))?;
        recording.say("sessile.event", "loop");
        let before = port.usage();
        Some(Self { recording, served: Served::Loop(port.clone(), before.received, before.received_bytes) })
    }

    /// An exchange; none where it is not traced.
    pub(super) fn exchange(source: &Source, port: &Arc<ExchangePort>) -> Option<Self> {
        let spans = source.feed.spans()?;
        let (name, method) = match method(port.head.method()) {
            Some(method) => (method, method),
            None => ("HTTP", "_OTHER"),
        };
        let mut recording = begin(spans, source, name, parent(&port.head))?;
        recording.say("http.request.method", method);
        recording.say("url.path", port.head.path());
        Some(Self { recording, served: Served::Exchange(port.clone()) })
    }

    /// An alarm; none where it is not traced. Nobody's request is its parent.
    pub(super) fn alarm(source: &Source, port: &Arc<AlarmPort>) -> Option<Self> {
        let mut recording = begin(source.feed.spans()?, source, "alarm", None)?;
        recording.say("sessile.event", "alarm");
        Some(Self { recording, served: Served::Alarm(port.clone()) })
    }

    /// Drives the call that it is of.
    pub(super) async fn around(
        mut self,
        call: impl Future<Output = Result<Ended, Fault>> + Send,
    ) -> Result<Ended, Fault> {
        let result = call.await;
        self.recording.ended(match (&result, &self.served) {
            (Err(fault), _) => Outcome::Badly(fault.name()),
            (Ok(Ended::Handoff), _) => Outcome::Well("handoff"),
            (Ok(Ended::Done), Served::Exchange(port)) if port.status().is_none() => {
                Outcome::Badly(Fault::Unanswered.name())
            }
            (Ok(Ended::Done), _) => Outcome::Well("done"),
        });
        result
    }
}

impl Drop for Traced {
    /// What is known at the end only, also where the call is dropped.
    fn drop(&mut self) {
        let Self { recording, served } = self;
        let session = match served {
            Served::Event(port) => {
                recording.say("sessile.websocket", port.id.to_string().as_str());
                port.session.tag()
            }
            Served::Loop(port, messages, bytes) => {
                let now = port.usage();
                recording.say("sessile.websocket", port.id.to_string().as_str());
                recording.say("sessile.messages", now.received.saturating_sub(*messages));
                recording.say("sessile.bytes", now.received_bytes.saturating_sub(*bytes));
                port.session.tag()
            }
            Served::Exchange(port) => {
                recording.say("sessile.exchange", port.id.to_string().as_str());
                recording.say("sessile.bytes", port.moved());
                if let Some(status) = port.status() {
                    recording.say("http.response.status_code", u64::from(status.as_u16()));
                }
                port.session.tag()
            }
            Served::Alarm(port) => port.session.as_ref().and_then(|session| session.tag()),
        };
        if let Some(tag) = session {
            recording.say("sessile.session", tag.as_str());
        }
    }
}

fn parent(head: &Head) -> Option<Parent> {
    Parent::of(&head.values("traceparent"))
}

fn begin(spans: &Spans, source: &Source, what: &str, parent: Option<Parent>) -> Option<Recording> {
    let mut recording = spans.begin(format!("{what} {}", source.handler), parent)?;
    recording.say("sessile.app", &*source.app);
    recording.say("sessile.handler", &*source.handler);
    recording.say("sessile.version", source.version);
    Some(recording)
}

/// One that is known: others are of a peer's making, and as many as it likes (OpenTelemetry's `http.request.method`).
fn method(method: &Method) -> Option<&str> {
    let known = [
        Method::GET,
        Method::HEAD,
        Method::POST,
        Method::PUT,
        Method::DELETE,
        Method::CONNECT,
        Method::OPTIONS,
        Method::TRACE,
        Method::PATCH,
    ];
    known.contains(method).then_some(method.as_str())
}
