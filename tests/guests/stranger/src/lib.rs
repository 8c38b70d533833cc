//! A handler that imports what no host has.

use sessile_sdk::prelude::*;

wit_bindgen::generate!({ path: "wit", world: "stranger" });

struct Stranger;

impl WebsocketEvents for Stranger {
    fn on_message(ws: &WebSocket, _message: Message) -> Result<()> {
        ws.send(stranger::thing::api::ask().to_string())
    }
}

sessile_sdk::websocket_events!(Stranger);
