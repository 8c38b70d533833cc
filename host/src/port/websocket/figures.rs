//! What a listing says of a websocket: who serves it, and what it has used.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};

use super::WebsocketPort;
use crate::usage::{Usage, micros};

/// Written by the websocket's task alone, read by anyone: no figure needs the others.
#[derive(Debug)]
pub(super) struct Figures {
    version: AtomicU64,
    moves: AtomicU32,
    received: AtomicU64,
    received_bytes: AtomicU64,
    sent: AtomicU64,
    sent_bytes: AtomicU64,
}

impl Figures {
    pub(super) fn new(version: u64) -> Self {
        let zero = AtomicU64::default;
        Self {
            version: version.into(),
            moves: 0.into(),
            received: zero(),
            received_bytes: zero(),
            sent: zero(),
            sent_bytes: zero(),
        }
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

    /// Messages of the peer so far.
    pub fn received(&self) -> u64 {
        self.figures.received.load(Relaxed)
    }

    /// Messages to the peer so far, as far as the connection has taken them.
    pub fn sent(&self) -> u64 {
        self.figures.sent.load(Relaxed)
    }

    /// A message of the peer is here, of so many bytes.
    pub fn has_received(&self, bytes: usize) {
        self.figures.received.store(self.received() + 1, Relaxed);
        let Figures { received_bytes, .. } = &self.figures;
        received_bytes.store(received_bytes.load(Relaxed) + bytes as u64, Relaxed);
    }

    /// A message of so many bytes leaves for the peer.
    pub fn has_sent(&self, bytes: usize) {
        self.figures.sent.store(self.sent() + 1, Relaxed);
        let Figures { sent_bytes, .. } = &self.figures;
        sent_bytes.store(sent_bytes.load(Relaxed) + bytes as u64, Relaxed);
    }

    /// What it and its guests have used so far.
    pub fn usage(&self) -> Usage {
        Usage {
            cpu_micros: micros(self.meter.total()),
            memory_bytes_max: self.meter.memory_bytes_max(),
            received: self.received(),
            received_bytes: self.figures.received_bytes.load(Relaxed),
            sent: self.sent(),
            sent_bytes: self.figures.sent_bytes.load(Relaxed),
        }
    }
}
