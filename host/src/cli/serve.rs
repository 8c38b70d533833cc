//! `sessile serve` and `up`: a host, from its arguments to its end.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tracing_subscriber::EnvFilter;

use super::log::{self, Gathered};
use super::{Done, build, default_data, report, say, sign};
use crate::app::signature::{TrustedKey, TrustedKeys};
use crate::http::{ClientLimit, ClientLimits};
use crate::instance::cache::Compiler;
use crate::instance::engine::Memory;
use crate::limits::{CLIENT_CONNECTIONS_MAX, CLIENT_CONNECTIONS_PER_S, LINEAR_MEMORY_PERCENT, MIB, OUTBOXES_PERCENT};
use crate::server::{self, Endpoint, Origins, Server, Settings};
use crate::tls::TlsFiles;

#[derive(Args)]
pub(super) struct Serve {
    /// An app's folder, where its sessile.toml is; without one, what was deployed is served
    pub(super) dir: Option<PathBuf>,
    /// Address and port; port 0 takes any free one, which is printed
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// Serve HTTPS with this certificate (PEM, with its chain); taken anew when the file changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Serve the admin API here too, for tokens (`sessile token`); without --tls-cert, on an address of this machine's own
    #[arg(long, value_name = "ADDR")]
    admin: Option<SocketAddr>,
    /// Serve only what this key has signed (`sessile sign`): a public key, or its file; repeatable
    #[arg(long, value_name = "KEY|FILE", value_parser = sign::trusted)]
    pub(super) trusted_key: Vec<TrustedKey>,
    /// Believe Forwarded or X-Forwarded-* of the proxies in this network, such as 10.0.0.0/8; repeatable
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    trust_proxy: Vec<IpNet>,
    /// Connections of one client address at once; 0: as many as it likes [default: 100, and none for loopback]
    #[arg(long, value_name = "N")]
    client_connections: Option<u32>,
    /// New connections of one client address in a second; 0: as many as it likes [default: 20, and none for loopback]
    #[arg(long, value_name = "N")]
    client_rate: Option<u32>,
    /// The data folder: versions, sessions, compiled code [default: .sessile of DIR, or of this folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Linear memory of all guests together, in MiB [default: 60 % of what this machine has]
    #[arg(long, value_name = "MIB")]
    guest_memory: Option<usize>,
    /// What waits for slow peers in all outboxes together, in MiB [default: 25 % of what this machine has]
    #[arg(long, value_name = "MIB")]
    outbox_memory: Option<usize>,
    /// Send traces to this collector (OTLP over HTTP) [default: OTEL_EXPORTER_OTLP_ENDPOINT, if it is set]
    #[arg(long, value_name = "URL", value_parser = Endpoint::parse)]
    otlp: Option<Endpoint>,
    /// Drop the instance after every event, to find handlers that rely on their globals
    #[arg(long)]
    amnesia: bool,
    /// What to log: error, warn, info, debug, trace, or a filter such as `warn,access=info`
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
    /// Log as JSON lines
    #[arg(long)]
    log_json: bool,
}

fn client(asked: Option<u32>, default: u32) -> ClientLimit {
    asked.map_or(ClientLimit::Default(default), ClientLimit::Asked)
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    text.parse().or_else(|_| address()).map_err(|_| "neither a network such as 10.0.0.0/8 nor an address".to_owned())
}

/// Builds, then serves.
pub(super) fn up(mut serve: Serve) -> anyhow::Result<Done> {
    build(serve.dir.get_or_insert_with(|| PathBuf::from(".")))?;
    run(serve)
}

pub(super) fn run(args: Serve) -> anyhow::Result<Done> {
    serve(args, Origins::Listed, async |_| std::future::pending().await)
}

/// Serves until a signal ends it, or `beside` returns.
pub(super) fn serve(serve: Serve, origins: Origins, beside: impl AsyncFnOnce(&Server)) -> anyhow::Result<Done> {
    let _written_at_the_end = log_to_stderr(&serve)?;
    let data = serve.data.unwrap_or_else(|| default_data(serve.dir.as_deref().unwrap_or(Path::new("."))));
    let tls = serve.tls_cert.zip(serve.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
    let settings = Settings {
        traces: traces(serve.otlp)?,
        admin: serve.admin,
        trusted: TrustedKeys(serve.trusted_key),
        tls,
        proxies: serve.trust_proxy.into(),
        clients: ClientLimits {
            connections_max: client(serve.client_connections, CLIENT_CONNECTIONS_MAX),
            connections_per_s: client(serve.client_rate, CLIENT_CONNECTIONS_PER_S),
        },
        cache: data.join("cache"),
        compiler: Compiler::Child(program()?),
        data,
        folder: serve.dir,
        listen: serve.listen,
        origins,
        guest_memory: share(serve.guest_memory, LINEAR_MEMORY_PERCENT),
        outbox_memory: share(serve.outbox_memory, OUTBOXES_PERCENT),
        memory: if serve.amnesia { Memory::Amnesia } else { Memory::Keep },
    };
    raise_file_limit();
    let guests = server::guest_runtime().context("the guest threads could not be started")?;
    let io = server::io_runtime(None).context("the I/O threads could not be started")?;
    let done = io.block_on(async {
        let server = Server::start(&settings, guests.handle().clone()).await?;
        let scheme = if server.is_secure() { "https" } else { "http" };
        say(&format!("listening on {scheme}://{}", server.address()?));
        if let Some(url) = server.admin_url()? {
            say(&format!("admin API on {url}"));
        }
        match server.run(beside).await {
            Ok(()) => Ok(Done::Well),
            Err(error) => {
                report(&error.into());
                Ok(Done::Badly)
            }
        }
    });
    // A guest that is being cut need not be waited for.
    guests.shutdown_background();
    io.shutdown_background();
    done
}

/// The collector, with what OpenTelemetry's variables say; where none is named, theirs.
fn traces(named: Option<Endpoint>) -> anyhow::Result<Option<Endpoint>> {
    let variable =
        |name: &'static str| std::env::var(name).ok().filter(|value| !value.is_empty()).map(|value| (name, value));
    let said = || variable("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| variable("OTEL_EXPORTER_OTLP_ENDPOINT"));
    let endpoint = match named.map(Ok).or_else(|| said().map(|(name, url)| Endpoint::parse(&url).context(name))) {
        Some(endpoint) => endpoint?,
        None => return Ok(None),
    };
    let headers = variable("OTEL_EXPORTER_OTLP_HEADERS").map_or_else(String::new, |(_, headers)| headers);
    let endpoint = endpoint.with_headers(&headers)?;
    Ok(Some(match variable("OTEL_SERVICE_NAME") {
        Some((_, service)) => endpoint.with_service(service),
        None => endpoint,
    }))
}

/// So many MiB, or a share of what this machine, or the control group that we are in, has.
fn share(mib: Option<usize>, percent: usize) -> usize {
    if let Some(mib) = mib {
        return mib.saturating_mul(MIB);
    }
    let machine = rustix::system::sysinfo();
    let machine = (machine.totalram as usize).saturating_mul(machine.mem_unit as usize);
    let group = std::fs::read_to_string("/sys/fs/cgroup/memory.max").ok();
    let group = group.and_then(|text| text.trim().parse().ok()).unwrap_or(usize::MAX);
    machine.min(group) / 100 * percent
}

/// A connection is a file: the soft limit of 1,024 that shells have is raised to the hard one.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(soft = limit.current, "the limit of open files could not be raised: {error}");
    }
}

/// This program, also when its file has been replaced since.
fn program() -> std::io::Result<PathBuf> {
    let running = PathBuf::from("/proc/self/exe");
    if running.exists() { Ok(running) } else { std::env::current_exe() }
}

/// What is left of the log is written as the guard is dropped.
fn log_to_stderr(serve: &Serve) -> anyhow::Result<log::Guard> {
    let filter = EnvFilter::try_new(&serve.log).with_context(|| {
        format!("--log {:?}: use error, warn, info, debug, trace, or a filter such as `warn,access=info`", serve.log)
    })?;
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let lines = Gathered::default();
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone()).with_ansi(colour);
    if serve.log_json {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
    lines.written_to(std::io::stderr()).context("the log's thread could not be started")
}
