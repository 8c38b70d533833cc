//! `sessile serve` and `up`: a host, from its arguments to its end.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use super::{Done, build, default_data, report, say, sign};
use crate::app::signature::{TrustedKey, TrustedKeys};
use crate::instance::cache::Compiler;
use crate::instance::engine::Memory;
use crate::server::{self, Origins, Server, Settings};
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
    /// The data folder: versions, sessions, compiled code [default: .sessile of DIR, or of this folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
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
    log_to_stderr(&serve)?;
    let data = serve.data.unwrap_or_else(|| default_data(serve.dir.as_deref().unwrap_or(Path::new("."))));
    let tls = serve.tls_cert.zip(serve.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
    let settings = Settings {
        admin: serve.admin,
        trusted: TrustedKeys(serve.trusted_key),
        tls,
        proxies: serve.trust_proxy.into(),
        cache: data.join("cache"),
        compiler: Compiler::Child(program()?),
        data,
        folder: serve.dir,
        listen: serve.listen,
        origins,
        memory: if serve.amnesia { Memory::Amnesia } else { Memory::Keep },
    };
    raise_file_limit();
    let guests = server::guest_runtime().context("the guest threads could not be started")?;
    let io = Builder::new_multi_thread().thread_name("io").enable_all().build()?;
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

fn log_to_stderr(serve: &Serve) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&serve.log).with_context(|| {
        format!("--log {:?}: use error, warn, info, debug, trace, or a filter such as `warn,access=info`", serve.log)
    })?;
    let colour = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colour);
    if serve.log_json {
        log.json().flatten_event(true).init();
    } else {
        log.init();
    }
    Ok(())
}
