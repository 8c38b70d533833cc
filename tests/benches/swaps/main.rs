//! The benchmark of deploys: how soon a version is live, and what a swap costs those who are connected.
//!
//! `cargo bench -p sessile-tests --bench swaps`; `-- --websockets 500` for a quick look. Times are of this machine and of whatever else it
//! does: compare the columns of one run.

use std::io::Write as _;
use std::time::{Duration, Instant};

use sessile_tests::{App, Fleet, Host, Settings, Socket, Way};
use tempfile::TempDir;

const ROUNDS: usize = 9;
const SWAPS: u32 = 10;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let given = args.iter().position(|arg| arg == "--websockets").and_then(|at| args.get(at + 1)?.parse().ok());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        deploys().await;
        swaps("/ws", given.unwrap_or(5000)).await;
        swaps("/loop", given.unwrap_or(1000).min(1000)).await;
    });
}

fn manifest(letter: &str, number: usize) -> String {
    format!(
        "# {number}\n[app]\nname = \"s\"\n[[routes]]\npath = \"/ws\"\nhandler = \"events\"\n[[routes]]\npath = \"/loop\"\n\
         handler = \"looped\"\n[handlers.events]\ncomponent = \"{{components}}/swap_{letter}.wasm\"\n\
         export = \"websocket-events\"\n[handlers.looped]\ncomponent = \"{{components}}/swap_{letter}.wasm\"\n\
         export = \"websocket-handler\"\n"
    )
}

/// From the start of `sessile deploy` to the first answer by the new version, on a websocket that was open before.
async fn deploys() {
    let bytes = std::fs::metadata(App::component("swap_b")).expect("the component").len();
    say(&format!(
        "| deploy of a component of {} KiB, to the first event on it | median of {ROUNDS} | to reach |",
        bytes / 1024
    ));
    say("|---|---|---|");
    let data = TempDir::new().expect("a data folder");
    let (mut cold, mut cached) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        // Its compiled code is forgotten, and that of version a is there.
        let _none = std::fs::remove_dir_all(data.path());
        let app = App::new(&manifest("a", round));
        let host = Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(Way::Keep) });
        let mut socket = Socket::open(host.address(), "/ws").await;
        cold.push(deployed(&app, &host, &mut socket, "b", round).await);
        deployed(&app, &host, &mut socket, "a", round).await;
        cached.push(deployed(&app, &host, &mut socket, "b", ROUNDS + round).await);
    }
    say(&format!("| compiled | {:.0} ms | 150 ms |", median(cold)));
    say(&format!("| compilation cached | {:.1} ms | 20 ms |\n", median(cached)));
}

/// In milliseconds.
async fn deployed(app: &App, host: &Host, socket: &mut Socket, letter: &str, number: usize) -> f64 {
    app.write(&manifest(letter, number));
    let begun = Instant::now();
    let output = host.deploy(app, &[]).await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(socket.ask("x").await, format!("{letter}:x"));
    begun.elapsed().as_secs_f64() * 1e3
}

async fn swaps(path: &'static str, count: usize) {
    let app = App::new(&manifest("a", 0));
    let host = Host::start(&app, Way::Keep);
    let fleet = Fleet::launch(host.address(), path, count, Duration::from_secs(1)).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    fleet.swaps_begin();
    for swap in 0..SWAPS {
        let letter = if swap % 2 == 0 { "b" } else { "a" };
        app.write(&manifest(letter, 1 + swap as usize));
        let output = host.deploy(&app, &[]).await;
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let report = fleet.land().await;
    let ratio = report.p99_swaps.as_secs_f64() / report.p99_before.as_secs_f64();
    say(&format!("| {count} websockets on {path}, {SWAPS} swaps, one a second | | to reach |"));
    say("|---|---|---|");
    let (answered, drops) = (report.answered, report.drops);
    say(&format!("| messages answered | {answered} | |"));
    say(&format!("| dropped, lost, reordered | {drops}, {}, {} | 0, 0, 0 |", report.gaps, report.reorders));
    say(&format!("| moves of a websocket, least and mean | {}, {:.1} | |", report.moves_min, report.moves_mean));
    let (before, during) = (report.p99_before.as_secs_f64() * 1e3, report.p99_swaps.as_secs_f64() * 1e3);
    say(&format!(
        "| p99 of three messages and their answers, before and during | {before:.1} ms, {during:.1} ms: {ratio:.1} | 3 |\n"
    ));
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or_default()
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // A closed stdout is the caller's wish.
    let _closed = writeln!(out, "{line}");
}
