//! Joins the group `watched`, and tells its peer in its own words what is published there; what the peer says it publishes.

use serde_json::json;
use sessile_sdk::groups::{self, Content, Told};
use sessile_sdk::log;
use sessile_sdk::prelude::*;

struct Watcher;

impl WebsocketEvents for Watcher {
    fn on_open(ws: &WebSocket) -> Result<()> {
        ws.join("watched")
    }

    fn on_message(_: &WebSocket, message: Message) -> Result<()> {
        groups::publish("watched", message).map(drop)
    }
}

impl PublicationHandler for Watcher {
    fn on_publication(ws: &WebSocket, told: Told) -> Result<()> {
        let offset = told.position.map(|position| position.offset);
        ws.send_json(&match told.content {
            Content::Message(message) => {
                let text = message.into_text()?;
                match text.as_str() {
                    "panic" => panic!("as it was told"),
                    "quiet" => {
                        log::info("heard, and not said");
                        return Ok(());
                    }
                    _ => {}
                }
                json!({ "group": told.group, "offset": offset, "text": text })
            }
            Content::Presence(presence) => {
                json!({ "joined": presence.joined.len(), "left": presence.left.len(), "total": presence.total })
            }
        })
    }
}

sessile_sdk::websocket_events!(Watcher);
sessile_sdk::publication_handler!(Watcher);
