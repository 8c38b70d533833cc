//! Instances: wasmtime, the pool, the compile cache, and where guest code runs.
//!
//! A [`Handler`] is a loaded component with its settings; it makes, keeps and drops instances.
//! wasmtime is named here and in [`crate::bindings`] only. Does not know routes, sockets or HTTP.

mod blocking;
pub mod cache;
mod calling;
pub mod child;
mod clock;
mod delivery;
pub mod engine;
mod handler;
pub mod hybrid;
pub mod load;
pub mod names;
mod pool;
pub mod script;
mod standard;
mod turns;
mod warm;

pub use handler::{Handler, Isolation, Pin, Settings};

use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::{ComponentExportIndex, ComponentNamedList, Lift, Lower, TypedFunc};
use wasmtime::{Store, UpdateDeadline};

use self::load::Exports;
use crate::alarm::Alarm;
use crate::bindings::wit::alarms::Alarm as WitAlarm;
use crate::bindings::wit::groups::Told;
use crate::bindings::wit::types::{CloseInfo, Failure, Message as WitMessage};
use crate::bindings::{GuestState, Outcome, Serving};
use crate::event::{Close, Message};
use crate::failure::Fault;
use crate::group::Publication;
use crate::limits::MIB;
use crate::meter::Tick;
use crate::port::exchange::ExchangePort;
use crate::port::websocket::Asleep;

/// What happened to an event-style websocket. A clone shares the messages' bytes.
#[derive(Clone, Debug)]
pub enum Event {
    /// Its handshake has come.
    Open,
    /// Messages came, in order.
    Messages(Vec<Message>),
    /// Its groups were told something.
    Publications(Vec<Publication>),
    /// It has ended.
    Close(Close),
}

impl Event {
    /// In words, of a websocket that it wakes.
    fn what(&self) -> &'static str {
        match self {
            Self::Open => "it opens",
            Self::Messages(_) => "messages came",
            Self::Publications(_) => "its groups were told something",
            Self::Close(_) => "it has ended",
        }
    }

    /// How many CPU budgets it has: how many messages come in one call is not the guest's doing.
    fn budgets(&self) -> u32 {
        match self {
            Self::Messages(messages) => budgets(messages.len()),
            Self::Publications(publications) => budgets(publications.len()),
            Self::Open | Self::Close(_) => 1,
        }
    }
}

fn budgets(things: usize) -> u32 {
    u32::try_from(things).unwrap_or(u32::MAX).max(1)
}

/// How a handler that has returned leaves what it served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Done.
    Done,
    /// The current version of the app is to take the websocket over. Loop style.
    Handoff,
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
    Events {
        open: Export<(u64,)>,
        messages: Export<(u64, Vec<WitMessage>)>,
        close: Export<(u64, CloseInfo)>,
        upgrade: Option<Export<(u64, u64)>>,
        publications: Option<Export<(u64, Vec<Told>)>>,
    },
    Loop(Export<(u64,), Outcome>),
    Http(Export<(u64,)>),
    Alarm(Export<(u64, WitAlarm)>),
    Incoming(standard::Incoming),
    Standard(standard::Handle),
}

/// What an instance is called for.
#[derive(Clone, Copy)]
enum Wanted {
    Events,
    Loop,
    Http,
    Alarm,
}

/// An exported function, which answers with a value or a failure.
type Export<P, R = ()> = TypedFunc<P, (Result<R, Failure>,)>;

/// Raised by the epoch callback.
#[derive(Debug, thiserror::Error)]
#[error("CPU budget used up")]
struct OverCpu;

impl Exported {
    fn is(&self, wanted: Wanted) -> bool {
        match self {
            Self::Events { .. } => matches!(wanted, Wanted::Events),
            Self::Loop(_) => matches!(wanted, Wanted::Loop),
            Self::Alarm(_) => matches!(wanted, Wanted::Alarm),
            Self::Http(_) | Self::Incoming(_) | Self::Standard(_) => matches!(wanted, Wanted::Http),
        }
    }

    fn events(
        mut store: &mut Store<GuestState>,
        instance: &wasmtime::component::Instance,
        Exports { upgrade, publications, .. }: &Exports,
        [open, messages, close]: &[ComponentExportIndex; 3],
    ) -> wasmtime::Result<Self> {
        let (upgrade, publications) = (upgrade.as_ref(), publications.as_ref());
        Ok(Self::Events {
            open: instance.get_typed_func(&mut store, open)?,
            messages: instance.get_typed_func(&mut store, messages)?,
            close: instance.get_typed_func(&mut store, close)?,
            upgrade: upgrade.map(|[upgrade]| instance.get_typed_func(&mut store, upgrade)).transpose()?,
            publications: publications.map(|[told]| instance.get_typed_func(&mut store, told)).transpose()?,
        })
    }
}

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
        let Exported::Events { open, messages, close, publications, .. } = self.exported else {
            return Err(mismatch());
        };
        match event {
            Event::Open => self.call(open, (id,)).await,
            Event::Messages(list) => self.call(messages, (id, list.into_iter().map(Into::into).collect())).await,
            Event::Publications(list) => match publications {
                Some(told) => self.call(told, (id, list.into_iter().map(Into::into).collect())).await,
                None => Err(mismatch()),
            },
            Event::Close(info) => self.call(close, (id, info.into())).await,
        }
    }

    /// Tells it that it takes a websocket over; one that does not want to know is not told.
    async fn upgrade(&mut self, id: u64, from: u64) -> Result<(), Fault> {
        match self.exported {
            Exported::Events { upgrade: Some(upgrade), .. } => self.call(upgrade, (id, from)).await,
            _ => Ok(()),
        }
    }

    /// Runs a loop-style handler to its end.
    async fn handle_websocket(&mut self, id: u64) -> Result<Ended, Fault> {
        let Exported::Loop(handle) = self.exported else { return Err(mismatch()) };
        self.call(handle, (id,)).await.map(|outcome: Outcome| match outcome {
            Outcome::Done => Ended::Done,
            Outcome::Handoff => Ended::Handoff,
        })
    }

    /// Runs an HTTP handler to its end.
    async fn handle_exchange(&mut self, port: &Arc<ExchangePort>) -> Result<(), Fault> {
        match self.exported {
            Exported::Http(handle) => self.call(handle, (port.id.0,)).await,
            Exported::Incoming(handle) => self.handle_incoming(handle, port).await,
            Exported::Standard(handle) => self.handle_standard(handle, port).await,
            Exported::Events { .. } | Exported::Loop(_) | Exported::Alarm(_) => Err(mismatch()),
        }
    }

    /// Rings.
    async fn ring(&mut self, id: u64, alarm: Alarm) -> Result<(), Fault> {
        let Exported::Alarm(ring) = self.exported else { return Err(mismatch()) };
        self.call(ring, (id, alarm.into())).await
    }

    /// It serves nothing any more: what its exchange left behind is ended, and no exchange is kept alive.
    fn release(&mut self) {
        self.store.data_mut().abort_bodies();
        self.store.data_mut().serve(Serving::Nothing);
    }

    async fn call<P, R>(&mut self, export: Export<P, R>, params: P) -> Result<R, Fault>
    where
        P: ComponentNamedList + Lower + Send + Sync + 'static,
        R: Lift + Send + Sync + 'static,
    {
        let called = export.call_async(&mut self.store, params).await;
        let state = self.store.data();
        state.meter.account_memory(state.allowance.used() as u64);
        match called {
            Ok((Ok(value),)) => Ok(value),
            Ok((Err(failure),)) => Err(Fault::Failed(failure.message)),
            Err(error) => Err(fault(&error, self.store.data())),
        }
    }
}

impl warm::Kept for Instance {
    fn falls(&self, asleep: Asleep) {
        let state = self.store.data();
        if let Serving::Websocket(port) = &state.serving {
            calling::hibernates(port, state.source(), asleep);
        }
    }
}

/// What an error out of wasmtime means.
fn fault(error: &wasmtime::Error, state: &GuestState) -> Fault {
    if error.is::<OverCpu>() {
        return Fault::OverCpu { budget_ms: state.meter.budget().as_millis() };
    }
    if let Some(bytes) = state.allowance.short_of() {
        return Fault::NoMemory { mib: bytes / MIB };
    }
    Fault::Trapped { trap: format!("{error:?}"), stderr: state.stderr.take() }
}

/// An instance was made for another export: a fault of this crate, answered like any other.
fn mismatch() -> Fault {
    Fault::NotStarted("the instance was made for another export".into())
}

/// What happens at an epoch tick while a guest runs.
fn at_tick(store: &GuestState) -> wasmtime::Result<UpdateDeadline> {
    match store.meter.tick(hybrid::thread_cpu()) {
        Tick::Continue => Ok(UpdateDeadline::Continue(1)),
        Tick::Yield => Ok(UpdateDeadline::YieldCustom(1, Box::pin(hybrid::YieldOnce(false)))),
        Tick::Stop => Err(wasmtime::Error::new(OverCpu)),
    }
}
