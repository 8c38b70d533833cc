//! The narrow waist: an event goes to the handler of the current version, and a call comes back.
//!
//! Owns the choice of version. An event-style websocket moves to the current one at its next event; a
//! loop-style one is told to retire, and moves when its handler hands over. Where a version traps on what it
//! meets first, the websocket goes back to the one before. Knows neither sockets nor HTTP.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::app::{App, Outcome, Version};
use crate::failure::{Fault, ReportId};
use crate::feed::What;
use crate::instance::hybrid::Hybrid;
use crate::instance::{self, Ended, Event, Handler};
use crate::meter::Meter;
use crate::port::exchange::ExchangePort;
use crate::port::websocket::{Attachment, WebsocketPort};

/// A guest call under way.
pub type Call = Hybrid<Result<Ended, Fault>>;

/// What a call came to; a fault has been logged under its id.
pub type Verdict = Result<Ended, (Fault, ReportId)>;

/// What a websocket or exchange is served by: a handler of a version.
pub struct Seat {
    /// The version's number.
    pub version: u64,
    /// The handler.
    pub handler: Arc<Handler>,
    /// The current version when it was looked at last; another where that does not have the handler, or
    /// trapped at once.
    seen: u64,
    /// The way back, until the first call after a move has shown that none is needed.
    moved: Option<Box<Moved>>,
    /// The place of a loop's instance: kept when it hands over, so that nobody takes it in between.
    pin: Option<instance::Pin>,
}

/// What a websocket moved from, and what the version that it moved to met first.
struct Moved {
    version: u64,
    handler: Arc<Handler>,
    attachment: Attachment,
    first: First,
}

enum First {
    /// An event, and what it was.
    Event(Event),
    /// The whole of a loop, until its first message.
    Loop,
}

impl Seat {
    /// A handler of a version.
    pub fn new(version: u64, handler: Arc<Handler>) -> Self {
        Self { version, handler, seen: version, moved: None, pin: None }
    }

    /// Begins the delivery of one event, by the current version if it still has the handler.
    pub fn deliver(&mut self, app: &App, port: &Arc<WebsocketPort>, event: Event) -> Call {
        self.moved = None;
        let left = self.follow(app, port);
        let upgraded_from = match (left, &event) {
            // No version has been told of it yet.
            (None, _) | (_, Event::Open) => None,
            (Some((version, handler)), event) => {
                let (attachment, first) = (port.attachment(), First::Event(event.clone()));
                self.moved = Some(Box::new(Moved { version, handler, attachment, first }));
                Some(version)
            }
        };
        self.event(port, event, upgraded_from)
    }

    /// Begins a loop-style handler.
    pub fn handle_websocket(&mut self, app: &App, port: &Arc<WebsocketPort>) -> Call {
        // Whoever tells all websockets of a swap may have missed this one, which was not yet here or was moving.
        let current = app.current();
        if current.number != self.seen && self.looped(&current).is_some() {
            port.retire(current.number);
        }
        drop(current);
        if self.pin.is_none() {
            match self.handler.pin() {
                Ok(pin) => self.pin = Some(pin),
                Err(fault) => return self.run(&port.meter, async { Err(fault) }),
            }
        }
        self.run(&port.meter, self.handler.clone().handle_websocket(port.clone()))
    }

    /// Begins an HTTP handler.
    pub fn handle_exchange(&self, port: &Arc<ExchangePort>) -> Call {
        self.run(&port.meter, self.handler.clone().handle_exchange(port.clone()))
    }

    /// The call that follows one which has ended so: that of the version which takes over, or of the version before
    /// where the new one trapped at once.
    pub fn next(&mut self, app: &App, port: &Arc<WebsocketPort>, verdict: &Verdict) -> Option<Call> {
        let next = match (verdict, self.moved.take()) {
            (Err((fault, _)), Some(moved)) if fault.is_trap() => self.go_back(app, port, *moved),
            (Ok(Ended::Handoff), _) => self.hand_over(app, port),
            _ => None,
        };
        if next.is_none() {
            self.pin = None;
        }
        next
    }

    /// Forgets the way back of a loop that has received a message.
    pub fn settle(&mut self, port: &WebsocketPort) {
        if self.moved.is_some() && port.has_heard() {
            self.moved = None;
        }
    }

    /// Counts and reports the fault of a call for this websocket or exchange that the host has cut.
    pub fn cut(&self, app: &App, id: &dyn Display, fault: Fault) -> (Fault, ReportId) {
        app.count(self.version, Outcome::Trapped);
        report(fault, &self.handler, Some(id))
    }

    /// Moves to the current version, and returns what it left. A version that no longer has the handler, or has it
    /// in another style, leaves the websocket where it is.
    fn follow(&mut self, app: &App, port: &WebsocketPort) -> Option<(u64, Arc<Handler>)> {
        if app.number() == self.seen {
            return None;
        }
        let current = app.current();
        self.seen = current.number;
        let handler = current.handler(&self.handler.name).filter(|handler| handler.exports.events.is_some())?;
        if current.number == self.version {
            return None;
        }
        Some(self.sit(port, current.number, handler.clone()))
    }

    fn hand_over(&mut self, app: &App, port: &Arc<WebsocketPort>) -> Option<Call> {
        let current = app.current();
        let handler = self.looped(&current).filter(|_| port.may_hand_over())?.clone();
        self.seen = current.number;
        let (version, handler) = self.sit(port, current.number, handler);
        drop(current);
        let (attachment, first) = (port.attachment(), First::Loop);
        self.moved = Some(Box::new(Moved { version, handler, attachment, first }));
        port.begin_again(self.version);
        Some(self.handle_websocket(app, port))
    }

    fn go_back(&mut self, app: &App, port: &Arc<WebsocketPort>, moved: Moved) -> Option<Call> {
        let Moved { version, handler, attachment, first } = moved;
        if matches!(first, First::Loop) && port.has_heard() {
            return None;
        }
        tracing::warn!(websocket = %port.id, trapped = self.version, again = version, "back to the version before");
        port.attach(attachment);
        self.sit(port, version, handler);
        Some(match first {
            First::Event(event) => self.event(port, event, None),
            First::Loop => {
                port.begin_again(version);
                self.handle_websocket(app, port)
            }
        })
    }

    /// Takes another seat; returns what it left.
    fn sit(&mut self, port: &WebsocketPort, version: u64, handler: Arc<Handler>) -> (u64, Arc<Handler>) {
        port.moved(version);
        (std::mem::replace(&mut self.version, version), std::mem::replace(&mut self.handler, handler))
    }

    /// The same handler of a version, if that has it in loop style.
    fn looped<'a>(&self, version: &'a Version) -> Option<&'a Arc<Handler>> {
        version.handler(&self.handler.name).filter(|handler| handler.exports.looped.is_some())
    }

    fn event(&self, port: &Arc<WebsocketPort>, event: Event, upgraded_from: Option<u64>) -> Call {
        self.run(&port.meter, self.handler.clone().deliver(port.clone(), event, upgraded_from))
    }

    fn run(&self, meter: &Arc<Meter>, call: impl Future<Output = Result<Ended, Fault>> + Send + 'static) -> Call {
        Hybrid::new(Box::pin(call), meter.clone(), self.handler.guests())
    }
}

/// Polls a call for this websocket or exchange to its verdict, which counts for the version; a fault is reported under
/// the id that the peer will see.
pub fn poll(call: &mut Call, seat: &Seat, app: &App, id: &dyn Display, cx: &mut Context<'_>) -> Poll<Verdict> {
    Pin::new(call).poll(cx).map(|returned| {
        let verdict = returned.unwrap_or_else(|lost| Err(Fault::NotStarted(lost.to_string())));
        match &verdict {
            Ok(_) | Err(Fault::Failed(_)) => app.count(seat.version, Outcome::Served),
            Err(fault) if fault.is_trap() => app.count(seat.version, Outcome::Trapped),
            // The host's own.
            Err(_) => {}
        }
        verdict.map_err(|fault| report(fault, &seat.handler, Some(id)))
    })
}

/// Logs a fault under a new id, and tells it; what the handler served is named, if it was anything.
pub fn report(fault: Fault, handler: &Handler, served: Option<&dyn Display>) -> (Fault, ReportId) {
    let id = ReportId::mint();
    fault.log(id, &handler.name);
    handler.source().tell(served, || What::failed(id, &fault));
    (fault, id)
}
