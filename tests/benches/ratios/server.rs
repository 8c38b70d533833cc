//! A server under measurement: a child process on its cores, and what the kernel says of it.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_setaffinity};
use sessile::limits;
use sessile_tests::{App, Host, Language};
use tempfile::TempDir;

use crate::languages::build;

/// The load has the second core.
const LOAD: usize = 1;

/// Which server.
#[derive(Clone, Copy)]
pub(crate) enum Program {
    /// The native one, which is told to be this.
    Native(&'static str),
    /// Sessile, with this app.
    Sessile(fn() -> App),
    /// Sessile, with the conformance guest of this language.
    Guest(&'static Language),
}

/// How many threads do a server's I/O.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Threads {
    /// One, with the first core for itself.
    One,
    /// Two, on the first two cores; where there is no third, the load is on one of them.
    Two,
}

/// A program with its app and its data folder, to be started again and again: what it compiles, it compiles once.
pub(crate) struct Station {
    program: Program,
    app: Option<App>,
    data: TempDir,
}

/// A running server, ended with its drop.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Station {
    pub(crate) fn new(program: Program) -> Self {
        let app = match program {
            Program::Native(_) => None,
            Program::Sessile(app) => Some(app()),
            Program::Guest(language) => {
                let app = language.guest();
                build(&app);
                Some(app)
            }
        };
        Self { program, app, data: TempDir::new().expect("a data folder") }
    }

    pub(crate) fn app(&self) -> Option<&App> {
        self.app.as_ref()
    }

    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Starts it on one core.
    pub(crate) fn start(&self) -> Server {
        self.start_with(Threads::One)
    }

    /// Starts it; Sessile with its default settings, its log thrown away.
    pub(crate) fn start_with(&self, threads: Threads) -> Server {
        self.launch(threads, Stdio::null())
    }

    /// Starts it on one core, its log in this file.
    pub(crate) fn start_logged(&self, log: &Path) -> Server {
        self.launch(Threads::One, File::create(log).expect("a log").into())
    }

    /// Deploys another app to the server that runs here.
    pub(crate) fn deploy(&self, app: &App) {
        let mut command = Command::new(Host::program());
        command.arg("deploy").arg(app.path()).arg("--to").arg(self.data.path());
        let deployed = command.output().expect("the program runs");
        assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    }

    fn launch(&self, threads: Threads, log: Stdio) -> Server {
        let mut command = self.command();
        // A child inherits the cores that this thread has while it starts it, and tokio counts them.
        match threads {
            Threads::One => pin(&[0]),
            Threads::Two => {
                command.env("TOKIO_WORKER_THREADS", "2");
                pin(&[0, 1]);
            }
        }
        let mut child = command.stdout(Stdio::piped()).stderr(log).spawn().expect("the server starts");
        pin_load(threads);
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout is piped")).read_line(&mut line).expect("a line");
        let address =
            line.trim().strip_prefix("listening on http://").expect("the address").parse().expect("an address");
        Server { child, address }
    }

    fn command(&self) -> Command {
        match self.program {
            Program::Native(what) => {
                let mut command = Command::new(std::env::current_exe().expect("this program"));
                command.args(["native", what]);
                command
            }
            Program::Sessile(_) | Program::Guest(_) => {
                let mut command = Command::new(Host::program());
                command.arg("serve").args(self.app.as_ref().map(App::path));
                command.args(["--listen", "127.0.0.1:0", "--data"]).arg(self.data.path());
                command
            }
        }
    }
}

impl Server {
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

    /// KiB of huge pages, which are resident as a whole.
    pub(crate) fn huge_pages(&self) -> u64 {
        self.kibibytes("smaps_rollup", "AnonHugePages:")
    }

    fn memory(&self) -> u64 {
        self.status("VmRSS:")
    }

    fn status(&self, name: &str) -> u64 {
        self.kibibytes("status", name)
    }

    fn kibibytes(&self, file: &str, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("its memory");
        line.trim().trim_end_matches(" kB").parse().expect("KiB")
    }
}

/// A process of the lowest priority that spins on the server's core, until its drop.
pub(crate) struct Spinner(Child);

impl Spinner {
    pub(crate) fn start() -> Self {
        pin(&[0]);
        let child =
            Command::new("nice").args(["-n", "19", "sh", "-c", "while :; do :; done"]).spawn().expect("a process");
        pin_load(Threads::One);
        Self(child)
    }
}

impl Drop for Spinner {
    fn drop(&mut self) {
        // It does not end by itself.
        let _ended = self.0.kill();
        let _reaped = self.0.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Puts this thread where the load of such a server belongs.
pub(crate) fn pin_load(threads: Threads) {
    let cores = std::fs::read_dir("/sys/devices/system/cpu").map_or(1, |all| {
        let numbered = |name: &str| name.strip_prefix("cpu").is_some_and(|number| number.parse::<u32>().is_ok());
        all.flatten().filter(|entry| entry.file_name().to_str().is_some_and(numbered)).count()
    });
    pin(&[if threads == Threads::Two && cores > 2 { 2 } else { LOAD }]);
}

/// Puts this thread on cores, where there are so many.
fn pin(wanted: &[usize]) {
    let mut cores = CpuSet::new();
    wanted.iter().for_each(|core| cores.set(*core));
    // On one core there is nothing to separate, and ratios still hold.
    let _single = sched_setaffinity(None, &cores);
}

/// Raises the limit of open files as far as it may be; how many that are.
pub(crate) fn raise_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    setrlimit(Resource::Nofile, raised).expect("more files may be open");
    limit.maximum.unwrap_or(u64::MAX)
}
