//! What a listing says of a websocket: who serves it, and how many messages have passed.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};

use super::WebsocketPort;

/// Written by the websocket's task alone, read by anyone: no figure needs the others.
#[derive(Debug)]
pub(super) struct Figures {
    version: AtomicU64,
    moves: AtomicU32,
    received: AtomicU64,
    sent: AtomicU64,
    calling: AtomicBool,
}

/// A call of an event-style handler is under way until its drop.
#[derive(Debug)]
pub struct Calling<'a>(&'a AtomicBool);

impl Figures {
    pub(super) fn new(version: u64) -> Self {
        Self { version: version.into(), moves: 0.into(), received: 0.into(), sent: 0.into(), calling: false.into() }
    }
}

impl WebsocketPort {
    /// The number of the version that serves it.
    pub fn version(&self) -> u64 {
        self.figures.version.load(Relaxed)
    }

    /// It has moved to a version.
    pub fn moved(&self, version: u64) {
        self.figures.version.store(version, Relaxed);
        self.figures.moves.store(self.moves().wrapping_add(1), Relaxed);
    }

    /// How often it has moved to another version.
    pub fn moves(&self) -> u32 {
        self.figures.moves.load(Relaxed)
    }

    /// A call of its event-style handler begins.
    pub fn calling(&self) -> Calling<'_> {
        self.figures.calling.store(true, Relaxed);
        Calling(&self.figures.calling)
    }

    /// Whether such a call is under way.
    pub fn is_calling(&self) -> bool {
        self.figures.calling.load(Relaxed)
    }

    /// Messages of the peer so far.
    pub fn received(&self) -> u64 {
        self.figures.received.load(Relaxed)
    }

    /// Messages to the peer so far, as far as the connection has taken them.
    pub fn sent(&self) -> u64 {
        self.figures.sent.load(Relaxed)
    }

    /// A message of the peer is here.
    pub fn has_received(&self) {
        self.figures.received.store(self.received() + 1, Relaxed);
    }

    /// A message leaves for the peer.
    pub fn has_sent(&self) {
        self.figures.sent.store(self.sent() + 1, Relaxed);
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}
