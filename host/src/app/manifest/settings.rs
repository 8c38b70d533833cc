//! What a manifest says, as plain data with the defaults filled in.
//!
//! Its own ceilings stand here; defaults and other bounds are in [`limits`].

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Origin, OriginRule};
use crate::app::route::Pattern;
use crate::instance::Isolation;
use crate::limits::{self, KIB, MIB};
use crate::outbound::Grant;
use crate::outbox::Overflow;
use crate::port::websocket::AutoResponse;

/// The largest `cpu_ms`: past a minute it is a job, not an event.
pub const CPU_MAX: Duration = Duration::from_secs(60);
/// The largest `deadline_ms`.
pub const DEADLINE_MAX: Duration = Duration::from_secs(3600);
/// The smallest `memory_bytes_max`: one page of wasm.
pub const MEMORY_BYTES_FLOOR: usize = 64 * KIB;
/// The largest `memory_bytes_max`: what one instance may sensibly take of a node.
pub const MEMORY_BYTES_CEILING: usize = 1024 * MIB;
/// The largest `outbox_bytes_max`: four of the largest messages.
pub const OUTBOX_BYTES_CEILING: usize = 4 * limits::MESSAGE_BYTES_CEILING;
/// The largest `outbox_messages_max`.
pub const OUTBOX_MESSAGES_CEILING: usize = 65_536;
/// The largest `max_age_s`: 400 days, past which browsers cut a cookie's life (RFC 6265bis §5.5).
pub const SESSION_AGE_MAX: Duration = Duration::from_secs(400 * 24 * 3600);

/// The largest `window_s`.
pub const ROLLBACK_WINDOW_MAX: Duration = Duration::from_secs(24 * 3600);
/// The largest `drain_s`: each version that drains is held in memory.
pub const DRAIN_MAX: Duration = Duration::from_secs(24 * 3600);

/// The largest of the times in `[http]`.
pub const PACE_MAX: Duration = Duration::from_secs(3600);

/// `[app]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppSettings {
    /// 1-64 of `a-z`, `0-9`, `-`.
    pub name: String,
    /// Origins whose pages may open websockets, beside the app's own.
    pub allowed_origins: Vec<Origin>,
    /// Whether a websocket without an `Origin` (no browser) is refused.
    pub require_origin: bool,
    /// Host names that it is served on; none: all that no other app names.
    pub hosts: Vec<String>,
    /// What its paths begin with, such as `/shop`; empty for the whole host.
    pub prefix: String,
    /// A path of the app that must answer 2xx before a version becomes the current one.
    pub health: Option<String>,
    /// `drain_s`: what time loop-style websockets have to leave a version that has been replaced; up to [`DRAIN_MAX`].
    pub drain: Duration,
}

impl AppSettings {
    /// Which pages may open websockets.
    #[must_use]
    pub fn origins(&self, allow_loopback: bool) -> OriginRule {
        let (allowed, require) = (self.allowed_origins.clone(), self.require_origin);
        OriginRule { allowed, allow_loopback, require }
    }
}

/// One of `[[routes]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteSettings {
    /// `path`
    pub pattern: Pattern,
    /// What answers.
    pub to: RouteTarget,
}

/// What answers a route: one of the keys `handler`, `files` and `redirect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// `handler`: a key of [`Manifest::handlers`](super::Manifest::handlers).
    Handler(String),
    /// `files`: a folder for a path that ends with a rest, one file for any other.
    Files(PathBuf),
    /// `redirect` and `status`.
    Redirect(Redirect),
}

/// Another address for a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// A path or URL, in which `{name}` stands for a parameter of the route.
    pub to: String,
    /// 301, 302, 303, 307 or 308.
    pub status: u16,
}

/// `[cors]`: which other origins' pages may read the app's answers (Fetch §3.2). Websockets have
/// `allowed_origins`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsSettings {
    /// `origins`; none for `"*"`, all of them.
    pub origins: Option<Vec<Origin>>,
    /// `methods`
    pub methods: Vec<String>,
    /// `headers` of requests
    pub headers: Vec<String>,
    /// `credentials`: whether cookies come along
    pub credentials: bool,
    /// `max_age_s`: for how long a browser remembers
    pub max_age: Duration,
}

/// `[http]`: what time a peer has. All but `body` counts for a connection, from its first request on with
/// the settings that it began with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceSettings {
    /// `head_s`: from the first byte of a request's head to its last; up to [`PACE_MAX`].
    pub head: Duration,
    /// `idle_s`: between two requests; up to [`PACE_MAX`].
    pub idle: Duration,
    /// `body_s`: before a request's body must come at [`limits::BODY_BYTES_A_SECOND`]; up to [`PACE_MAX`].
    pub body: Duration,
    /// `stall_s`: that a peer may take nothing of what is sent to it; up to [`PACE_MAX`].
    pub stall: Duration,
    /// `message_s`: from the first byte of a websocket's message to its last; up to [`PACE_MAX`].
    pub message: Duration,
}

impl PaceSettings {
    /// The longer of each.
    #[must_use]
    pub fn longest(self, other: Self) -> Self {
        Self {
            head: self.head.max(other.head),
            idle: self.idle.max(other.idle),
            body: self.body.max(other.body),
            stall: self.stall.max(other.stall),
            message: self.message.max(other.message),
        }
    }
}

impl Default for PaceSettings {
    fn default() -> Self {
        Self {
            head: limits::HEAD,
            idle: limits::IDLE,
            body: limits::BODY_GRACE,
            stall: limits::STALL,
            message: limits::MESSAGE,
        }
    }
}

/// `[rollback]`: when a version is rolled back by itself to the one before, and a canary aborted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RollbackSettings {
    /// `window_s`: from its swap on; zero: never. Up to [`ROLLBACK_WINDOW_MAX`].
    pub window: Duration,
    /// `traps`: so many calls that trapped, at least.
    pub traps: u64,
    /// `percent`: that they are of all calls, at least.
    pub percent: u64,
    /// `p99_percent`: of the current version's p99, past which a canary is aborted; zero: never.
    pub p99_percent: u64,
}

impl Default for RollbackSettings {
    fn default() -> Self {
        Self {
            window: limits::TRIAL,
            traps: limits::TRIAL_TRAPS,
            percent: limits::TRIAL_PERCENT,
            p99_percent: limits::CANARY_P99_PERCENT,
        }
    }
}

/// `[handlers.NAME]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerSettings {
    /// The component, relative ones joined to the manifest's folder.
    pub component: PathBuf,
    /// The command that builds it.
    pub build: Option<String>,
    /// What that reads, joined to the manifest's folder: it need not run while none is newer than the component.
    pub sources: Vec<PathBuf>,
    /// Which export to call; none: the one it has.
    pub export: Option<Export>,
    /// Who shares an instance.
    pub isolation: Isolation,
    /// What happens to a message for which an outbox has no room.
    pub overflow: Overflow,
    /// Whether its websockets agree on permessage-deflate (RFC 7692) with peers that offer it. Messages are
    /// compressed one by one, `limits.message_bytes_max` bounds them inflated. It costs CPU; what is secret
    /// should not share a message with what a stranger may choose (RFC 7692 §8).
    pub deflate: bool,
    /// A message of the peer that is answered without the guest.
    pub auto_response: Option<AutoResponse>,
    /// `resume_s`: for which its websockets wait for peers that may come back over another connection; up to
    /// [`limits::RESUME_MAX`]. None: they do not.
    pub resume: Option<Duration>,
    /// When the session of a websocket is saved without being told.
    pub autosave: Autosave,
    /// `[handlers.NAME.limits]`
    pub limits: HandlerLimits,
    /// `[handlers.NAME.config]`, for `wasi:config`.
    pub config: BTreeMap<String, String>,
    /// `[handlers.NAME.grants]`
    pub grants: Grants,
}

/// The interface that a handler exports: one of `sessile:handler`, or a standard one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Export {
    /// `websocket-handler`, loop style.
    WebsocketHandler,
    /// `websocket-events`, event style.
    WebsocketEvents,
    /// `http-handler`
    HttpHandler,
    /// `wasi:http/incoming-handler`, version 0.2
    Incoming,
    /// `wasi:http/handler`, version 0.3
    Standard,
}

/// When the session of a websocket is saved without being told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Autosave {
    /// Never.
    #[default]
    Never,
    /// After each event that changed it; event style.
    Event,
}

/// `[handlers.NAME.limits]`; the defaults are those of [`limits`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandlerLimits {
    /// Bytes of a message, in and out; up to [`limits::MESSAGE_BYTES_CEILING`].
    pub message_bytes_max: usize,
    /// CPU of one event or exchange, in whole milliseconds; up to [`CPU_MAX`].
    pub cpu: Duration,
    /// Wall clock of one event or exchange, in whole milliseconds; up to [`DEADLINE_MAX`]. None:
    /// [`limits::EVENT_DEADLINE`] or [`limits::EXCHANGE_DEADLINE`].
    pub deadline: Option<Duration>,
    /// Linear memory of an instance; [`MEMORY_BYTES_FLOOR`] to [`MEMORY_BYTES_CEILING`].
    pub memory_bytes_max: usize,
    /// Bytes in an outbox; up to [`OUTBOX_BYTES_CEILING`].
    pub outbox_bytes_max: usize,
    /// Messages in an outbox; up to [`OUTBOX_MESSAGES_CEILING`].
    pub outbox_messages_max: usize,
    /// `outbound_ms`: without a byte either way, after which a request to another host is given up; up to
    /// [`DEADLINE_MAX`].
    pub outbound: Duration,
    /// `messages_per_s`: messages of a peer in a second, and at once; up to [`limits::MESSAGES_PER_S_CEILING`]. None: as
    /// many as the handler takes.
    pub messages_per_s: Option<u32>,
    /// Events and exchanges that are under way at once; up to [`limits::INSTANCES_MAX`].
    pub in_flight_max: usize,
}

impl Default for HandlerLimits {
    fn default() -> Self {
        Self {
            message_bytes_max: limits::MESSAGE_BYTES_MAX,
            cpu: limits::CPU,
            deadline: None,
            memory_bytes_max: limits::MEMORY_BYTES_MAX,
            outbox_bytes_max: limits::OUTBOX_BYTES_MAX,
            outbox_messages_max: limits::OUTBOX_MESSAGES_MAX,
            outbound: limits::OUTBOUND_IDLE,
            messages_per_s: None,
            in_flight_max: limits::IN_FLIGHT_MAX,
        }
    }
}

/// `[handlers.NAME.grants]`: what a handler may reach beyond its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants {
    /// Names of environment variables of the host that the guest sees.
    pub env: Vec<String>,
    /// `outbound` and `outbound_private`: hosts that the guest may send HTTP requests to, and no others. Each is
    /// one scheme, host and port: `"api.example.com"` is https on 443, else it is written out, as in
    /// `"http://api.example.com:8080"`; `"*.example.com"` stands for names with one label more. A name of
    /// `outbound` must lead to the internet; one of `outbound_private` may lead to loopback and private networks
    /// too. An address that is written out is granted as it is.
    pub outbound: Vec<Grant>,
}

/// `[session]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSettings {
    /// The cookie's name, used as it is; none: one with the prefix that fits the other settings.
    pub cookie: Option<String>,
    /// The cookie's `Domain`; none: the host that set it alone.
    pub domain: Option<String>,
    /// The cookie's `Path`.
    pub path: String,
    /// When the cookie is `Secure`.
    pub secure: Secure,
    /// Whether scripts cannot read the cookie.
    pub http_only: bool,
    /// The cookie's `SameSite`.
    pub same_site: SameSite,
    /// The cookie's life, up to [`SESSION_AGE_MAX`]; none: until the browser closes.
    pub max_age: Option<Duration>,
    /// Life of a session without use; up to [`SESSION_AGE_MAX`].
    pub idle: Duration,
    /// Life of a session in all; up to [`SESSION_AGE_MAX`].
    pub absolute: Duration,
    /// Where sessions are kept.
    pub store: Store,
    /// Whether an exchange saves, and sends the cookie anew, though nothing changed.
    pub save_every_request: bool,
}

impl Default for SessionSettings {
    fn default() -> Self {
        Self {
            cookie: None,
            domain: None,
            path: "/".to_owned(),
            secure: Secure::default(),
            http_only: true,
            same_site: SameSite::default(),
            max_age: Some(limits::SESSION_MAX_AGE),
            idle: limits::SESSION_IDLE,
            absolute: limits::SESSION_ABSOLUTE,
            store: Store::default(),
            save_every_request: false,
        }
    }
}

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Store {
    /// A SQLite file in the data folder.
    #[default]
    Sqlite,
    /// This process.
    Memory,
    /// The cookie itself, signed.
    SignedCookie,
}

/// When the cookie is `Secure`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Secure {
    /// On exchanges over TLS, our own or a trusted proxy's.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// `SameSite` (RFC 6265bis §4.1.2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// With top-level navigation too.
    #[default]
    Lax,
    /// Only with requests of the same site.
    Strict,
    /// With every request; browsers then want `Secure`.
    None,
}
