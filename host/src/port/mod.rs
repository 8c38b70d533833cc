//! Ports: the host's side of a websocket, exchange or alarm, as bindings see it.
//!
//! Plain state with its rules; no wasmtime, no hyper, no frames. What a guest may do and when is
//! decided here, so that every language meets the same rules.

pub mod alarm;
pub mod answer;
pub mod exchange;
pub mod fields;
pub mod head;
pub mod inbox;
pub mod lifecycle;
pub mod live;
pub mod websocket;
