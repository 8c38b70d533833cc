//! WIT `http`.

use wasmtime::Result;

use super::link::Interface;
use super::wit::http::{Error, Response, Stage};
use super::wit::types::Excess;
use crate::port::exchange::{ExchangeError, StageName};

pub(super) fn link(http: &mut Interface<'_>) -> Result<()> {
    http.wait("read", |state, (ex, max): (u64, u64)| {
        let port = state.exchange(ex)?;
        Ok(async move { (port.read(max).await.map(|part| part.map(Vec::from)).map_err(Error::from),) })
    })?;
    http.wait("send", |state, (ex, head, body): (u64, Response, Vec<u8>)| {
        let port = state.exchange(ex)?;
        Ok(async move { (port.send(head.status, head.headers, body).await.map_err(Error::from),) })
    })?;
    http.wait("send-start", |state, (ex, head): (u64, Response)| {
        let port = state.exchange(ex)?;
        Ok(async move { (port.send_start(head.status, head.headers).await.map_err(Error::from),) })
    })?;
    http.wait("send-chunk", |state, (ex, chunk): (u64, Vec<u8>)| {
        let port = state.exchange(ex)?;
        Ok(async move { (port.send_chunk(chunk).await.map_err(Error::from),) })
    })?;
    http.wait("send-finished", |state, (ex,): (u64,)| {
        let port = state.exchange(ex)?;
        Ok(async move { (port.send_finished().await.map_err(Error::from),) })
    })?;
    http.wait("send-raw", |state, (ex, response, close): (u64, Vec<u8>, bool)| {
        let port = state.exchange(ex)?;
        Ok(async move { (port.send_raw(&response, close).await.map_err(Error::from),) })
    })?;
    http.now("send-cancel", |state, (ex,): (u64,)| Ok((state.exchange(ex)?.send_cancel().map_err(Error::from),)))?;
    http.now("dispose", |state, (ex,): (u64,)| {
        state.exchange(ex)?.dispose();
        Ok(())
    })
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
            ExchangeError::TimedOut => Self::TimedOut,
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
