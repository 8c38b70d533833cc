//! Many websockets that echo numbers, for as long as they are let: what was answered, by whom, and how soon.
//!
//! Each sends bursts of numbers and knows which comes back next, so that one that is lost, doubled or overtaken is seen.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::Message;

use crate::Socket;

/// Numbers that are under way at once on a websocket.
const BURST: u64 = 3;
/// Handshakes at once.
const OPENING: usize = 32;

/// The websockets.
pub struct Fleet {
    tasks: Vec<JoinHandle<Seen>>,
    phase: watch::Sender<Phase>,
}

/// What they are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Before,
    Swaps,
    Over,
}

/// What one of them has seen.
#[derive(Debug, Default)]
struct Seen {
    answered: u64,
    gaps: u64,
    reorders: u64,
    drops: u64,
    end: Option<String>,
    moves: u64,
    before: Vec<Duration>,
    swaps: Vec<Duration>,
}

/// What all of them have seen.
#[derive(Debug)]
pub struct Report {
    /// Websockets that were opened.
    pub websockets: usize,
    /// Numbers that came back.
    pub answered: u64,
    /// Numbers that did not, where later ones did.
    pub gaps: u64,
    /// Numbers that came too late, or twice.
    pub reorders: u64,
    /// Websockets that ended before they were let.
    pub drops: u64,
    /// How one of those ended.
    pub end: Option<String>,
    /// The fewest times that the version changed which answered a websocket.
    pub moves_min: u64,
    /// On average.
    pub moves_mean: f64,
    /// From a burst to its last answer, for 99 of 100, before the swaps.
    pub p99_before: Duration,
    /// The same, during the swaps.
    pub p99_swaps: Duration,
}

impl Fleet {
    /// Opens so many websockets, which echo a burst every `pace` from then on.
    pub async fn launch(address: SocketAddr, path: &'static str, count: usize, pace: Duration) -> Self {
        let files = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum }).expect("open files");
        let (phase, told) = watch::channel(Phase::Before);
        let opened = stream::iter(0..count).map(|_| Socket::open(address, path)).buffer_unordered(OPENING);
        let sockets: Vec<Socket> = opened.collect().await;
        let begin = |(number, socket): (usize, Socket)| {
            let offset = pace.mul_f64(number as f64 / count as f64);
            tokio::spawn(echo(socket, told.clone(), pace, offset))
        };
        Self { tasks: sockets.into_iter().enumerate().map(begin).collect(), phase }
    }

    /// From now on it counts as during the swaps.
    pub fn swaps_begin(&self) {
        self.phase.send_replace(Phase::Swaps);
    }

    /// Lets them end: each after the answer to what it has sent.
    pub async fn land(self) -> Report {
        self.phase.send_replace(Phase::Over);
        let mut all = Vec::new();
        for task in self.tasks {
            all.push(task.await.expect("a websocket's task"));
        }
        Report::of(all)
    }
}

impl Report {
    fn of(mut all: Vec<Seen>) -> Self {
        let sum = |what: fn(&Seen) -> u64| all.iter().map(what).sum::<u64>();
        let (answered, moves) = (sum(|seen| seen.answered), sum(|seen| seen.moves));
        let (gaps, reorders, drops) = (sum(|seen| seen.gaps), sum(|seen| seen.reorders), sum(|seen| seen.drops));
        let moves_min = all.iter().map(|seen| seen.moves).min().unwrap_or_default();
        let before = all.iter_mut().flat_map(|seen| seen.before.drain(..)).collect();
        let swaps = all.iter_mut().flat_map(|seen| seen.swaps.drain(..)).collect();
        Self {
            websockets: all.len(),
            answered,
            gaps,
            reorders,
            drops,
            end: all.iter_mut().find_map(|seen| seen.end.take()),
            moves_min,
            moves_mean: moves as f64 / all.len() as f64,
            p99_before: p99(before),
            p99_swaps: p99(swaps),
        }
    }
}

async fn echo(mut socket: Socket, mut told: watch::Receiver<Phase>, pace: Duration, offset: Duration) -> Seen {
    let (mut seen, mut next, mut by) = (Seen::default(), 0, None);
    tokio::time::sleep(offset).await;
    loop {
        let (begun, phase) = (Instant::now(), *told.borrow());
        if phase == Phase::Over {
            return seen;
        }
        for number in next..next + BURST {
            if socket.try_send(number.to_string()).await.is_err() {
                seen.drops = 1;
                return seen;
            }
        }
        let last = next + BURST;
        while next < last {
            let text = match socket.next().await {
                Some(Ok(Message::Text(text))) => text,
                other => {
                    seen.drops = 1;
                    seen.end = Some(format!("{other:?}"));
                    return seen;
                }
            };
            let (version, number) = text.split_once(':').expect("a version and a number");
            seen.take(number.parse().expect("a number"), &mut next);
            seen.moves += u64::from(by.replace(version.to_owned()).is_some_and(|before| before != version));
        }
        match phase {
            Phase::Before => seen.before.push(begun.elapsed()),
            _ => seen.swaps.push(begun.elapsed()),
        }
        // Whatever is told meanwhile: the burst is answered.
        let _told =
            tokio::time::timeout(pace.saturating_sub(begun.elapsed()), told.wait_for(|now| *now == Phase::Over)).await;
    }
}

impl Seen {
    fn take(&mut self, number: u64, next: &mut u64) {
        self.answered += 1;
        if number < *next {
            self.reorders += 1;
        } else {
            self.gaps += number - *next;
            *next = number + 1;
        }
    }
}

fn p99(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default()
}
