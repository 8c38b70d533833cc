//! What a language costs: its conformance guest, built, compiled, deployed, and made to echo; in one run, a column a language.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use sessile_tests::{App, Host, LANGUAGES, Language};

use crate::apps;
use crate::compare::{self, Plan, Turns};
use crate::load::{Load, What};
use crate::rows::{Subject, WEBSOCKETS_ECHO};
use crate::server::{Program, Station};
use crate::start;

/// A leak of the least that an allocator gives, 16 bytes an event, would be fourteen times as much.
const GROWTH_MAX: u64 = 1 << 20;
const EVENTS: [u64; 2] = [100_000, 1_000_000];
const STYLES: [(&str, &str); 2] = [("event style", "/ws/bench"), ("loop style", "/loop/bench")];

/// Those of `only` (such as `c,zig`) whose tools are here.
pub(crate) async fn run(plan: Plan, only: Option<&str>) {
    let wanted = |language: &&Language| only.is_none_or(|only| only.split(',').any(|name| name == language.folder));
    let (mut here, mut lines) = (Vec::new(), Vec::new());
    for language in LANGUAGES.iter().filter(wanted) {
        match language.missing() {
            None => here.push(language),
            Some(missing) => lines.push(format!("{}: not here, {missing} is missing", language.name)),
        }
    }
    let mut table: Vec<_> = ROWS.iter().map(|row| format!("| {row} |")).collect();
    for language in &here {
        let cells = costs(language).await.into_iter().zip(&mut table);
        cells.for_each(|(cell, row)| row.push_str(&format!(" {cell} |")));
    }
    for (style, path) in STYLES {
        let mut row = format!("| CPU for an echo of 128 B, {style}, µs (Rust's by it) |");
        echoes(plan, &here, path).iter().for_each(|cell| row.push_str(&format!(" {cell} |")));
        table.push(row);
    }
    for (style, path) in STYLES {
        let mut row = format!("| memory of an instance after 100,000 events and a million, {style}, KiB |");
        here.iter().for_each(|language| row.push_str(&format!(" {} |", leaks(language, path))));
        table.push(row);
    }
    let names: Vec<_> = here.iter().map(|language| language.name).collect();
    super::say(&format!("| | {} |\n|---|{}\n{}", names.join(" | "), "---|".repeat(names.len()), table.join("\n")));
    lines.iter().for_each(|line| super::say(line));
}

const ROWS: [&str; 5] = [
    "component, KiB",
    "build after a change, s",
    "compiled by the host, once, ms",
    "an instance, ms",
    "first answer after a deploy, compilation cached (goal 5), ms",
];

async fn costs(language: &Language) -> [String; ROWS.len()] {
    let app = language.guest();
    touch(language);
    let begun = Instant::now();
    build(&app);
    let built = begun.elapsed();
    let component = language.component(&app);
    let size = fs::metadata(&component).expect("the component").len();
    let path = component.to_str().expect("a path in UTF-8");
    let manifest = |number: usize| match number {
        // Another guest is served before, so that the first deploy compiles this one.
        0 => apps::one(App::component("echo").to_str().expect("a path in UTF-8"), 0),
        number => apps::one(path, number).replace("path = \"/\"", "path = \"/http/{what}\""),
    };
    let deploys = start::deploys(manifest, "/http/no-body", "HTTP/1.1 204", "\r\n\r\n").await;
    let (first, later) = deploys.split_first().expect("a deploy");
    let median = |of: fn(&start::Deploy) -> Duration| start::median(later.iter().map(of).collect());
    [
        format!("{}", size / 1024),
        format!("{:.1}", built.as_secs_f64()),
        format!("{:.0}", milliseconds(first.step("compile"))),
        format!("{:.2}", milliseconds(median(|deploy| deploy.step("smoke")))),
        format!("{:.2}", milliseconds(median(start::Deploy::whole))),
    ]
}

fn milliseconds(span: Duration) -> f64 {
    span.as_secs_f64() * 1e3
}

/// All in turns; Rust's is the first.
fn echoes(plan: Plan, languages: &[&'static Language], path: &'static str) -> Vec<String> {
    let subject = |language: &&'static Language| Subject {
        name: language.name,
        program: Program::Guest(language),
        path,
        work: WEBSOCKETS_ECHO,
    };
    let subjects: Vec<_> = languages.iter().map(subject).collect();
    let turns = compare::take_turns(plan, &subjects.iter().collect::<Vec<_>>());
    let cpu = |turns: &Turns| turns.median().cpu;
    turns.iter().map(|turn| format!("{:.1} ({:.2})", cpu(turn), cpu(&turns[0]) / cpu(turn))).collect()
}

/// Four websockets, 64 messages in flight on each.
fn leaks(language: &'static Language, path: &str) -> String {
    let station = Station::new(Program::Guest(language));
    let server = station.start();
    let mut load = Load::open(server.address, path, What::Echo { bytes: 128, in_flight: 64 }, 4);
    let mut done = 0;
    let memory = EVENTS.map(|events| {
        done += load.run_times(events - done).operations;
        memory_max(station.data())
    });
    let verdict = if memory[1] < memory[0] + GROWTH_MAX { "" } else { " **leaks**" };
    format!("{}, {}{verdict}", memory[0] / 1024, memory[1] / 1024)
}

/// The largest that an instance of any websocket had.
fn memory_max(data: &Path) -> u64 {
    let listed = Host::run(&["connections", "--json", "--to", data.to_str().expect("a path in UTF-8")]);
    let listed = String::from_utf8(listed.stdout).expect("UTF-8");
    let lines = listed.lines().map(|line| serde_json::from_str::<Value>(line).expect("a websocket in JSON"));
    lines.map(|line| line["memory_bytes_max"].as_u64().expect("its memory")).max().expect("a websocket")
}

/// Its sources are newer than what was built of them in the repository, as Rust's is.
fn touch(language: &Language) {
    for source in language.sources() {
        let file = File::options().append(true).open(source).expect("a source");
        file.set_modified(SystemTime::now()).expect("it is newer");
    }
}

/// Builds an app where it lies.
pub(crate) fn build(app: &App) {
    let built = Host::run(&["build", app.path().to_str().expect("a path in UTF-8")]);
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
}
