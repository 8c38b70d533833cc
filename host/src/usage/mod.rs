//! What guests use: CPU, memory, messages and bytes, for each websocket and for each app.
//!
//! A websocket's figures are written by its task alone; an app's totals are those of what has ended, so that counting costs
//! a websocket nothing that others share.

mod timing;

pub use timing::{BOUNDS_MICROS, Timed, Timing};

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// CPU of guest code, with the host calls that it made and did not wait in, in microseconds.
    pub cpu_micros: u64,
    /// The largest linear memory of an instance.
    pub memory_bytes_max: u64,
    /// Messages of peers.
    pub received: u64,
    /// Their payloads; of exchanges the bodies of requests.
    pub received_bytes: u64,
    /// Messages to peers that their connections have taken.
    pub sent: u64,
    /// Their payloads; of exchanges the bodies of responses.
    pub sent_bytes: u64,
}

/// What an app has used.
#[derive(Debug, Default)]
pub struct Totals {
    cpu_micros: AtomicU64,
    memory_bytes_max: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    websockets: AtomicU64,
    traps: AtomicU64,
    /// From an event to the end of its call.
    pub events: Timing,
    /// From a request to its answer by a handler.
    pub requests: Timing,
}

impl Usage {
    /// With what another has used.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self {
            cpu_micros: self.cpu_micros + other.cpu_micros,
            memory_bytes_max: self.memory_bytes_max.max(other.memory_bytes_max),
            received: self.received + other.received,
            received_bytes: self.received_bytes + other.received_bytes,
            sent: self.sent + other.sent,
            sent_bytes: self.sent_bytes + other.sent_bytes,
        }
    }
}

impl Totals {
    /// A websocket has ended.
    pub fn add(&self, usage: Usage) {
        self.websockets.fetch_add(1, Relaxed);
        self.cpu_micros.fetch_add(usage.cpu_micros, Relaxed);
        self.memory_bytes_max.fetch_max(usage.memory_bytes_max, Relaxed);
        self.received.fetch_add(usage.received, Relaxed);
        self.received_bytes.fetch_add(usage.received_bytes, Relaxed);
        self.sent.fetch_add(usage.sent, Relaxed);
        self.sent_bytes.fetch_add(usage.sent_bytes, Relaxed);
    }

    /// The handler of an exchange has ended.
    pub fn exchanged(&self, cpu: Duration, memory_bytes: u64) {
        self.cpu_micros.fetch_add(micros(cpu), Relaxed);
        // Mostly a load: few are the largest.
        if memory_bytes > self.memory_bytes_max.load(Relaxed) {
            self.memory_bytes_max.fetch_max(memory_bytes, Relaxed);
        }
    }

    /// Some of a request's body was read.
    pub fn read(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Relaxed);
    }

    /// Some of a response's body was given to the connection.
    pub fn wrote(&self, bytes: u64) {
        self.sent_bytes.fetch_add(bytes, Relaxed);
    }

    /// A call trapped, or was cut.
    pub fn trapped(&self) {
        self.traps.fetch_add(1, Relaxed);
    }

    /// Calls that trapped or were cut.
    pub fn traps(&self) -> u64 {
        self.traps.load(Relaxed)
    }

    /// Websockets that have ended.
    pub fn websockets(&self) -> u64 {
        self.websockets.load(Relaxed)
    }

    /// The sums so far.
    pub fn sums(&self) -> Usage {
        Usage {
            cpu_micros: self.cpu_micros.load(Relaxed),
            memory_bytes_max: self.memory_bytes_max.load(Relaxed),
            received: self.received.load(Relaxed),
            received_bytes: self.received_bytes.load(Relaxed),
            sent: self.sent.load(Relaxed),
            sent_bytes: self.sent_bytes.load(Relaxed),
        }
    }
}

/// Whole microseconds; what does not fit is as good as for ever.
pub fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_sums_but_for_the_memory_which_is_the_largest() {
        let used = |number| Usage {
            cpu_micros: number,
            memory_bytes_max: number,
            received: number,
            received_bytes: number,
            sent: number,
            sent_bytes: number,
        };
        let totals = Totals::default();
        totals.add(used(3));
        totals.add(used(2));
        totals.exchanged(Duration::from_micros(7), 1);
        totals.read(10);
        totals.wrote(20);
        let expected = Usage { cpu_micros: 12, received_bytes: 15, sent_bytes: 25, ..used(3).with(used(2)) };
        assert_eq!((totals.sums(), totals.websockets(), expected.memory_bytes_max), (expected, 2, 3));
    }
}
