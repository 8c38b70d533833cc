//! WIT `groups`.

use wasmtime::Result;

use super::link::Interface;
use super::wit::groups::{Error, Publication};
use super::wit::types::Message;
use super::{Identity, excess};
use crate::event::State;
use crate::group::GroupError;
use crate::limits;
use crate::port::websocket::WebsocketPort;

pub(super) fn link(groups: &mut Interface<'_>) -> Result<()> {
    groups.wait("join", |state, (ws, group): (u64, String)| {
        let port = state.websocket(ws)?;
        Ok(async move { (join(&port, &group),) })
    })?;
    groups.wait("leave", |state, (ws, group): (u64, String)| {
        let port = state.websocket(ws)?;
        Ok(async move { (port.membership.leave(&group).map_err(Error::from),) })
    })?;
    groups.wait("publish", |state, (group, message): (String, Message)| {
        let identity = state.identity.clone();
        Ok(async move { (publish(&identity, &group, message),) })
    })
}

fn join(port: &WebsocketPort, group: &str) -> std::result::Result<(), Error> {
    if port.state() == State::Closed {
        return Err(Error::Gone);
    }
    port.membership.join(group, &port.outbox).map_err(Error::from)
}

fn publish(identity: &Identity, group: &str, message: Message) -> std::result::Result<Publication, Error> {
    let message = crate::event::Message::from(message);
    if message.len() > identity.message_bytes_max {
        return Err(Error::TooLarge(excess(message.len(), identity.message_bytes_max)));
    }
    identity.groups.publish(group, &message).map(Publication::from).map_err(Error::from)
}

impl From<crate::group::Publication> for Publication {
    fn from(publication: crate::group::Publication) -> Self {
        Self { queued: publication.queued, dropped: publication.dropped }
    }
}

impl From<GroupError> for Error {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::InvalidName(bytes) => Self::InvalidName(excess(bytes, limits::GROUP_NAME_BYTES_MAX)),
            GroupError::TooMany => {
                let max = limits::GROUPS_PER_WEBSOCKET_MAX;
                Self::TooMany(excess(max + 1, max))
            }
        }
    }
}
