//! WIT `time` and `log`.

use std::time::Duration;

use wasmtime::Result;

use super::GuestState;
use super::link::Interface;
use super::wit::log::Level;
use crate::feed::What;
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
    let served = state.served();
    let id = served.map(ToString::to_string).unwrap_or_default();
    let handler = &*state.identity.handler;
    let text = cut(message, GUEST_TEXT_BYTES_MAX);
    match level {
        Level::Trace => tracing::trace!(target: "guest", handler, id, "{text}"),
        Level::Debug => tracing::debug!(target: "guest", handler, id, "{text}"),
        Level::Info => tracing::info!(target: "guest", handler, id, "{text}"),
        Level::Warn => tracing::warn!(target: "guest", handler, id, "{text}"),
        Level::Error => tracing::error!(target: "guest", handler, id, "{text}"),
    }
    state.identity.source.tell(served, || What::Log { level: word(level).to_owned(), text });
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Trace => "trace",
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

/// The longest start of a text that fits, on a character's edge, without control characters that
/// would forge a log line.
pub(super) fn cut(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    text.get(..end).unwrap_or_default().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}
