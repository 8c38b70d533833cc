//! What a second server thread costs: CPU for an operation with two, by that with one.

use crate::apps;
use crate::compare::{Plan, Turns, measure};
use crate::load::What;
use crate::rows::{Subject, Work};
use crate::server::{Program, Station, Threads, pin_load};
use crate::table::{Figure, Goal, Table};

const MOST: f64 = 1.15;
const ECHO: Work = Work::Ask(What::Echo { bytes: 128, in_flight: 1 }, 64);
const HELLO: Work = Work::Ask(What::Http("\r\n\r\nhello"), 64);

static SUBJECTS: [(Subject, Goal); 3] = [
    (
        Subject { name: "tokio-tungstenite, echo 128 B", program: Program::Native("websocket"), path: "/", work: ECHO },
        Goal::Reported,
    ),
    (
        Subject { name: "event style, echo 128 B", program: Program::Sessile(apps::echo), path: "/ws", work: ECHO },
        Goal::AtMost(MOST),
    ),
    (
        Subject { name: "HTTP hello, isolation shared", program: Program::Sessile(apps::echo), path: "/", work: HELLO },
        Goal::AtMost(MOST),
    ),
];

pub(crate) fn run(plan: Plan, table: &mut Table) {
    for (subject, goal) in &SUBJECTS {
        let name = format!("2 server threads by 1: {}", subject.name);
        if !table.wants(&name) {
            continue;
        }
        let station = Station::new(subject.program);
        let (mut one, mut two) = (Vec::new(), Vec::new());
        for _ in 0..plan.rounds {
            one.push(measure(plan, &station.start(), subject));
            two.push(measure(plan, &station.start_with(Threads::Two), subject));
            pin_load(Threads::One);
        }
        let (one, two) = (Turns::of(one), Turns::of(two));
        let value = two.median().cpu / one.median().cpu;
        let more = format!("1: {}; 2: {}", one.shown(), two.shown());
        table.row(&name, *goal, Figure { value, unit: "", decimals: 2 }, &more);
    }
}
