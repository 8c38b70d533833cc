//! The benchmark: Sessile against native Rust, in one run, as ratios of CPU per operation; and whether each goal holds.
//!
//! The server has core 0, the load core 1. Native and Sessile take turns, so that a drift of the
//! machine hits both; each figure is the median of its turns. On a machine that others use only CPU per operation, and so the
//! ratios, can be trusted. Run it with
//!
//! ```sh
//! cargo bench -p sessile-tests --bench ratios
//! cargo bench -p sessile-tests --bench ratios -- --secs 1 --rounds 1 --only echo
//! ```
//!
//! | option | |
//! |---|---|
//! | `--secs N` | of each turn, after a third of it to warm up; 3 |
//! | `--rounds N` | turns of each server; 5 |
//! | `--only TEXT` | the rows whose name has this in it; where they are compared with a native server, that one too |
//! | `--huge [N]` | also N websockets, 100,000 by default, of which 1 % are active; needs as many open files (`ulimit -Hn`) |
//! | `--languages [c,zig]` | instead of all that, what guests in these languages (or all that this machine can build) cost |
//! | `--help` | this |

mod apps;
mod broadcast;
mod compare;
mod languages;
mod load;
mod memory;
mod native;
mod neighbours;
mod rows;
mod server;
mod sessions;
mod start;
mod stream;
mod table;
mod threads;

use std::io::Write as _;
use std::time::Duration;

use compare::Plan;
use server::Threads;
use table::Table;

const HELP: &str = "\
Sessile against native Rust, as ratios of CPU per operation; and whether each goal holds.

  --secs N      of each turn, after a third of it to warm up; 3
  --rounds N    turns of each server; 5
  --only TEXT   the rows whose name has this in it; where they are compared with a native server, that one too
  --huge [N]    also N websockets, 100,000 by default, of which 1 % are active; needs as many open files (ulimit -Hn)
  --languages [c,zig]
                instead of all that, what guests in these languages (or all that this machine can build) cost
  --help        this";

const HUGE: usize = 100_000;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "native") {
        server::raise_file_limit();
        return native::serve(&args[2]);
    }
    if args.iter().any(|arg| arg == "--help") {
        return say(HELP);
    }
    let files = server::raise_file_limit();
    server::pin_load(Threads::One);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(&args, files));
}

async fn run(args: &[String], files: u64) {
    let number = |name: &str, default: u64| value(args, name).and_then(|value| value.parse().ok()).unwrap_or(default);
    let plan = Plan { span: Duration::from_secs(number("--secs", 3)), rounds: number("--rounds", 5) as usize };
    if args.iter().any(|arg| arg == "--languages") {
        return languages::run(plan, value(args, "--languages").filter(|only| !only.starts_with("--"))).await;
    }
    let mut table = Table::begin(value(args, "--only").map(str::to_owned));
    for comparison in &rows::COMPARISONS {
        compare::run(plan, comparison, &mut table);
    }
    broadcast::run(plan, &mut table);
    threads::run(plan, &mut table);
    memory::run(&mut table).await;
    stream::run(plan.rounds, &mut table).await;
    sessions::run(plan, &mut table);
    neighbours::guests(plan, &mut table);
    neighbours::readers(plan, &mut table);
    start::run(&mut table).await;
    if args.iter().any(|arg| arg == "--huge") {
        memory::huge(plan, number("--huge", HUGE as u64) as usize, files, &mut table).await;
    }
    table.end();
}

/// What follows an option.
fn value<'a>(args: &'a [String], name: &str) -> Option<&'a str> {
    let at = args.iter().position(|arg| arg == name)?;
    args.get(at + 1).map(String::as_str)
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("stdout");
}
