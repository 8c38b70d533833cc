//! A guest that does what it is told, faults included: the tests' hand inside the sandbox.
//!
//! In both styles a text message that begins with a known word is a command; all else is echoed.

mod command;
mod exchange;

use serde_json::json;
use sessile_sdk::prelude::*;

struct Faults;

impl WebsocketEvents for Faults {
    async fn on_open(ws: &WebSocket) -> Result<()> {
        command::open(ws).await
    }

    async fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        command::obey(ws, message).await
    }

    /// Tells the group named by `?closes=`.
    async fn on_close(ws: &WebSocket, close: Close) -> Result<()> {
        if let Some(group) = ws.query().get("closes") {
            let line = json!({ "code": close.code, "reason": close.reason });
            sessile_sdk::groups::publish(group, line.to_string()).await?;
        }
        Ok(())
    }
}

async fn looped(mut ws: WebSocket) -> Result<()> {
    command::open(&ws).await?;
    while let Some(message) = ws.next().await? {
        command::obey(&ws, message).await?;
    }
    if let (Some(group), Some(close)) = (ws.query().get("closes"), ws.close_info()) {
        let line = json!({ "code": close.code, "reason": close.reason });
        sessile_sdk::groups::publish(group, line.to_string()).await?;
    }
    Ok(())
}

sessile_sdk::websocket_events!(Faults);
sessile_sdk::websocket_loop!(looped);
sessile_sdk::http!(exchange::answer);
