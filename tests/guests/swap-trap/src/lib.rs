//! A version that traps on the first message that it meets.

use sessile_sdk::prelude::*;

struct Events;

impl WebsocketEvents for Events {
    fn on_message(_: &WebSocket, message: Message) -> Result<()> {
        panic!("guest says boom at {message:?}")
    }
}

sessile_sdk::websocket_events!(Events);
