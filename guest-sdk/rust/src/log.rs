//! Lines for the host's log, under the id of the websocket or exchange that is served. What a guest
//! prints is logged too; a line is cut after 4 KiB.
//!
//! ```no_run
//! use sessile_sdk::log;
//!
//! log::info("a plain line");
//! log::warn(format_args!("{} guests are late", 3));
//! ```

use std::fmt::Display;

use crate::bindings::wit::log::{Level, write};

/// At level `error`.
pub fn error(line: impl Display) {
    write(Level::Error, &line.to_string());
}

/// At level `warn`.
pub fn warn(line: impl Display) {
    write(Level::Warn, &line.to_string());
}

/// At level `info`.
pub fn info(line: impl Display) {
    write(Level::Info, &line.to_string());
}

/// At level `debug`.
pub fn debug(line: impl Display) {
    write(Level::Debug, &line.to_string());
}

/// At level `trace`.
pub fn trace(line: impl Display) {
    write(Level::Trace, &line.to_string());
}
