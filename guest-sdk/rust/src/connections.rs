//! Who is connected to this app: count, list and find websockets of any of its handlers, send to them, ping and close them,
//! from any handler of it, HTTP too.
//!
//! Connected is a websocket from its `accept` to the end of its connection. Nothing here wakes a guest, but the end of a
//! websocket that [`close`] closes; nothing pings a peer but [`ping`].
//!
//! ```
//! use sessile_sdk::connections::{self, Selection};
//! use sessile_sdk::prelude::*;
//!
//! /// Who is in a room, of a handler for people who look after it.
//! fn lobby(_: Request) -> Result<Response> {
//!     let mut page = String::new();
//!     for connection in connections::list(Selection::all().on_route("/rooms/{room}")) {
//!         let connection = connection?;
//!         page += &format!("{:016x} {} {}\n", connection.id, connection.path, connection.why);
//!     }
//!     Ok(Response::text(page))
//! }
//!
//! sessile_sdk::http!(lobby);
//! # fn main() {}
//! ```

use std::time::{Duration, SystemTime};

use crate::bindings::wit::connections as wit;
use crate::error::Result;
use crate::head::Head;
use crate::message::Message;
use crate::state::{Queued, State};

/// Websockets on a page, the most that the host gives at once.
pub(crate) const PAGE: u32 = 1_000;

/// Which of those who are connected; each thing said leaves fewer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    pub(crate) route: Option<String>,
    pub(crate) handler: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) session_of: Option<u64>,
}

impl Selection {
    /// All who are connected to this app.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Those on the route with this pattern, as the manifest has it: `/rooms/{room}`.
    #[must_use]
    pub fn on_route(self, pattern: &str) -> Self {
        Self { route: Some(pattern.to_owned()), ..self }
    }

    /// Those that the handler of this name serves.
    #[must_use]
    pub fn of_handler(self, name: &str) -> Self {
        Self { handler: Some(name.to_owned()), ..self }
    }

    /// Those in a group.
    #[must_use]
    pub fn in_group(self, group: &str) -> Self {
        Self { group: Some(group.to_owned()), ..self }
    }

    /// Those that have opened the session of this websocket or request, itself too: other tabs of one browser. It has opened
    /// its session.
    #[must_use]
    pub fn of_session(self, of: &Head) -> Self {
        Self { session_of: Some(of.of()), ..self }
    }
}

/// Somebody who is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The websocket's id.
    pub id: u64,
    /// The name of its handler in the manifest.
    pub handler: String,
    /// The pattern of its route in the manifest.
    pub route: String,
    /// The path of its request, percent-encoded, without the query.
    pub path: String,
    /// [`State::Open`] or [`State::Closing`].
    pub state: State,
    /// When the head of its request had arrived.
    pub started_at: SystemTime,
    /// Whether an instance serves it now; otherwise it hibernates.
    pub is_awake: bool,
    /// Why, for a person, as `sessile connections` says it.
    pub why: String,
    /// Bytes that wait for its peer.
    pub buffered: u64,
    /// The subprotocol that was chosen.
    pub subprotocol: Option<String>,
}

/// What became of a message to many. Nothing is lost silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Outboxes that took it.
    pub queued: u32,
    /// Outboxes that had no room for it.
    pub full: u32,
    /// Websockets that were closing.
    pub gone: u32,
    /// Websockets whose handler's `message_bytes_max` is less than it has.
    pub too_large: u32,
}

/// How many are connected.
///
/// # Errors
/// [`Error::SessionNotOpen`](crate::Error::SessionNotOpen), [`Error::TooLarge`](crate::Error::TooLarge) for a group's name
/// that is not 1-100 bytes, [`Error::Unavailable`](crate::Error::Unavailable).
pub fn count(which: Selection) -> Result<u64> {
    Ok(wit::count(&which.into())?)
}

/// Those who are connected, by ascending id; page by page from the host, as they are asked for. One that is connected all
/// the while is listed once; one that comes or goes meanwhile, once at most. It ends after an error.
#[must_use]
pub fn list(which: Selection) -> List {
    List { which: which.into(), page: Vec::new().into_iter(), next: Some(None) }
}

/// The list that [`list`] begins.
#[derive(Debug)]
pub struct List {
    which: wit::Selection,
    page: std::vec::IntoIter<wit::Connection>,
    /// Where the next page begins; none after the last.
    next: Option<Option<u64>>,
}

impl Iterator for List {
    type Item = Result<Connection>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(connection) = self.page.next() {
            return Some(Ok(connection.into()));
        }
        let after = self.next.take()?;
        match wit::list(&self.which, after, PAGE) {
            Ok(page) => {
                self.next = page.last().map(|last| Some(last.id));
                self.page = page.into_iter();
                self.page.next().map(|connection| Ok(connection.into()))
            }
            Err(error) => Some(Err(error.into())),
        }
    }
}

/// One page: at most `limit` (1,000) of them, by ascending id after `after`, the last of the page before.
///
/// # Errors
/// As [`count`].
pub fn page(which: Selection, after: Option<u64>, limit: u32) -> Result<Vec<Connection>> {
    Ok(wit::list(&which.into(), after, limit)?.into_iter().map(Into::into).collect())
}

/// The one of this id, if it is connected.
///
/// # Errors
/// [`Error::Unavailable`](crate::Error::Unavailable).
pub fn lookup(id: u64) -> Result<Option<Connection>> {
    Ok(wit::lookup(id)?.map(Into::into))
}

/// Queues a message for one, without waiting for room. Wakes no guest.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown), [`Error::TooLarge`](crate::Error::TooLarge),
/// [`Error::WrongState`](crate::Error::WrongState) where it is closing.
pub fn send_to(id: u64, message: impl Into<Message>) -> Result<Queued> {
    Ok(wit::send_to(id, &message.into().into())?.into())
}

/// Queues a message for each; its bytes are held once.
///
/// # Errors
/// As [`count`]; [`Error::TooLarge`](crate::Error::TooLarge).
///
/// # Backpressure
/// None: an outbox that is full does not take it, and is counted.
pub fn send_to_all(which: Selection, message: impl Into<Message>) -> Result<Delivery> {
    Ok(wit::send_to_all(&which.into(), &message.into().into())?.into())
}

/// Pings one and waits for its pong: how long it was on its way.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown), [`Error::WrongState`](crate::Error::WrongState);
/// [`Error::Disconnected`](crate::Error::Disconnected) where none comes within 10 seconds.
pub fn ping(id: u64) -> Result<Duration> {
    Ok(Duration::from_nanos(wit::ping(id)?))
}

/// Closes one after all that is queued for it, and does not wait. Its handler is told once, as of any close.
///
/// # Errors
/// [`Error::Unknown`](crate::Error::Unknown), [`Error::InvalidCode`](crate::Error::InvalidCode),
/// [`Error::TooLarge`](crate::Error::TooLarge) for a reason of more than 123 bytes,
/// [`Error::WrongState`](crate::Error::WrongState) where it is closing already.
pub fn close(id: u64, code: u16, reason: &str) -> Result<()> {
    Ok(wit::close(id, code, reason)?)
}

/// The records of the interface: generated once for calls that block and once for those that are awaited.
macro_rules! from_wit {
    ($wit:path) => {
        const _: () = {
            use $wit as wit;

            impl From<Selection> for wit::connections::Selection {
                fn from(which: Selection) -> Self {
                    let Selection { route, handler, group, session_of } = which;
                    Self { route, handler, group, session_of }
                }
            }

            impl From<wit::connections::Connection> for Connection {
                fn from(found: wit::connections::Connection) -> Self {
                    Self {
                        id: found.id,
                        handler: found.handler,
                        route: found.route,
                        path: found.path,
                        state: found.state.into(),
                        started_at: SystemTime::UNIX_EPOCH + Duration::from_nanos(found.started_at),
                        is_awake: found.activity == wit::connections::Activity::Awake,
                        why: found.why,
                        buffered: found.buffered,
                        subprotocol: found.subprotocol,
                    }
                }
            }

            impl From<wit::connections::Delivery> for Delivery {
                fn from(delivery: wit::connections::Delivery) -> Self {
                    let wit::connections::Delivery { queued, full, gone, too_large } = delivery;
                    Self { queued, full, gone, too_large }
                }
            }
        };
    };
}

from_wit!(crate::bindings::wit);
from_wit!(crate::bindings::awaited::wit);
