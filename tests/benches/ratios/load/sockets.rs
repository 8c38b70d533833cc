//! Sockets of the load: opened from many addresses of this machine, waited for all at once.
//!
//! They block, and are read only where the kernel says that there is something: one `read` and one
//! `write` for an answer, without a runtime, so that the load has more to spare than the server.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use rustix::net::{self, AddressFamily, SocketType};

use super::frames::{self, Headers};

/// Sockets from one address: an address has 28,000 ports for a server, and some rest after a connection.
const PER_ADDRESS: usize = 10_000;
/// 127.0.0.2 and those after it. Enough of them that the first has had its rest when it comes again.
const ADDRESSES: usize = 250;
/// That nothing may come at all; past it the server is held for dead.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
const NOW: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Connects a socket: each ten thousand have an address of their own.
pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    static CONNECTED: AtomicUsize = AtomicUsize::new(0);
    let number = CONNECTED.fetch_add(1, Ordering::Relaxed);
    let from = Ipv4Addr::new(127, 0, 0, 2 + (number / PER_ADDRESS % ADDRESSES) as u8);
    let socket = net::socket(AddressFamily::INET, SocketType::STREAM, None).expect("a socket");
    net::bind(&socket, &SocketAddrV4::new(from, 0)).expect("an address of this machine");
    net::connect(&socket, &address).expect("a connection");
    let stream = TcpStream::from(socket);
    stream.set_nodelay(true).expect("nodelay");
    stream
}

/// Opens a websocket.
pub(crate) fn open(address: SocketAddr, path: &str, headers: Headers) -> TcpStream {
    let mut stream = knock(address, path, headers);
    enter(&mut stream);
    stream
}

/// Asks for a websocket.
pub(crate) fn knock(address: SocketAddr, path: &str, headers: Headers) -> TcpStream {
    let mut stream = connect(address);
    stream.write_all(&frames::handshake(address, path, headers)).expect("a handshake");
    stream
}

/// Waits for it.
pub(crate) fn enter(stream: &mut TcpStream) {
    let mut response = Vec::new();
    read_head(stream, &mut response);
    assert!(response.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&response));
}

/// Reads until the end of a head: nothing follows it before something is asked.
fn read_head(stream: &mut TcpStream, response: &mut Vec<u8>) {
    let mut part = [0; 1024];
    while !response.ends_with(b"\r\n\r\n") {
        let length = stream.read(&mut part).expect("a response");
        assert!(length > 0, "the connection ends within a response's head");
        response.extend_from_slice(&part[..length]);
    }
}

/// Which sockets have something to read.
pub(crate) struct Ready {
    epoll: OwnedFd,
    events: Vec<epoll::Event>,
}

impl Ready {
    pub(crate) fn new() -> Self {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).expect("an epoll");
        Self { epoll, events: Vec::with_capacity(1024) }
    }

    /// Watches a socket by a number; it is forgotten when it is closed.
    pub(crate) fn watch(&self, stream: &TcpStream, number: usize) {
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&self.epoll, stream, data, epoll::EventFlags::IN).expect("a socket is watched");
    }

    pub(crate) fn forget(&self, stream: &TcpStream) {
        epoll::delete(&self.epoll, stream).expect("a socket is forgotten");
    }

    /// Waits; puts the numbers of those that can be read into `ready`. It never sleeps: a server that wakes whoever waits for its
    /// answer pays for that (3 µs in a virtual machine), the slower one more often.
    pub(crate) fn wait(&mut self, ready: &mut Vec<usize>) {
        let mut since = None;
        loop {
            self.look(ready);
            if !ready.is_empty() {
                return;
            }
            let since = *since.get_or_insert_with(Instant::now);
            assert!(since.elapsed() < PATIENCE, "the server does not answer");
            std::thread::yield_now();
        }
    }

    /// The same of those that can be read now.
    pub(crate) fn look(&mut self, ready: &mut Vec<usize>) {
        self.events.clear();
        let buffer = rustix::buffer::spare_capacity(&mut self.events);
        epoll::wait(&self.epoll, buffer, Some(&NOW)).expect("the sockets are looked at");
        ready.clear();
        ready.extend(self.events.iter().map(|event| event.data.u64() as usize));
    }
}
