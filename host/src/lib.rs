//! Sessile's host: a server on which a WebSocket handler is a sandboxed WebAssembly component.
//!
//! **The host owns the socket; the guest is replaceable.** From the outside in: [`cli`], [`server`], [`admin`], [`oci`], [`deploy`],
//! [`listener`], [`http`], [`tls`], [`websocket`], [`dispatch`], [`app`], [`instance`], [`bindings`], [`outbound`],
//! [`port`], [`histories`], [`group`], [`alarm`], [`session`], [`sqlite`], [`resume`], [`outbox`], [`meter`], [`usage`], [`feed`], [`traces`], [`failure`], [`event`], [`json`], [`limits`], [`rate`]. None imports
//! one before it in this list; `tests/tests/layers.rs` holds that, ARCHITECTURE.md explains it.

pub mod admin;
pub mod alarm;
pub mod app;
pub mod bindings;
pub mod cli;
pub mod deploy;
pub mod dispatch;
pub mod event;
pub mod failure;
pub mod feed;
pub mod group;
pub mod histories;
pub mod http;
pub mod instance;
pub mod json;
pub mod limits;
pub mod listener;
pub mod meter;
pub mod oci;
pub mod outbound;
pub mod outbox;
pub mod port;
pub mod rate;
pub mod resume;
pub mod server;
pub mod session;
pub mod sqlite;
pub mod tls;
pub mod traces;
pub mod usage;
pub mod websocket;
