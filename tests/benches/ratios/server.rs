//! A server under measurement: a child process on core 0, and what the kernel says of it.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use sessile::limits;
use sessile_tests::{App, Way};
use tempfile::TempDir;

/// Which server.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    NativeWebsocket,
    /// The same for large messages, with tungstenite's own buffer of 128 KiB.
    NativeLarge,
    NativeHttp,
    /// hyper, echoing bodies.
    NativeStream,
    Sessile,
    /// Sessile with the guest that does what it is told.
    Faults,
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::NativeWebsocket => "tokio-tungstenite echo, 1 KiB, 64 connections",
            Self::NativeLarge => "tokio-tungstenite echo, 16 KiB, 64 connections",
            Self::NativeHttp => "hyper hello, 64 connections",
            Self::NativeStream => "hyper",
            Self::Sessile | Self::Faults => "sessile",
        }
    }

    /// What the program is told to be, where it is the native one.
    fn native(self) -> Option<&'static str> {
        match self {
            Self::NativeWebsocket => Some("websocket"),
            Self::NativeLarge => Some("large"),
            Self::NativeHttp => Some("http"),
            Self::NativeStream => Some("stream"),
            Self::Sessile | Self::Faults => None,
        }
    }
}

/// A running server, ended with its drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    _app: Option<App>,
    _data: Option<TempDir>,
}

impl Server {
    pub(crate) fn start(kind: Kind) -> Self {
        Self::start_at(kind, None)
    }

    /// Starts one; Sessile with its default settings, its log thrown away.
    pub(crate) fn start_at(kind: Kind, data: Option<&Path>) -> Self {
        let own = data.is_none().then(|| TempDir::new().expect("a data folder"));
        let data = data.or(own.as_ref().map(TempDir::path)).expect("one of the two");
        let program = std::env::current_exe().expect("this program");
        let (mut command, app) = match kind.native() {
            Some(what) => {
                let mut command = Command::new(program);
                command.args(["native", what]);
                (command, None)
            }
            None => {
                let beside = program.ancestors().nth(2).expect("a target folder").join("sessile-under-test");
                let mut command = Command::new(beside);
                let app = if matches!(kind, Kind::Faults) { App::faults(Way::Keep) } else { App::example("echo") };
                command.arg("serve").arg(app.path()).args(["--listen", "127.0.0.1:0", "--data"]).arg(data);
                (command, Some(app))
            }
        };
        // A child inherits the core that this thread has while it starts it.
        pin(0);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the server starts");
        pin(1);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("a line");
        let address =
            line.trim().strip_prefix("listening on http://").expect("the address").parse().expect("an address");
        Self { child, address, _app: app, _data: own }
    }

    /// CPU that all its threads have used.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).expect("its threads");
        let nanos = tasks.flatten().filter_map(|task| {
            let text = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        });
        Duration::from_nanos(nanos.sum())
    }

    /// KiB resident, some seconds later: warm instances are dropped when they have been idle.
    pub(crate) async fn settled_memory(&self) -> u64 {
        tokio::time::sleep(limits::WARM + Duration::from_secs(3)).await;
        self.memory()
    }

    /// KiB resident; from here on the largest is kept.
    pub(crate) fn begin_peak(&self) -> u64 {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5").expect("the peak is reset");
        self.memory()
    }

    /// KiB resident at their largest since.
    pub(crate) fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("KiB")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Puts this thread on a core, where there is more than one.
pub(crate) fn pin(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    // On one core there is nothing to separate, and ratios still hold.
    let _single = sched_setaffinity(None, &cores);
}

pub(crate) fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("more files may be open");
}
