//! Assembly: data folder, engine, app, listener, in this order; then serving, reloading, draining.
//!
//! Reads as the way a connection takes. Owns the process's signals and its orderly end; everything
//! else belongs to the layer that it wires up.

mod admin;
mod folder;

pub use admin::{AdminError, reload};
pub use folder::{DataFolder, FolderError, session_file};

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::manifest::Store;
use crate::app::{App, VersionError};
use crate::failure::close_code;
use crate::http::connection::Connection as Incoming;
use crate::http::{self, Proxies, Service};
use crate::instance::cache::Cache;
use crate::instance::engine::{Engine, Memory};
use crate::limits;
use crate::listener::{BindError, Connection, Listener};
use crate::port::head::Ends;
use crate::session::{KeysError, LiveSessions, MemoryDb, OpenError, Sessions, Signer, SqliteDb, Timestamp};
use crate::tls::{Tls, TlsError, TlsFiles};
use crate::websocket::registry::Registry;

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The app's folder.
    pub folder: PathBuf,
    /// Sessions, the admin socket.
    pub data: PathBuf,
    /// Compiled code; whoever can write to it can run code as the host.
    pub cache: PathBuf,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Whether instances are kept between events.
    pub memory: Memory,
    /// The certificate to serve with; none for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Whose word on where a request is from counts.
    pub proxies: Proxies,
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The app.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The session store.
    #[error(transparent)]
    Sessions(#[from] OpenError),
    /// The keys of sessions in cookies.
    #[error(transparent)]
    Keys(#[from] KeysError),
    /// The engine.
    #[error("the WebAssembly engine could not be started: {0}")]
    Engine(String),
    /// A resource of the system.
    #[error("{what}: {cause}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it says.
        cause: std::io::Error,
    },
}

/// The threads on which guests spin. They yield to I/O in the kernel's eyes too: a guest that burns
/// its budget is the one that can wait.
///
/// # Errors
/// What the system says.
pub fn guest_runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .thread_name("guest")
        .enable_all()
        .on_thread_start(|| {
            // Refused only where a policy forbids it; then they compete as equals.
            let _equal = rustix::process::nice(5);
        })
        .build()
}

/// A host that is bound and ready.
pub struct Server {
    service: Arc<Service>,
    engine: Arc<Engine>,
    listener: Listener,
    tls: Option<Arc<Tls>>,
    data: DataFolder,
}

impl Server {
    /// Builds everything; nothing is started half. Blocks: reads, and compiles what is not cached.
    /// To be called within the I/O runtime.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(settings: &Settings, guests: tokio::runtime::Handle) -> Result<Self, StartError> {
        let tls = settings.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
        let data = DataFolder::open(&settings.data)?;
        let engine = Engine::new(settings.memory, guests).map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let cache =
            Cache::open(&settings.cache).map_err(|cause| StartError::System { what: "the compile cache", cause })?;
        let app = App::load(&engine, &settings.folder, cache)?;
        let sessions = match app.current().store {
            Store::Sqlite => Sessions::Kept(Arc::new(SqliteDb::open(&data.sessions())?)),
            Store::Memory => Sessions::Kept(Arc::new(MemoryDb::default())),
            Store::SignedCookie => Sessions::Carried(Arc::new(Signer::open(&data.session_keys())?)),
        };
        let listener = Listener::bind(settings.listen)?;
        let service = Service {
            app: Arc::new(app),
            sessions,
            live_sessions: Arc::new(LiveSessions::default()),
            websockets: Registry::default(),
            tasks: TaskTracker::new(),
            draining: AtomicBool::new(false),
            proxies: settings.proxies.clone(),
        };
        Ok(Self { service: Arc::new(service), engine, listener, tls, data })
    }

    /// Whether it is served over TLS.
    pub fn is_secure(&self) -> bool {
        self.tls.is_some()
    }

    /// The address that was bound.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> Result<SocketAddr, StartError> {
        self.listener.address().map_err(|cause| StartError::System { what: "the bound address", cause })
    }

    /// The app that is served.
    pub fn app(&self) -> &Arc<App> {
        &self.service.app
    }

    /// Where its sessions persist.
    pub fn sessions(&self) -> &Sessions {
        &self.service.sessions
    }

    /// Serves until SIGTERM or SIGINT, then drains; SIGHUP loads the app again.
    ///
    /// # Errors
    /// `System`, where signals or the admin socket cannot be had.
    pub async fn run(self) -> Result<(), StartError> {
        let signals = Signals::new().map_err(|cause| StartError::System { what: "signal handlers", cause })?;
        self.run_until(async |server| server.signals(signals).await).await
    }

    /// Serves until `end` returns, then drains.
    ///
    /// # Errors
    /// `System`, where the admin socket cannot be had.
    ///
    /// # Cancel safety
    /// Dropped, it serves no more and drains nothing.
    pub async fn run_until(self, end: impl AsyncFnOnce(&Self)) -> Result<(), StartError> {
        let admin = self.data.admin().map_err(|cause| StartError::System { what: "the admin socket", cause })?;
        let drain = CancellationToken::new();
        let connections = TaskTracker::new();
        tokio::select! {
            () = self.accept(&connections, &drain) => {}
            () = self.housekeeping() => {}
            () = self.sweep_sessions() => {}
            () = self.follow_certificate() => {}
            () = admin::serve(admin, || self.reload()) => {}
            () = end(&self) => {}
        }
        self.drain(&connections, &drain).await;
        Ok(())
    }

    async fn accept(&self, connections: &TaskTracker, drain: &CancellationToken) {
        loop {
            let connection = self.listener.accept().await;
            if let Err(error) = connection.stream.set_nodelay(true) {
                tracing::debug!(peer = %connection.peer, "nodelay: {error}");
            }
            connections.spawn(serve(self.service.clone(), self.tls.clone(), connection, drain.clone()));
        }
    }

    /// Takes a new certificate as soon as its files have changed.
    async fn follow_certificate(&self) {
        let Some(tls) = &self.tls else { return std::future::pending().await };
        let mut ticks = tokio::time::interval(limits::PEM_SWEEP);
        loop {
            ticks.tick().await;
            let tls = tls.clone();
            match tokio::task::spawn_blocking(move || tls.reload()).await {
                Ok(Ok(true)) => tracing::info!("the certificate has changed"),
                Ok(Ok(false)) | Err(_) => {}
                Ok(Err(error)) => tracing::error!("the certificate stays as it was: {error}"),
            }
        }
    }

    async fn housekeeping(&self) {
        let mut ticks = tokio::time::interval(limits::SWEEP);
        loop {
            ticks.tick().await;
            self.engine.sweep();
            self.service.websockets.close_stale(Instant::now());
        }
    }

    /// Forgets sessions that have ended.
    async fn sweep_sessions(&self) {
        let Sessions::Kept(sessions) = &self.service.sessions else { return std::future::pending().await };
        let mut ticks = tokio::time::interval(limits::SESSION_SWEEP);
        loop {
            ticks.tick().await;
            match sessions.sweep(Timestamp::now()).await {
                Ok(0) => {}
                Ok(swept) => tracing::debug!(swept, "sessions had ended"),
                Err(error) => tracing::warn!("ended sessions could not be forgotten: {error}"),
            }
        }
    }

    /// Returns when the host is to end.
    async fn signals(&self, mut signals: Signals) {
        loop {
            tokio::select! {
                _ = signals.terminate.recv() => return,
                _ = signals.interrupt.recv() => return,
                _ = signals.hangup.recv() => {
                    let _logged = self.reload().await;
                }
            }
        }
    }

    /// Loads the app again, off the I/O workers: a new component is compiled.
    async fn reload(&self) -> Result<u64, String> {
        let (service, engine) = (self.service.clone(), self.engine.clone());
        let replaced = service.app.current().number;
        let loaded = tokio::task::spawn_blocking(move || service.app.reload(&engine)).await;
        let loaded = match loaded {
            Ok(loaded) => loaded.map_err(|error| error.to_string()),
            Err(lost) => Err(lost.to_string()),
        };
        match &loaded {
            Ok(version) => {
                tracing::info!(version, "reloaded");
                self.service.websockets.swapped(&self.service.app, replaced, Instant::now());
            }
            Err(error) => tracing::error!("not reloaded, the running version stays: {error}"),
        }
        loaded
    }

    /// Stops accepting, closes websockets with 1001, finishes exchanges.
    async fn drain(self, connections: &TaskTracker, drain: &CancellationToken) {
        let Self { service, listener, .. } = self;
        tracing::info!(websockets = service.websockets.len(), "draining");
        service.draining.store(true, Ordering::Relaxed);
        drop(listener);
        drain.cancel();
        connections.close();
        service.tasks.close();
        let finished = async {
            // A handshake under way may still become a websocket: look again until none is left.
            while !(connections.is_empty() && service.tasks.is_empty()) {
                service.websockets.close_all(close_code::GOING_AWAY, "the host is shutting down");
                tokio::select! {
                    () = async { connections.wait().await; service.tasks.wait().await } => {}
                    () = tokio::time::sleep(Duration::from_millis(200)) => {}
                }
            }
        };
        if tokio::time::timeout(limits::DRAIN, finished).await.is_err() {
            let left = service.websockets.len();
            tracing::warn!(
                websockets = left,
                "the drain deadline of {:?} is over, cutting what is left",
                limits::DRAIN
            );
        }
    }
}

/// Serves a connection, first decrypting it where there is a certificate.
async fn serve(service: Arc<Service>, tls: Option<Arc<Tls>>, connection: Connection, drain: CancellationToken) {
    let Connection { stream, peer, permit, accepted } = connection;
    let Ok(local) = stream.local_addr() else { return };
    let ends = Ends { peer, local, secure: tls.is_some() };
    let Some(tls) = tls else {
        return http::connection::serve(service, Incoming { stream, ends, permit, accepted }, drain).await;
    };
    let encrypted = tokio::select! {
        encrypted = tokio::time::timeout_at(accepted + limits::FIRST_BYTE, tls.accept(stream)) => encrypted,
        () = drain.cancelled() => return,
    };
    match encrypted {
        Ok(Ok(stream)) => http::connection::serve(service, Incoming { stream, ends, permit, accepted }, drain).await,
        Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake: {error}"),
        Err(_) => tracing::debug!(%peer, "no TLS handshake in {:?}", limits::FIRST_BYTE),
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}
