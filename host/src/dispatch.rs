//! The narrow waist: an event goes to the handler of the current version, and a call comes back.
//!
//! Owns the choice of version: an event-style websocket moves to the current one at its next event,
//! a loop-style one stays with the one that it began on. Knows neither sockets nor HTTP.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use crate::app::App;
use crate::failure::{Fault, ReportId};
use crate::instance::hybrid::Hybrid;
use crate::instance::{Event, Handler};
use crate::port::exchange::ExchangePort;
use crate::port::websocket::WebsocketPort;

/// A guest call under way.
pub type Call = Hybrid<Result<(), Fault>>;

/// What a websocket or exchange is served by: a handler of a version.
#[derive(Clone)]
pub struct Seat {
    /// The version's number.
    pub version: u64,
    /// The handler.
    pub handler: Arc<Handler>,
}

impl Seat {
    /// Begins the delivery of one event, by the current version if it still has the handler.
    pub fn deliver(&mut self, app: &App, port: &Arc<WebsocketPort>, event: Event) -> Call {
        self.follow(app);
        let call = self.handler.clone().deliver(port.clone(), event);
        Hybrid::new(Box::pin(call), port.meter.clone(), self.handler.guests())
    }

    /// Begins a loop-style handler.
    pub fn handle_websocket(&self, port: &Arc<WebsocketPort>) -> Call {
        let call = self.handler.clone().handle_websocket(port.clone());
        Hybrid::new(Box::pin(call), port.meter.clone(), self.handler.guests())
    }

    /// Begins an HTTP handler.
    pub fn handle_exchange(&self, port: &Arc<ExchangePort>) -> Call {
        let call = self.handler.clone().handle_exchange(port.clone());
        Hybrid::new(Box::pin(call), port.meter.clone(), self.handler.guests())
    }

    /// A version that no longer has the handler, or has it in another style, leaves the websocket
    /// where it is.
    fn follow(&mut self, app: &App) {
        if app.number() == self.version {
            return;
        }
        let current = app.current();
        self.version = current.number;
        if let Some(handler) = current.handler(&self.handler.name).filter(|handler| handler.exports.events.is_some()) {
            self.handler = handler.clone();
        }
    }
}

/// Polls a call to its verdict; a fault is logged and gets the id that the peer will see.
pub fn poll(call: &mut Call, handler: &str, cx: &mut Context<'_>) -> Poll<Result<(), (Fault, ReportId)>> {
    Pin::new(call).poll(cx).map(|returned| {
        let verdict = returned.unwrap_or_else(|lost| Err(Fault::NotStarted(lost.to_string())));
        verdict.map_err(|fault| report(fault, handler))
    })
}

/// Logs a fault under a new id.
pub fn report(fault: Fault, handler: &str) -> (Fault, ReportId) {
    let id = ReportId::mint();
    fault.log(id, handler);
    (fault, id)
}
