//! Lines for the host's log, under the id of the websocket or exchange that is served.

use crate::bindings::wit::log::{Level, write};

/// At level `error`.
pub fn error(line: &str) {
    write(Level::Error, line);
}

/// At level `warn`.
pub fn warn(line: &str) {
    write(Level::Warn, line);
}

/// At level `info`.
pub fn info(line: &str) {
    write(Level::Info, line);
}

/// At level `debug`.
pub fn debug(line: &str) {
    write(Level::Debug, line);
}
