//! Test handlers with `cargo test`.
//!
//! [`App::start`] builds an app's components and serves them with the real host, in the process of the
//! test: the same sandbox, sessions, limits and wire as in production. A [`Client`] is a peer of it, with
//! cookies of its own.
//!
//! ```no_run
//! use serde_json::json;
//! use sessile_testing::App;
//!
//! #[test]
//! fn message_of_one_reaches_the_other_with_the_name() {
//!     let app = App::start(env!("CARGO_MANIFEST_DIR"));
//!     let (ada, bob) = (app.client(), app.client());
//!     ada.session().set("name", "Ada");
//!
//!     let mut bobs = bob.connect("/rooms/lobby").unwrap();
//!     let mut adas = ada.connect("/rooms/lobby").unwrap();
//!     adas.send("hello");
//!
//!     bobs.expect_json(json!({ "kind": "join", "from": "anonymous", "text": "" }));
//!     bobs.expect_json(json!({ "kind": "join", "from": "Ada", "text": "" }));
//!     bobs.expect_json(json!({ "kind": "message", "from": "Ada", "text": "hello" }));
//!     assert_eq!(adas.close(1000, "").code, 1000);
//! }
//! # fn main() {}
//! ```
//!
//! A test of an app belongs in its `tests/` folder, and this crate under `[dev-dependencies]`. The host is
//! compiled with it, which takes ten minutes of two cores the first time; have cargo optimise it once and for all:
//!
//! ```toml
//! [profile.dev.package."*"]
//! opt-level = 2
//! ```
//!
//! What goes wrong panics and so fails the test, with what was awaited. What the host and the guests log is
//! on stderr, from `warn` on or as `SESSILE_LOG` says (a filter as `sessile serve --log` takes it): a
//! handler that fails is there with its backtrace, under the report id that the peer sees.

mod app;
mod client;
mod response;
mod session;
mod websocket;

use std::time::Duration;

pub use app::App;
pub use client::{Client, Denied};
pub use response::Response;
pub use sessile::instance::engine::Memory;
pub use sessile_sdk::{Close, Message};
pub use session::ClientSession;
pub use websocket::WebSocket;

/// For how long an answer or a message is awaited.
pub const PATIENCE: Duration = Duration::from_secs(10);
