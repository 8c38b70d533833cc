//! A host under test: a child process on port 0, its log kept, ended with its drop.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::App;

/// Far more than anything here takes: a test that waits for longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);
/// The same, where a compiler works.
const BUILD_PATIENCE: Duration = Duration::from_secs(300);

/// How guests run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Instances are kept between events.
    Keep,
    /// `--amnesia`: they are not.
    Amnesia,
    /// Kept, and [`App::faults`] awaits its calls, which puts it on the concurrent engine.
    Concurrent,
}

/// How a host is started.
pub struct Settings<'a> {
    /// `serve` or `dev`.
    pub command: &'static str,
    /// How guests run.
    pub way: Way,
    /// The data folder, if it is to outlive the host.
    pub data: Option<&'a Path>,
    /// Where it listens, if it is to come back to the same place; a free port if nothing is said.
    pub listen: Option<SocketAddr>,
    /// The program; the one under test if none.
    pub program: Option<PathBuf>,
    /// More arguments.
    pub args: Vec<String>,
    /// Variables of its environment.
    pub env: Vec<(&'static str, String)>,
}

impl Settings<'_> {
    /// Serves with this much linear memory for all guests.
    pub fn guest_memory(way: Way, mib: usize) -> Self {
        Self { args: vec!["--guest-memory".into(), mib.to_string()], ..Self::new(way) }
    }

    /// The program under test, with a data folder of its own.
    pub fn new(way: Way) -> Self {
        Self { command: "serve", way, data: None, listen: None, program: None, args: Vec::new(), env: Vec::new() }
    }
}

/// A running host.
pub struct Host {
    child: Child,
    address: SocketAddr,
    admin: Option<String>,
    log: Log,
    data: PathBuf,
    _own_data: Option<TempDir>,
}

/// What the host has written on stderr.
#[derive(Clone, Default)]
struct Log(Arc<(Mutex<String>, Condvar)>);

impl Host {
    /// Serves an app on a free port with a data folder of its own.
    pub fn start(app: &App, way: Way) -> Self {
        Self::start_with(app, Settings::new(way))
    }

    /// Serves an app; returns once it is listening.
    pub fn start_with(app: &App, settings: Settings<'_>) -> Self {
        Self::serve(Some(app), settings)
    }

    /// Serves what was deployed in the data folder; returns once it is listening.
    pub fn start_deployed(settings: Settings<'_>) -> Self {
        Self::serve(None, settings)
    }

    fn serve(app: Option<&App>, settings: Settings<'_>) -> Self {
        let own = settings.data.is_none().then(|| TempDir::new().expect("a data folder"));
        let data = settings.data.or(own.as_ref().map(TempDir::path)).expect("one of the two").to_owned();
        let listen = settings.listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0)));
        let mut command = Self::command(settings.program);
        command
            .arg(settings.command)
            .args(app.map(App::path))
            .args(["--listen", &listen.to_string(), "--data"])
            .arg(&data)
            .args(&settings.args)
            .envs(settings.env);
        if settings.way == Way::Amnesia {
            command.arg("--amnesia");
        }
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the host starts");
        let log = Log::default();
        log.follow(child.stderr.take().expect("stderr is piped"));
        let mut out = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let mut first = String::new();
        // `dev` builds before it listens.
        while out.read_line(&mut first).expect("the host's stdout is read") > 0 && first.starts_with("building ") {
            first.clear();
        }
        let address =
            ["listening on http://", "listening on https://"].iter().find_map(|said| first.trim().strip_prefix(said));
        let address = address.unwrap_or_else(|| panic!("not listening: {first:?}\n{}", log.text()));
        let admin = settings.args.iter().any(|arg| arg == "--admin").then(|| {
            let mut second = String::new();
            out.read_line(&mut second).expect("the host's stdout is read");
            second.trim().strip_prefix("admin API on ").expect("the admin API's address").to_owned()
        });
        log.follow(out);
        Self { child, admin, address: address.parse().expect("an address"), log, data, _own_data: own }
    }

    /// The program under test.
    pub fn program() -> PathBuf {
        under_test().expect("the program under test")
    }

    /// Runs the program to its end.
    pub fn run(args: &[&str]) -> Output {
        Self::command(None).args(args).output().expect("the program runs")
    }

    /// Starts the program with pipes for all three.
    pub fn spawn(args: &[&str]) -> Child {
        let mut command = Self::command(None);
        command.args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the program starts")
    }

    /// Runs the program to its end with this on its stdin.
    pub fn run_with_input(args: &[&str], input: &str) -> Output {
        Self::run_with_bytes(args, input.as_bytes())
    }

    /// As [`Self::run_with_input`]; it may end before it has read all.
    pub fn run_with_bytes(args: &[&str], input: &[u8]) -> Output {
        let mut child = Self::spawn(args);
        let _ended = child.stdin.take().expect("stdin is piped").write_all(input);
        child.wait_with_output().expect("the program runs")
    }

    /// Deploys an app to it, by the command line; how that went.
    pub async fn deploy(&self, app: &App, more: &[&str]) -> Output {
        self.command_to(&[&["deploy", app.path().to_str().expect("a path in UTF-8")], more].concat()).await
    }

    /// Begins to deploy an app to it.
    pub fn spawn_deploy(&self, app: &App) -> Child {
        let mut command = Self::command(None);
        command.arg("deploy").arg(app.path()).arg("--to").arg(&self.data);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts")
    }

    /// Runs a command that asks this host.
    pub async fn command_to(&self, args: &[&str]) -> Output {
        let mut command = Self::command(None);
        command.args(args).arg("--to").arg(&self.data);
        tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.expect("it ran")
    }

    /// Runs a command with these variables.
    pub async fn run_with_env(args: &[&str], env: &[(&str, &str)]) -> Output {
        let mut command = Self::command(None);
        command.args(args).envs(env.iter().copied());
        tokio::task::spawn_blocking(move || command.output().expect("the program runs")).await.expect("it ran")
    }

    /// Where its admin API is, of a host that was started with `--admin`.
    pub fn admin(&self) -> &str {
        self.admin.as_deref().expect("a host with --admin")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its resident memory.
    pub fn resident_bytes(&self) -> u64 {
        self.memory("VmRSS:")
    }

    fn memory(&self, which: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("its status");
        let line = status.lines().find_map(|line| line.strip_prefix(which)).expect("its memory");
        line.trim_end_matches("kB").trim().parse::<u64>().expect("KiB") * 1024
    }

    /// The most that its resident memory has been since [`Self::forget_peak`].
    pub fn peak_bytes(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// From now on the peak counts.
    pub fn forget_peak(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("the peak is forgotten");
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        self.log.text()
    }

    /// Waits until the log holds a text; returns the log.
    pub fn wait_for_log(&self, text: &str) -> String {
        self.log.wait_for(text, 1, PATIENCE)
    }

    /// As [`Self::wait_for_log`], for what comes after a build; others run meanwhile.
    pub async fn wait_for_build(&self, text: &str) -> String {
        let (log, text) = (self.log.clone(), text.to_owned());
        let waited = tokio::task::spawn_blocking(move || log.wait_for(&text, 1, BUILD_PATIENCE));
        waited.await.expect("the log holds it")
    }

    /// Waits until the log holds a text so many times.
    pub fn wait_for_logs(&self, text: &str, count: usize) {
        self.log.wait_for(text, count, PATIENCE);
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("the signal is sent");
    }

    /// Waits for its end.
    pub fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("the host ends")
    }

    fn command(program: Option<PathBuf>) -> Command {
        let program = program.or_else(under_test).expect("the program under test");
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).env_remove("RUST_BACKTRACE").env_remove("RUST_LIB_BACKTRACE");
        // Its memory counts in pages of 4 KiB: with those of 2 MiB four of them, by luck, are 8 MiB of nothing.
        command.env("MIMALLOC_ALLOW_THP", "0");
        command
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// Cargo builds this package's binary beside the folder of its tests.
fn under_test() -> Option<PathBuf> {
    let test = std::env::current_exe().ok()?;
    Some(test.parent()?.parent()?.join("sessile-under-test"))
}

impl Log {
    fn follow(&self, stderr: impl std::io::Read + Send + 'static) {
        let log = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let (text, changed) = &*log.0;
                let mut text = text.lock().expect("no test panics with it");
                text.push_str(&line);
                text.push('\n');
                changed.notify_all();
            }
        });
    }

    fn wait_for(&self, wanted: &str, count: usize, patience: Duration) -> String {
        let (text, changed) = &*self.0;
        let text = text.lock().expect("no test panics with it");
        let waited = changed.wait_timeout_while(text, patience, |text| text.matches(wanted).count() < count);
        let (text, waited) = waited.expect("no test panics with it");
        assert!(!waited.timed_out(), "{wanted:?} is not in the log:\n{text}");
        text.clone()
    }

    fn text(&self) -> String {
        self.0.0.lock().expect("no test panics with it").clone()
    }
}
