//! The echo of guests in other languages beside that of the guest in Rust, on the same host.

use std::process::{Command, Stdio};

use crate::apps;
use crate::compare::{self, Plan};
use crate::rows::{Aim, Comparison, Row, Subject, WEBSOCKETS_ECHO};
use crate::server::Program;
use crate::table::{Goal, Table};

const LEAST: Goal = Goal::AtLeast(0.9);

const fn rust(path: &'static str) -> Subject {
    Subject { name: "Rust", program: Program::Sessile(apps::echo), path, work: WEBSOCKETS_ECHO }
}

const fn c(path: &'static str) -> Row {
    let subject = Subject { name: "C", program: Program::Sessile(apps::echo_in_c), path, work: WEBSOCKETS_ECHO };
    Row { subject, aim: Aim::Ratio(LEAST) }
}

static IN_C: [Comparison; 2] = [
    Comparison { title: "a guest's echo of 128 B, event style", native: rust("/ws"), rows: &[c("/ws")] },
    Comparison { title: "a guest's echo of 128 B, loop style", native: rust("/loop"), rows: &[c("/loop")] },
];

pub(crate) fn run(plan: Plan, table: &mut Table) {
    let clang = Command::new("clang").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    for comparison in &IN_C {
        if clang.as_ref().is_ok_and(std::process::ExitStatus::success) {
            compare::run(plan, comparison, table);
        } else {
            let name = format!("{}: C", comparison.title);
            if table.wants(&name) {
                table.absent(&name, LEAST, "", "not here: clang is missing, see `sessile doctor`");
            }
        }
    }
}
