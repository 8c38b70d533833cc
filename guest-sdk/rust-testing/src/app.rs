//! An app, served in this process.

use std::collections::HashSet;
use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once, PoisonError, mpsc};
use std::thread::JoinHandle;

use sessile::app::signature::TrustedKeys;
use sessile::http::{ClientLimits, Proxies};
use sessile::instance::cache::Compiler;
use sessile::instance::engine::Memory;
use sessile::server::{Origins, Server, Settings, guest_runtime, io_runtime};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tracing_subscriber::EnvFilter;

use crate::Client;

/// Linear memory of all guests, in bytes.
const GUEST_MEMORY: usize = 1 << 30;
/// What waits for all peers, in bytes.
const OUTBOX_MEMORY: usize = 1 << 28;

/// An app, built and served on a free port of this machine until it is dropped. Each has sessions of
/// its own.
pub struct App {
    running: Running,
    stop: Option<oneshot::Sender<()>>,
    host: Option<JoinHandle<()>>,
    _data: TempDir,
}

/// What is known of an app once it is served.
#[derive(Clone)]
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) app: Arc<sessile::app::App>,
}

impl App {
    /// Builds and serves the app whose `sessile.toml` is in this folder.
    ///
    /// # Panics
    /// As `sessile up` would fail.
    #[track_caller]
    pub fn start(folder: impl AsRef<Path>) -> Self {
        Self::start_with(folder, Memory::Keep)
    }

    /// As [`Self::start`]; with [`Memory::Amnesia`] each event meets a fresh instance, so that a handler
    /// which relies on its globals is found out.
    ///
    /// # Panics
    /// As `sessile up` would fail.
    #[track_caller]
    pub fn start_with(folder: impl AsRef<Path>, memory: Memory) -> Self {
        log_to_stderr();
        let folder = folder.as_ref().to_owned();
        build(&folder);
        let data = TempDir::new().expect("a temporary folder");
        let listen = (Ipv4Addr::LOCALHOST, 0).into();
        let data_folder = data.path().to_owned();
        let proxies = Proxies::default();
        let settings = Settings {
            folder: Some(folder),
            data: data_folder,
            cache: cache(),
            compiler: Compiler::Here,
            origins: Origins::Listed,
            listen,
            memory,
            guest_memory: GUEST_MEMORY,
            outbox_memory: OUTBOX_MEMORY,
            admin: None,
            trusted: TrustedKeys::default(),
            tls: None,
            proxies,
            clients: ClientLimits::default(),
            traces: None,
        };
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = mpsc::sync_channel(1);
        let host = std::thread::Builder::new().name("sessile".into());
        let host = host.spawn(move || serve(&settings, &started, stopped)).expect("a thread");
        match starting.recv() {
            Ok(Ok(running)) => Self { running, stop: Some(stop), host: Some(host), _data: data },
            Ok(Err(error)) => panic!("the app was not started: {error}"),
            Err(_) => panic!("the host panicked: its message is above"),
        }
    }

    /// A peer that has no cookies yet.
    pub fn client(&self) -> Client {
        Client::new(self.running.clone())
    }

    /// Where it listens, for clients of other makes.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }
}

impl Drop for App {
    /// Cuts what is still going on, as a host that is killed.
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(host) = self.host.take() {
            let _panicked = host.join();
        }
    }
}

type Started = mpsc::SyncSender<Result<Running, String>>;

/// Serves until `stopped` resolves.
fn serve(settings: &Settings, started: &Started, stopped: oneshot::Receiver<()>) {
    let (io, guests) = (io_runtime(Some(1)).expect("threads for I/O"), guest_runtime().expect("threads for guests"));
    io.block_on(async {
        let server = match Server::start(settings, guests.handle().clone()).await {
            Ok(server) => server,
            Err(error) => return drop(started.send(Err(error.to_string()))),
        };
        let address = server.address().expect("a bound address");
        let app = server.apps().pop().expect("the app that was deployed");
        let running = Running { address, app };
        let _gone = started.send(Ok(running));
        tokio::select! {
            ended = server.run_until(async |_| pending().await) => ended.expect("the host serves"),
            _ = stopped => {}
        }
    });
    // A guest that is being cut need not be waited for.
    guests.shutdown_background();
    io.shutdown_background();
}

/// Builds an app, once in this process.
#[track_caller]
fn build(folder: &Path) {
    static BUILT: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if built.contains(folder) {
        return;
    }
    if let Err(error) = sessile::cli::build(folder) {
        panic!("the app was not built: {error:#}");
    }
    built.insert(folder.to_owned());
}

/// Compiled code, beside the test's program: it is as trusted as that.
fn cache() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    program.with_file_name("sessile-cache")
}

fn log_to_stderr() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let filter = EnvFilter::try_from_env("SESSILE_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        // A test that has set up its own log keeps it.
        let _own = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
    });
}
