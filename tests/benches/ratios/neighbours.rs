//! What websockets feel of others that misbehave: guests of another app, and peers that do not read; and when a guest that
//! spins is ended. Tests assert that each is ended by its own limit (`tests/contain`); here is how long that takes.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use rustix::net::sockopt;
use sessile::limits;

use crate::apps;
use crate::broadcast;
use crate::compare::Plan;
use crate::load::crowd::Crowd;
use crate::load::frames::{self, CLOSE, Headers, TEXT};
use crate::load::paced::Paced;
use crate::load::sockets;
use crate::server::{Program, Spinner, Station};
use crate::table::{Figure, Goal, Table};

const WEBSOCKETS: usize = 64;
/// A p99 needs some.
const SPAN_LEAST: Duration = Duration::from_secs(2);
/// With and without take turns, for a machine that others use stalls by itself, a hundredth of its time or more.
const SLICES: u32 = 8;
const P99: Goal = Goal::AtMost(1.2);

/// Guests that each do the same until they are ended, and again after a rest.
struct Trouble {
    name: &'static str,
    guests: usize,
    path: &'static str,
    command: &'static [u8],
    rest: Duration,
}

/// All of these ends by a trap.
const TROUBLES: [Trouble; 6] = [
    bad("2 guests that spin", 2, "/faults/ws", b"spin", Duration::ZERO),
    bad("8 guests that spin", 8, "/faults/ws", b"spin", Duration::ZERO),
    bad("8 guests that call the host without end", 8, "/greedy/ws", b"flood state", Duration::ZERO),
    bad("8 guests that grow to their cap, 20 times a second each", 8, "/faults/ws", b"grow", REST),
    bad("8 guests that recurse, 20 times a second each", 8, "/faults/ws", b"recurse", REST),
    bad("8 guests that panic, 20 times a second each", 8, "/faults/ws", b"panic", REST),
];
/// A guest that ends at once would be a load like any other, if it came again at once.
const REST: Duration = Duration::from_millis(50);

const fn bad(name: &'static str, guests: usize, path: &'static str, command: &'static [u8], rest: Duration) -> Trouble {
    Trouble { name, guests, path, command, rest }
}

/// The echoes of one app beside bad guests of another; and beside processes of the lowest priority on the same core, which shows
/// what of it is the machine's doing.
pub(crate) fn guests(plan: Plan, table: &mut Table) {
    let name = |beside: &str| format!("p99 of 64 paced echoes beside {beside}, by that without");
    let control = name("2 processes of the lowest priority on the same core");
    if table.wants(&control) {
        let ratios = rounds(plan, |_, measure| {
            let _spinning = [Spinner::start(), Spinner::start()];
            measure()
        });
        ratios.0.row(&control, Goal::Reported, table);
    }
    let ended = "CPU of a guest that spins until it is ended, the largest, by its budget";
    let wants_ended = table.wants(ended);
    let mut cpus = Vec::new();
    for trouble in &TROUBLES {
        let name = name(&format!("{} in another app", trouble.name));
        let spins = wants_ended && trouble.command == b"spin";
        if !table.wants(&name) && !spins {
            continue;
        }
        let (ratios, logs) = rounds(plan, |address, measure| while_they_do(address, trouble, measure));
        if spins {
            cpus.extend(logs.iter().flat_map(|log| cpu_of_each(log, trouble.path)));
        }
        ratios.row(&name, P99, table);
    }
    if wants_ended {
        cpus.sort();
        let value = cpus.last().copied().unwrap_or(Duration::MAX).as_secs_f64() / limits::CPU.as_secs_f64();
        let more = format!("{} were ended, median {:.1} ms", cpus.len(), p(50, &cpus).as_secs_f64() * 1e3);
        table.row(ended, Goal::AtMost(2.0), Figure { value, unit: "", decimals: 2 }, &more);
    }
}

/// Paced echoes with and without trouble beside them, in turns; and the server's logs.
fn rounds(
    plan: Plan,
    beside: impl Fn(SocketAddr, &mut dyn FnMut() -> Vec<Duration>) -> Vec<Duration>,
) -> (Ratios, Vec<String>) {
    let (mut ratios, mut logs) = (Ratios::default(), Vec::new());
    let slice = plan.span.max(SPAN_LEAST) / SLICES;
    for _ in 0..plan.rounds {
        let station = Station::new(Program::Sessile(apps::echo));
        let log = station.data().join("log");
        let server = station.start_logged(&log);
        station.deploy(&apps::beside("faults", apps::faults));
        station.deploy(&apps::beside("greedy", apps::greedy));
        let mut paced = Paced::open(server.address, "/ws", WEBSOCKETS);
        paced.run(slice);
        let (mut alone, mut troubled) = (Vec::new(), Vec::new());
        for _ in 0..SLICES {
            alone.extend(paced.run(slice));
            troubled.extend(beside(server.address, &mut || paced.run(slice)));
        }
        ratios.add(alone, troubled);
        drop((paced, server));
        logs.push(std::fs::read_to_string(&log).expect("the log"));
    }
    (ratios, logs)
}

/// A broadcast among a thousand, of which one in a hundred does not read.
pub(crate) fn readers(plan: Plan, table: &mut Table) {
    const MEMBERS: usize = 1000;
    const STALLED: usize = MEMBERS / 100;
    const BYTES: usize = 1024;
    let name = format!(
        "p99 of a broadcast's last receiver of {MEMBERS}, {BYTES} B, beside {STALLED} members that do not read, by that without"
    );
    if !table.wants(&name) {
        return;
    }
    let (mut ratios, span) = (Ratios::default(), plan.span.max(SPAN_LEAST));
    for _ in 0..plan.rounds {
        let server = Station::new(Program::Sessile(apps::faults)).start();
        let mut crowd = Crowd::gather(server.address, "/ws", MEMBERS, BYTES);
        broadcast::measure(&mut crowd, 1, span / 3);
        let alone = broadcast::measure(&mut crowd, 1, span);
        let stalled: Vec<TcpStream> = (0..STALLED).map(|_| stalled(server.address)).collect();
        // Until their outboxes are full, and what the kernel takes for them.
        for _ in 0..2 * limits::OUTBOX_BYTES_MAX / BYTES {
            crowd.publish(1);
        }
        let beside = broadcast::measure(&mut crowd, 1, span);
        drop(stalled);
        ratios.add(alone, beside);
    }
    ratios.row(&name, P99, table);
}

/// A member that never reads again.
fn stalled(address: SocketAddr) -> TcpStream {
    let mut stream = sockets::open(address, "/ws", Headers::Least);
    stream.write_all(&frames::asked(TEXT, b"join g")).expect("a command");
    sockopt::set_socket_recv_buffer_size(&stream, 4096).expect("a small buffer");
    let mut joined = [0; 8];
    stream.read_exact(&mut joined).expect("its answer");
    stream
}

/// What `measure` says while they do.
fn while_they_do<T>(address: SocketAddr, trouble: &Trouble, measure: impl FnOnce() -> T) -> T {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..trouble.guests {
            scope.spawn(|| {
                while !over.load(Relaxed) {
                    until_ended(address, trouble);
                    std::thread::park_timeout(trouble.rest);
                }
            });
        }
        let measured = measure();
        over.store(true, Relaxed);
        measured
    })
}

/// A websocket whose guest does it until the host closes it.
fn until_ended(address: SocketAddr, trouble: &Trouble) {
    let mut stream = sockets::open(address, trouble.path, Headers::Least);
    stream.write_all(&frames::asked(TEXT, trouble.command)).expect("a command");
    let mut first = [0];
    stream.read_exact(&mut first).expect("its end");
    assert_eq!(first[0], CLOSE, "a guest that traps has nothing to say");
    stream.write_all(&frames::asked(CLOSE, &1011_u16.to_be_bytes())).expect("the answer to it");
}

/// What CPU each of them had, by the log.
fn cpu_of_each(log: &str, path: &str) -> Vec<Duration> {
    let path = format!("path=\"{path}\"");
    let lines = log.lines().filter(|line| line.contains(&path) && line.contains("code=1011"));
    let micros = lines.map(|line| {
        let (_, micros) = line.split_once("cpu_micros=").expect("its CPU");
        micros.split(' ').next().and_then(|micros| micros.parse().ok()).expect("microseconds")
    });
    micros.map(Duration::from_micros).collect()
}

/// The p99 beside others by that alone, of each round.
#[derive(Default)]
struct Ratios(Vec<(f64, String)>);

impl Ratios {
    fn add(&mut self, mut alone: Vec<Duration>, mut beside: Vec<Duration>) {
        alone.sort();
        beside.sort();
        let (alone, beside) = (&alone, &beside);
        let ratio = p(99, beside).as_secs_f64() / p(99, alone).as_secs_f64();
        self.0.push((ratio, format!("{}; alone {}", shown(beside), shown(alone))));
    }

    /// The median.
    fn row(mut self, name: &str, goal: Goal, table: &mut Table) {
        self.0.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (value, more) = &self.0[self.0.len() / 2];
        table.row(name, goal, Figure { value: *value, unit: "", decimals: 2 }, more);
    }
}

fn shown(took: &[Duration]) -> String {
    let micros = |of| p(of, took).as_micros();
    format!("p50 {} µs, p99 {} µs of {}", micros(50), micros(99), took.len())
}

fn p(percent: usize, sorted: &[Duration]) -> Duration {
    sorted.get(sorted.len().saturating_sub(1) * percent / 100).copied().unwrap_or_default()
}
