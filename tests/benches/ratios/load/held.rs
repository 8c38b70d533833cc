//! Very many websockets that are held open, of which some echo. Unlike the other loads it may last so long that the server
//! pings, so it answers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Done;
use super::frames::{self, BINARY, Headers, PONG, Reader};
use super::sockets::{self, Ready};

/// Opened before what has come meanwhile is looked at.
const BATCH: usize = 500;
const BYTES: usize = 128;

pub(crate) struct Held {
    members: Vec<Member>,
    ready: Ready,
}

struct Member {
    stream: TcpStream,
    reader: Reader,
}

impl Held {
    pub(crate) fn open(address: SocketAddr, path: &str, count: usize) -> Self {
        let mut held = Self { members: Vec::with_capacity(count), ready: Ready::new() };
        let mut ready = Vec::new();
        for number in 0..count {
            let stream = sockets::open(address, path, Headers::Chromium);
            held.ready.watch(&stream, number);
            held.members.push(Member { stream, reader: Reader::default() });
            if number.is_multiple_of(BATCH) {
                held.ready.look(&mut ready);
                for number in &ready {
                    held.members[*number].hear();
                }
            }
        }
        held
    }

    /// So many of them echo for so long, one message each at a time; the others are only kept open.
    pub(crate) fn run(&mut self, active: usize, span: Duration) -> Done {
        let question = frames::asked(BINARY, &[0x55; BYTES]);
        let begun = Instant::now();
        for member in &mut self.members[..active] {
            member.stream.write_all(&question).expect("a message");
        }
        let (mut asking, mut operations, mut ready) = (active, 0, Vec::new());
        while asking > 0 {
            self.ready.wait(&mut ready);
            let more = begun.elapsed() < span;
            for number in &ready {
                let member = &mut self.members[*number];
                if member.hear() == 0 {
                    continue;
                }
                operations += 1;
                match more {
                    true => member.stream.write_all(&question).expect("a message"),
                    false => asking -= 1,
                }
            }
        }
        Done { operations, took: begun.elapsed() }
    }
}

impl Member {
    /// Takes what has come, and answers pings; how many messages that were.
    fn hear(&mut self) -> usize {
        let mut part = [0; 4 * BYTES];
        let length = self.stream.read(&mut part).expect("something comes");
        assert!(length > 0, "the connection ends");
        let heard = self.reader.hear(&part[..length]);
        if heard.pings > 0 {
            self.stream.write_all(&frames::asked(PONG, b"")).expect("a pong");
        }
        heard.messages
    }
}
