//! Version b of the handlers that are swapped under live websockets: it breaks off where a does not.

#[path = "../../swap-a/src/handlers.rs"]
mod handlers;

/// Which version this is.
pub(crate) const NAME: &str = "b";
