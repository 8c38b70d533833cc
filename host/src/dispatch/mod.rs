//! The narrow waist: an event goes to the handler of the current version, and a call comes back.
//!
//! Owns the move from version to version. An event-style websocket moves to the one that its lot is served by, mostly the
//! current one, at its next event; a loop-style one is told to retire, and moves when its handler hands over. Where a version traps on what it
//! meets first, the websocket goes back to the one before. Knows neither sockets nor HTTP.

pub mod alarms;
mod traced;

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use self::traced::Traced;
use crate::alarm::Alarm;
use crate::app::{App, Outcome, Version};
use crate::failure::{Fault, ReportId};
use crate::feed::What;
use crate::instance::hybrid::Hybrid;
use crate::instance::{self, Ended, Event, Handler};
use crate::meter::Meter;
use crate::port::alarm::AlarmPort;
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
    /// The version that was to serve it when that was looked at last; another where that does not have the handler, or
    /// trapped at once.
    seen: u64,
    /// The way back, until the first call after a move has shown that none is needed.
    moved: Option<Box<Moved>>,
    /// The place of a loop's instance: kept when it hands over, so that nobody takes it in between.
    pin: Option<Box<instance::Pin>>,
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

    /// Begins the delivery of one event, by the version that is to serve it if that has the handler.
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
        let wanted = app.version_for(port.lot);
        if wanted.number != self.seen && self.looped(&wanted).is_some() {
            port.retire(wanted.number);
        }
        drop(wanted);
        if self.pin.is_none() {
            match self.handler.pin() {
                Ok(pin) => self.pin = Some(Box::new(pin)),
                Err(fault) => return self.run(&port.meter, async { Err(fault) }),
            }
        }
        let call = self.handler.clone().handle_websocket(port.clone());
        self.run_traced(&port.meter, Traced::looped(self.handler.source(), port), call)
    }

    /// Begins an HTTP handler.
    pub fn handle_exchange(&self, port: &Arc<ExchangePort>) -> Call {
        let call = self.handler.clone().handle_exchange(port.clone());
        self.run_traced(&port.meter, Traced::exchange(self.handler.source(), port), call)
    }

    /// Begins to ring an alarm.
    fn ring(&self, port: &Arc<AlarmPort>, alarm: Alarm) -> Call {
        let traced = Traced::alarm(self.handler.source(), port);
        self.run_traced(&port.meter, traced, self.handler.clone().handle_alarm(port.clone(), alarm))
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

    /// Moves to the version that is to serve it, and returns what it left. One that does not have the handler, or has it
    /// in another style, leaves the websocket where it is.
    fn follow(&mut self, app: &App, port: &WebsocketPort) -> Option<(u64, Arc<Handler>)> {
        if app.number_for(port.lot) == self.seen {
            return None;
        }
        let wanted = app.version_for(port.lot);
        self.seen = wanted.number;
        let handler = wanted.handler(&self.handler.name).filter(|handler| handler.exports.events.is_some())?;
        if wanted.number == self.version {
            return None;
        }
        Some(self.sit(port, wanted.number, handler.clone()))
    }

    fn hand_over(&mut self, app: &App, port: &Arc<WebsocketPort>) -> Option<Call> {
        let wanted = app.version_for(port.lot);
        let handler = self.looped(&wanted).filter(|_| port.may_hand_over())?.clone();
        self.seen = wanted.number;
        let (version, handler) = self.sit(port, wanted.number, handler);
        drop(wanted);
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
        let traced = Traced::event(self.handler.source(), port, &event);
        self.run_traced(&port.meter, traced, self.handler.clone().deliver(port.clone(), event, upgraded_from))
    }

    /// Two futures, so that one which is not traced is no larger for it.
    fn run_traced(
        &self,
        meter: &Arc<Meter>,
        traced: Option<Traced>,
        call: impl Future<Output = Result<Ended, Fault>> + Send + 'static,
    ) -> Call {
        match traced {
            None => self.run(meter, call),
            Some(traced) => self.run(meter, traced.around(call)),
        }
    }

    fn run(&self, meter: &Arc<Meter>, call: impl Future<Output = Result<Ended, Fault>> + Send + 'static) -> Call {
        Hybrid::new(Box::pin(call), meter.clone(), self.handler.lane())
    }
}

/// Polls a call for this websocket or exchange to its verdict, which counts for the version; a fault is reported under
/// the id that the peer will see.
pub fn poll(call: &mut Call, seat: &Seat, app: &App, id: &dyn Display, cx: &mut Context<'_>) -> Poll<Verdict> {
    Pin::new(&mut *call).poll(cx).map(|returned| {
        let verdict = returned.unwrap_or_else(|lost| Err(Fault::NotStarted(lost.to_string())));
        match &verdict {
            Ok(_) | Err(Fault::Failed(_)) => app.count(seat.version, Outcome::Served),
            Err(fault) if fault.is_trap() => {
                call.trapped();
                app.count(seat.version, Outcome::Trapped);
            }
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
