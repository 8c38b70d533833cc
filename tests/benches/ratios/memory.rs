//! What an idle websocket holds in the server's memory; and a hundred thousand of them, of which some are active.

use std::time::Duration;

use crate::apps;
use crate::compare::Plan;
use crate::load::{crowd, held::Held};
use crate::server::{Program, Station};
use crate::table::{Figure, Goal, Table};

const IDLE: usize = 10_000;
/// Websockets that are there before: what the process makes resident once for all of them is not theirs.
const FIRST: usize = 2_000;
/// Of a hundred.
const ACTIVE: usize = 1;
/// Files that a process has beside its websockets.
const FILES: u64 = 200;

pub(crate) async fn run(table: &mut Table) {
    for (name, program, path, goal) in [
        ("tokio-tungstenite, 4 KiB read buffer", Program::Native("websocket"), "/", Goal::Reported),
        ("event style", Program::Sessile(apps::echo), "/ws", Goal::AtMost(2.1)),
    ] {
        let name = format!("resident memory of an idle websocket of 10,000, Chromium's headers: {name}");
        if !table.wants(&name) {
            continue;
        }
        let station = Station::new(program);
        let server = station.start();
        let first = crowd::idle(server.address, path, FIRST);
        let before = server.settled_memory().await;
        let held = crowd::idle(server.address, path, IDLE);
        let after = server.settled_memory().await;
        let huge = server.huge_pages();
        drop((first, held));
        let mebibytes = |kibibytes: u64| kibibytes as f64 / 1024.0;
        let more = format!(
            "{:.1} MiB before, {:.1} MiB with them, of which {:.1} MiB in huge pages, used or not",
            mebibytes(before),
            mebibytes(after),
            mebibytes(huge),
        );
        table.row(&name, goal, each(before, after, IDLE), &more);
    }
}

/// `count` idle websockets, of which one in a hundred then echoes as fast as it can.
pub(crate) async fn huge(plan: Plan, count: usize, files: u64, table: &mut Table) {
    for (name, program, path) in [
        ("tokio-tungstenite, 4 KiB read buffer", Program::Native("websocket"), "/"),
        ("event style", Program::Sessile(apps::echo), "/ws"),
    ] {
        let name = format!("{count} websockets, {ACTIVE} % active: {name}");
        if !table.wants(&name) {
            continue;
        }
        if files < (count + FIRST) as u64 + FILES {
            let why = format!("not here: {files} open files are allowed, see `ulimit -Hn`");
            table.absent(&name, Goal::Reported, "", &why);
            continue;
        }
        let station = Station::new(program);
        let server = station.start();
        let first = crowd::idle(server.address, path, FIRST);
        let before = server.settled_memory().await;
        let cpu = server.cpu();
        let mut held = Held::open(server.address, path, count);
        let opening = (server.cpu() - cpu).as_secs_f64() * 1e6 / count as f64;
        let after = server.settled_memory().await;
        drop(first);
        let active = count * ACTIVE / 100;
        held.run(active, plan.span / 3);
        let cpu = server.cpu();
        let done = held.run(active, plan.span.max(Duration::from_secs(1)));
        let cpu = (server.cpu() - cpu).as_secs_f64() * 1e6 / done.operations as f64;
        let more = format!(
            "CPU {cpu:.2} µs for an echo of 128 B by the {active} that are active, {:.0}/s; {opening:.0} µs for a handshake",
            done.operations as f64 / done.took.as_secs_f64(),
        );
        table.row(&name, Goal::Reported, each(before, after, count), &more);
    }
}

fn each(before: u64, after: u64, count: usize) -> Figure {
    Figure { value: after.saturating_sub(before) as f64 / count as f64, unit: " KiB", decimals: 2 }
}
