//! One message to each of ten thousand websockets: deliveries for a second of the server's CPU, and when the last has it.

use std::time::{Duration, Instant};

use crate::apps;
use crate::compare::Plan;
use crate::load::crowd::Crowd;
use crate::server::{Program, Station};
use crate::table::{Figure, Goal, Table};

const MEMBERS: usize = 10_000;
const BYTES: usize = 128;
const GOAL: Goal = Goal::AtLeast(500_000.0);
/// Publications at least, whatever the time: a p99 needs some.
const LEAST: usize = 30;

/// How many publications are under way at once: the next after the last has been received, or a burst.
const ROWS: [(&str, Program, &str, usize, Goal); 5] = [
    ("tokio-tungstenite, one at a time", Program::Native("broadcast"), "/", 1, Goal::Reported),
    ("nothing but a write to each, one at a time", Program::Native("direct"), "/", 1, Goal::Reported),
    ("event style, one at a time", Program::Sessile(apps::faults), "/ws", 1, GOAL),
    ("tokio-tungstenite, 16 at once", Program::Native("broadcast"), "/", 16, Goal::Reported),
    ("event style, 16 at once", Program::Sessile(apps::faults), "/ws", 16, GOAL),
];

pub(crate) fn run(plan: Plan, table: &mut Table) {
    for (name, program, path, at_once, goal) in ROWS {
        let name = format!("broadcast of 128 B, 1 to 10,000: {name}");
        if !table.wants(&name) {
            continue;
        }
        let server = Station::new(program);
        let server = server.start();
        let mut crowd = Crowd::gather(server.address, path, MEMBERS, BYTES);
        measure(&mut crowd, at_once, plan.span / 3);
        let cpu = server.cpu();
        let mut times = measure(&mut crowd, at_once, plan.span);
        let cpu = (server.cpu() - cpu).as_secs_f64();
        let deliveries = (times.len() * at_once * crowd.len()) as f64;
        let took: Duration = times.iter().sum();
        times.sort();
        let last = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let more = format!(
            "CPU {:.2} µs each, {:.0}/s; the last receiver p50 {:.1} ms, p99 {:.1} ms of {}",
            cpu * 1e6 / deliveries,
            deliveries / took.as_secs_f64(),
            last(0.5),
            last(0.99),
            times.len(),
        );
        table.row(&name, goal, Figure { value: deliveries / cpu, unit: "/s/core", decimals: 0 }, &more);
    }
}

/// Publishes for so long; when the last member had each.
pub(crate) fn measure(crowd: &mut Crowd, at_once: usize, span: Duration) -> Vec<Duration> {
    let (begun, mut times) = (Instant::now(), Vec::new());
    while begun.elapsed() < span || times.len() < LEAST {
        times.push(crowd.publish(at_once));
    }
    times
}
