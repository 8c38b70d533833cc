//! Sessile's host: a server on which a WebSocket handler is a sandboxed WebAssembly component.
//!
//! **The host owns the socket; the guest is replaceable.** Modules in the order of the data's way,
//! from the outside in; none imports one above it (ARCHITECTURE.md; `tests/tests/layers.rs` holds it).

pub mod app;
pub mod bindings;
pub mod cli;
pub mod dispatch;
pub mod event;
pub mod failure;
pub mod group;
pub mod http;
pub mod instance;
pub mod limits;
pub mod listener;
pub mod meter;
pub mod outbox;
pub mod port;
pub mod server;
pub mod session;
pub mod websocket;
