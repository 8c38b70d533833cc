//! One session over HTTP and WebSocket: a counter that a browser has, however it asks.

use sessile_sdk::prelude::*;

/// Adds one, whatever else the same browser does at the same time: saved only over the version that
/// was read, and tried again where another was faster.
fn add_one(request: Request) -> Result<Response> {
    loop {
        let session = request.session()?;
        let count = count(&session)? + 1;
        session.set("count", &count)?;
        match session.save_if_version(session.version()?) {
            Ok(_) => return Ok(Response::text(count.to_string())),
            Err(Error::Conflict(_)) => session.discard()?,
            Err(error) => return Err(error),
        }
    }
}

struct Counter;

impl WebsocketEvents for Counter {
    /// Opened before accept, so that a browser without a session gets its cookie with the handshake.
    fn on_open(ws: &WebSocket) -> Result<()> {
        ws.session()?;
        ws.accept()
    }

    /// `get`, `add` (unsaved, seen by this websocket alone) and `save`.
    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        let session = ws.session()?;
        let answer = match message.as_bytes() {
            b"get" => count(&session)?.to_string(),
            b"add" => {
                let count = count(&session)? + 1;
                session.set("count", &count)?;
                count.to_string()
            }
            b"save" => format!("saved {}", session.save()?),
            _ => "known are get, add and save".to_owned(),
        };
        ws.send(answer)
    }
}

fn count(session: &Session) -> Result<u64> {
    Ok(session.get("count")?.unwrap_or(0))
}

sessile_sdk::http!(add_one);
sessile_sdk::websocket_events!(Counter);
