//! WIT `time` and `log`.

use std::time::Duration;

use wasmtime::Result;

use super::link::Interface;
use super::wit::log::Level;
use super::{GuestState, Serving};
use crate::limits::GUEST_TEXT_BYTES_MAX;

pub(super) fn link_time(time: &mut Interface<'_>) -> Result<()> {
    time.wait("sleep", |_state, (span,): (u64,)| Ok(tokio::time::sleep(Duration::from_nanos(span))))
}

pub(super) fn link_log(log: &mut Interface<'_>) -> Result<()> {
    log.now("write", |state, (level, message): (Level, String)| {
        write(state, level, &message);
        Ok(())
    })
}

fn write(state: &GuestState, level: Level, message: &str) {
    let id = match &state.serving {
        Serving::Nothing | Serving::Trial(_) => String::new(),
        Serving::Websocket(port) => port.id.to_string(),
        Serving::Exchange(port) => port.id.to_string(),
    };
    let handler = &*state.identity.handler;
    let text = cut(message, GUEST_TEXT_BYTES_MAX);
    match level {
        Level::Trace => tracing::trace!(target: "guest", handler, id, "{text}"),
        Level::Debug => tracing::debug!(target: "guest", handler, id, "{text}"),
        Level::Info => tracing::info!(target: "guest", handler, id, "{text}"),
        Level::Warn => tracing::warn!(target: "guest", handler, id, "{text}"),
        Level::Error => tracing::error!(target: "guest", handler, id, "{text}"),
    }
}

/// The longest start of a text that fits, on a character's edge, without control characters that
/// would forge a log line.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    text.get(..end).unwrap_or_default().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
