//! Echo, three ways: an exchange, a websocket in event style, a websocket in loop style.

use sessile_sdk::prelude::*;

async fn hello(_request: Request) -> Result<Response> {
    Ok(Response::text("hello"))
}

struct Echo;

impl WebsocketEvents for Echo {
    async fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        ws.send(message).await
    }
}

async fn echo(mut ws: WebSocket) -> Result<()> {
    ws.accept().await?;
    while let Some(message) = ws.next().await? {
        ws.send(message).await?;
    }
    Ok(())
}

sessile_sdk::http!(hello);
sessile_sdk::websocket_events!(Echo);
sessile_sdk::websocket_loop!(echo);
