//! What can go wrong with a handler, by whose fault, and what the peer is told: the one table.
//!
//! Owns the mapping blame → status → close code. Does not know HTTP bodies or frames; those who
//! answer a peer read the table. Guest text never reaches a peer: it gets the [`ReportId`].

use std::fmt;

/// Names one report in the log; the peer sees it, the log has the text under it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ReportId(u64);

impl ReportId {
    /// A new random id.
    pub fn mint() -> Self {
        Self(crate::event::random_u64())
    }
}

impl fmt::Display for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for ReportId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whose fault a failure is; it decides the class of the answer and the level of the log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The remote end: 4xx; 1002, 1007, 1008, 1009; logged at debug.
    Peer,
    /// The handler: 500, 504; 1011; logged at warn.
    Guest,
    /// This process: 503; 1013; logged at error.
    Host,
}

/// Why a handler did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It trapped: panicked, ran out of stack, touched what it may not.
    #[error("the guest trapped: {trap}{}", .stderr.as_str().lines().map(|l| format!("\n  stderr: {l}")).collect::<String>())]
    Trapped {
        /// wasmtime's message with the wasm backtrace.
        trap: String,
        /// The last of what the guest wrote on stderr: a Rust guest's panic message.
        stderr: String,
    },
    /// It used up its CPU budget.
    #[error("the guest used up its CPU budget of {budget_ms} ms; raise limits.cpu_ms if it needs more")]
    OverCpu {
        /// The budget, in milliseconds.
        budget_ms: u128,
    },
    /// It did not return in time.
    #[error(
        "the guest did not return within its deadline of {deadline_ms} ms; raise limits.deadline_ms if it needs more"
    )]
    OverDeadline {
        /// The deadline, in milliseconds.
        deadline_ms: u128,
    },
    /// It returned its own `failure`.
    #[error("the handler failed: {0}")]
    Failed(String),
    /// What an event changed in the session could not be saved (`autosave = "event"`).
    #[error("the session could not be saved after the event: {0}")]
    Unsaved(String),
    /// An alarm was due, and the version has nothing that it rings.
    #[error("this version has no handler of this name that exports alarm-handler; deploy one that has")]
    Unheard,
    /// An alarm has failed too often.
    #[error("the alarm is given up: {0} of its calls failed")]
    GivenUp(u32),
    /// An HTTP handler returned and had answered nothing.
    #[error("the handler returned without an answer")]
    Unanswered,
    /// It did not answer a handshake in time.
    #[error("the handler neither accepted nor rejected the handshake within {0} ms")]
    Undecided(u128),
    /// There was no room for another loop-style instance.
    #[error(
        "all {0} loop-style websockets that there may be are there; a process has vm.max_map_count memory maps, of which each \
         takes some: raise that (`sessile doctor`), up to 4,000 websockets, or use event style, which has no such bound"
    )]
    NoInstance(usize),
    /// All instances together have as much linear memory as they may.
    #[error(
        "the instances have their {mib} MiB of linear memory, and one needed more; give them more with --guest-memory, \
         or each less with limits.memory_bytes_max"
    )]
    NoMemory {
        /// What they may have, in MiB.
        mib: usize,
    },
    /// As many events and exchanges of the handler are under way, or wait, as may.
    #[error(
        "all {in_flight} events and exchanges that the handler may have at once are under way and {waiting} wait; raise \
         limits.in_flight_max if its guests wait for long"
    )]
    Busy {
        /// How many may be under way.
        in_flight: usize,
        /// How many wait.
        waiting: usize,
    },
    /// There was no room for another instance in time.
    #[error("all {0} instances that there may be are serving; whoever wants another waits for too long")]
    NoSlot(usize),
    /// An instance could not be made.
    #[error("no instance could be made: {0}")]
    NotStarted(String),
    /// The host is shutting down.
    #[error("the host is draining")]
    Draining,
}

impl Fault {
    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        match self {
            Self::Trapped { .. }
            | Self::OverCpu { .. }
            | Self::OverDeadline { .. }
            | Self::Failed(_)
            | Self::Unheard
            | Self::GivenUp(_)
            | Self::Unanswered
            | Self::Undecided(_) => Blame::Guest,
            Self::Unsaved(_)
            | Self::NoInstance(_)
            | Self::NoMemory { .. }
            | Self::Busy { .. }
            | Self::NoSlot(_)
            | Self::NotStarted(_)
            | Self::Draining => Blame::Host,
        }
    }

    /// Its kind in a word, for counts and traces.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Trapped { .. } => "trapped",
            Self::OverCpu { .. } => "over-cpu",
            Self::OverDeadline { .. } => "over-deadline",
            Self::Failed(_) => "failed",
            Self::Unsaved(_) => "unsaved",
            Self::Unheard => "unheard",
            Self::GivenUp(_) => "given-up",
            Self::Unanswered => "unanswered",
            Self::Undecided(_) => "undecided",
            Self::NoInstance(_) => "no-instance",
            Self::NoMemory { .. } => "no-memory",
            Self::Busy { .. } => "busy",
            Self::NoSlot(_) => "no-slot",
            Self::NotStarted(_) => "not-started",
            Self::Draining => "draining",
        }
    }

    /// Whether the guest's code broke off, rather than return: what a version is judged by.
    pub fn is_trap(&self) -> bool {
        matches!(self, Self::Trapped { .. } | Self::OverCpu { .. })
    }

    /// Whether the same may do well in a moment: for want of room, or of a store.
    pub fn passes(&self) -> bool {
        self.blame() == Blame::Host && !matches!(self, Self::NotStarted(_))
    }

    /// The HTTP status that a peer gets, where no response has started.
    pub fn status(&self) -> http::StatusCode {
        match self {
            Self::OverDeadline { .. } | Self::Undecided(_) => http::StatusCode::GATEWAY_TIMEOUT,
            fault if fault.blame() == Blame::Guest => http::StatusCode::INTERNAL_SERVER_ERROR,
            _ => http::StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The close code that a peer gets, where the websocket was accepted.
    pub fn close_code(&self) -> u16 {
        match (self, self.blame()) {
            (Self::Draining, _) => close_code::GOING_AWAY,
            (_, Blame::Host) => close_code::TRY_AGAIN,
            (_, Blame::Guest) => close_code::INTERNAL,
            (_, Blame::Peer) => close_code::POLICY,
        }
    }

    /// Writes the whole of it to the log, at the level that the blame asks for.
    pub fn log(&self, id: ReportId, handler: &str) {
        match self.blame() {
            Blame::Peer => tracing::debug!(report = %id, handler, "{self}"),
            Blame::Guest => tracing::warn!(report = %id, handler, "{self}"),
            Blame::Host => tracing::error!(report = %id, handler, "{self}"),
        }
    }
}

/// The close codes that the host itself sends or reports (RFC 6455 §7.4.1).
pub mod close_code {
    /// Done.
    pub const NORMAL: u16 = 1000;
    /// The host drains.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer broke the protocol.
    pub const PROTOCOL: u16 = 1002;
    /// Reported, never sent: the connection ended without a close frame.
    pub const ABNORMAL: u16 = 1006;
    /// A text message that is not UTF-8.
    pub const INVALID_DATA: u16 = 1007;
    /// Refused by policy.
    pub const POLICY: u16 = 1008;
    /// A message over the limit.
    pub const TOO_LARGE: u16 = 1009;
    /// The guest failed.
    pub const INTERNAL: u16 = 1011;
    /// Another version has taken over; connect again (IANA's registry: "Service Restart").
    pub const RESTART: u16 = 1012;
    /// Overload; try again later.
    pub const TRY_AGAIN: u16 = 1013;
}
