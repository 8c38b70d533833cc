//! What the export macros expand to.

#![allow(missing_docs, unreachable_pub, reason = "for the macros of this crate alone")]

pub use websocket_handler::Outcome;

use crate::bindings::wit::types;
use crate::{Close, Error, Message, Request, Response, Result, WebSocket, WebsocketEvents};

macro_rules! world {
    ($module:ident, $world:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                pub_export_macro: true,
                with: {
                    "sessile:handler/types@0.1.0": crate::bindings::wit::types,
                    "sessile:handler/websocket@0.1.0": crate::bindings::wit::websocket,
                    "sessile:handler/http@0.1.0": crate::bindings::wit::http,
                    "sessile:handler/session@0.1.0": crate::bindings::wit::session,
                    "sessile:handler/groups@0.1.0": crate::bindings::wit::groups,
                    "sessile:handler/time@0.1.0": crate::bindings::wit::time,
                    "sessile:handler/log@0.1.0": crate::bindings::wit::log,
                },
            });
        }
    };
}

world!(looped, "websocket-loop");
world!(events, "websocket-event");
world!(exchange, "http-exchange");

pub use events::exports::sessile::handler::websocket_events;
pub use exchange::exports::sessile::handler::http_handler;
pub use looped::exports::sessile::handler::websocket_handler;
pub use types::{CloseInfo, Failure, Message as WitMessage};

fn failure(error: &Error) -> Failure {
    Failure { message: error.to_string() }
}

/// A handler's word for the host. In loop style the peer's leaving is no failure.
pub fn loop_outcome(result: Result<()>) -> std::result::Result<Outcome, Failure> {
    match result {
        Ok(()) | Err(Error::Disconnected(_)) => Ok(Outcome::Done),
        Err(error) => Err(failure(&error)),
    }
}

pub async fn on_open<H: WebsocketEvents>(ws: u64) -> std::result::Result<(), Failure> {
    H::on_open(&WebSocket::new(ws)).await.map_err(|error| failure(&error))
}

pub async fn on_messages<H: WebsocketEvents>(ws: u64, messages: Vec<WitMessage>) -> std::result::Result<(), Failure> {
    let messages = messages.into_iter().map(Message::from).collect();
    H::on_messages(&WebSocket::new(ws), messages).await.map_err(|error| failure(&error))
}

pub async fn on_close<H: WebsocketEvents>(ws: u64, close: CloseInfo) -> std::result::Result<(), Failure> {
    H::on_close(&WebSocket::new(ws), Close::from(close)).await.map_err(|error| failure(&error))
}

/// Sends what a handler answered.
pub async fn respond(ex: u64, answer: Result<Response>) -> std::result::Result<(), Failure> {
    let response = answer.map_err(|error| failure(&error))?;
    Request::new(ex).respond(response).await.map_err(|error| failure(&error))
}
