//! WIT `http`.

use wasmtime::component::{Accessor, HasSelf};

use super::GuestState;
use super::wit::http::{Error, Host, HostWithStore, Response, Stage};
use super::wit::types::Excess;
use crate::port::exchange::{ExchangeError, StageName};

type Reply<T> = wasmtime::Result<Result<T, Error>>;

impl Host for GuestState {}

impl<T: Send> HostWithStore<T> for HasSelf<GuestState> {
    async fn read(state: &Accessor<T, Self>, ex: u64, max: u64) -> Reply<Option<Vec<u8>>> {
        let port = state.with(|mut state| state.get().exchange(ex))?;
        let part = port.read(max).await;
        Ok(part.map(|part| part.map(Vec::from)).map_err(Error::from))
    }

    async fn send(state: &Accessor<T, Self>, ex: u64, head: Response, body: Vec<u8>) -> Reply<()> {
        let port = state.with(|mut state| state.get().exchange(ex))?;
        Ok(port.send(head.status, head.headers, body).await.map_err(Error::from))
    }

    async fn send_start(state: &Accessor<T, Self>, ex: u64, head: Response) -> Reply<()> {
        let port = state.with(|mut state| state.get().exchange(ex))?;
        Ok(port.send_start(head.status, head.headers).await.map_err(Error::from))
    }

    async fn send_chunk(state: &Accessor<T, Self>, ex: u64, chunk: Vec<u8>) -> Reply<()> {
        let port = state.with(|mut state| state.get().exchange(ex))?;
        Ok(port.send_chunk(chunk).await.map_err(Error::from))
    }

    async fn send_finished(state: &Accessor<T, Self>, ex: u64) -> Reply<()> {
        let port = state.with(|mut state| state.get().exchange(ex))?;
        Ok(port.send_finished().await.map_err(Error::from))
    }
}

impl From<ExchangeError> for Error {
    fn from(error: ExchangeError) -> Self {
        match error {
            ExchangeError::WrongOrder(stage) => Self::WrongOrder(stage.into()),
            ExchangeError::TooLarge(actual, limit) => Self::TooLarge(Excess { actual, limit }),
            ExchangeError::PeerGone => Self::PeerGone,
            ExchangeError::InvalidHead(text) => Self::InvalidHead(text),
            ExchangeError::LengthMismatch(actual, limit) => Self::LengthMismatch(Excess { actual, limit }),
            ExchangeError::SessionUnsaved => Self::SessionUnsaved,
        }
    }
}

impl From<StageName> for Stage {
    fn from(stage: StageName) -> Self {
        match stage {
            StageName::Unanswered => Self::Unanswered,
            StageName::Streaming => Self::Streaming,
            StageName::Finished => Self::Finished,
        }
    }
}
