//! Version b of a handler that says which it is.

use sessile_sdk::prelude::*;

struct Version;

impl WebsocketEvents for Version {
    async fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        ws.send(format!("b:{}", message.into_text()?)).await
    }
}

sessile_sdk::websocket_events!(Version);
