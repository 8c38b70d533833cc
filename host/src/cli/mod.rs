//! The command line: what a person types, and what they read.
//!
//! Owns arguments, messages and exit codes: 0 done, 1 failed while running, 2 nothing was started.

mod alarms;
mod build;
mod canary;
mod check;
mod compile;
mod completions;
mod componentize;
mod connect;
mod connections;
mod deploy;
mod dev;
mod doctor;
mod embedded;
mod inspect;
mod languages;
mod log;
mod new;
mod publish;
mod pull;
mod push;
mod serve;
mod sessions;
mod sign;
mod tail;
mod to;
mod token;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::app::read_manifest;

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
  sessile deploy my-app                             new code under live websockets
  sessile rollback my-app                           the code before it
  sessile push my-app oci://ghcr.io/me/my-app:1.2   into a registry, for `sessile deploy oci://…`
  sessile sessions my-app export > backup.jsonl     its sessions, while it runs";

#[derive(Subcommand)]
enum Command {
    /// Begin an app: a folder with a handler, in Rust, C, Zig, JavaScript or TypeScript, and all that it needs
    New(new::New),
    /// Build an app's components: runs the `build` commands of its sessile.toml, and makes components of core modules
    Build {
        /// The app's folder: where its sessile.toml is
        dir: PathBuf,
    },
    /// Make a component of a script in JavaScript, as build commands do
    Componentize(componentize::Componentize),
    /// Build an app, then serve it
    Up(serve::Serve),
    /// Serve an app as it is built, and whatever else was deployed
    Serve(serve::Serve),
    /// Build, serve, and do both anew whenever something in the folder changes; websockets stay
    Dev(serve::Serve),
    /// Make an app (a folder, one component, or in a registry) the current version in a running host; websockets stay
    Deploy(deploy::Deploy),
    /// Put an app, or one component, into an OCI registry
    Push(push::Push),
    /// Get an app out of an OCI registry, into a folder
    Pull(pull::Pull),
    /// The apps that a host serves
    Apps(deploy::Apps),
    /// The versions of an app that a host keeps
    Versions(deploy::Versions),
    /// Make the canary of an app its current version, or let it serve another share
    Promote(canary::Promote),
    /// Serve the canary of an app no more; its websockets go back
    Abort(canary::Abort),
    /// Make an older version of an app the current one again; websockets stay
    Rollback(deploy::Rollback),
    /// Serve an app no more; its versions and sessions stay on disk
    Undeploy(deploy::Undeploy),
    /// The live websockets of a host, the oldest first
    Connections(connections::Connections),
    /// Publish a message to a group of websockets
    Publish(publish::Publish),
    /// Close a websocket
    Close(connections::Close),
    /// The alarms of a host's apps, the next first
    Alarms(alarms::Alarms),
    /// What happens on a host, as it happens; Ctrl-C ends it
    Tail(tail::Tail),
    /// Make, list and revoke the tokens of the admin API on TCP
    Token(token::Tokens),
    /// Make a key to sign apps with
    Key(sign::Key),
    /// Sign an app as it is built, for hosts that trust the key
    Sign(sign::Sign),
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
    /// What a host runs for each component that is to be compiled
    #[command(hide = true)]
    CompileComponent(compile::CompileComponent),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Build { dir } => build(&dir).map(|()| Done::Well),
        Command::Componentize(componentize) => componentize::run(&componentize),
        Command::Up(serve) => serve::up(serve),
        Command::Serve(serve) => serve::run(serve),
        Command::Dev(args) => dev::run(args),
        Command::Deploy(deploy) => deploy.run(),
        Command::Push(push) => push.run(),
        Command::Pull(pull) => pull.run(),
        Command::Apps(apps) => apps.run(),
        Command::Versions(versions) => versions.run(),
        Command::Promote(promote) => promote.run(),
        Command::Abort(abort) => abort.run(),
        Command::Rollback(rollback) => rollback.run(),
        Command::Undeploy(undeploy) => undeploy.run(),
        Command::Connections(connections) => connections.run(),
        Command::Publish(publish) => publish.run(),
        Command::Close(close) => close.run(),
        Command::Alarms(alarms) => alarms.run(),
        Command::Tail(tail) => tail.run(),
        Command::Token(tokens) => token::run(tokens),
        Command::Key(key) => sign::key(&key),
        Command::Sign(sign) => sign::sign(&sign),
        Command::Sessions(sessions) => sessions::run(sessions),
        Command::CompileComponent(compile) => compile::run(compile),
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
    build::run(dir, &read_manifest(dir)?.1)
}

/// Where the host of an app's folder keeps its data, if nothing else is said.
fn default_data(dir: &Path) -> PathBuf {
    dir.join(".sessile")
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

/// Tells a person what a program that reads stdout need not know.
fn note(line: &str) {
    let mut err = std::io::stderr().lock();
    let _closed = writeln!(err, "{line}");
}

fn report(error: &anyhow::Error) {
    note(&format!("error: {error:#}"));
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        super::Cli::command().debug_assert();
    }
}
