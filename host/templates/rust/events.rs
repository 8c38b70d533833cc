//! A room, in event style: what one says, all hear, under the name that their browser goes by.
//!
//! Between two calls nothing of this need be in memory, and new code takes over at the next message.
//! So a variable would not last: what must last goes into the session, and the host keeps who is in
//! which group.

use sessile_sdk::{groups, prelude::*};

const ROOM: &str = "room";

struct Room;

impl WebsocketEvents for Room {
    /// Somebody comes. The session is opened before `accept`, so that a new browser gets its cookie
    /// with the handshake.
    fn on_open(ws: &WebSocket) -> Result<()> {
        ws.session()?;
        ws.accept()?;
        ws.join(ROOM)?;
        ws.send("welcome; `/name Ada` gives you a name")
    }

    /// A message came. An `Err` would end this websocket alone, and tell the log why.
    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        let Message::Text(text) = message else {
            return ws.close(1003, "text only");
        };
        let session = ws.session()?;
        if let Some(name) = text.strip_prefix("/name ") {
            session.set("name", name.trim())?;
            session.save()?; // from here on the name survives even a crash of the host
            return ws.send(format!("you are {}", name.trim()));
        }
        let name = session
            .get("name")?
            .unwrap_or_else(|| "somebody".to_owned());
        groups::publish(ROOM, line(&name, &text))?;
        Ok(())
    }
}

/// What all hear. A function that calls nothing of the host's is tested as ever: `cargo test`.
fn line(name: &str, text: &str) -> String {
    format!("{name}: {}", text.trim())
}

sessile_sdk::websocket_events!(Room);

#[test]
fn line_names_who_said_it() {
    assert_eq!(line("Ada", " hello "), "Ada: hello");
}
