//! Version a of a handler that says which it is.

use sessile_sdk::prelude::*;

struct Version;

impl WebsocketEvents for Version {
    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        ws.send(format!("a:{}", message.into_text()?))
    }
}

sessile_sdk::websocket_events!(Version);
