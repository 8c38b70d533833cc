//! Every bound of the host: unit, reason, what happens past it, and the manifest key if it has one.
//!
//! Owns numbers only. A bound that is not here does not exist: no queue, map, read or wait elsewhere
//! may be without one. Manifest keys are those of `[handlers.NAME.limits]` unless said otherwise.

use std::time::Duration;

use crate::rate::Quota;

/// Bytes in a KiB.
pub const KIB: usize = 1024;
/// Bytes in a MiB.
pub const MIB: usize = 1024 * KIB;

// ---- listener ------------------------------------------------------------------------------

/// Connections open at once; further ones wait in the kernel's backlog.
pub const CONNECTIONS_MAX: usize = 200_000;
/// The kernel's queue of connections not yet accepted.
pub const BACKLOG: u32 = 4096;
/// Pause after an accept that failed for want of a resource (EMFILE), so as not to spin.
pub const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Connections of one client address at once, an IPv6 network of 64 bits being one; as many again get 429, further ones are
/// ended. Not for loopback, nor for trusted proxies: of those the websockets of each forwarded address count. Option
/// `--client-connections`.
pub const CLIENT_CONNECTIONS_MAX: u32 = 100;
/// New ones of one client address in a second, and at once; as [`CLIENT_CONNECTIONS_MAX`]. Option `--client-rate`.
pub const CLIENT_CONNECTIONS_PER_S: u32 = 20;
/// After which a peer that was refused for want of room may try again: what `Retry-After` of 429 and 503 says.
pub const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Client addresses that are counted at once; past it those that have no connection are forgotten, then new ones are ended.
pub const CLIENTS_MAX: usize = CONNECTIONS_MAX;

/// Bytes of a certificate's file, and of its key's.
pub const PEM_BYTES_MAX: usize = MIB;
/// How often those files are looked at.
pub const PEM_SWEEP: Duration = Duration::from_secs(5);

// ---- HTTP ----------------------------------------------------------------------------------

/// From accept to the first byte of a request, TLS included; past it the connection is closed.
pub const FIRST_BYTE: Duration = Duration::from_secs(10);
/// From the first byte of a request's head to its last; past it the connection is closed. Over HTTP/2, of
/// the first request only. Key `http.head_s`.
pub const HEAD: Duration = Duration::from_secs(10);
/// Between two requests; past it the connection is closed. Key `http.idle_s`.
pub const IDLE: Duration = Duration::from_secs(60);
/// That a peer may take nothing of what is sent to it; past it `send-chunk` says `timed-out` and the
/// connection is closed, and a websocket is ended (1006), whatever it still sends. Key `http.stall_s`.
pub const STALL: Duration = Duration::from_secs(30);
/// Header fields of a request; past it 431.
pub const HEADERS_MAX: usize = 100;
/// Bytes of a request's head; past it 431.
pub const HEAD_BYTES_MAX: usize = 32 * KIB;
/// Texts of what the heads of live websockets have alike; past it those that nobody holds are forgotten, then a websocket holds its own.
pub const ALIKE_MAX: usize = 4096;
/// Bytes of such a text; past it the websocket holds its own.
pub const ALIKE_BYTES_MAX: usize = 2 * KIB;
/// Bytes of path and query; past it 414.
pub const TARGET_BYTES_MAX: usize = 8 * KIB;
/// From the end of what we send to the end of what the peer sends; past it the connection is cut.
pub const LINGER: Duration = Duration::from_secs(2);
/// Bytes that are thrown away meanwhile; as [`LINGER`].
pub const LINGER_BYTES_MAX: usize = MIB;
/// Proxies that may stand between us and a client; past it 400.
pub const FORWARDED_MAX: usize = 32;
/// Exchanges and websockets at once on a connection of HTTP/2; past it the stream is refused.
pub const STREAMS_MAX: u32 = 100;
/// Bytes that a peer may send on a stream of HTTP/2 before they are read.
pub const STREAM_WINDOW_BYTES: u32 = 64 * KIB as u32;
/// The same, for all streams of a connection.
pub const CONNECTION_WINDOW_BYTES: u32 = MIB as u32;
/// Bytes of a stream of HTTP/2 that wait for the peer; past it sending waits.
pub const STREAM_SEND_BYTES_MAX: usize = 64 * KIB;
/// Streams that a peer has reset before they were looked at; past it the connection is closed.
pub const PENDING_RESETS_MAX: usize = 20;
/// Streams that were reset for a peer's errors, in a connection's life; past it the connection is closed.
pub const ERROR_RESETS_MAX: usize = 100;
/// Bytes that one `http.read` returns, whatever it asked for.
pub const READ_BYTES_MAX: usize = 64 * KIB;
/// Bytes of a request's body; past it `too-large`.
pub const REQUEST_BODY_BYTES_MAX: u64 = 100 * MIB as u64;
/// Bytes that a request's body may bring a second, at least, once [`BODY_GRACE`] is over; slower, `read`
/// says `timed-out`. Only the time in which a guest waits for it counts.
pub const BODY_BYTES_A_SECOND: u64 = KIB as u64;
/// See [`BODY_BYTES_A_SECOND`]. Key `http.body_s`.
pub const BODY_GRACE: Duration = Duration::from_secs(10);
/// Bytes that a standard handler (`wasi:http`) writes to a body at once; more goes in parts. One such part
/// waits for the peer or the other host, then the guest does.
pub const BODY_PART_BYTES_MAX: usize = 64 * KIB;
/// Bytes of one `fields` of `wasi:http`, as they are in memory; past it `size-exceeded` (0.2: a trap).
pub const FIELDS_BYTES_MAX: usize = 128 * KIB;
/// Chunks of a streamed response that wait for the peer; past it `send-chunk` waits.
pub const RESPONSE_CHUNKS_MAX: usize = 8;

// ---- websocket -----------------------------------------------------------------------------

/// From the handshake to `accept` or `reject`; past it 503.
pub const ACCEPT: Duration = Duration::from_secs(10);
/// Bytes of the body that denies a handshake, given in parts; past it `too-large`.
pub const DENIAL_BYTES_MAX: usize = 64 * KIB;
/// Bytes of a message, in and out; past it 1009 inbound, `too-large` outbound.
/// Key `message_bytes_max`, up to [`MESSAGE_BYTES_CEILING`].
pub const MESSAGE_BYTES_MAX: usize = 64 * KIB;
/// The largest `message_bytes_max` that a manifest may ask for.
pub const MESSAGE_BYTES_CEILING: usize = 16 * MIB;
/// Messages that one `on-messages` carries; the rest waits in the socket.
pub const BATCH_MESSAGES_MAX: usize = 64;
/// Messages that wait for `receive` in loop style; past it the socket is not read.
pub const INBOX_MESSAGES_MAX: usize = 64;
/// Bytes of messages that wait for a handler; past it the socket is not read.
pub const INBOX_BYTES_MAX: usize = 256 * KIB;
/// Bytes in an outbox; past it `send` waits, `try-send` says full, `publish` drops and counts.
/// An empty outbox always takes one message. Key `outbox_bytes_max`.
pub const OUTBOX_BYTES_MAX: usize = 256 * KIB;
/// Messages in an outbox; as [`OUTBOX_BYTES_MAX`]. Key `outbox_messages_max`.
pub const OUTBOX_MESSAGES_MAX: usize = 1024;
/// Bytes of all outboxes together, in percent of the machine's memory, of which each websocket's first
/// [`OUTBOX_OWN_BYTES`] do not count; what is sent to many counts for each. Past it an outbox is full, and does what
/// `overflow` says. Option `--outbox-memory`.
pub const OUTBOXES_PERCENT: usize = 25;
/// Bytes that an outbox may hold whatever the others do, so that those whose peers read are never refused for those whose
/// peers do not.
pub const OUTBOX_OWN_BYTES: usize = 4 * KIB;
/// Of the bytes of all, in percent, from which on the fullest outboxes are emptied and their websockets closed with 1013:
/// before there are none left. Looked at every [`SWEEP`].
pub const OUTBOXES_HIGH_PERCENT: usize = 85;
/// Until no more than so many percent are left.
pub const OUTBOXES_LOW_PERCENT: usize = 70;
/// Bytes of `auto_response`'s request, and of its response.
pub const AUTO_RESPONSE_BYTES_MAX: usize = 1024;
/// That an awaiting `send` may wait for a peer that takes nothing; past it 1013.
pub const SEND_WAIT: Duration = Duration::from_secs(10);
/// Bytes that are read from a websocket's socket at once, into a buffer of the thread: a websocket has one
/// of its own only for what its handler has no room for yet, as large at most.
pub const READ_BYTES: usize = 32 * KIB;
/// Bytes of frames that wait to be written to a websocket's socket, payloads and what holds them; past it
/// messages stay in the outbox. One more frame always fits, so that every message does.
pub const WRITE_BUFFER_BYTES: usize = 16 * KIB;
/// Payloads up to so many bytes are copied together for one write; larger ones are written from where they
/// are.
pub const WRITE_COPY_BYTES_MAX: usize = 4 * KIB;
/// Bytes of a message that a fragment must bring on average, past [`FRAGMENTS_MIN`] of them: against frames
/// without end that bring nothing. Past it 1009.
pub const FRAGMENT_BYTES: usize = 64;
/// Fragments that a message may have however small its limit is.
pub const FRAGMENTS_MIN: usize = 1024;

/// Fragments that a message of so many bytes at most may have; past it 1009.
#[must_use]
pub const fn fragments_max(message_bytes_max: usize) -> usize {
    let fragments = message_bytes_max / FRAGMENT_BYTES;
    if fragments > FRAGMENTS_MIN { fragments } else { FRAGMENTS_MIN }
}

/// Bytes of a message below which it is not compressed (`deflate = true`): it would hardly get smaller
/// (docs/adr/0005).
pub const DEFLATE_BYTES_MIN: usize = 192;
/// How hard messages are compressed, from 1 to 9: past 2 it takes more than it gives (docs/adr/0005).
pub const DEFLATE_LEVEL: u32 = 2;
/// Bytes of a published message up to which each thread keeps the last one, with what it was compressed to.
pub const DEFLATE_PUBLISHED_BYTES_MAX: usize = 64 * KIB;
/// Last blocks (RFC 7692 §7.2.3.5) that a compressed message may have before its end; past it 1007.
pub const DEFLATE_ENDS_MAX: usize = 64;
/// Times its compressed bytes, for which an inflated message gets room at first.
pub const INFLATE_GUESS: usize = 4;
/// Bytes for which it gets more room, at least; twice as much each time, and never past the limit of a
/// message. That is what bounds a bomb: past it 1009.
pub const INFLATE_BYTES: usize = 4 * KIB;
/// From the first byte of a message to its last, as long as the host reads; past it 1008. So that a message that drips does
/// not hold its memory for good. Key `http.message_s`.
pub const MESSAGE: Duration = Duration::from_secs(30);
/// Pings and pongs of a peer, in a second and at once; past it 1008. Each ping is answered, which no guest's budget pays for.
pub const CONTROL_FRAMES: Quota = Quota::a_second(10, 64);
/// The largest `messages_per_s`: messages of a peer in a second, and at once; past it 1008. None by default: what a guest
/// has no time for is not read in any case.
pub const MESSAGES_PER_S_CEILING: u32 = 100_000;
/// Without a frame from the peer, after which the host pings.
pub const PING_AFTER: Duration = Duration::from_secs(25);
/// From ping to any frame; past it the connection is ended (1006).
pub const PONG: Duration = Duration::from_secs(10);
/// From our close frame to the peer's; past it the connection is ended.
pub const CLOSE: Duration = Duration::from_secs(5);
/// For which a websocket may wait for its peer to come back over another connection (docs/resume.md): what it holds is held as
/// long. None by default. Key `resume_s` of `[handlers.NAME]`.
pub const RESUME_MAX: Duration = Duration::from_secs(600);
/// Websockets whose peers are away at once; one more ends as if it could not resume. They hold no connection, so it is a bound of
/// its own.
pub const RESUME_AWAY_MAX: usize = CONNECTIONS_MAX / 2;
/// Bytes of the head of a peer's frame (docs/resume.md); past it 1002. They come on top of a message's.
pub const RESUME_HEAD_BYTES_MAX: usize = 64;
/// Bytes of what a peer offers of where it stands in groups; past it nothing of it is heard.
pub const RESUME_FROM_BYTES_MAX: usize = 8 * KIB;
/// Messages of a peer that are done with, after which it is told at once.
pub const RESUME_ACKNOWLEDGE_MESSAGES: u64 = 32;
/// From a message of a peer to the word that it is done with, where there are fewer.
pub const RESUME_ACKNOWLEDGE: Duration = Duration::from_secs(1);
/// Bytes that a guest attaches to a websocket; past it `too-large`.
pub const ATTACHMENT_BYTES_MAX: usize = 16 * KIB;
/// From a swap to the end of the loop-style websockets that have stayed on another version; past it 1012.
/// Key `app.drain_s`.
pub const SWAP_DRAIN: Duration = Duration::from_secs(30);
/// Bytes of a close reason (RFC 6455 §5.5: 125 less the code).
pub const CLOSE_REASON_BYTES_MAX: usize = 123;

// ---- guests --------------------------------------------------------------------------------

/// Linear memory of an instance; past it `memory.grow` fails. Key `memory_bytes_max`.
pub const MEMORY_BYTES_MAX: usize = 128 * MIB;
/// What an instance that has ended leaves of its memory for the next one, cleared in place, for that is cheaper than new pages; the rest
/// goes back at once. Comes on top of `--guest-memory`, for as many as were alive at once: 2.5 GiB after [`INSTANCES_MAX`].
pub const MEMORY_BYTES_LEFT: usize = 512 * KIB;
/// Linear memory of all instances together, in percent of the machine's. Past it instances that serve nobody go, then a
/// memory does not grow, and what the guest does then is answered with 503 or 1013. Option `--guest-memory`.
pub const LINEAR_MEMORY_PERCENT: usize = 60;
/// Table elements of an instance; past it `table.grow` fails.
pub const TABLE_ELEMENTS_MAX: usize = 100_000;
/// The wasm stack; past it the guest traps.
pub const WASM_STACK_BYTES: usize = 512 * KIB;
/// The stack on which a guest runs, host calls included; wasmtime wants it above the wasm stack.
pub const ASYNC_STACK_BYTES: usize = 2 * MIB;
/// Handles of components in an instance, to resources, streams, futures and calls; past it the guest traps.
pub const COMPONENT_HANDLES_MAX: usize = 1000;
/// What wasmtime keeps for streams, futures and calls of an instance: some for each of [`COMPONENT_HANDLES_MAX`]; past it the
/// guest traps.
pub const CONCURRENT_MAX: usize = 4 * COMPONENT_HANDLES_MAX;
/// Handles in the host's resource table of an instance (WASI streams and the like).
pub const HANDLES_MAX: usize = 1000;
/// CPU of one event or exchange, of each message of a batch that comes in one call, of one `receive` to the next in loop
/// style, of so many [`BODY_BYTES_PER_REFILL`] of a body to the next; past it a trap.
/// Key `cpu_ms`.
pub const CPU: Duration = Duration::from_millis(50);
/// Bytes of an exchange's bodies, in and out, after which its CPU budget is full again.
pub const BODY_BYTES_PER_REFILL: u64 = 64 * KIB as u64;
/// CPU of an instance's start; past it a trap.
pub const CPU_START: Duration = Duration::from_secs(1);
/// Charged against the CPU budget for each time that a guest waits, so that waiting is not free.
pub const CPU_PER_WAIT: Duration = Duration::from_micros(10);
/// The clock by which guests are interrupted.
pub const EPOCH_TICK: Duration = Duration::from_millis(1);
/// The same while no guest has run for a while.
pub const EPOCH_IDLE: Duration = Duration::from_millis(100);
/// An I/O thread's turn on a core, the least that Linux takes: who asks for a shorter turn than who runs is let in at once
/// when it wakes.
pub const IO_SLICE: Duration = Duration::from_micros(100);
/// That the calls of a handler begin on the guest threads after one of them has run for a tick or trapped, so that guests which do
/// so again and again take each I/O thread a hundredth of its time, or little more.
pub const AWAY_AFTER_SPIN: Duration = Duration::from_millis(100);
/// Wall clock of one websocket event, less its waits for the peer; past it 1011.
/// Key `deadline_ms`.
pub const EVENT_DEADLINE: Duration = Duration::from_secs(10);
/// Wall clock of an exchange until its response starts; past it 504. Key `deadline_ms`.
pub const EXCHANGE_DEADLINE: Duration = Duration::from_secs(30);
/// Instances alive at once, all handlers together; past it idle ones are dropped, then events wait.
pub const INSTANCES_MAX: usize = 5_120;
/// Of those, pinned to a loop-style websocket; past it a handshake gets 503.
pub const PINNED_INSTANCES_MAX: usize = 4_000;
/// Memory maps an instance may take; `vm.max_map_count` divided by it caps the pinned instances.
pub const MAPS_PER_INSTANCE: usize = 7;
/// Events and exchanges of a handler that are under way at once, so that one whose guests wait for long leaves instances to
/// the others; past it they wait. Loops are bounded by [`PINNED_INSTANCES_MAX`]. Key `in_flight_max`.
pub const IN_FLIGHT_MAX: usize = 1_024;
/// Of those that wait; one more gets 503 or 1013.
pub const IN_FLIGHT_QUEUE_MAX: usize = 1_024;
/// That one waits for its turn or for an instance, and at most half of its deadline; past it 503 or 1013.
pub const IN_FLIGHT_WAIT: Duration = Duration::from_secs(5);
/// Idle instances that a handler keeps warm; past it the least recently used is dropped.
pub const WARM_INSTANCES_MAX: usize = 4_096;
/// Warm instances from which on those of websockets that have only just opened are not kept.
pub const WARM_NEW_MAX: usize = 128;
/// Idle time after which a warm instance is dropped.
pub const WARM: Duration = Duration::from_secs(5);
/// How often warm instances are looked through.
pub const SWEEP: Duration = Duration::from_secs(1);
/// Events that a shared instance serves before it is replaced, to bound what leaks in it.
pub const SHARED_EVENTS_MAX: u32 = 10_000;
/// Bytes of a guest's stderr kept for the report of a trap: the last ones.
pub const STDERR_BYTES_MAX: usize = 8 * KIB;
/// Bytes of one log line or failure message of a guest; cut after it.
pub const GUEST_TEXT_BYTES_MAX: usize = 4 * KIB;

// ---- outbound ------------------------------------------------------------------------------

/// Requests that an instance has under way to other hosts, until their answers' bodies are dropped; one more
/// waits, within [`OUTBOUND_CONNECT`].
pub const OUTBOUND_MAX: usize = 6;
/// Of those that wait; one more gets `connection-limit-reached`.
pub const OUTBOUND_QUEUE_MAX: usize = 64;
/// From a request to its connection: its place, the name's addresses, TCP, TLS. Past it `connection-timeout`.
pub const OUTBOUND_CONNECT: Duration = Duration::from_secs(10);
/// Without a byte either way on such a connection; past it `connection-read-timeout`. Key `outbound_ms`.
pub const OUTBOUND_IDLE: Duration = Duration::from_secs(10);
/// Addresses of a name that are tried, one after the other.
pub const OUTBOUND_ADDRESSES_MAX: usize = 8;
/// Names being resolved at once, all handlers together: each takes a thread. One more waits.
pub const OUTBOUND_LOOKUPS_MAX: usize = 64;

// ---- stores --------------------------------------------------------------------------------

/// Reads, and again writes, that wait for a store (sessions, alarms); past it `unavailable`.
pub const SQLITE_QUEUE_MAX: usize = 4096;
/// Writes in one transaction.
pub const SQLITE_COMMIT_MAX: usize = 256;
/// That a commit waits for the writers of the last two, at most.
pub const SQLITE_GATHER_MAX: Duration = Duration::from_millis(5);
/// Where commits are so fast that it would wait for less, it does not.
pub const SQLITE_GATHER_MIN: Duration = Duration::from_micros(60);
/// Where they do not come, up to 2 to this power commits do not wait.
pub const SQLITE_GATHER_SKIP: u32 = 6;
/// How long SQLite waits for a database that another process has locked, then `unavailable`.
pub const SQLITE_BUSY: Duration = Duration::from_secs(2);

// ---- sessions ------------------------------------------------------------------------------

/// Bytes of all keys and values of a session; past it `too-large`.
pub const SESSION_BYTES_MAX: usize = 64 * KIB;
/// Keys of a session; past it `too-large`.
pub const SESSION_KEYS_MAX: usize = 128;
/// Bytes of a key; past it `too-large`.
pub const SESSION_KEY_BYTES_MAX: usize = 128;
/// Bytes of a value; past it `too-large`.
pub const SESSION_VALUE_BYTES_MAX: usize = 16 * KIB;
/// Life of a session without use. Key `session.idle_s`.
pub const SESSION_IDLE: Duration = Duration::from_secs(24 * 3600);
/// Life of a session in all. Key `session.absolute_s`.
pub const SESSION_ABSOLUTE: Duration = Duration::from_secs(14 * 24 * 3600);
/// The longest life that a session may be given by its handler: as the cookie's, 400 days.
pub const SESSION_EXPIRY_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
/// That a flushed session is remembered, so that a save which was under way cannot revive it.
pub const SESSION_TOMBSTONE: Duration = Duration::from_secs(24 * 3600);
/// How often sessions that have ended are forgotten.
pub const SESSION_SWEEP: Duration = Duration::from_secs(60);
/// Of those, in one transaction; the rest waits for the next.
pub const SESSION_SWEEP_MAX: u32 = 1000;
/// Bytes of a cookie's value that carries its session (`store = "signed-cookie"`); browsers take 4,096
/// with name and attributes (RFC 6265 §6.1). Past it a save is `too-large`.
pub const COOKIE_BYTES_MAX: usize = 3800;
/// Sessions in memory (`store = "memory"`); past it a save is `unavailable`.
pub const MEMORY_SESSIONS_MAX: usize = 100_000;
/// Life of the cookie. Key `session.max_age_s`.
pub const SESSION_MAX_AGE: Duration = Duration::from_secs(14 * 24 * 3600);

// ---- groups --------------------------------------------------------------------------------

/// Groups that a websocket may be in.
pub const GROUPS_PER_WEBSOCKET_MAX: usize = 128;
/// Bytes of a group's name.
pub const GROUP_NAME_BYTES_MAX: usize = 100;
/// Groups of an app that have members or a history; past it a join, and a publish to one that keeps a history, is `too-many`.
pub const GROUPS_MAX: usize = 200_000;
/// Bytes of what a websocket says of itself in a group; past it the join is `too-large`.
pub const METADATA_BYTES_MAX: usize = KIB;
/// Tags of a websocket in a group; past it the join is `invalid-tag`.
pub const TAGS_MAX: usize = 8;
/// Bytes of a tag.
pub const TAG_BYTES_MAX: usize = 64;
/// Members that one call lists; the rest is on further pages.
pub const MEMBERS_LISTED_MAX: usize = 1000;
/// Publications that a group keeps where it keeps any; past it the oldest go. Key `groups.NAME.history_messages`.
pub const HISTORY_MESSAGES: usize = 300;
/// For how long it keeps one. Key `groups.NAME.history_s`, at most [`HISTORY_AGE_MAX`].
pub const HISTORY_AGE: Duration = Duration::from_secs(120);
/// See there.
pub const HISTORY_AGE_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
/// Bytes of what a group keeps; past it the oldest go. Key `groups.NAME.history_bytes`.
pub const HISTORY_BYTES: usize = MIB;
/// Bytes of what all groups of an app keep; past it the oldest of the group that is published to go.
pub const HISTORIES_BYTES_MAX: usize = 64 * MIB;
/// Bytes of the publications that one call of `history` gives; the rest is on further pages.
pub const HISTORY_PAGE_BYTES_MAX: usize = MIB;
/// For how long those who come and go are gathered before members are told.
pub const PRESENCE_WINDOW: Duration = Duration::from_millis(250);
/// Members that came, and that left, of which is told at once; past it `complete` is false.
pub const PRESENCE_MAX: usize = 256;

// ---- alarms --------------------------------------------------------------------------------

/// Bytes of an alarm's name; past it `invalid-name`.
pub const ALARM_NAME_BYTES_MAX: usize = 100;
/// Bytes that come with an alarm; past it `too-large`.
pub const ALARM_PAYLOAD_BYTES_MAX: usize = 16 * KIB;
/// Alarms of a session; past it `too-many`.
pub const ALARMS_PER_SESSION_MAX: usize = 1000;
/// Alarms of an app, beside those of its sessions; past it `too-many`.
pub const ALARMS_PER_APP_MAX: usize = 100_000;
/// Alarms of an app and all of its sessions; past it `too-many`.
pub const ALARMS_WAITING_MAX: u64 = 1_000_000;
/// Alarms that a guest gets in one list; further ones are in the next.
pub const ALARMS_LISTED_MAX: u32 = 100;
/// Alarms of a manifest; past it the manifest is refused.
pub const CRON_ALARMS_MAX: usize = 100;
/// Alarms of an app that ring at once; one more waits until one of them has ended.
pub const ALARMS_RINGING_MAX: u32 = 64;
/// Wall clock of an alarm's call; past it the call is cut, and made again. Key `deadline_ms`.
pub const ALARM_DEADLINE: Duration = Duration::from_secs(30);
/// From the first call of an alarm that failed to the next, at most; then twice that for each.
pub const ALARM_RETRY_MIN: Duration = Duration::from_secs(1);
/// The longest that becomes.
pub const ALARM_RETRY_MAX: Duration = Duration::from_secs(300);
/// Calls of an alarm that fail before it is given up: most of a day, in which somebody may put it right.
pub const ALARM_CALLS_MAX: u32 = 300;
/// Bytes that are kept of what was said of an alarm's last call that failed; cut after it.
pub const ALARM_ERROR_BYTES_MAX: usize = KIB;
/// After an alarm that could not be called for want of room, or could not be kept, before the next attempt.
pub const ALARM_PAUSE: Duration = Duration::from_secs(1);
/// Between two looks at what is due, though nothing be: the clock may have been set.
pub const ALARM_LOOK: Duration = Duration::from_secs(30);

// ---- versions ------------------------------------------------------------------------------

/// Versions of an app that are kept, beside the current one; older ones are forgotten.
pub const VERSIONS_KEPT: usize = 5;
/// Bytes of a component, and of a file that an app serves.
pub const BLOB_BYTES_MAX: usize = 64 * MIB;
/// Age below which content is not forgotten, though no version names it: it may be on its way into one.
pub const BLOB_GRACE: Duration = Duration::from_secs(3600);
/// Files of an app.
pub const FILES_MAX: usize = 10_000;
/// Bytes of a request that deploys: a manifest, and a digest for each component and file.
pub const ORDER_BYTES_MAX: usize = 4 * MIB;
/// CPU of the process that compiles a component; past it the component is refused.
pub const COMPILE_CPU: Duration = Duration::from_secs(120);
/// Address space of that process; as [`COMPILE_CPU`].
pub const COMPILE_BYTES_MAX: usize = 4096 * MIB;
/// Apps of a host.
pub const APPS_MAX: usize = 256;
/// Bytes of the note that comes with a deploy.
pub const NOTE_BYTES_MAX: usize = 1024;
/// Bytes of the signature that comes with a deploy: minisign's have some 300. Past it the deploy is refused.
pub const SIGNATURE_BYTES_MAX: usize = 4 * KIB;
/// Bytes of the file of a key, secret or public; past it the file is no key.
pub const KEY_BYTES_MAX: usize = 4 * KIB;
/// From a request to a version's health path to its answer; past it the version is refused.
pub const HEALTH: Duration = Duration::from_secs(5);
/// A version's first time: that it may be rolled back by itself in. Key `rollback.window_s`.
pub const TRIAL: Duration = Duration::from_secs(60);
/// Traps in that time below which nothing is rolled back. Key `rollback.traps`.
pub const TRIAL_TRAPS: u64 = 3;
/// Before the host tries again to roll back an app that somebody changes at this moment.
pub const TRIAL_RETRY: Duration = Duration::from_millis(200);
/// Traps in a hundred calls in that time, from which on it is rolled back. Key `rollback.percent`.
pub const TRIAL_PERCENT: u64 = 10;
/// Of the current version's p99 in the same time, past which a canary is aborted. Key `rollback.p99_percent`.
pub const CANARY_P99_PERCENT: u64 = 200;
/// What a canary's p99 may be above that in any case: less is felt by nobody, and noise.
pub const CANARY_P99_FLOOR: Duration = Duration::from_millis(5);
/// Calls of each version from one look at their p99s to the next.
pub const CANARY_CALLS: u64 = 200;
/// Looks in a row that find a canary past the bound before it is aborted: its first calls meet cold instances.
pub const CANARY_LOOKS: u32 = 3;

/// Bytes of the log that wait to be written; past it lines are lost, the newest first, and counted.
pub const LOG_BYTES_MAX: usize = 4 * MIB;
/// For which lines of the log are gathered before they are written.
pub const LOG_GATHER: Duration = Duration::from_millis(20);
/// Changes of files that wait for `sessile dev`; more say nothing more.
pub const WATCH_EVENTS_MAX: usize = 1024;
/// Without a change, after which `sessile dev` builds.
pub const WATCH_QUIET: Duration = Duration::from_millis(30);

// ---- server --------------------------------------------------------------------------------

/// From SIGTERM to the end; past it what is left is cut.
pub const DRAIN: Duration = Duration::from_secs(30);
/// For which a connection that is new when a drain begins may still say its first request, which is told 503; past it the
/// connection ends.
pub const DRAIN_FIRST_REQUEST: Duration = Duration::from_millis(250);
/// Websockets up to which a drain closes all at once; more are spread, lest all of their peers come back in one instant.
pub const DRAIN_AT_ONCE_MAX: usize = 100;
/// Over which a drain spreads the ends of websockets, and at most a third of its own time.
pub const DRAIN_SPREAD: Duration = Duration::from_secs(5);
/// From one batch of them to the next.
pub const DRAIN_TICK: Duration = Duration::from_millis(50);
/// Bytes of a manifest.
pub const MANIFEST_BYTES_MAX: usize = 256 * KIB;
/// Connections to the admin API at once, on its Unix socket and again as many on TCP; further ones wait.
pub const ADMIN_CONNECTIONS_MAX: usize = 64;
/// From the head of a request to the admin API to the end of its body; past it 400.
pub const ADMIN_BODY: Duration = Duration::from_secs(120);
/// Bytes of a body that are read though its request is refused already, so that its peer comes to read why; past them the
/// connection is cut.
pub const ADMIN_REST_BYTES: usize = MIB;
/// How long, at most.
pub const ADMIN_REST: Duration = Duration::from_secs(5);
/// That an answer to a request to the admin API without a valid token waits, against guessing.
pub const ADMIN_REFUSAL_PAUSE: Duration = Duration::from_millis(250);
/// Tokens of the admin API; past it none is made.
pub const TOKENS_MAX: usize = 64;
/// Bytes of a token's name; past it none is made.
pub const TOKEN_NAME_BYTES_MAX: usize = 64;
/// Bytes that are read of the file with the tokens: more than [`TOKENS_MAX`] take. What is larger is no list of tokens.
pub const TOKENS_BYTES_MAX: usize = 64 * KIB;
/// Lines of a deploy that wait for who asked for it: more than it has steps.
pub const DEPLOY_LINES_MAX: usize = 16;
/// Hexadecimal digits of the id of a websocket or exchange.
pub const ID_DIGITS: usize = 16;
/// Websockets that are taken from the list of an app's at once: what is done with each is done without its lock, and other
/// work of the thread comes between.
pub const LIVE_BATCH: usize = 256;
/// Websockets on a page that `connections.list` returns; more are on the next.
pub const CONNECTIONS_PAGE_MAX: usize = 1_000;
/// Websockets that a listing has where it does not say how many it wants.
pub const CONNECTIONS_LISTED: usize = 1000;
/// The most that it may want; past it 400. The total is told in any case.
pub const CONNECTIONS_LISTED_MAX: usize = 10_000;
/// Who follows what happens (`sessile tail`) at once: fewer than [`ADMIN_CONNECTIONS_MAX`], so that commands still come
/// through. Past it 503.
pub const TAILS_MAX: usize = 32;
/// Events that wait for one of them; past it the oldest are lost, and how many is told.
pub const TAIL_EVENTS_MAX: usize = 1024;
/// Bytes of the text of a failure in such an event; cut after it.
pub const TAIL_TEXT_BYTES_MAX: usize = 16 * KIB;

// ---- traces --------------------------------------------------------------------------------

/// Spans that wait to be exported, each less than 4 KiB; past it the newest are dropped and counted
/// (`sessile_spans_dropped`).
pub const SPANS_QUEUED_MAX: usize = 4096;
/// Spans of one request to the collector, as many as OpenTelemetry's own batches have.
pub const SPANS_PER_REQUEST: usize = 512;
/// How long the first span of a request waits for others.
pub const SPANS_WAIT: Duration = Duration::from_secs(1);
/// Bytes of the text of an attribute, which may be a peer's path; cut after it.
pub const SPAN_TEXT_BYTES_MAX: usize = 256;
/// From a request's beginning to the collector's answer, as OTLP's exporters have it; past it its spans are dropped.
pub const SPANS_SEND: Duration = Duration::from_secs(10);
/// Bytes of a collector's answer that are read; past it what it refused of a request is not known.
pub const SPANS_ANSWER_BYTES_MAX: usize = 16 * KIB;
/// After a request that failed, before the next: a collector that is down is not run against.
pub const SPANS_PAUSE: Duration = Duration::from_secs(5);
/// Between two lines of the log on a collector that takes nothing.
pub const SPANS_COMPLAINT: Duration = Duration::from_secs(60);
/// For the spans that are left at the end of the host; past it they are dropped.
pub const SPANS_FLUSH: Duration = Duration::from_secs(3);

// ---- command line --------------------------------------------------------------------------

/// From the name's look-up to the handshake's answer, of `sessile connect`; past it the attempt fails.
pub const CONNECT: Duration = Duration::from_secs(10);
/// From the name's look-up to the connection, TLS included, of a command with `--to http...`; past it the command fails.
pub const ADMIN_CONNECT: Duration = Duration::from_secs(10);
/// From the name's look-up to the connection, TLS included, of a command to a registry; past it the command fails.
pub const REGISTRY_CONNECT: Duration = Duration::from_secs(10);
/// Without a byte from a registry, which takes up to 4 MiB before it answers; past it the command fails.
pub const REGISTRY_STALL: Duration = Duration::from_secs(60);
/// From a request for an artifact's manifest to its last byte; past it the command fails.
pub const REGISTRY_MANIFEST: Duration = Duration::from_secs(60);
/// Bytes of an artifact's manifest, as large as registries must take one; past it neither pushed nor pulled.
pub const REGISTRY_MANIFEST_BYTES_MAX: usize = 4 * MIB;
/// Layers of an artifact: an app's files, and room for its components, manifest and signature. Past it neither pushed nor
/// pulled.
pub const REGISTRY_LAYERS_MAX: usize = FILES_MAX + 1000;
/// Bytes of all that is pulled of an artifact, which is in memory; past it neither pushed nor pulled. Each layer is bounded by
/// [`BLOB_BYTES_MAX`] besides.
pub const REGISTRY_BYTES_MAX: u64 = 512 * MIB as u64;
/// Layers that are on their way at once.
pub const REGISTRY_PARALLEL: usize = 4;
/// Characters of a registry's words that an error shows; the rest is cut.
pub const REGISTRY_WORDS_MAX: usize = 300;
/// Bytes of a refusal's body that are read for them.
pub const REGISTRY_REFUSAL_BYTES_MAX: usize = 16 * KIB;
/// Bytes of a repository's name; past it the reference is refused. Registries take less.
pub const REPOSITORY_BYTES_MAX: usize = 255;
/// Bytes of docker's config.json; past it the command fails.
pub const DOCKER_CONFIG_BYTES_MAX: usize = MIB;
/// Bytes of a line of stdin that `sessile connect` sends: as large as a message of a host's may be. Past it the
/// websocket is ended.
pub const CONNECT_LINE_BYTES_MAX: usize = MESSAGE_BYTES_CEILING;
/// Bytes of a message that `sessile connect` receives; past it the websocket is ended.
pub const CONNECT_MESSAGE_BYTES_MAX: usize = 64 * MIB;
/// Without a message after the end of a stdin that is no terminal, before `sessile connect` closes: a host drops what is
/// answered to a peer that has closed. Option `--linger`.
pub const CONNECT_LINGER: Duration = Duration::from_secs(1);
/// Bytes of a refusal's body that `sessile connect` shows; the rest is cut.
pub const CONNECT_REFUSAL_BYTES_MAX: usize = 2 * KIB;
/// Languages and tools that made a component, as far as `sessile inspect` tells them; further ones are left out.
pub const PRODUCERS_MAX: usize = 64;
/// Open files below which `sessile doctor` says that the host cannot serve: its own and some connections.
pub const FILES_MIN: u64 = 256;
/// Open files that it wants: a connection is one.
pub const FILES_WANTED: u64 = 65_536;
/// Memory maps that it wants: of loop-style instances, and as many again for all else.
pub const MAPS_WANTED: usize = 2 * PINNED_INSTANCES_MAX * MAPS_PER_INSTANCE;
/// Free bytes in the data folder below which it says that the host cannot serve: a commit needs its log.
pub const DISK_MIN: u64 = 64 * MIB as u64;
/// Free bytes that it wants there: sessions, and compiled code.
pub const DISK_WANTED: u64 = 1024 * MIB as u64;
