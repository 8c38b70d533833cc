//! The benchmark: Sessile against native Rust, in one run, as ratios of CPU per operation.
//!
//! The server has core 0, the load core 1. Native and Sessile take turns, so that a drift of the
//! machine hits both; each figure is the median of its rounds. Run it with
//! `cargo bench -p sessile-tests --bench ratios`; `-- --secs 1 --rounds 1` for a quick look.

mod load;
mod native;
mod server;
mod stream;

use std::io::Write as _;
use std::time::{Duration, Instant};

use load::{Load, What};
use server::{Kind, Server};

const CONNECTIONS: usize = 64;
const BYTES: usize = 1024;
const LARGE_BYTES: usize = 16 * 1024;
const IDLE: usize = 5000;

struct Plan {
    span: Duration,
    rounds: usize,
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "native") {
        return native::serve(&args[2]);
    }
    server::raise_file_limit();
    server::pin(1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(&plan(&args)));
}

fn plan(args: &[String]) -> Plan {
    let value = |name: &str, default: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    Plan { span: Duration::from_secs(value("--secs", 3)), rounds: value("--rounds", 5) as usize }
}

async fn run(plan: &Plan) {
    say("| operation | server CPU µs | operations/s | of native, per CPU | to reach |");
    say("|---|---|---|---|---|");
    let echo = compare(plan, Kind::NativeWebsocket, What::Echo(BYTES), &[("/ws", 0.6), ("/loop", 0.4)]).await;
    let large = compare(plan, Kind::NativeLarge, What::Echo(LARGE_BYTES), &[("/ws", 0.9)]).await;
    let hello = compare(plan, Kind::NativeHttp, What::Http, &[("/", 0.4)]).await;
    for line in echo.into_iter().chain(large).chain(hello) {
        say(&line);
    }
    say("");
    say(&format!("| idle websocket at {IDLE}, Chromium's headers | KiB each |"));
    say("|---|---|");
    for (name, kind, path) in [
        ("native, 4 KiB read buffer", Kind::NativeWebsocket, "/"),
        ("event style (to reach: 10)", Kind::Sessile, "/ws"),
    ] {
        say(&format!("| {name} | {:.1} |", idle(kind, path).await));
    }
    say("");
    streaming(plan).await;
    say("");
    say(&sessions(plan).await);
    say("");
    say(&format!("start to `listening`, warm cache: {} ms (to reach: 100)", start().as_millis()));
}

/// Rows for a native server and the routes of Sessile that do the same.
async fn compare(plan: &Plan, native: Kind, what: What, routes: &[(&str, f64)]) -> Vec<String> {
    let mut rounds = vec![Vec::new(); routes.len() + 1];
    for _ in 0..plan.rounds {
        rounds[0].push(measure(plan, native, what, "/").await);
        for (index, (path, _)) in routes.iter().enumerate() {
            rounds[index + 1].push(measure(plan, Kind::Sessile, what, path).await);
        }
    }
    let medians: Vec<_> = rounds.iter_mut().map(|round| median(round)).collect();
    let base = medians[0];
    let mut rows = vec![format!("| {} | {:.2} | {:.0} | 1 | |", native.name(), base.0, base.1)];
    for ((path, goal), (cpu, rate)) in routes.iter().zip(&medians[1..]) {
        let what = match what {
            What::Http => "hello, `shared`",
            What::Echo(LARGE_BYTES) => "echo, 16 KiB",
            _ => "echo",
        };
        rows.push(format!("| sessile {what} `{path}` | {cpu:.2} | {rate:.0} | {:.2} | {goal} |", base.0 / cpu));
    }
    rows
}

/// CPU µs of the server for one operation, and operations a second.
async fn measure(plan: &Plan, kind: Kind, what: What, path: &str) -> (f64, f64) {
    let server = Server::start(kind);
    let mut load = Load::open(server.address, path, what, CONNECTIONS).await;
    load.run(plan.span / 3).await;
    let (cpu, begun) = (server.cpu(), Instant::now());
    let operations = load.run(plan.span).await as f64;
    let (cpu, wall) = ((server.cpu() - cpu).as_secs_f64(), begun.elapsed().as_secs_f64());
    (cpu * 1e6 / operations, operations / wall)
}

/// A table of bodies that are streamed through.
async fn streaming(plan: &Plan) {
    say(
        "| 100 MiB in and out, 8 at once for the memory | server CPU µs/MiB | MiB/s, one exchange | of native, per CPU | KiB more for each |",
    );
    say("|---|---|---|---|---|");
    let native = stream::measure(Kind::NativeStream, plan.rounds).await;
    let sessile = stream::measure(Kind::Faults, plan.rounds).await;
    for (name, measured) in
        [("hyper", &native), ("sessile, a guest that reads and writes (to reach: 2048 KiB)", &sessile)]
    {
        let stream::Streaming { cpu, rate, growth } = measured;
        say(&format!("| {name} | {cpu:.0} | {rate:.0} | {:.2} | {growth:.0} |", native.cpu / cpu));
    }
}

/// The median by CPU, with the rate of the same round.
fn median(round: &mut [(f64, f64)]) -> (f64, f64) {
    round.sort_by(|a, b| a.0.total_cmp(&b.0));
    round[round.len() / 2]
}

/// Saves a second where each message of each websocket sets a key of its own session and saves it, beside
/// what this machine's disk would allow if all of them shared each fsync.
async fn sessions(plan: &Plan) -> String {
    let (mut spans, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        spans.push(fsync());
        let server = Server::start(Kind::Faults);
        let what = What::Ask("session put a 1", "put");
        let mut load = Load::open(server.address, "/ws?session=1", what, CONNECTIONS).await;
        load.run(plan.span / 3).await;
        let begun = Instant::now();
        let saves = load.run(plan.span).await as f64;
        rates.push(saves / begun.elapsed().as_secs_f64());
    }
    spans.sort();
    rates.sort_by(f64::total_cmp);
    let (span, rate) = (spans[spans.len() / 2], rates[rates.len() / 2]);
    let bound = CONNECTIONS as f64 / span.as_secs_f64();
    format!(
        "session set and save a message, {CONNECTIONS} websockets: {rate:.0} saves/s, {:.2} of {CONNECTIONS} / fsync of {} µs (to reach: 0.5)",
        rate / bound,
        span.as_micros(),
    )
}

/// The median time of an fsync after a page was appended, on the disk of the data folder.
fn fsync() -> Duration {
    let folder = tempfile::TempDir::new().expect("a folder");
    let mut file = std::fs::File::create(folder.path().join("file")).expect("a file");
    let mut spans: Vec<_> = (0..200)
        .map(|_| {
            file.write_all(&[7; 4096]).expect("a page is written");
            let begun = Instant::now();
            file.sync_all().expect("an fsync");
            begun.elapsed()
        })
        .collect();
    spans.sort();
    spans[100]
}

/// KiB of resident memory for each of many websockets that do nothing.
async fn idle(kind: Kind, path: &str) -> f64 {
    let server = Server::start(kind);
    // What the first few websockets make resident once is not theirs.
    drop(load::idle(server.address, path, 64).await);
    let before = server.settled_memory().await;
    let held = load::idle(server.address, path, IDLE).await;
    let after = server.settled_memory().await;
    drop(held);
    (after.saturating_sub(before)) as f64 / IDLE as f64
}

/// The median of five starts.
fn start() -> Duration {
    let data = tempfile::TempDir::new().expect("a data folder");
    drop(Server::start_at(Kind::Sessile, Some(data.path())));
    let mut spans: Vec<_> = (0..5)
        .map(|_| {
            let begun = Instant::now();
            let server = Server::start_at(Kind::Sessile, Some(data.path()));
            let span = begun.elapsed();
            drop(server);
            span
        })
        .collect();
    spans.sort();
    spans[2]
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("stdout");
}
