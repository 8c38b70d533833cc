//! Comparisons: servers take turns, so that a drift of the machine hits all; each figure is the median of its turns.

use std::time::Duration;

use crate::load::{Done, Load, churn};
use crate::rows::{Aim, Comparison, Row, Subject, Work};
use crate::server::{Server, Station, Threads};
use crate::table::{Figure, Goal, Table};

/// How long and how often.
#[derive(Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) span: Duration,
    pub(crate) rounds: usize,
}

/// What a turn has shown.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// CPU µs of the server for one operation.
    pub(crate) cpu: f64,
    /// Operations a second.
    pub(crate) rate: f64,
}

/// Runs the rows that are wanted, beside their native server.
pub(crate) fn run(plan: Plan, comparison: &Comparison, table: &mut Table) {
    let name = |subject: &Subject| format!("{}: {}", comparison.title, subject.name);
    let wanted: Vec<&Row> = comparison.rows.iter().filter(|row| table.wants(&name(&row.subject))).collect();
    if !wanted.is_empty() {
        let subjects: Vec<_> =
            std::iter::once(&comparison.native).chain(wanted.iter().map(|row| &row.subject)).collect();
        let turns = take_turns(plan, &subjects);
        let native = Figure { value: 1.0, unit: "", decimals: 2 };
        table.row(&name(&comparison.native), Goal::Reported, native, &turns[0].shown());
        for (row, turn) in wanted.iter().zip(&turns[1..]) {
            let (goal, figure) = row.aim.judge(&turns[0], turn);
            let ratio = turns[0].median().cpu / turn.median().cpu;
            let beside = if figure.unit.is_empty() { String::new() } else { format!("{ratio:.2} of native; ") };
            table.row(&name(&row.subject), goal, figure, &format!("{beside}{}", turn.shown()));
        }
    }
}

/// The turns of one server.
pub(crate) struct Turns(Vec<Turn>);

/// Measures each once a round.
pub(crate) fn take_turns(plan: Plan, subjects: &[&Subject]) -> Vec<Turns> {
    let stations: Vec<_> = subjects.iter().map(|subject| Station::new(subject.program)).collect();
    let mut turns: Vec<_> = subjects.iter().map(|_| Turns(Vec::new())).collect();
    for _ in 0..plan.rounds {
        for ((subject, station), turns) in subjects.iter().zip(&stations).zip(&mut turns) {
            turns.0.push(measure(plan, &station.start_with(Threads::One), subject));
        }
    }
    turns
}

/// Warms the server up for a third of the time, then measures it.
pub(crate) fn measure(plan: Plan, server: &Server, subject: &Subject) -> Turn {
    match subject.work {
        Work::Ask(what, connections) => {
            let mut load = Load::open(server.address, subject.path, what, connections);
            turn(plan, server, |span| load.run(span))
        }
        Work::Churn => turn(plan, server, |span| churn::run(server.address, subject.path, span)),
    }
}

fn turn(plan: Plan, server: &Server, mut run: impl FnMut(Duration) -> Done) -> Turn {
    run(plan.span / 3);
    let before = server.cpu();
    let Done { operations, took } = run(plan.span);
    let cpu = (server.cpu() - before).as_secs_f64() * 1e6 / operations as f64;
    Turn { cpu, rate: operations as f64 / took.as_secs_f64() }
}

impl Turns {
    pub(crate) fn of(turns: Vec<Turn>) -> Self {
        Self(turns)
    }

    /// The median by CPU, with the rate of the same turn.
    pub(crate) fn median(&self) -> Turn {
        let mut sorted = self.0.clone();
        sorted.sort_by(|a, b| a.cpu.total_cmp(&b.cpu));
        sorted[sorted.len() / 2]
    }

    /// The CPU with its least and largest, and the rate.
    pub(crate) fn shown(&self) -> String {
        let Turn { cpu, rate } = self.median();
        let least = self.0.iter().map(|turn| turn.cpu).fold(f64::INFINITY, f64::min);
        let most = self.0.iter().map(|turn| turn.cpu).fold(0.0, f64::max);
        format!("CPU {cpu:.2} µs ({least:.2}-{most:.2}), {rate:.0}/s")
    }
}

impl Aim {
    fn judge(self, native: &Turns, turns: &Turns) -> (Goal, Figure) {
        let cpu = turns.median().cpu;
        match self {
            Self::Ratio(goal) => (goal, Figure { value: native.median().cpu / cpu, unit: "", decimals: 2 }),
            Self::PerCore(least) => (Goal::AtLeast(least), Figure { value: 1e6 / cpu, unit: "/s/core", decimals: 0 }),
        }
    }
}
