//! The data of a store: what an instance serves now, and what it may use.

use std::fmt::Display;
use std::sync::Arc;

use wasmtime::ResourceLimiter;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{WasiCtx, WasiCtxBuilder, WasiCtxView, WasiView};
use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::outgoing::Outgoing;
use super::{Allowance, LinearMemory, Stderr};
use crate::alarm::Alarms;
use crate::feed::Source;
use crate::group::Groups;
use crate::limits;
use crate::meter::Meter;
use crate::outbound::Outbound;
use crate::port::alarm::AlarmPort;
use crate::port::exchange::ExchangePort;
use crate::port::head::Head;
use crate::port::live::Live;
use crate::port::websocket::WebsocketPort;
use crate::session::SessionBinding;

/// What an instance is serving.
#[derive(Clone)]
pub enum Serving {
    /// Nothing: it is starting.
    Nothing,
    /// A websocket.
    Websocket(Arc<WebsocketPort>),
    /// An exchange.
    Exchange(Arc<ExchangePort>),
    /// An alarm.
    Alarm(Arc<AlarmPort>),
    /// Nothing: it starts to see whether it can, at the cost of this meter.
    Trial(Arc<Meter>),
}

/// Who an instance is, and what its manifest gives it.
pub struct Identity {
    /// The handler's name.
    pub handler: Arc<str>,
    /// As whom it tells what happens.
    pub source: Arc<Source>,
    /// The app's groups.
    pub groups: Arc<Groups>,
    /// Who is connected.
    pub live: Arc<Live>,
    /// The app's alarms.
    pub alarms: Arc<Alarms>,
    /// Whether the handler may set some: it exports what they ring.
    pub rings: bool,
    /// `[handlers.X.config]`.
    pub config: Vec<(String, String)>,
    /// Granted environment variables with their values.
    pub env: Vec<(String, String)>,
    /// Where its requests may go.
    pub outbound: Outbound,
    /// Linear memory, in bytes.
    pub memory_bytes_max: usize,
    /// That of all instances.
    pub memory: Arc<LinearMemory>,
    /// A message, in bytes.
    pub message_bytes_max: usize,
    /// Bytes that a guest may pass to the host in one call.
    pub hostcall_bytes_max: usize,
}

/// The data of an instance's store.
pub struct GuestState {
    pub(crate) serving: Serving,
    pub(crate) meter: Arc<Meter>,
    pub(crate) stderr: Stderr,
    pub(crate) allowance: Allowance,
    pub(super) identity: Arc<Identity>,
    wasi: WasiCtx,
    table: ResourceTable,
    config: WasiConfigVariables,
    http: WasiHttpCtx,
    outgoing: Outgoing,
}

impl GuestState {
    /// The state of an instance that serves nothing yet.
    pub fn new(identity: Arc<Identity>) -> Self {
        let stderr = Stderr::new(identity.source.clone());
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(stderr.clone()).stderr(stderr.clone()).envs(&identity.env);
        // As much as it may give at once it may get at once; the host makes it first.
        wasi.max_random_size(identity.hostcall_bytes_max as u64);
        wasi.allow_tcp(false).allow_udp(false).allow_ip_name_lookup(false);
        let mut config = WasiConfigVariables::new();
        for (key, value) in &identity.config {
            config.insert(key, value);
        }
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits::HANDLES_MAX);
        let mut http = WasiHttpCtx::new();
        http.set_field_size_limit(limits::FIELDS_BYTES_MAX);
        Self {
            serving: Serving::Nothing,
            meter: Arc::default(),
            stderr,
            allowance: Allowance::new(identity.memory.clone(), identity.memory_bytes_max),
            wasi: wasi.build(),
            table,
            config,
            http,
            outgoing: Outgoing::new(identity.clone()),
            identity,
        }
    }

    /// As whom it tells what happens.
    pub(crate) fn source(&self) -> &Source {
        &self.identity.source
    }

    /// Points the instance at what it is to serve.
    pub fn serve(&mut self, serving: Serving) {
        match &serving {
            Serving::Nothing => self.stderr.serve(None),
            Serving::Websocket(port) => {
                self.meter = port.meter.clone();
                self.stderr.serve(Some(port.id.0));
            }
            Serving::Exchange(port) => {
                self.meter = port.meter.clone();
                self.stderr.serve(Some(port.id.0));
            }
            Serving::Alarm(port) => {
                self.meter = port.meter.clone();
                self.stderr.serve(Some(port.id.0));
            }
            Serving::Trial(meter) => self.meter = meter.clone(),
        }
        self.serving = serving;
    }

    pub(crate) fn config(&mut self) -> WasiConfig<'_> {
        WasiConfig::new(&self.config)
    }

    /// The websocket of this id, if it is the one that is served.
    pub(super) fn websocket(&self, id: u64) -> wasmtime::Result<Arc<WebsocketPort>> {
        match &self.serving {
            Serving::Websocket(port) if port.id.0 == id => Ok(port.clone()),
            _ => Err(stranger("websocket", id)),
        }
    }

    /// The exchange of this id, if it is the one that is served.
    pub(super) fn exchange(&self, id: u64) -> wasmtime::Result<Arc<ExchangePort>> {
        match &self.serving {
            Serving::Exchange(port) if port.id.0 == id => Ok(port.clone()),
            _ => Err(stranger("exchange", id)),
        }
    }

    /// The head of what is served, if it has this id.
    pub(super) fn head(&self, id: u64) -> wasmtime::Result<&Head> {
        match &self.serving {
            Serving::Websocket(port) if port.id.0 == id => Ok(&port.head),
            Serving::Exchange(port) if port.id.0 == id => Ok(&port.head),
            _ => Err(stranger("request", id)),
        }
    }

    /// The session of what is served, if it has this id.
    pub(super) fn session(&self, id: u64) -> wasmtime::Result<&SessionBinding> {
        match &self.serving {
            Serving::Websocket(port) if port.id.0 == id => Ok(&port.session),
            Serving::Exchange(port) if port.id.0 == id => Ok(&port.session),
            Serving::Alarm(port) => Self::alarm_session(port, id).map(|session| &**session),
            _ => Err(stranger("request", id)),
        }
    }

    /// The session of an alarm, if it has this id and one.
    pub(super) fn alarm_session(port: &AlarmPort, id: u64) -> wasmtime::Result<&Arc<SessionBinding>> {
        match &port.session {
            Some(session) if port.id.0 == id => Ok(session),
            None if port.id.0 == id => Err(wasmtime::format_err!("alarm {id:016x} is the app's: it has no session")),
            _ => Err(stranger("alarm", id)),
        }
    }

    /// The id of what is served.
    pub(super) fn served(&self) -> Option<&dyn Display> {
        match &self.serving {
            Serving::Nothing | Serving::Trial(_) => None,
            Serving::Websocket(port) => Some(&port.id),
            Serving::Exchange(port) => Some(&port.id),
            Serving::Alarm(port) => Some(&port.id),
        }
    }
}

/// The allowance's word, and what it comes to on the account of what is served.
impl ResourceLimiter for GuestState {
    fn memory_growing(&mut self, current: usize, desired: usize, max: Option<usize>) -> wasmtime::Result<bool> {
        let may = self.allowance.memory_growing(current, desired, max)?;
        self.meter.account_memory(self.allowance.used() as u64);
        Ok(may)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.allowance.memory_grow_failed(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, max: Option<usize>) -> wasmtime::Result<bool> {
        self.allowance.table_growing(current, desired, max)
    }
}

impl WasiHttpView for GuestState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.http, table: &mut self.table, hooks: &mut self.outgoing }
    }
}

impl Drop for GuestState {
    fn drop(&mut self) {
        // One that serves still was cut in its call; its bodies end with its table, after this.
        if let Serving::Exchange(port) = &self.serving {
            port.cut();
        }
    }
}

impl WasiView for GuestState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

fn stranger(kind: &str, id: u64) -> wasmtime::Error {
    wasmtime::format_err!("{kind} id {id:016x} is not one that this instance serves")
}
