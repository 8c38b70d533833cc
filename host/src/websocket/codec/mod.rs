//! The codec of websockets (RFC 6455 §5, RFC 7692): bytes in, events out; messages in, frames out.
//!
//! Does no I/O, reads no clock and never panics on what a peer sends. [`reader`] takes the peer's
//! bytes however they are cut and says what they mean, [`writer`] holds what is to be written.
//! Neither keeps a buffer while a websocket is idle. Why it is our own: docs/adr/0005.

mod assembly;
mod close;
pub mod deflate;
mod head;
mod mask;
pub mod reader;
mod text;
pub mod violation;
pub mod writer;

#[cfg(test)]
mod tests;
