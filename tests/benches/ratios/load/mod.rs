//! The load: frames and requests made by hand, so that it stays cheaper than what it measures.
//!
//! Here are connections that ask and wait for the answer, again and again. [`churn`] is those that come
//! and go, [`crowd`] those that listen, [`held`] very many, [`paced`] those that send at their times.

pub(crate) mod churn;
pub(crate) mod crowd;
pub(crate) mod frames;
pub(crate) mod held;
pub(crate) mod paced;
pub(crate) mod sockets;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use frames::{BINARY, Headers, TEXT};
use sockets::Ready;

/// What a connection asks.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// GET, for an answer whose body ends so.
    Http(&'static str),
    /// Binary messages, for themselves: so many at once, all of which are waited for.
    Echo { bytes: usize, in_flight: usize },
    /// A text, for a text.
    Ask(&'static str, &'static str),
}

/// What came of a span of load.
#[derive(Clone, Copy)]
pub(crate) struct Done {
    pub(crate) operations: u64,
    pub(crate) took: Duration,
}

/// Connections that each ask and wait for the answer, again and again.
pub(crate) struct Load {
    connections: Vec<Connection>,
    ready: Ready,
}

struct Connection {
    stream: TcpStream,
    question: Vec<u8>,
    /// How many operations that is.
    operations: u64,
    /// What has come of the answer is its first `received` bytes.
    answer: Vec<u8>,
    received: usize,
    /// The answer as it must be; of HTTP the end, since the date differs.
    wanted: Vec<u8>,
}

impl Load {
    pub(crate) fn open(address: SocketAddr, path: &str, what: What, connections: usize) -> Self {
        let ready = Ready::new();
        let open = |number| {
            let connection = match what {
                What::Http(end) => Connection::http(address, path, end),
                What::Echo { bytes, in_flight } => Connection::echo(address, path, bytes, in_flight, number),
                What::Ask(question, answer) => {
                    let stream = sockets::open(address, path, Headers::Least);
                    let question = frames::asked(TEXT, question.as_bytes());
                    Connection::new(stream, question, 1, frames::answered(TEXT, answer.as_bytes()))
                }
            };
            ready.watch(&connection.stream, number);
            connection
        };
        Self { connections: (0..connections).map(open).collect(), ready }
    }

    /// Runs for so long, and until all that was asked is answered; each answer is checked.
    pub(crate) fn run(&mut self, span: Duration) -> Done {
        self.run_while(|_, took| took < span)
    }

    /// Runs so many operations or a few more, in the same way.
    pub(crate) fn run_times(&mut self, operations: u64) -> Done {
        self.run_while(|done, _| done < operations)
    }

    fn run_while(&mut self, goes_on: impl Fn(u64, Duration) -> bool) -> Done {
        let begun = Instant::now();
        self.connections.iter_mut().for_each(Connection::ask);
        let (mut asking, mut operations, mut ready) = (self.connections.len(), 0, Vec::new());
        while asking > 0 {
            self.ready.wait(&mut ready);
            let more = goes_on(operations, begun.elapsed());
            for number in &ready {
                let connection = &mut self.connections[*number];
                if !connection.answered() {
                    continue;
                }
                operations += connection.operations;
                match more {
                    true => connection.ask(),
                    false => asking -= 1,
                }
            }
        }
        Done { operations, took: begun.elapsed() }
    }
}

impl Connection {
    /// `wanted` is the whole answer.
    fn new(stream: TcpStream, question: Vec<u8>, operations: u64, wanted: Vec<u8>) -> Self {
        Self { stream, question, operations, answer: vec![0; wanted.len()], received: 0, wanted }
    }

    fn echo(address: SocketAddr, path: &str, bytes: usize, in_flight: usize, number: usize) -> Self {
        let payload: Vec<u8> = (0..bytes).map(|byte| (byte + number) as u8).collect();
        let stream = sockets::open(address, path, Headers::Least);
        let question = frames::asked(BINARY, &payload).repeat(in_flight);
        Self::new(stream, question, in_flight as u64, frames::answered(BINARY, &payload).repeat(in_flight))
    }

    /// Its first answer shows how long all of them are: the date always takes as much.
    fn http(address: SocketAddr, path: &str, end: &str) -> Self {
        let mut stream = sockets::connect(address);
        let question = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
        stream.write_all(&question).expect("a request");
        let (mut answer, mut part) = (Vec::new(), [0; 4096]);
        while !answer.ends_with(end.as_bytes()) {
            let length = stream.read(&mut part).expect("a response");
            assert!(length > 0, "no answer that ends with {end:?}: {}", String::from_utf8_lossy(&answer));
            answer.extend_from_slice(&part[..length]);
        }
        assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
        Self { stream, question, operations: 1, answer, received: 0, wanted: end.into() }
    }

    fn ask(&mut self) {
        self.stream.write_all(&self.question).expect("the question is sent");
    }

    /// Takes what has come; whether that was the last of the answer.
    fn answered(&mut self) -> bool {
        let length = self.stream.read(&mut self.answer[self.received..]).expect("the answer comes");
        assert!(length > 0, "the connection ends");
        self.received += length;
        if self.received < self.answer.len() {
            return false;
        }
        assert!(self.answer.ends_with(&self.wanted), "a wrong answer");
        self.received = 0;
        true
    }
}
