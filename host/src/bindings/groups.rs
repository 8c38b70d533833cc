//! WIT `groups`.

use wasmtime::component::{Accessor, HasSelf};

use super::wit::groups::{Error, Host, HostWithStore, Publication};
use super::wit::types::Message;
use super::{GuestState, excess};
use crate::event::State;
use crate::group::GroupError;
use crate::limits;

type Reply<T> = wasmtime::Result<Result<T, Error>>;

impl Host for GuestState {}

impl<T: Send> HostWithStore<T> for HasSelf<GuestState> {
    async fn join(state: &Accessor<T, Self>, ws: u64, group: String) -> Reply<()> {
        let port = state.with(|mut state| state.get().websocket(ws))?;
        if port.state() == State::Closed {
            return Ok(Err(Error::Gone));
        }
        Ok(port.membership.join(&group, &port.outbox).map_err(Error::from))
    }

    async fn leave(state: &Accessor<T, Self>, ws: u64, group: String) -> Reply<()> {
        let port = state.with(|mut state| state.get().websocket(ws))?;
        Ok(port.membership.leave(&group).map_err(Error::from))
    }

    async fn publish(state: &Accessor<T, Self>, group: String, message: Message) -> Reply<Publication> {
        let identity = state.with(|mut state| state.get().identity.clone());
        let message = crate::event::Message::from(message);
        if message.len() > identity.message_bytes_max {
            return Ok(Err(Error::TooLarge(excess(message.len(), identity.message_bytes_max))));
        }
        let publication = identity.groups.publish(&group, &message);
        Ok(publication.map(Publication::from).map_err(Error::from))
    }
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
