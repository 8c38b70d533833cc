//! The command line: what a person types, and what they read.
//!
//! Owns arguments, messages and exit codes: 0 done, 1 failed while running, 2 nothing was started.

mod build;
mod completions;
mod connect;
mod doctor;
mod inspect;
mod new;
mod sessions;

use std::io::Write as _;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use ipnet::IpNet;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::runtime::Builder;
use tracing_subscriber::EnvFilter;

use crate::app::read_manifest;
use crate::instance::engine::Memory;
use crate::server::{self, Server, Settings};
use crate::tls::TlsFiles;

/// A server on which a WebSocket handler is a sandboxed WebAssembly component.
#[derive(Parser)]
#[command(name = "sessile", version, about, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "Examples:
  sessile new chat                                  a project to begin with
  sessile up examples/chat                          build it, serve it on 127.0.0.1:8000
  sessile serve my-app --listen 127.0.0.1:0         serve what is built, on any free port
  sessile reload my-app                             new code under live websockets
  sessile sessions my-app export > backup.jsonl     its sessions, while it runs";

#[derive(Subcommand)]
enum Command {
    /// Begin an app: a folder with a handler in Rust and all that it needs
    New(new::New),
    /// Build an app's components: runs the `build` commands of its sessile.toml
    Build {
        /// The app's folder: where its sessile.toml is
        dir: PathBuf,
    },
    /// Build an app, then serve it
    Up(Serve),
    /// Serve an app as it is built
    Serve(Serve),
    /// Have the running host load an app's manifest and components again; websockets stay
    Reload {
        /// The app's folder: where its sessile.toml is
        dir: PathBuf,
        /// The host's data folder [default: DIR/.sessile]
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// Look at, end, back up the sessions of an app
    Sessions(sessions::Sessions),
    /// Tell what a component exports, imports and wants, and whether this host can serve it
    Inspect(inspect::Inspect),
    /// Open a websocket, and talk over it from the terminal
    Connect(Box<connect::Connect>),
    /// Find what keeps this machine from building apps and serving them
    Doctor(doctor::Doctor),
    /// Print what makes a shell complete our commands
    Completions(completions::Completions),
}

#[derive(Args)]
struct Serve {
    /// The app's folder: where its sessile.toml is
    dir: PathBuf,
    /// Address and port; port 0 takes any free one, which is printed
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8000")]
    listen: SocketAddr,
    /// Serve HTTPS with this certificate (PEM, with its chain); taken anew when the file changes
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// The certificate's key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Believe Forwarded or X-Forwarded-* of the proxies in this network, such as 10.0.0.0/8; repeatable
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    trust_proxy: Vec<IpNet>,
    /// Where sessions and compiled code are kept [default: DIR/.sessile]
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

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Build { dir } => build(&dir).map(|()| Done::Well),
        Command::Up(serve) => build(&serve.dir).and_then(|()| up(serve)),
        Command::Serve(serve) => up(serve),
        Command::Reload { dir, data } => reload(&dir, data),
        Command::Sessions(sessions) => sessions::run(sessions),
        Command::New(new) => new::run(&new),
        Command::Inspect(inspect) => inspect::run(&inspect),
        Command::Connect(connect) => connect::run(*connect),
        Command::Doctor(doctor) => doctor::run(doctor),
        Command::Completions(completions) => Ok(completions::run(&completions)),
    };
    match result {
        Ok(code) => code.into(),
        Err(error) => {
            report(&error);
            ExitCode::from(2)
        }
    }
}

/// What a command that began its work comes to.
enum Done {
    Well,
    Badly,
}

impl From<Done> for ExitCode {
    fn from(done: Done) -> Self {
        match done {
            Done::Well => Self::SUCCESS,
            Done::Badly => Self::FAILURE,
        }
    }
}

/// Builds an app's components, as `sessile build` does.
///
/// # Errors
/// The manifest, or the command that failed.
pub fn build(dir: &Path) -> anyhow::Result<()> {
    build::run(dir, &read_manifest(dir)?)
}

fn up(serve: Serve) -> anyhow::Result<Done> {
    log_to_stderr(&serve)?;
    let data = serve.data.unwrap_or_else(|| default_data(&serve.dir));
    let tls = serve.tls_cert.zip(serve.tls_key).map(|(certificate, key)| TlsFiles { certificate, key });
    let settings = Settings {
        tls,
        proxies: serve.trust_proxy.into(),
        cache: data.join("cache"),
        data,
        folder: serve.dir,
        listen: serve.listen,
        memory: if serve.amnesia { Memory::Amnesia } else { Memory::Keep },
    };
    raise_file_limit();
    let guests = server::guest_runtime().context("the guest threads could not be started")?;
    let io = Builder::new_multi_thread().thread_name("io").enable_all().build()?;
    let done = io.block_on(async {
        let server = Server::start(&settings, guests.handle().clone())?;
        let scheme = if server.is_secure() { "https" } else { "http" };
        say(&format!("listening on {scheme}://{}", server.address()?));
        match server.run().await {
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

fn reload(dir: &Path, data: Option<PathBuf>) -> anyhow::Result<Done> {
    let data = data.unwrap_or_else(|| default_data(dir));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(server::reload(&data)) {
        Ok(version) => {
            say(&format!("reloaded: version {version}"));
            Ok(Done::Well)
        }
        Err(error) => {
            report(&error.into());
            Ok(Done::Badly)
        }
    }
}

/// A connection is a file: the soft limit of 1,024 that shells have is raised to the hard one.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(soft = limit.current, "the limit of open files could not be raised: {error}");
    }
}

fn default_data(dir: &Path) -> PathBuf {
    dir.join(".sessile")
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

/// Prints a line for the caller, at once: programs wait for it.
fn say(line: &str) {
    print(format!("{line}\n").as_bytes());
}

fn print(bytes: &[u8]) {
    let mut out = std::io::stdout().lock();
    // A closed stdout is the caller's wish.
    let _closed = out.write_all(bytes).and_then(|()| out.flush());
}

fn report(error: &anyhow::Error) {
    let mut err = std::io::stderr().lock();
    let _closed = writeln!(err, "error: {error:#}");
}
