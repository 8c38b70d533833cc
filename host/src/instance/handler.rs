//! A handler: a loaded component with its settings, and the instances that serve for it.
//!
//! Owns the choice of instance: one kept for its websocket, one of a pool, a fresh one. An instance
//! that trapped, ran over or was dropped in a call never serves again.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::InstancePre;

use super::delivery::Delivery;
use super::engine::{Engine, Guests};
use super::hybrid::Hybrid;
use super::load::Exports;
use super::{Ended, Event, Exported, Instance, at_tick, fault};
use crate::bindings::{GuestState, Identity, Serving};
use crate::failure::Fault;
use crate::feed::Source;
use crate::limits;
use crate::meter::Meter;
use crate::outbox::Bounds;
use crate::port::exchange::ExchangePort;
use crate::port::websocket::{AutoResponse, WebsocketPort};

/// What an instance may serve in its life. Manifest key `isolation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// One websocket, or one exchange.
    Connection,
    /// Any exchange.
    Shared,
}

/// What the manifest says of a handler, as far as instances need it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What an instance may serve.
    pub isolation: Isolation,
    /// CPU of one call.
    pub cpu: Duration,
    /// Wall clock of one call.
    pub deadline: Option<Duration>,
    /// A message, in bytes.
    pub message_bytes_max: usize,
    /// An outbox.
    pub outbox: Bounds,
    /// Whether websockets may compress.
    pub deflate: bool,
    /// What is answered without the guest.
    pub auto_response: Option<Arc<AutoResponse>>,
    /// Whether the session of a websocket is saved after each event.
    pub autosave: bool,
}

/// A loaded component with its settings.
pub struct Handler {
    /// Its name in the manifest.
    pub name: Arc<str>,
    /// Its settings.
    pub settings: Settings,
    /// What it exports.
    pub exports: Exports,
    uid: u64,
    engine: Arc<Engine>,
    pre: InstancePre<GuestState>,
    identity: Arc<Identity>,
    pool: Mutex<Vec<Instance>>,
}

/// One of the places of loop-style instances, free again with its drop.
#[derive(Debug)]
pub struct Pin(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

#[derive(Clone, Copy)]
enum Wanted {
    Events,
    Loop,
    Http,
}

impl Handler {
    /// A handler without instances.
    pub fn new(
        engine: Arc<Engine>,
        pre: InstancePre<GuestState>,
        exports: Exports,
        identity: Identity,
        settings: Settings,
    ) -> Self {
        Self {
            name: identity.handler.clone(),
            settings,
            exports,
            uid: engine.next_uid(),
            engine,
            pre,
            identity: Arc::new(identity),
            pool: Mutex::default(),
        }
    }

    /// Where guests go that spin.
    pub fn guests(&self) -> Arc<Guests> {
        self.engine.guests.clone()
    }

    /// As whom it tells what happens.
    pub fn source(&self) -> &Source {
        &self.identity.source
    }

    /// Delivers one event to the instance of this websocket. `upgraded_from` is the version from which the websocket
    /// has just moved to this handler: it is told first.
    ///
    /// # Errors
    /// What the guest did wrong, or that there was no room.
    ///
    /// # Cancel safety
    /// Dropped, the guest ends where it is and its instance is gone; the websocket is not told.
    pub async fn deliver(
        self: Arc<Self>,
        port: Arc<WebsocketPort>,
        event: Event,
        upgraded_from: Option<u64>,
    ) -> Result<Ended, Fault> {
        // Of the many that connect few speak at once: keeping an instance from the handshake on would
        // fill memory with those that idle.
        let keep = matches!(event, Event::Messages(_));
        let serving = Serving::Websocket(port.clone());
        let _calling = port.calling();
        let mut instance = match self.engine.warm.take(port.id) {
            Some(instance) if instance.handler == self.uid => instance,
            _ => self.instance(Wanted::Events, serving.clone()).await?,
        };
        instance.serve(serving, self.settings.cpu);
        let delivery = Delivery::begin(self.source(), port.id, &event);
        let mut result = Ok(());
        if let Some(from) = upgraded_from {
            result = instance.upgrade(port.id.0, from).await;
            // The event has as much as it would have without.
            port.meter.refill(self.settings.cpu);
        }
        if result.is_ok() {
            result = instance.deliver(port.id.0, event).await;
        }
        drop(delivery);
        if result.is_ok() && self.settings.autosave && port.session.is_modified() {
            result = port.session.save(None).await.map(drop).map_err(|error| Fault::Unsaved(error.to_string()));
        }
        port.session.forget_snapshot();
        let sound = matches!(result, Ok(()) | Err(Fault::Failed(_) | Fault::Unsaved(_)));
        if sound && keep && self.engine.keeps_instances() {
            self.engine.warm.put(port.id, instance);
        }
        result.map(|()| Ended::Done)
    }

    /// A place for the loop-style instance of one websocket.
    ///
    /// # Errors
    /// `NoInstance`.
    pub fn pin(&self) -> Result<Pin, Fault> {
        self.engine.pin().map(Pin).map_err(Fault::NoInstance)
    }

    /// Runs a loop-style handler for one websocket, to its end. The caller holds a [`Pin`] for as long.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub async fn handle_websocket(self: Arc<Self>, port: Arc<WebsocketPort>) -> Result<Ended, Fault> {
        let serving = Serving::Websocket(port.clone());
        let mut instance = self.instance(Wanted::Loop, serving.clone()).await?;
        instance.serve(serving, self.settings.cpu);
        instance.handle_websocket(port.id.0).await
    }

    /// Runs an HTTP handler for one exchange, to its end.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub async fn handle_exchange(self: Arc<Self>, port: Arc<ExchangePort>) -> Result<Ended, Fault> {
        let serving = Serving::Exchange(port.clone());
        let mut instance = match self.pooled() {
            Some(instance) => instance,
            None => self.instance(Wanted::Http, serving.clone()).await?,
        };
        instance.serve(serving, self.settings.cpu);
        let result = instance.handle_exchange(&port).await;
        if matches!(result, Ok(()) | Err(Fault::Failed(_))) {
            instance.release();
            self.repool(instance);
        }
        result.map(|()| Ended::Done)
    }

    /// Makes an instance for each of its exports, and drops it: whether they start.
    pub fn smoke(self: Arc<Self>) -> Hybrid<Result<(), Fault>> {
        let (meter, guests) = (Arc::<Meter>::default(), self.guests());
        let serving = Serving::Trial(meter.clone());
        let exports = &self.exports;
        let there = [
            (exports.events.is_some(), Wanted::Events),
            (exports.looped.is_some(), Wanted::Loop),
            (exports.answers_http(), Wanted::Http),
        ];
        let started = async move {
            for (_, wanted) in there.into_iter().filter(|(there, _)| *there) {
                drop(self.instance(wanted, serving.clone()).await?);
            }
            Ok(())
        };
        Hybrid::new(Box::pin(started), meter, guests)
    }

    async fn instance(&self, wanted: Wanted, serving: Serving) -> Result<Instance, Fault> {
        let slot = self.engine.slot().await.ok_or(Fault::Draining)?;
        let mut state = GuestState::new(self.identity.clone());
        state.serve(serving);
        state.meter.refill(limits::CPU_START);
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| &mut state.limits);
        store.set_hostcall_fuel(self.identity.hostcall_bytes_max);
        store.epoch_deadline_callback(|store| at_tick(store.data()));
        store.set_epoch_deadline(1);
        let instance = self.pre.instantiate_async(&mut store).await.map_err(|error| fault(&error, store.data()))?;
        let exported = match (wanted, &self.exports) {
            (Wanted::Events, Exports { events: Some(found), upgrade, .. }) => {
                Exported::events(&mut store, &instance, found, upgrade.as_ref())
            }
            (Wanted::Loop, Exports { looped: Some([handle]), .. }) => {
                instance.get_typed_func(&mut store, handle).map(Exported::Loop)
            }
            (Wanted::Http, Exports { http: Some([handle]), .. }) => {
                instance.get_typed_func(&mut store, handle).map(Exported::Http)
            }
            (Wanted::Http, Exports { incoming: Some([handle]), .. }) => {
                instance.get_typed_func(&mut store, handle).map(Exported::Incoming)
            }
            (Wanted::Http, Exports { standard: Some([handle]), .. }) => {
                instance.get_typed_func(&mut store, handle).map(Exported::Standard)
            }
            _ => return Err(super::mismatch()),
        };
        let exported = exported.map_err(|error| fault(&error, store.data()))?;
        Ok(Instance { store, exported, handler: self.uid, events: 0, _slot: slot })
    }

    fn pooled(&self) -> Option<Instance> {
        match self.settings.isolation {
            Isolation::Shared => self.pool.lock().unwrap_or_else(PoisonError::into_inner).pop(),
            Isolation::Connection => None,
        }
    }

    fn repool(&self, mut instance: Instance) {
        let fresh = instance.events < limits::SHARED_EVENTS_MAX;
        if self.settings.isolation != Isolation::Shared || !fresh || !self.engine.keeps_instances() {
            return;
        }
        // Whatever it still runs is charged to nobody's exchange.
        instance.store.data_mut().meter = Arc::new(Meter::new());
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < limits::WARM_INSTANCES_MAX {
            pool.push(instance);
        }
    }
}
