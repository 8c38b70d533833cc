//! Websockets that come, ask once and go.
//!
//! Each connects, shakes hands, sends a message, takes its echo, closes as RFC 6455 §7.1.1 has it (the
//! server ends the connection) and comes again as another.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use super::Done;
use super::frames::{self, BINARY, CLOSE, Headers};
use super::sockets::{self, Ready};

/// So many at once.
const AT_ONCE: usize = 64;
const BYTES: usize = 128;

/// What one of them waits for.
#[derive(Clone, Copy)]
enum Wait {
    Accepted,
    Echo,
    End,
}

/// What all of them say and want to hear.
struct Words {
    address: SocketAddr,
    handshake: Vec<u8>,
    message: Vec<u8>,
    echo: Vec<u8>,
    close: Vec<u8>,
}

struct Visitor {
    stream: TcpStream,
    wait: Wait,
    heard: Vec<u8>,
}

/// Runs for so long, and until all that have come are gone.
pub(crate) fn run(address: SocketAddr, path: &str, span: Duration) -> Done {
    let payload = [0x55; BYTES];
    let words = Words {
        address,
        handshake: frames::handshake(address, path, Headers::Least),
        message: frames::asked(BINARY, &payload),
        echo: frames::answered(BINARY, &payload),
        close: frames::asked(CLOSE, &1000_u16.to_be_bytes()),
    };
    let begun = Instant::now();
    let mut poll = Ready::new();
    let mut visitors: Vec<_> = (0..AT_ONCE).map(|_| Visitor::come(&words)).collect();
    visitors.iter().enumerate().for_each(|(number, visitor)| poll.watch(&visitor.stream, number));
    let (mut here, mut operations, mut ready) = (AT_ONCE, 0, Vec::new());
    while here > 0 {
        poll.wait(&mut ready);
        let more = begun.elapsed() < span;
        for number in &ready {
            if !visitors[*number].hears(&words) {
                continue;
            }
            operations += 1;
            if more {
                visitors[*number] = Visitor::come(&words);
                poll.watch(&visitors[*number].stream, *number);
            } else {
                here -= 1;
                poll.forget(&visitors[*number].stream);
            }
        }
    }
    Done { operations, took: begun.elapsed() }
}

impl Visitor {
    fn come(words: &Words) -> Self {
        let mut stream = sockets::connect(words.address);
        stream.write_all(&words.handshake).expect("a handshake");
        Self { stream, wait: Wait::Accepted, heard: Vec::with_capacity(512) }
    }

    /// Goes on by what has come; whether it is over.
    fn hears(&mut self, words: &Words) -> bool {
        let mut part = [0; 1024];
        let length = self.stream.read(&mut part).expect("something comes");
        self.heard.extend_from_slice(&part[..length]);
        match self.wait {
            Wait::Accepted if self.heard.ends_with(b"\r\n\r\n") => {
                assert!(self.heard.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&self.heard));
                self.says(&words.message, Wait::Echo);
            }
            Wait::Echo if self.heard.len() == words.echo.len() => {
                assert_eq!(self.heard, words.echo, "a wrong answer");
                self.says(&words.close, Wait::End);
            }
            Wait::End if length == 0 => {
                assert_eq!(self.heard, frames::answered(CLOSE, &1000_u16.to_be_bytes()), "a wrong close");
                return true;
            }
            _ => assert!(length > 0, "the connection ends too early"),
        }
        false
    }

    fn says(&mut self, words: &[u8], then: Wait) {
        self.heard.clear();
        self.stream.write_all(words).expect("it is sent");
        self.wait = then;
    }
}
