//! Echo, three ways: an exchange, a websocket in event style, a websocket in loop style.

use sessile_sdk::prelude::*;

fn hello(_request: Request) -> Result<Response> {
    Ok(Response::text("hello"))
}

struct Echo;

impl WebsocketEvents for Echo {
    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        ws.send(message)
    }
}

fn echo(ws: WebSocket) -> Result<()> {
    ws.accept()?;
    while let Some(message) = ws.next()? {
        ws.send(message)?;
    }
    Ok(())
}

sessile_sdk::http!(hello);
sessile_sdk::websocket_events!(Echo);
sessile_sdk::websocket_loop!(echo);
