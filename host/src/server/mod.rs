//! Assembly: data folder, engine, apps, listener, in this order; then serving, deploying, draining.
//!
//! Reads as the way a connection takes. Owns the process's signals and its orderly end; everything
//! else belongs to the layer that it wires up.

mod closing;
mod exporter;
mod folder;
mod settings;
mod signals;
mod threads;

pub use exporter::{Endpoint, EndpointError};
pub use folder::{DataFolder, FolderError};
pub use settings::{Settings, StartError};
pub use threads::{guest_runtime, io_runtime};

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::exporter::Exporter;
use self::signals::{Asked, Signals};
use crate::admin::{self, Admin, Remote};
pub use crate::app::Origins;
use crate::app::archive::Archive;
use crate::app::{App, Apps, Bundle, Loader};
use crate::deploy::{Audit, Deployed, Deployer, NewGrants, Order, Step};
use crate::dispatch::alarms;
use crate::http::connection::{Connection as Incoming, Permit, Welcome};
use crate::http::{self, Admission, Clients, Service, Visit};
use crate::instance::cache::Cache;
use crate::instance::engine::Engine;
use crate::limits;
use crate::listener::{Connection, Listener};
use crate::outbox::Outboxes;
use crate::port::fields::Alike;
use crate::port::head::Ends;
use crate::session::{Sessions, Timestamp};
use crate::tls::Tls;
use crate::traces::Spans;
use crate::websocket::registry::Registry;

/// A host that is bound and ready.
pub struct Server {
    service: Arc<Service>,
    engine: Arc<Engine>,
    deployer: Arc<Deployer>,
    admin: Admin,
    folder: Option<PathBuf>,
    listener: Listener,
    remote: Option<Arc<Remote>>,
    tls: Option<Arc<Tls>>,
    exporter: Option<Exporter>,
    data: DataFolder,
}

impl Server {
    /// Builds everything; nothing is started half. To be called within the I/O runtime.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(settings: &Settings, guests: tokio::runtime::Handle) -> Result<Self, StartError> {
        let tls = settings.tls.clone().map(Tls::open).transpose()?.map(Arc::new);
        let data = DataFolder::open(&settings.data)?;
        let remote = settings.admin.map(|address| Remote::bind(address, tls.clone(), data.path())).transpose()?;
        let engine = Engine::new(settings.memory, settings.guest_memory, guests)
            .map_err(|error| StartError::Engine(format!("{error:#}")))?;
        let exporter = settings.traces.clone().map(|endpoint| exporter(endpoint, &engine)).transpose()?;
        let service = Arc::new(Service {
            apps: Arc::new(Apps::default()),
            websockets: Registry::default(),
            tasks: TaskTracker::new(),
            draining: AtomicBool::new(false),
            proxies: settings.proxies.clone(),
            clients: Arc::new(Clients::new(settings.clients)),
            outboxes: Arc::new(Outboxes::new(settings.outbox_memory)),
            alike: Alike::default(),
            presence: Arc::default(),
        });
        let deployer = Arc::new(deployer(settings, &engine, service.clone())?);
        let remote = remote.map(Arc::new);
        // Before anybody is told that it listens: who then asks is heard.
        let socket = data.admin().map_err(|cause| StartError::System { what: "the admin socket", cause })?;
        let server = Self {
            listener: Listener::bind(settings.listen, "--listen")?,
            admin: Admin::new(socket, remote.clone(), deployer.clone(), service.clone()),
            remote,
            service,
            engine,
            deployer,
            folder: settings.folder.clone(),
            tls,
            exporter,
            data,
        };
        server.load().await?;
        Ok(server)
    }

    /// What was deployed, and the folder if it has changed since.
    async fn load(&self) -> Result<(), StartError> {
        let deployer = self.deployer.clone();
        let restored = tokio::task::spawn_blocking(move || deployer.restore()).await;
        restored.map_err(|lost| StartError::Engine(lost.to_string()))??;
        match &self.folder {
            Some(folder) => self.deploy_folder(folder, |_| ()).await.map(drop),
            None if self.service.apps.all().is_empty() => Err(StartError::NoApp { data: self.data.path().to_owned() }),
            None => Ok(()),
        }
    }

    /// Deploys a folder, unless the newest version of its app has the same contents and signature: then what is current stays so,
    /// though it be an older one that somebody has gone back to.
    ///
    /// # Errors
    /// `Version`, `Deploy`.
    pub async fn deploy_folder(
        &self,
        folder: &Path,
        tell: impl FnMut(Step) + Send + 'static,
    ) -> Result<Option<Deployed>, StartError> {
        let (folder, archive) = (folder.to_owned(), self.deployer.loader().archive.clone());
        let read = tokio::task::spawn_blocking(move || {
            let bundle = Bundle::read(&folder)?;
            bundle.keep(&archive)?;
            Ok::<_, StartError>(bundle)
        });
        let Bundle { name, contents, signature, .. } =
            read.await.map_err(|lost| StartError::Engine(lost.to_string()))??;
        if let Some(app) = self.service.apps.get(&name)
            && app
                .shelf
                .newest()
                .ok()
                .flatten()
                .is_some_and(|newest| newest.contents == contents && newest.signature == signature)
        {
            return Ok(None);
        }
        let order =
            Order { contents, by: admin::user(), note: None, signature, new_grants: NewGrants::Allow, canary: None };
        let deployer = self.deployer.clone();
        let deployed = tokio::spawn(async move { deployer.deploy(order, tell).await }).await;
        Ok(Some(deployed.map_err(|lost| StartError::Engine(lost.to_string()))??))
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

    /// The address of the admin API on TCP, as `--to` takes it.
    ///
    /// # Errors
    /// What the system says.
    pub fn admin_url(&self) -> Result<Option<String>, StartError> {
        let url = self.remote.as_ref().map(|remote| remote.url()).transpose();
        url.map_err(|cause| StartError::System { what: "the bound address", cause })
    }

    /// The apps that are served.
    pub fn apps(&self) -> Vec<Arc<App>> {
        self.service.apps.all()
    }

    /// Serves until SIGTERM or SIGINT, or until `beside` returns, then drains; one of the two during the drain ends it.
    /// SIGHUP deploys the folder again.
    ///
    /// # Errors
    /// `System`, where signals or the admin socket cannot be had.
    pub async fn run(self, beside: impl AsyncFnOnce(&Self)) -> Result<(), StartError> {
        let signals = Signals::new()?;
        let (ending, ended) = oneshot::channel();
        let served = self.run_until(async |server| {
            tokio::select! {
                () = server.signals(signals) => {}
                () = beside(server) => {}
            }
            // From here on: what asked for the drain does not end it too.
            let _heard = ending.send(Signals::new());
        });
        tokio::select! {
            served = served => served,
            cut = signals::again(ended) => cut,
        }
    }

    /// Serves until `end` returns, then drains.
    ///
    /// # Errors
    /// `System`, where the admin socket cannot be had.
    ///
    /// # Cancel safety
    /// Dropped, it serves no more and drains nothing.
    pub async fn run_until(self, end: impl AsyncFnOnce(&Self)) -> Result<(), StartError> {
        let drain = CancellationToken::new();
        let connections = TaskTracker::new();
        tokio::select! {
            () = self.accept(&connections, &drain) => {}
            () = self.housekeeping() => {}
            () = self.sweep_sessions() => {}
            () = self.tell_presence() => {}
            () = self.ring_alarms() => {}
            () = self.follow_certificate() => {}
            () = self.admin.serve() => {}
            _ = self.deployer.watch() => {}
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
            let (welcome, client) = match self.visit(&connection) {
                Some(visit) => visit,
                None => continue,
            };
            let accepted = Accepted { connection, welcome, client };
            connections.spawn(serve(self.service.clone(), self.tls.clone(), accepted, drain.clone()));
        }
    }

    /// Whether a connection is served, by how many its client has; none: it is ended at once.
    fn visit(&self, connection: &Connection) -> Option<(Welcome, Option<Visit>)> {
        let peer = connection.peer.ip();
        if self.service.proxies.trust(peer) {
            return Some((Welcome::Served, None));
        }
        let (welcome, visit) = match self.service.clients.admit(peer, connection.accepted.into_std()) {
            Admission::Welcome(visit) => return Some((Welcome::Served, Some(visit))),
            Admission::Refused(visit) => (Welcome::TooMany, Some(visit)),
            Admission::Unanswered => (Welcome::TooMany, None),
        };
        tracing::debug!(%peer, "too many connections from this address");
        visit.map(|visit| (welcome, Some(visit)))
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
        // What has been idle for some sweeps is not so sooner because they were late.
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.engine.sweep();
            self.service.websockets.close_stale(Instant::now());
            self.service.clients.sweep(Instant::now());
            self.service.websockets.relieve(&self.service.outboxes);
            self.service.apps.all().iter().for_each(|app| app.groups().sweep());
        }
    }

    /// Tells members of groups who comes and goes, gathered.
    async fn tell_presence(&self) {
        loop {
            self.service.presence.notified().await;
            tokio::time::sleep(limits::PRESENCE_WINDOW).await;
            self.service.apps.all().iter().for_each(|app| app.groups().tell_presence());
        }
    }

    /// Forgets sessions that have ended.
    async fn sweep_sessions(&self) {
        let mut ticks = tokio::time::interval(limits::SESSION_SWEEP);
        loop {
            ticks.tick().await;
            for app in self.service.apps.all() {
                let Sessions::Kept(sessions) = &app.sessions else { continue };
                match sessions.sweep(Timestamp::now()).await {
                    Ok(0) => {}
                    Ok(swept) => tracing::debug!(app = app.name, swept, "sessions had ended"),
                    Err(error) => tracing::warn!(app = app.name, "ended sessions could not be forgotten: {error}"),
                }
            }
        }
    }

    /// Calls the handlers of alarms that are due, until the drain.
    async fn ring_alarms(&self) {
        loop {
            let next = alarms::look(&self.service.apps, &self.service.tasks).await;
            tokio::select! {
                () = tokio::time::sleep(next) => {}
                () = self.deployer.ring().notified() => {}
            }
        }
    }

    /// Returns when the host is to end.
    async fn signals(&self, mut signals: Signals) {
        while signals.next().await == Asked::Reload {
            self.reload().await;
        }
    }

    /// SIGHUP: what is wrong leaves the running version.
    async fn reload(&self) {
        let Some(folder) = &self.folder else {
            return tracing::warn!("SIGHUP: no folder is served, so there is nothing to deploy again");
        };
        match self.deploy_folder(folder, |_| ()).await {
            Ok(Some(_)) => {}
            Ok(None) => tracing::info!("SIGHUP: nothing has changed"),
            Err(error) => tracing::error!("SIGHUP: not deployed, the running version stays: {error}"),
        }
    }

    /// Stops accepting, closes websockets with 1001, some at a time, finishes exchanges.
    async fn drain(self, connections: &TaskTracker, drain: &CancellationToken) {
        let Self { service, listener, exporter, .. } = self;
        tracing::info!(websockets = service.websockets.len(), "draining");
        service.draining.store(true, Ordering::Relaxed);
        drop(listener);
        drain.cancel();
        connections.close();
        service.tasks.close();
        let finished = async {
            tokio::select! {
                () = async { connections.wait().await; service.tasks.wait().await } => {}
                _ = closing::close_some_at_a_time(&service.websockets) => {}
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
        if let Some(exporter) = exporter {
            exporter.finish().await;
        }
    }
}

/// From here on what the engine's guests do is told to the collector.
fn exporter(endpoint: Endpoint, engine: &Engine) -> Result<Exporter, StartError> {
    let (spans, queued) = Spans::new();
    let exporter = Exporter::start(endpoint, queued);
    let exporter = exporter.map_err(|cause| StartError::System { what: "the exporter of traces", cause })?;
    engine.feed().trace(spans);
    Ok(exporter)
}

fn deployer(settings: &Settings, engine: &Arc<Engine>, service: Arc<Service>) -> Result<Deployer, StartError> {
    let system = |what| move |cause| StartError::System { what, cause };
    let cache = Cache::open(&settings.cache, settings.compiler.clone()).map_err(system("the compile cache"))?;
    let archive = Archive::open(&settings.data).map_err(system("the archive of versions"))?;
    let audit = Audit::open(&settings.data).map_err(system("the audit log"))?;
    let (origins, trusted) = (settings.origins, settings.trusted.clone());
    let loader = Loader { engine: engine.clone(), cache: Arc::new(cache), archive, origins, trusted };
    Ok(Deployer::new(loader, service, audit))
}

/// A connection that is served, or told why not.
struct Accepted {
    connection: Connection,
    welcome: Welcome,
    client: Option<Visit>,
}

/// Serves a connection, first decrypting it where there is a certificate.
async fn serve(service: Arc<Service>, tls: Option<Arc<Tls>>, connection: Accepted, drain: CancellationToken) {
    let Accepted { connection: Connection { stream, peer, permit, accepted }, welcome, client } = connection;
    let permit = Permit { connection: permit, client };
    let Ok(local) = stream.local_addr() else { return };
    let ends = Ends { peer, local, secure: tls.is_some() };
    let Some(tls) = tls else {
        return http::connection::serve(service, Incoming { stream, ends, permit, welcome, accepted }, drain).await;
    };
    let encrypted = tokio::select! {
        encrypted = tokio::time::timeout_at(accepted + limits::FIRST_BYTE, tls.accept(stream)) => encrypted,
        () = drain.cancelled() => return,
    };
    match encrypted {
        Ok(Ok(stream)) => {
            http::connection::serve(service, Incoming { stream, ends, permit, welcome, accepted }, drain).await
        }
        Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake: {error}"),
        Err(_) => tracing::debug!(%peer, "no TLS handshake in {:?}", limits::FIRST_BYTE),
    }
}
