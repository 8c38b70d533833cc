//! WIT `websocket`.

use std::time::Duration;

use wasmtime::component::{Accessor, HasSelf};

use super::wit::types::Message;
use super::wit::websocket::{Error, Host, HostWithStore, Queued, State};
use super::{GuestState, excess};
use crate::event;
use crate::outbox::Pushed;
use crate::port::websocket::WebsocketError;

type Reply<T> = wasmtime::Result<Result<T, Error>>;

impl Host for GuestState {
    fn get_state(&mut self, ws: u64) -> wasmtime::Result<State> {
        Ok(self.websocket(ws)?.state().into())
    }

    fn offered_subprotocols(&mut self, ws: u64) -> wasmtime::Result<Vec<String>> {
        Ok(self.websocket(ws)?.offered().to_vec())
    }

    fn subprotocol(&mut self, ws: u64) -> wasmtime::Result<Option<String>> {
        Ok(self.websocket(ws)?.subprotocol())
    }

    fn buffered(&mut self, ws: u64) -> wasmtime::Result<u64> {
        Ok(self.websocket(ws)?.outbox.bytes() as u64)
    }

    fn try_send(&mut self, ws: u64, message: Message) -> Reply<Queued> {
        let port = self.websocket(ws)?;
        Ok(match port.try_send(message.into()) {
            Ok(Pushed::Queued(bytes)) => Ok(Queued::Queued(bytes as u64)),
            Ok(Pushed::Full) => Ok(Queued::Full),
            Ok(Pushed::Gone) | Err(WebsocketError::Disconnected(_)) => {
                Ok(Queued::Gone(port.end().unwrap_or_else(event::Close::abnormal).into()))
            }
            Err(error) => Err(error.into()),
        })
    }
}

impl<T: Send> HostWithStore<T> for HasSelf<GuestState> {
    async fn accept(
        state: &Accessor<T, Self>,
        ws: u64,
        subprotocol: Option<String>,
        headers: Vec<(String, String)>,
    ) -> Reply<()> {
        let port = state.with(|mut state| state.get().websocket(ws))?;
        Ok(port.accept(subprotocol, &headers).map_err(Error::from))
    }

    async fn reject(
        state: &Accessor<T, Self>,
        ws: u64,
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    ) -> Reply<()> {
        let port = state.with(|mut state| state.get().websocket(ws))?;
        Ok(port.reject(status, &headers, body).map_err(Error::from))
    }

    async fn send(state: &Accessor<T, Self>, ws: u64, message: Message) -> Reply<()> {
        let port = state.with(|mut state| state.get().websocket(ws))?;
        Ok(port.send(message.into()).await.map_err(Error::from))
    }

    async fn receive(state: &Accessor<T, Self>, ws: u64, timeout: Option<u64>) -> Reply<Message> {
        let port = state.with(|mut state| state.get().websocket(ws))?;
        let received = port.receive(timeout.map(Duration::from_nanos)).await;
        Ok(received.map(Message::from).map_err(Error::from))
    }

    async fn close(state: &Accessor<T, Self>, ws: u64, code: u16, reason: String) -> Reply<()> {
        let port = state.with(|mut state| state.get().websocket(ws))?;
        Ok(port.close(code, reason).await.map_err(Error::from))
    }
}

impl From<event::State> for State {
    fn from(state: event::State) -> Self {
        match state {
            event::State::Connecting => Self::Connecting,
            event::State::Open => Self::Open,
            event::State::Closing => Self::Closing,
            event::State::Closed => Self::Closed,
        }
    }
}

impl From<WebsocketError> for Error {
    fn from(error: WebsocketError) -> Self {
        match error {
            WebsocketError::WrongState(state) => Self::WrongState(state.into()),
            WebsocketError::Disconnected(close) => Self::Disconnected(close.into()),
            WebsocketError::TooLarge(actual, limit) => Self::TooLarge(excess(actual, limit)),
            WebsocketError::TimedOut => Self::TimedOut,
            WebsocketError::WrongStyle => Self::WrongStyle,
            WebsocketError::InvalidCode(code) => Self::InvalidCode(code),
            WebsocketError::ReasonTooLong(actual, limit) => Self::ReasonTooLong(excess(actual, limit)),
            WebsocketError::NotOffered(name) => Self::NotOffered(name),
            WebsocketError::InvalidHead(text) => Self::InvalidHead(text),
        }
    }
}
