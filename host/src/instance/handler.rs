//! A handler: a loaded component with its settings, and the instances that serve for it.
//!
//! Owns the choice of instance: one kept for its websocket, one of a pool, a fresh one. An instance
//! that trapped, ran over or was dropped in a call never serves again.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use wasmtime::Store;
use wasmtime::component::{self, InstancePre};

use super::calling::Calling;
use super::delivery::Delivery;
use super::engine::Engine;
use super::hybrid::{Hybrid, Lane};
use super::load::Exports;
use super::pool::Pool;
use super::turns::Turns;
use super::{Ended, Event, Exported, Instance, Wanted, at_tick, fault};
use crate::alarm::Alarm;
use crate::bindings::{GuestState, Identity, Serving};
use crate::failure::Fault;
use crate::feed::Source;
use crate::limits;
use crate::meter::Meter;
use crate::outbox::Pushed;
use crate::port::alarm::AlarmPort;
use crate::port::exchange::ExchangePort;
use crate::port::websocket::{Asleep, WebsocketPort};
use crate::rate::Quota;

/// What an instance may serve in its life. Manifest key `isolation`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Isolation {
    /// One event, or one exchange.
    Event,
    /// One websocket, or one exchange.
    #[default]
    Connection,
    /// Events and exchanges of anyone, one after the other.
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
    /// Whether websockets may compress.
    pub deflate: bool,
    /// Messages that a websocket's peer may send; none: as many as the handler takes.
    pub messages: Option<Quota>,
    /// Events and exchanges that are under way at once.
    pub in_flight_max: usize,
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
    pool: Arc<Pool>,
    turns: Turns,
    lane: Arc<Lane>,
}

/// One of the places of loop-style instances, free again with its drop.
#[derive(Debug)]
pub struct Pin(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

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
            turns: Turns::new(settings.in_flight_max),
            lane: Arc::new(Lane::new(engine.guests.clone())),
            settings,
            exports,
            uid: engine.next_uid(),
            pool: engine.pool(),
            engine,
            pre,
            identity: Arc::new(identity),
        }
    }

    /// Where its calls run.
    pub fn lane(&self) -> Arc<Lane> {
        self.lane.clone()
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
        let stays = self.stays(&event);
        // Where the version before wanted to see them, and this one does not.
        let passes = matches!(event, Event::Publications(_)) && self.exports.publications.is_none();
        if passes && upgraded_from.is_none() {
            pass_on(&port, event);
            return Ok(Ended::Done);
        }
        let serving = Serving::Websocket(port.clone());
        // A close is owed whatever happens; there are no more of them than websockets.
        let _turn = match event {
            Event::Close(_) => None,
            _ => Some(self.turns.take(self.wait(limits::EVENT_DEADLINE)).await?),
        };
        let kept = match self.settings.isolation {
            Isolation::Connection => self.engine.warm.take(port.id).filter(|instance| instance.handler == self.uid),
            Isolation::Shared | Isolation::Event => None,
        };
        let mut calling = Calling::begin(&port, self.source(), event.what());
        let mut instance = match kept {
            Some(instance) => instance,
            None => self.instance(Wanted::Events, serving.clone()).await?,
        };
        let budget = self.settings.cpu.saturating_mul(event.budgets());
        instance.serve(serving, budget);
        let delivery = Delivery::begin(self.source(), port.id, &event);
        let mut result = Ok(());
        if let Some(from) = upgraded_from {
            result = instance.upgrade(port.id.0, from).await;
            // The event has as much as it would have without.
            port.meter.refill(budget);
        }
        if result.is_ok() {
            match passes {
                true => pass_on(&port, event),
                false => result = instance.deliver(port.id.0, event).await,
            }
        }
        drop(delivery);
        if result.is_ok() && self.settings.autosave && port.session.is_modified() {
            result = port.session.save(None).await.map(drop).map_err(|error| Fault::Unsaved(error.to_string()));
        }
        port.session.forget_snapshot();
        let sound = matches!(result, Ok(()) | Err(Fault::Failed(_) | Fault::Unsaved(_)));
        match stays {
            _ if !sound => {}
            Ok(()) => {
                calling.keeps();
                self.engine.warm.put(port.id, instance);
            }
            Err(asleep) => {
                calling.ends(asleep);
                if self.settings.isolation == Isolation::Shared && self.engine.keeps_instances() {
                    instance.release();
                    self.repool(instance);
                }
            }
        }
        result.map(|()| Ended::Done)
    }

    /// Whether the instance stays with its websocket after this event, or why not. Of the many that connect few speak at
    /// once: keeping every instance from the handshake on would fill memory with those that idle. Some are, for those
    /// that connect, speak and go.
    fn stays(&self, event: &Event) -> Result<(), Asleep> {
        match (self.settings.isolation, event) {
            (_, Event::Close(_)) => Err(Asleep::Ended),
            _ if !self.engine.keeps_instances() => Err(Asleep::Amnesia),
            (Isolation::Event, _) => Err(Asleep::Event),
            (Isolation::Shared, _) => Err(Asleep::Shared),
            (Isolation::Connection, Event::Open) if !self.engine.warm.has_room_for_new() => Err(Asleep::Crowded),
            (Isolation::Connection, Event::Open | Event::Messages(_) | Event::Publications(_)) => Ok(()),
        }
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
        let _turn = self.turns.take(self.wait(limits::EXCHANGE_DEADLINE)).await?;
        let mut instance = self.instance(Wanted::Http, serving.clone()).await?;
        instance.serve(serving, self.settings.cpu);
        let result = instance.handle_exchange(&port).await;
        if matches!(result, Ok(()) | Err(Fault::Failed(_))) {
            self.done_with(instance);
        }
        result.map(|()| Ended::Done)
    }

    /// Rings an alarm, to the end of its call; then saves the session that it is of.
    ///
    /// # Errors
    /// As [`Self::deliver`].
    pub async fn handle_alarm(self: Arc<Self>, port: Arc<AlarmPort>, alarm: Alarm) -> Result<Ended, Fault> {
        let serving = Serving::Alarm(port.clone());
        let _turn = self.turns.take(self.wait(limits::ALARM_DEADLINE)).await?;
        let mut instance = self.instance(Wanted::Alarm, serving.clone()).await?;
        instance.serve(serving, self.settings.cpu);
        let result = instance.ring(port.id.0, alarm).await;
        if matches!(result, Ok(()) | Err(Fault::Failed(_))) {
            self.done_with(instance);
        }
        result?;
        if let Some(session) = port.session.as_ref().filter(|session| session.is_modified()) {
            session.save(None).await.map_err(|error| Fault::Unsaved(error.to_string()))?;
        }
        Ok(Ended::Done)
    }

    /// What served an exchange or an alarm is kept for others, if it may be.
    fn done_with(&self, mut instance: Instance) {
        // Also of one that is dropped now: what its exchange left behind is ended as the exchange was.
        instance.release();
        if self.settings.isolation == Isolation::Shared && self.engine.keeps_instances() {
            self.repool(instance);
        }
    }

    /// Makes an instance, and looks for each of its exports there: whether they start. It waits a little for the first call.
    pub fn smoke(self: Arc<Self>) -> Hybrid<Result<(), Fault>> {
        let (meter, lane) = (Arc::<Meter>::default(), self.lane());
        let serving = Serving::Trial(meter.clone());
        let exports = &self.exports;
        let there = [
            (exports.events.is_some(), Wanted::Events),
            (exports.looped.is_some(), Wanted::Loop),
            (exports.answers_http(), Wanted::Http),
            (exports.alarm.is_some(), Wanted::Alarm),
        ];
        let started = async move {
            let (slot, mut store, instance) = self.start(serving).await?;
            let wanted = there.into_iter().filter(|(there, _)| *there);
            let exported = wanted.map(|(_, wanted)| self.exported(wanted, &mut store, &instance));
            let exported = exported.collect::<Result<Vec<_>, _>>()?.into_iter().next();
            if let Some(exported) = exported.filter(|_| self.engine.keeps_instances()) {
                self.repool(Instance { store, exported, handler: self.uid, events: 0, _slot: slot });
            }
            Ok(())
        };
        Hybrid::new(Box::pin(started), meter, lane)
    }

    /// That a call waits until it can begin: well within its deadline, past which its guest would be blamed.
    fn wait(&self, deadline: Duration) -> Duration {
        limits::IN_FLIGHT_WAIT.min(self.settings.deadline.unwrap_or(deadline) / 2)
    }

    /// One that waits, which has served nobody unless the isolation is `shared`; or a new one.
    async fn instance(&self, wanted: Wanted, serving: Serving) -> Result<Instance, Fault> {
        if let Some(waiting) = self.pool.take(|instance| instance.exported.is(wanted)) {
            return Ok(waiting);
        }
        let (slot, mut store, instance) = self.start(serving).await?;
        let exported = self.exported(wanted, &mut store, &instance)?;
        Ok(Instance { store, exported, handler: self.uid, events: 0, _slot: slot })
    }

    /// An instance with its place, which it needs for as long: what is bound first is dropped last.
    async fn start(
        &self,
        serving: Serving,
    ) -> Result<(OwnedSemaphorePermit, Store<GuestState>, component::Instance), Fault> {
        let slot = tokio::time::timeout(self.wait(limits::EVENT_DEADLINE), self.engine.slot()).await;
        let slot = slot.map_err(|_| Fault::NoSlot(limits::INSTANCES_MAX))?.ok_or(Fault::Draining)?;
        let mut state = GuestState::new(self.identity.clone());
        state.serve(serving);
        state.meter.refill(limits::CPU_START);
        let mut store = Store::new(self.pre.engine(), state);
        store.limiter(|state| state);
        store.set_hostcall_fuel(self.identity.hostcall_bytes_max);
        store.set_max_component_handles(limits::COMPONENT_HANDLES_MAX);
        if let Some(table) = store.concurrent_resource_table() {
            table.set_max_capacity(limits::CONCURRENT_MAX);
        }
        store.epoch_deadline_callback(|store| at_tick(store.data()));
        store.set_epoch_deadline(1);
        let instance = self.pre.instantiate_async(&mut store).await.map_err(|error| fault(&error, store.data()))?;
        self.engine.created();
        Ok((slot, store, instance))
    }

    fn exported(
        &self,
        wanted: Wanted,
        store: &mut Store<GuestState>,
        instance: &component::Instance,
    ) -> Result<Exported, Fault> {
        let exported = match (wanted, &self.exports) {
            (Wanted::Events, exports @ Exports { events: Some(found), .. }) => {
                Exported::events(store, instance, exports, found)
            }
            (Wanted::Loop, Exports { looped: Some([handle]), .. }) => {
                instance.get_typed_func(&mut *store, handle).map(Exported::Loop)
            }
            (Wanted::Alarm, Exports { alarm: Some([ring]), .. }) => {
                instance.get_typed_func(&mut *store, ring).map(Exported::Alarm)
            }
            (Wanted::Http, Exports { http: Some([handle]), .. }) => {
                instance.get_typed_func(&mut *store, handle).map(Exported::Http)
            }
            (Wanted::Http, Exports { incoming: Some([handle]), .. }) => {
                instance.get_typed_func(&mut *store, handle).map(Exported::Incoming)
            }
            (Wanted::Http, Exports { standard: Some([handle]), .. }) => {
                instance.get_typed_func(&mut *store, handle).map(Exported::Standard)
            }
            _ => return Err(super::mismatch()),
        };
        exported.map_err(|error| fault(&error, store.data()))
    }

    /// Keeps an instance for anyone, unless it has served enough or holds much.
    fn repool(&self, mut instance: Instance) {
        let heavy = instance.store.data().allowance.used() > self.identity.memory_bytes_max / 2;
        if instance.events >= limits::SHARED_EVENTS_MAX || heavy {
            return;
        }
        // Whatever it still runs is charged to nobody.
        instance.store.data_mut().meter = Arc::new(Meter::new());
        self.pool.put(instance);
    }
}

/// Publications go to the peer. Whoever published was told that they are queued, so one whose outbox has no room is ended.
fn pass_on(port: &WebsocketPort, event: Event) {
    let Event::Publications(publications) = event else { return };
    for publication in publications {
        if port.outbox.push(publication.message()) == Pushed::Full {
            return port.overflowed();
        }
    }
}
