//! Saves of sessions, beside what this machine's disk would allow if all of them shared each fsync.

use std::io::Write as _;
use std::time::{Duration, Instant};

use crate::apps;
use crate::compare::Plan;
use crate::load::{Load, What};
use crate::server::{Program, Station};
use crate::table::{Figure, Goal, Table};

const WEBSOCKETS: usize = 64;
const NAME: &str = "session set and save a message, 64 websockets: saves/s by 64 / fsync";

/// Each message of each websocket sets a key of its own session and saves it.
pub(crate) fn run(plan: Plan, table: &mut Table) {
    if !table.wants(NAME) {
        return;
    }
    let (mut spans, mut rates, mut cpus) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds {
        spans.push(fsync());
        // A data folder of its own each time: a turn has no use of what another has written.
        let station = Station::new(Program::Sessile(apps::faults));
        let server = station.start();
        let what = What::Ask("session put a 1", "put");
        let mut load = Load::open(server.address, "/ws?session=1", what, WEBSOCKETS);
        load.run(plan.span / 3);
        let cpu = server.cpu();
        let done = load.run(plan.span);
        rates.push(done.operations as f64 / done.took.as_secs_f64());
        cpus.push((server.cpu() - cpu).as_secs_f64() * 1e6 / done.operations as f64);
    }
    spans.sort();
    rates.sort_by(f64::total_cmp);
    cpus.sort_by(f64::total_cmp);
    let middle = plan.rounds / 2;
    let (span, rate) = (spans[middle], rates[middle]);
    let value = rate / (WEBSOCKETS as f64 / span.as_secs_f64());
    let more = format!("CPU {:.1} µs, {rate:.0} saves/s, fsync {} µs", cpus[middle], span.as_micros());
    table.row(NAME, Goal::AtLeast(0.5), Figure { value, unit: "", decimals: 2 }, &more);
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
