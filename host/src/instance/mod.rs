//! Instances: wasmtime, the pool, the compile cache, and where guest code runs.
//!
//! A [`Handler`] is a loaded component with its settings; it makes, keeps and drops instances.
//! wasmtime is named here and in [`crate::bindings`] only. Does not know routes, sockets or HTTP.

pub mod cache;
pub mod engine;
mod handler;
pub mod hybrid;
pub mod load;
mod warm;

pub use handler::{Handler, Isolation, Settings};

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::{Store, UpdateDeadline};

use crate::bindings::exports::{http_handler, websocket_events, websocket_handler};
use crate::bindings::wit::types::Failure;
use crate::bindings::{GuestState, Serving};
use crate::event::{Close, Message};
use crate::failure::Fault;
use crate::meter::Tick;

/// What happened to an event-style websocket.
#[derive(Debug)]
pub enum Event {
    /// Its handshake has come.
    Open,
    /// Messages came, in order.
    Messages(Vec<Message>),
    /// It has ended.
    Close(Close),
}

/// One instantiation of a component.
struct Instance {
    store: Store<GuestState>,
    exported: Exported,
    handler: u64,
    events: u32,
    _slot: OwnedSemaphorePermit,
}

/// The one interface that an instance is called by: exports of one component run in separate
/// instances and share only the session.
enum Exported {
    Events(websocket_events::Guest),
    Loop(websocket_handler::Guest),
    Http(http_handler::Guest),
}

/// Raised by the epoch callback.
#[derive(Debug, thiserror::Error)]
#[error("CPU budget used up")]
struct OverCpu;

impl Instance {
    /// Points it at what it is to serve and refills its budget.
    fn serve(&mut self, serving: Serving, cpu: std::time::Duration) {
        self.events += 1;
        self.store.data_mut().serve(serving);
        self.store.data().meter.refill(cpu);
        // The deadline is absolute: one that has slept would be interrupted at once.
        self.store.set_epoch_deadline(1);
    }

    /// Delivers an event.
    async fn deliver(&mut self, id: u64, event: Event) -> Result<(), Fault> {
        let Exported::Events(guest) = &self.exported else { return Err(mismatch()) };
        let returned = match event {
            Event::Open => self.store.run_concurrent(async |store| guest.call_on_open(store, id).await).await,
            Event::Messages(messages) => {
                let messages = messages.into_iter().map(Into::into).collect();
                self.store.run_concurrent(async |store| guest.call_on_messages(store, id, messages).await).await
            }
            Event::Close(close) => {
                let close = close.into();
                self.store.run_concurrent(async |store| guest.call_on_close(store, id, close).await).await
            }
        };
        self.judge(returned)
    }

    /// Runs a loop-style handler to its end.
    async fn handle_websocket(&mut self, id: u64) -> Result<(), Fault> {
        let Exported::Loop(guest) = &self.exported else { return Err(mismatch()) };
        let returned = self.store.run_concurrent(async |store| guest.call_handle(store, id).await).await;
        // The reserved outcome `handoff` ends the websocket as `done` does.
        self.judge(returned.map(|returned| returned.map(|outcome| outcome.map(drop))))
    }

    /// Runs an HTTP handler to its end.
    async fn handle_exchange(&mut self, id: u64) -> Result<(), Fault> {
        let Exported::Http(guest) = &self.exported else { return Err(mismatch()) };
        let returned = self.store.run_concurrent(async |store| guest.call_handle(store, id).await).await;
        self.judge(returned)
    }

    fn judge(&self, returned: wasmtime::Result<wasmtime::Result<Result<(), Failure>>>) -> Result<(), Fault> {
        match returned.flatten() {
            Ok(Ok(())) => Ok(()),
            Ok(Err(failure)) => Err(Fault::Failed(failure.message)),
            Err(error) => Err(fault(&error, self.store.data())),
        }
    }
}

/// What an error out of wasmtime means.
fn fault(error: &wasmtime::Error, state: &GuestState) -> Fault {
    if error.is::<OverCpu>() {
        return Fault::OverCpu { budget_ms: state.meter.budget().as_millis() };
    }
    Fault::Trapped { trap: format!("{error:?}"), stderr: state.stderr.take() }
}

/// An instance was made for another export: a fault of this crate, answered like any other.
fn mismatch() -> Fault {
    Fault::NotStarted("the instance was made for another export".into())
}

/// What happens at an epoch tick while a guest runs.
fn at_tick(store: &GuestState) -> wasmtime::Result<UpdateDeadline> {
    match store.meter.tick() {
        Tick::Continue => Ok(UpdateDeadline::Continue(1)),
        Tick::Yield => Ok(UpdateDeadline::YieldCustom(1, Box::pin(hybrid::YieldOnce(false)))),
        Tick::Stop => Err(wasmtime::Error::new(OverCpu)),
    }
}
