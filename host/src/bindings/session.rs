//! WIT `session`.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::Result;

use super::link::Interface;
use super::wit::session::Error;
use super::{GuestState, Serving, excess};
use crate::port::exchange::ExchangePort;
use crate::port::websocket::WebsocketPort;
use crate::session::{SessionBinding, SessionError};

pub(super) fn link(session: &mut Interface<'_>) -> Result<()> {
    session.wait("open", |state, (of,): (u64,)| {
        let holder = Holder::find(state, of)?;
        Ok(async move { (holder.session().open().await.map_err(Error::from),) })
    })?;
    session.now("get", |state, (of, key): (u64, String)| {
        let value = state.session(of)?.get(&key);
        Ok((value.map(|value| value.map(Vec::from)).map_err(Error::from),))
    })?;
    session.now("set", |state, (of, key, value): (u64, String, Vec<u8>)| {
        Ok((state.session(of)?.set(&key, value.into()).map_err(Error::from),))
    })?;
    session
        .now("remove", |state, (of, key): (u64, String)| Ok((state.session(of)?.remove(&key).map_err(Error::from),)))?;
    session.now("keys", |state, (of,): (u64,)| Ok((state.session(of)?.keys().map_err(Error::from),)))?;
    session.now("clear", |state, (of,): (u64,)| Ok((state.session(of)?.clear().map_err(Error::from),)))?;
    session.now("discard", |state, (of,): (u64,)| Ok((state.session(of)?.discard().map_err(Error::from),)))?;
    session.now("is-new", |state, (of,): (u64,)| Ok((state.session(of)?.is_new().map_err(Error::from),)))?;
    session.now("version", |state, (of,): (u64,)| Ok((state.session(of)?.version().map_err(Error::from),)))?;
    session.now("set-expiry", |state, (of, expiry): (u64, Option<u64>)| {
        let expiry = expiry.map(Duration::from_nanos);
        Ok((state.session(of)?.set_expiry(expiry).map_err(Error::from),))
    })?;
    session.wait("cycle-id", |state, (of,): (u64,)| {
        let holder = Holder::find(state, of)?;
        Ok(async move { (holder.session().cycle_id().await.map_err(Error::from),) })
    })?;
    session.wait("flush", |state, (of,): (u64,)| {
        let holder = Holder::find(state, of)?;
        Ok(async move { (holder.session().flush().await.map_err(Error::from),) })
    })?;
    session.wait("save", |state, (of, if_version): (u64, Option<u64>)| {
        let holder = Holder::find(state, of)?;
        Ok(async move { (holder.session().save(if_version).await.map_err(Error::from),) })
    })
}

/// Keeps a session alive over an await.
pub(super) enum Holder {
    Websocket(Arc<WebsocketPort>),
    Exchange(Arc<ExchangePort>),
    Alarm(Arc<SessionBinding>),
}

impl Holder {
    pub(super) fn find(state: &GuestState, id: u64) -> wasmtime::Result<Self> {
        match &state.serving {
            Serving::Websocket(_) => state.websocket(id).map(Self::Websocket),
            Serving::Alarm(port) => GuestState::alarm_session(port, id).cloned().map(Self::Alarm),
            Serving::Exchange(_) | Serving::Nothing | Serving::Trial(_) => state.exchange(id).map(Self::Exchange),
        }
    }

    pub(super) fn session(&self) -> &SessionBinding {
        match self {
            Self::Websocket(port) => &port.session,
            Self::Exchange(port) => &port.session,
            Self::Alarm(session) => session,
        }
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotOpen => Self::NotOpen,
            SessionError::NotJson(error) => Self::NotJson(error.into()),
            SessionError::TooLarge { actual, limit, .. } => Self::TooLarge(excess(actual, limit)),
            SessionError::Conflict(saved) => Self::Conflict(saved),
            SessionError::CookieUnreachable => Self::CookieUnreachable,
            SessionError::Deleted => Self::Deleted,
            SessionError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
