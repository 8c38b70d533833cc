//! What goes over the admin API, as both of its ends know it: plain data. docs/admin.md describes it.

use serde::{Deserialize, Serialize};

use crate::app::archive::Contents;
use crate::app::canary::Share;
use crate::app::digest::Digest;
use crate::deploy::{Deployed, Step};
use crate::feed::Told;
use crate::usage::Usage;

/// `GET /v1/apps`: one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppInfo {
    /// Its name.
    pub app: String,
    /// The current version.
    pub version: u64,
    /// Host names that it is served on; none: all that no other app names.
    pub hosts: Vec<String>,
    /// What its paths begin with.
    pub prefix: String,
    /// Its live websockets.
    pub websockets: usize,
    /// Calls of its guests by the current version, since that became so.
    pub calls: u64,
    /// Those that trapped.
    pub traps: u64,
    /// Exchanges that have been answered, since this host began.
    pub exchanges: u64,
    /// What its guests have used, since this host began.
    #[serde(flatten)]
    pub usage: Usage,
    /// The version beside it, if one is on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<CanaryInfo>,
}

/// Of an app: a version beside the current one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CanaryInfo {
    /// Its number.
    pub version: u64,
    /// What it serves of websockets and sessions, in percent.
    pub share: Share,
    /// Calls of its guests.
    pub calls: u64,
    /// Those that trapped.
    pub traps: u64,
    /// The longest that 99 of 100 events and exchanges took; in the last 200 calls looked at; none before both versions had as many.
    pub p99_micros: Option<u64>,
    /// The same of the current version, in the same time.
    pub current_p99_micros: Option<u64>,
}

/// `GET /v1/apps/{app}/versions`: one of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// Its number.
    pub version: u64,
    /// Whether it is the current one.
    pub current: bool,
    /// Seconds since 1970.
    pub deployed_at: u64,
    /// Who deployed it.
    pub by: String,
    /// What they said of it.
    pub note: Option<String>,
    /// The key that its signature says it is by, verified where the host has trusted keys; none if it is not signed.
    #[serde(default)]
    pub key: Option<String>,
    /// The component of each handler.
    pub components: std::collections::BTreeMap<String, Digest>,
    /// How many files its routes serve.
    pub files: usize,
}

/// `POST /v1/deploys`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeployRequest {
    /// What the version is made of.
    pub contents: Contents,
    /// What is said of it; at most 1,024 bytes.
    #[serde(default)]
    pub note: Option<String>,
    /// The signature of the contents, as `sessile sign` makes it; at most 4,096 bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// Whether it may reach what the running version cannot.
    #[serde(default)]
    pub allow_new_grants: bool,
    /// What it is to serve beside the current version, in percent; none: it takes that one's place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Share>,
}

/// A line of the answer to that.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeployLine {
    /// A step is done.
    Step(Step),
    /// The last line: it is the current version.
    Deployed(Deployed),
    /// The last line: nothing has changed.
    Refused(Problem),
}

/// `POST /v1/apps/{app}/rollback`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RollbackRequest {
    /// The version to go back to; none: the one before.
    #[serde(default)]
    pub version: Option<u64>,
}

/// `POST /v1/apps/{app}/promote`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromoteRequest {
    /// What the canary is to serve from now on; none: all, as the current version.
    #[serde(default)]
    pub share: Option<Share>,
}

/// `GET /v1/sessions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sessions {
    /// How many have live websockets, listed or not.
    pub total: usize,
    /// Those that have used most CPU, up to the limit.
    pub sessions: Vec<SessionInfo>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// Its app.
    pub app: String,
    /// The start of its key, as `sessile sessions` shows it.
    pub session: String,
    /// Its live websockets.
    pub websockets: usize,
    /// What they and their guests have used.
    #[serde(flatten)]
    pub usage: Usage,
}

/// `GET /v1/alarms`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarms {
    /// How many there are, listed or not.
    pub total: u64,
    /// Those that ring next, up to the limit.
    pub alarms: Vec<AlarmInfo>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlarmInfo {
    /// Its app.
    pub app: String,
    /// Whose it is.
    pub owner: AlarmOwner,
    /// The start of its session's key, as `sessile sessions` shows it, where it is one's.
    pub session: Option<String>,
    /// Its name.
    pub name: String,
    /// The handler that it rings.
    pub handler: String,
    /// When it was to ring first, in milliseconds since 1970.
    pub due_ms: u64,
    /// When it is to ring: later than that after a call that failed.
    pub next_ms: u64,
    /// Which of its calls that will be, from 1.
    pub attempt: u32,
    /// What was said of the last one that failed.
    pub error: Option<String>,
    /// Its cron expression, where it is the manifest's.
    pub cron: Option<String>,
}

/// Whose an alarm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmOwner {
    /// The app's, set by a handler.
    App,
    /// The app's, of its manifest.
    Manifest,
    /// A session's.
    Session,
}

/// `GET /v1/connections`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connections {
    /// How many there are, listed or not.
    pub total: usize,
    /// The oldest of them, up to the limit.
    pub connections: Vec<ConnectionInfo>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionInfo {
    /// Its id, 16 hexadecimal digits.
    pub id: String,
    /// Its app.
    pub app: String,
    /// The path of its request.
    pub path: String,
    /// The name of its handler.
    pub handler: String,
    /// The start of its session's key, as `sessile sessions` shows it; none where its handler has opened none.
    pub session: Option<String>,
    /// The version that serves it.
    pub version: u64,
    /// `connecting`, `open`, `closing`, `closed`.
    pub state: String,
    /// Since its handshake, in seconds.
    pub age_s: u64,
    /// What it and its guests have used.
    #[serde(flatten)]
    pub usage: Usage,
    /// Bytes that wait for the peer.
    pub outbox_bytes: usize,
    /// The remote end, past trusted proxies.
    pub peer: String,
    /// Whether it has an instance now.
    pub instance: Instance,
    /// Why.
    pub why: String,
}

/// Whether a websocket has an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Instance {
    /// It has one.
    Awake,
    /// It gets one when something happens to it.
    Hibernating,
}

/// A line of the answer to `GET /v1/tail`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum TailLine {
    /// An event.
    Told(Told),
    /// Whoever reads was too slow.
    Missed {
        /// For so many events.
        missed: u64,
    },
}

/// `POST /v1/apps/{app}/publish`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishRequest {
    /// The group, 1 to 100 bytes.
    pub group: String,
    /// The message, at most 64 KiB.
    pub text: String,
    /// Whether it is a binary message.
    #[serde(default)]
    pub binary: bool,
}

/// What became of it, member by member.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Published {
    /// Those that have it in their outbox, or whose handler will be told.
    pub queued: u32,
    /// Those that had no room.
    pub full: u32,
    /// Those that were about to end.
    pub gone: u32,
    /// Its number in the group's history; none where the group keeps none.
    pub offset: Option<u64>,
}

/// `DELETE /v1/connections/{id}`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CloseRequest {
    /// The close code, as an application may send it (RFC 6455 §7.4).
    #[serde(default = "going_away")]
    pub code: u16,
    /// The close reason, at most 123 bytes.
    #[serde(default)]
    pub reason: String,
}

fn going_away() -> u16 {
    crate::failure::close_code::GOING_AWAY
}

/// Why a request changed nothing (RFC 9457).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The status, as of the answer where it has one of its own.
    pub status: u16,
    /// What is wrong, and the way out.
    pub detail: String,
    /// Contents that are to be sent first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<Digest>,
}
