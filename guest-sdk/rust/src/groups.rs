//! Messages to many websockets, who is in a group, and what was published there. To join and leave, see
//! [`WebSocket`](crate::WebSocket::join).
//!
//! What a group keeps, and whether its members are told who comes and goes, is in the manifest:
//!
//! ```toml
//! [groups."feed"]
//! history = true
//! presence = true
//! ```

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::bindings::wit::groups;
use crate::error::Result;
use crate::message::Message;

/// What became of a publication. Nothing is lost silently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publication {
    /// Outboxes that took it.
    pub queued: u32,
    /// Outboxes that had no room for it.
    pub dropped: u32,
}

/// What became of a publication, member by member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Members that have it.
    pub queued: u32,
    /// Members that had no room; where the group keeps a history, they find it there.
    pub full: u32,
    /// Members that were about to end.
    pub gone: u32,
    /// Where it is in the history; none where the group keeps none.
    pub position: Option<Position>,
}

/// A place in a group's history: after the publication of this offset, from 1. Only comparable within one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The life of one count.
    pub epoch: u64,
    /// The publication's number; 0 before the first.
    pub offset: u64,
}

/// Whom a publication is for: all members, or those for which what is said here is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    tag: Option<String>,
    except: Option<u64>,
}

impl Scope {
    /// All members.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Those with this tag.
    #[must_use]
    pub fn tagged(mut self, tag: impl Into<String>) -> Self {
        self.tag = Some(tag.into());
        self
    }

    pub(crate) fn parts(&self) -> (Option<String>, Option<u64>) {
        (self.tag.clone(), self.except)
    }

    /// Not the websocket of this [id](crate::WebSocket::id): the sender, mostly.
    #[must_use]
    pub fn except(mut self, id: u64) -> Self {
        self.except = Some(id);
        self
    }
}

/// How a websocket is in a group. See [`WebSocket::join_as`](crate::WebSocket::join_as).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Membership {
    pub(crate) metadata: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) since: Option<Position>,
}

impl Membership {
    /// A member of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What others see of it: at most 1 KiB of JSON.
    ///
    /// # Errors
    /// [`Error::BadJson`](crate::Error::BadJson) for a value that is none.
    pub fn metadata(mut self, value: &impl Serialize) -> Result<Self> {
        self.metadata = Some(serde_json::to_string(value)?);
        Ok(self)
    }

    /// By which publications and lists can be narrowed; at most 8, of 1-64 bytes each.
    #[must_use]
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// What was published after this comes first, as far as the history has it.
    #[must_use]
    pub fn since(mut self, position: Position) -> Self {
        self.since = Some(position);
        self
    }
}

/// What a join came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The last publication that does not come as a new one; none where the group keeps no history.
    pub position: Option<Position>,
    /// Whether all that was published since comes; false where nothing was asked for.
    pub recovered: bool,
    /// How much of it there is.
    pub publications: u32,
}

/// A websocket in a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The websocket's id.
    pub id: u64,
    /// What it said of itself, in JSON.
    pub metadata: Option<String>,
    /// Its tags in the group.
    pub tags: Vec<String>,
}

impl Member {
    /// What it said of itself; none where it said nothing.
    ///
    /// # Errors
    /// [`Error::BadJson`](crate::Error::BadJson) where it is no `T`.
    pub fn metadata<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        Ok(self.metadata.as_deref().map(serde_json::from_str).transpose()?)
    }
}

/// A publication that the history has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its number.
    pub offset: u64,
    /// When it was published.
    pub at: SystemTime,
    /// What was published.
    pub message: Message,
}

/// Publications of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryPage {
    /// In order.
    pub publications: Vec<Kept>,
    /// The newest there is, of which the page may be short.
    pub position: Position,
    /// Whether nothing is missing between what was asked for and the first of these.
    pub recovered: bool,
}

/// Something that a group was told. See [`PublicationHandler`](crate::PublicationHandler).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The group.
    pub group: String,
    /// Where it is in the history.
    pub position: Option<Position>,
    /// What was told.
    pub content: Content,
}

/// What a group was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// What somebody published.
    Message(Message),
    /// Who came and who went.
    Presence(Presence),
}

/// Who came and who went in a group, gathered over a quarter of a second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presence {
    /// Members that are new, or of which something new is known.
    pub joined: Vec<Member>,
    /// Who is no member any more.
    pub left: Vec<u64>,
    /// Members there are now.
    pub total: u64,
    /// False where there were too many to tell of each: [`members`] has all.
    pub complete: bool,
}

/// Queues a message to every websocket of a group, from any handler of the app, HTTP too.
///
/// ```
/// use sessile_sdk::{groups, prelude::*};
///
/// fn announce(request: Request) -> Result<Response> {
///     let publication = groups::publish("lobby", request.text()?)?;
///     Ok(Response::text(format!("{} hear it, {} were too slow", publication.queued, publication.dropped)))
/// }
///
/// sessile_sdk::http!(announce);
/// # fn main() {}
/// ```
///
/// # Errors
/// [`Error::TooLarge`](crate::Error::TooLarge) for a name that is not 1-100 bytes, or too large a
/// message; [`Error::Unavailable`](crate::Error::Unavailable).
///
/// # Backpressure
/// None: an outbox that is full drops it, and is counted.
pub fn publish(group: &str, message: impl Into<Message>) -> Result<Publication> {
    Ok(groups::publish(group, &message.into().into())?.into())
}

/// As [`publish`], to some of the members, and tells more.
///
/// # Errors
/// As [`publish`].
pub fn publish_to(group: &str, message: impl Into<Message>, to: &Scope) -> Result<Delivery> {
    let (tag, except) = to.parts();
    Ok(groups::publish_to(group, &message.into().into(), &groups::Scope { tag, except })?.into())
}

/// How many members a group has.
///
/// # Errors
/// As [`publish`].
pub fn count(group: &str) -> Result<u64> {
    Ok(groups::count(group)?)
}

/// The members of a group, by ascending id; asked for in pages, as they are taken.
///
/// # Errors
/// Each item, as [`publish`]; after an error there is no more.
pub fn members(group: &str) -> impl Iterator<Item = Result<Member>> {
    paged(group.to_owned(), None)
}

/// The members with this tag.
///
/// # Errors
/// As [`members`].
pub fn tagged(group: &str, tag: &str) -> impl Iterator<Item = Result<Member>> {
    paged(group.to_owned(), Some(tag.to_owned()))
}

/// What was published after a position, or all that is kept; at most `limit` publications, and 1 MiB.
///
/// # Errors
/// [`Error::Unsupported`](crate::Error::Unsupported) where the manifest gives the group no history; as [`publish`].
pub fn history(group: &str, since: Option<Position>, limit: u32) -> Result<HistoryPage> {
    Ok(groups::history(group, since.map(Into::into), limit)?.into())
}

/// Members of a page.
const PAGE: u32 = 250;

fn paged(group: String, tag: Option<String>) -> impl Iterator<Item = Result<Member>> {
    let (mut page, mut after, mut more) = (Vec::new().into_iter(), None, true);
    std::iter::from_fn(move || {
        if page.len() == 0 && more {
            match groups::members(&group, tag.as_deref(), after, PAGE) {
                Ok(next) => {
                    more = next.len() == PAGE as usize;
                    page = next.into_iter();
                }
                Err(error) => {
                    more = false;
                    return Some(Err(error.into()));
                }
            }
        }
        let member = Member::from(page.next()?);
        after = Some(member.id);
        Some(Ok(member))
    })
}

macro_rules! from_wit {
    ($wit:path) => {
        const _: () = {
            use $wit as wit;

            impl From<wit::groups::Publication> for Publication {
                fn from(publication: wit::groups::Publication) -> Self {
                    Self { queued: publication.queued, dropped: publication.dropped }
                }
            }

            impl From<wit::groups::Position> for Position {
                fn from(position: wit::groups::Position) -> Self {
                    Self { epoch: position.epoch, offset: position.offset }
                }
            }

            impl From<Position> for wit::groups::Position {
                fn from(position: Position) -> Self {
                    Self { epoch: position.epoch, offset: position.offset }
                }
            }

            impl From<&Membership> for wit::groups::Membership {
                fn from(how: &Membership) -> Self {
                    let Membership { metadata, tags, since } = how.clone();
                    Self { metadata, tags, since: since.map(Into::into) }
                }
            }

            impl From<wit::groups::Joined> for Joined {
                fn from(joined: wit::groups::Joined) -> Self {
                    let wit::groups::Joined { position, recovered, publications } = joined;
                    Self { position: position.map(Into::into), recovered, publications }
                }
            }

            impl From<wit::groups::Delivery> for Delivery {
                fn from(delivery: wit::groups::Delivery) -> Self {
                    let wit::groups::Delivery { queued, full, gone, position } = delivery;
                    Self { queued, full, gone, position: position.map(Into::into) }
                }
            }
        };
    };
}

from_wit!(crate::bindings::wit);
from_wit!(crate::bindings::awaited::wit);

impl From<groups::Member> for Member {
    fn from(member: groups::Member) -> Self {
        Self { id: member.id, metadata: member.metadata, tags: member.tags }
    }
}

impl From<groups::HistoryPage> for HistoryPage {
    fn from(page: groups::HistoryPage) -> Self {
        let kept = |kept: groups::Kept| Kept {
            offset: kept.offset,
            at: UNIX_EPOCH + Duration::from_nanos(kept.at),
            message: kept.message.into(),
        };
        Self {
            publications: page.publications.into_iter().map(kept).collect(),
            position: page.position.into(),
            recovered: page.recovered,
        }
    }
}

impl From<groups::Told> for Told {
    fn from(told: groups::Told) -> Self {
        let content = match told.content {
            groups::Content::Message(message) => Content::Message(message.into()),
            groups::Content::Presence(presence) => Content::Presence(Presence {
                joined: presence.joined.into_iter().map(Into::into).collect(),
                left: presence.left,
                total: presence.total,
                complete: presence.complete,
            }),
        };
        Self { group: told.group, position: told.position.map(Into::into), content }
    }
}
