//! WIT `session`.

use std::sync::Arc;

use wasmtime::component::{Accessor, HasSelf};

use super::wit::session::{Error, Host, HostWithStore};
use super::{GuestState, Serving, excess};
use crate::port::exchange::ExchangePort;
use crate::port::websocket::WebsocketPort;
use crate::session::{SessionBinding, SessionError};

type Reply<T> = wasmtime::Result<Result<T, Error>>;

impl Host for GuestState {
    fn get(&mut self, of: u64, key: String) -> Reply<Option<Vec<u8>>> {
        let value = self.session(of)?.get(&key);
        Ok(value.map(|value| value.map(Vec::from)).map_err(Error::from))
    }

    fn set(&mut self, of: u64, key: String, value: Vec<u8>) -> Reply<()> {
        Ok(self.session(of)?.set(&key, value.into()).map_err(Error::from))
    }

    fn remove(&mut self, of: u64, key: String) -> Reply<bool> {
        Ok(self.session(of)?.remove(&key).map_err(Error::from))
    }

    fn keys(&mut self, of: u64) -> Reply<Vec<String>> {
        Ok(self.session(of)?.keys().map_err(Error::from))
    }

    fn clear(&mut self, of: u64) -> Reply<()> {
        Ok(self.session(of)?.clear().map_err(Error::from))
    }

    fn discard(&mut self, of: u64) -> Reply<()> {
        Ok(self.session(of)?.discard().map_err(Error::from))
    }

    fn is_new(&mut self, of: u64) -> Reply<bool> {
        Ok(self.session(of)?.is_new().map_err(Error::from))
    }

    fn version(&mut self, of: u64) -> Reply<u64> {
        Ok(self.session(of)?.version().map_err(Error::from))
    }
}

impl<T: Send> HostWithStore<T> for HasSelf<GuestState> {
    async fn open(state: &Accessor<T, Self>, of: u64) -> Reply<()> {
        let holder = state.with(|mut state| Holder::find(state.get(), of))?;
        Ok(holder.session().open().await.map_err(Error::from))
    }

    async fn save(state: &Accessor<T, Self>, of: u64, if_version: Option<u64>) -> Reply<u64> {
        let holder = state.with(|mut state| Holder::find(state.get(), of))?;
        Ok(holder.session().save(if_version).await.map_err(Error::from))
    }
}

/// Keeps a session's port alive over an await.
enum Holder {
    Websocket(Arc<WebsocketPort>),
    Exchange(Arc<ExchangePort>),
}

impl Holder {
    fn find(state: &GuestState, id: u64) -> wasmtime::Result<Self> {
        match &state.serving {
            Serving::Websocket(_) => state.websocket(id).map(Self::Websocket),
            Serving::Exchange(_) | Serving::Nothing => state.exchange(id).map(Self::Exchange),
        }
    }

    fn session(&self) -> &SessionBinding {
        match self {
            Self::Websocket(port) => &port.session,
            Self::Exchange(port) => &port.session,
        }
    }
}

impl From<SessionError> for Error {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::NotOpen => Self::NotOpen,
            SessionError::NotJson(text) => Self::NotJson(text),
            SessionError::TooLarge { actual, limit, .. } => Self::TooLarge(excess(actual, limit)),
            SessionError::Conflict(saved) => Self::Conflict(saved),
            SessionError::CookieUnreachable => Self::CookieUnreachable,
            SessionError::Unavailable(text) => Self::Unavailable(text),
        }
    }
}
