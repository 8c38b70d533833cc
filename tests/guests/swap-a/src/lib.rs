//! Version a of the handlers that are swapped under live websockets.

mod handlers;

/// Which version this is.
pub(crate) const NAME: &str = "a";
