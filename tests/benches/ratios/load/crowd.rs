//! Many websockets that listen: idle ones, and the members of a group to which one of them publishes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::frames::{self, Headers, PONG, Reader, TEXT};
use super::sockets::{self, Ready};

/// Handshakes at once.
const AT_ONCE: usize = 50;

/// Opens websockets that then do nothing, some at once.
pub(crate) fn idle(address: SocketAddr, path: &str, count: usize) -> Vec<TcpStream> {
    let mut idle: Vec<_> = Vec::with_capacity(count);
    while idle.len() < count {
        let from = idle.len();
        idle.extend((from..count.min(from + AT_ONCE)).map(|_| sockets::knock(address, path, Headers::Chromium)));
        idle[from..].iter_mut().for_each(sockets::enter);
    }
    idle
}

/// A group and who publishes to it, a member too.
pub(crate) struct Crowd {
    members: Vec<Member>,
    ready: Ready,
    publication: Vec<u8>,
}

struct Member {
    stream: TcpStream,
    reader: Reader,
    /// Messages that it has still to get.
    missing: usize,
}

impl Crowd {
    /// Opens so many websockets that join; a publication is so many bytes of text.
    pub(crate) fn gather(address: SocketAddr, path: &str, count: usize, bytes: usize) -> Self {
        let (text, ready) = ("x".repeat(bytes), Ready::new());
        let member = |number| {
            let mut stream = sockets::open(address, path, Headers::Least);
            exchange(&mut stream, "join g", "joined");
            ready.watch(&stream, number);
            Member { stream, reader: Reader::default(), missing: 0 }
        };
        let members = (0..count).map(member).collect();
        Self { members, ready, publication: frames::asked(TEXT, format!("publish g {text}").as_bytes()) }
    }

    /// Publishes so often at once, and waits until every member has all of it; how long that took.
    pub(crate) fn publish(&mut self, at_once: usize) -> Duration {
        let begun = Instant::now();
        self.members.iter_mut().for_each(|member| member.missing = at_once);
        // How many took it is said to the publisher.
        self.members[0].missing += at_once;
        self.members[0].stream.write_all(&self.publication.repeat(at_once)).expect("the publication is sent");
        let (mut waiting, mut ready, mut part) = (self.members.len(), Vec::new(), vec![0; 16 * 1024]);
        while waiting > 0 {
            self.ready.wait(&mut ready);
            waiting -= ready.iter().filter(|number| self.members[**number].hears(&mut part)).count();
        }
        begun.elapsed()
    }

    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }
}

impl Member {
    /// Takes what has come; whether that was the last of what it waited for.
    fn hears(&mut self, part: &mut [u8]) -> bool {
        let length = self.stream.read(part).expect("a delivery");
        assert!(length > 0, "the connection ends");
        let heard = self.reader.hear(&part[..length]);
        // It only listens, so the server asks whether it is there.
        if heard.pings > 0 {
            self.stream.write_all(&frames::asked(PONG, b"")).expect("a pong");
        }
        self.missing = self.missing.checked_sub(heard.messages).expect("no message too many");
        heard.messages > 0 && self.missing == 0
    }
}

fn exchange(stream: &mut TcpStream, question: &str, answer: &str) {
    stream.write_all(&frames::asked(TEXT, question.as_bytes())).expect("a command");
    let wanted = frames::answered(TEXT, answer.as_bytes());
    let mut got = vec![0; wanted.len()];
    stream.read_exact(&mut got).expect("its answer");
    assert_eq!(got, wanted, "{}", String::from_utf8_lossy(&got));
}
