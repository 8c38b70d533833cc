//! Handles that are never dropped.

use std::mem::forget;

use wasip2::clocks::monotonic_clock::subscribe_duration;
use wasip2::http::types::Fields;

/// Without end: the host ends it.
pub(crate) fn all(what: &str) -> String {
    some(what, usize::MAX)
}

pub(crate) fn some(what: &str, count: usize) -> String {
    for _ in 0..count {
        match what {
            "pollables" => forget(subscribe_duration(1)),
            "fields" => forget(Fields::new()),
            "streams" => forget(wasip2::cli::stdout::get_stdout()),
            _ => return format!("no {what}"),
        }
    }
    format!("leaked {count}")
}
