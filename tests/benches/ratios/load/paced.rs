//! Websockets that each send a message at their time, whatever became of the one before: for how long an answer takes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::frames::{self, BINARY, Headers};
use super::sockets::{self, Ready};

/// From one message of a websocket to its next.
const PERIOD: Duration = Duration::from_millis(10);
const BYTES: usize = 128;

/// Websockets that echo, their times spread over a period.
pub(crate) struct Paced {
    members: Vec<Member>,
    ready: Ready,
}

struct Member {
    stream: TcpStream,
    /// When its message was to be sent; what is answered late is late from then on.
    due: Instant,
    waits: bool,
    missing: usize,
}

impl Paced {
    pub(crate) fn open(address: SocketAddr, path: &str, count: usize) -> Self {
        let (ready, now) = (Ready::new(), Instant::now());
        let member = |number| {
            let stream = sockets::open(address, path, Headers::Least);
            ready.watch(&stream, number);
            Member { stream, due: now, waits: false, missing: 0 }
        };
        let members = (0..count).map(member).collect();
        Self { members, ready }
    }

    /// Runs for so long; what each message's answer took since the message was due.
    pub(crate) fn run(&mut self, span: Duration) -> Vec<Duration> {
        let question = frames::asked(BINARY, &[0x55; BYTES]);
        let answer = frames::answered(BINARY, &[0x55; BYTES]).len();
        let (begun, count) = (Instant::now(), self.members.len() as u32);
        for (number, member) in (0..).zip(&mut self.members) {
            member.due = begun + PERIOD * number / count;
        }
        let (mut took, mut ready, mut part) = (Vec::new(), Vec::new(), [0; 4 * BYTES]);
        let mut now = begun;
        while now - begun < span || self.members.iter().any(|member| member.waits) {
            for member in &mut self.members {
                if !member.waits && member.due <= now && member.due - begun < span {
                    member.stream.write_all(&question).expect("a message");
                    (member.waits, member.missing) = (true, answer);
                }
            }
            self.ready.look(&mut ready);
            now = Instant::now();
            for number in &ready {
                let member = &mut self.members[*number];
                let length = member.stream.read(&mut part).expect("an answer");
                assert!(length > 0, "the connection ends");
                member.missing = member.missing.checked_sub(length).expect("no byte too many");
                if member.missing == 0 {
                    took.push(now - member.due);
                    member.waits = false;
                    member.due += PERIOD;
                }
            }
            assert!(now - begun < 4 * span + sockets::PATIENCE, "the server does not answer");
            std::thread::yield_now();
        }
        took
    }
}
