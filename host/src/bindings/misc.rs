//! WIT `time` and `log`.

use std::time::Duration;

use wasmtime::component::{Accessor, HasSelf};

use super::wit::log::Level;
use super::wit::{log, time};
use super::{GuestState, Serving};
use crate::limits::GUEST_TEXT_BYTES_MAX;

impl time::Host for GuestState {}

impl<T: Send> time::HostWithStore<T> for HasSelf<GuestState> {
    async fn sleep(_state: &Accessor<T, Self>, span: u64) -> wasmtime::Result<()> {
        tokio::time::sleep(Duration::from_nanos(span)).await;
        Ok(())
    }
}

impl log::Host for GuestState {
    fn write(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        let id = match &self.serving {
            Serving::Nothing => String::new(),
            Serving::Websocket(port) => port.id.to_string(),
            Serving::Exchange(port) => port.id.to_string(),
        };
        let handler = &*self.identity.handler;
        let text = cut(&message, GUEST_TEXT_BYTES_MAX);
        match level {
            Level::Trace => tracing::trace!(target: "guest", handler, id, "{text}"),
            Level::Debug => tracing::debug!(target: "guest", handler, id, "{text}"),
            Level::Info => tracing::info!(target: "guest", handler, id, "{text}"),
            Level::Warn => tracing::warn!(target: "guest", handler, id, "{text}"),
            Level::Error => tracing::error!(target: "guest", handler, id, "{text}"),
        }
        Ok(())
    }
}

/// The longest start of a text that fits, on a character's edge, without control characters that
/// would forge a log line.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    text.get(..end).unwrap_or_default().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
