//! WIT `groups`.

use std::time::{SystemTime, UNIX_EPOCH};

use wasmtime::Result;

use super::link::Interface;
use super::wit::groups::{self as wit, Error};
use super::wit::types::Message;
use super::{Identity, excess};
use crate::event::{State, WebsocketId};
use crate::group::{Content, GroupError, How, Joined, Kept, Page, Position, Presence, Present, Publication, Scope};
use crate::limits;
use crate::port::websocket::WebsocketPort;

type Answer<T> = std::result::Result<T, Error>;

pub(super) fn link(groups: &mut Interface<'_>) -> Result<()> {
    groups.wait("join", |state, (ws, group): (u64, String)| {
        let port = state.websocket(ws)?;
        Ok(async move { (join(&port, &group, Ok(How::default())).map(drop),) })
    })?;
    groups.wait("join-as", |state, (ws, group, how): (u64, String, wit::Membership)| {
        let port = state.websocket(ws)?;
        Ok(async move {
            let how = How::new(how.metadata, how.tags, how.since.map(Position::from));
            (join(&port, &group, how).map(wit::Joined::from),)
        })
    })?;
    groups.wait("leave", |state, (ws, group): (u64, String)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.leave(&group).map_err(Error::from),) })
    })?;
    groups.wait("publish", |state, (group, message): (String, Message)| {
        let identity = state.identity.clone();
        Ok(async move {
            let delivery = publish(&identity, &group, message, None).await;
            (delivery.map(|wit::Delivery { queued, full, .. }| wit::Publication { queued, dropped: full }),)
        })
    })?;
    groups.wait("publish-to", |state, (group, message, to): (String, Message, wit::Scope)| {
        let identity = state.identity.clone();
        let scope = Scope { tag: to.tag.map(Into::into), except: to.except.map(WebsocketId) };
        Ok(async move { (publish(&identity, &group, message, Some(scope)).await,) })
    })?;
    groups.wait("count", |state, (group,): (String,)| {
        let groups = state.identity.groups.clone();
        Ok(async move { (groups.count(&group).map(|count| count as u64).map_err(Error::from),) })
    })?;
    groups.wait("members", |state, (group, tag, after, limit): (String, Option<String>, Option<u64>, u32)| {
        let groups = state.identity.groups.clone();
        Ok(async move {
            let page = Page { tag: tag.as_deref(), after: after.map(WebsocketId), limit: limit as usize };
            let members = groups.members(&group, page);
            (members.map(listed).map_err(Error::from),)
        })
    })?;
    groups.wait("history", |state, (group, since, limit): (String, Option<wit::Position>, u32)| {
        let groups = state.identity.groups.clone();
        Ok(async move {
            let told = groups.history(&group, since.map(Position::from), limit as usize);
            (told.map(wit::HistoryPage::from).map_err(Error::from),)
        })
    })
}

fn join(port: &WebsocketPort, group: &str, how: std::result::Result<How, GroupError>) -> Answer<Joined> {
    if port.state() == State::Closed {
        return Err(Error::Gone);
    }
    port.membership.join(group, &how?, &port.sink()).map_err(Error::from)
}

async fn publish(identity: &Identity, group: &str, message: Message, scope: Option<Scope>) -> Answer<wit::Delivery> {
    let message = crate::event::Message::from(message);
    if message.len() > identity.message_bytes_max {
        return Err(Error::TooLarge(excess(message.len(), identity.message_bytes_max)));
    }
    let delivery = identity.groups.publish(group, message, scope).await?;
    let crate::group::Delivery { queued, full, gone, position } = delivery;
    Ok(wit::Delivery { queued, full, gone, position: position.map(Into::into) })
}

fn listed(members: Vec<Present>) -> Vec<wit::Member> {
    members.iter().map(wit::Member::from).collect()
}

impl From<wit::Position> for Position {
    fn from(position: wit::Position) -> Self {
        Self { epoch: position.epoch, offset: position.offset }
    }
}

impl From<Position> for wit::Position {
    fn from(position: Position) -> Self {
        Self { epoch: position.epoch, offset: position.offset }
    }
}

impl From<Joined> for wit::Joined {
    fn from(joined: Joined) -> Self {
        let Joined { position, recovered, publications } = joined;
        Self { position: position.map(Into::into), recovered, publications }
    }
}

impl From<&Present> for wit::Member {
    fn from(present: &Present) -> Self {
        Self {
            id: present.id.0,
            metadata: present.metadata.as_ref().map(ToString::to_string),
            tags: present.tags.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<crate::group::Told> for wit::HistoryPage {
    fn from(told: crate::group::Told) -> Self {
        Self {
            publications: told.publications.into_iter().map(Into::into).collect(),
            position: told.position.into(),
            recovered: told.recovered,
        }
    }
}

impl From<Kept> for wit::Kept {
    fn from(kept: Kept) -> Self {
        Self { offset: kept.offset, at: nanos(kept.at), message: kept.message.into() }
    }
}

impl From<Publication> for wit::Told {
    fn from(publication: Publication) -> Self {
        Self {
            group: publication.group.to_string(),
            position: publication.position.map(Into::into),
            content: match publication.content {
                Content::Message(message) => wit::Content::Message(message.into()),
                Content::Presence(presence) => wit::Content::Presence((&*presence).into()),
            },
        }
    }
}

impl From<&Presence> for wit::Presence {
    fn from(presence: &Presence) -> Self {
        Self {
            joined: presence.joined.iter().map(Into::into).collect(),
            left: presence.left.iter().map(|id| id.0).collect(),
            total: presence.total,
            complete: presence.complete,
        }
    }
}

fn nanos(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl From<GroupError> for Error {
    fn from(error: GroupError) -> Self {
        let one_more = |max: usize| Self::TooMany(excess(max + 1, max));
        match error {
            GroupError::InvalidName(bytes) => Self::InvalidName(excess(bytes, limits::GROUP_NAME_BYTES_MAX)),
            GroupError::TooMany => one_more(limits::GROUPS_PER_WEBSOCKET_MAX),
            GroupError::TooManyOfApp => one_more(limits::GROUPS_MAX),
            GroupError::MetadataTooLarge(bytes) => Self::TooLarge(excess(bytes, limits::METADATA_BYTES_MAX)),
            GroupError::InvalidMetadata(error) => Self::InvalidMetadata(error.into()),
            GroupError::InvalidTag(bytes) => Self::InvalidTag(excess(bytes, limits::TAG_BYTES_MAX)),
            GroupError::TooManyTags(tags) => Self::InvalidTag(excess(tags, limits::TAGS_MAX)),
            GroupError::Gone => Self::Gone,
            GroupError::NoHistory => Self::Unsupported,
            GroupError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
