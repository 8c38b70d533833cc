//! Event style.

use serde_json::json;
use sessile_sdk::prelude::*;

use crate::command;

pub(crate) struct Faults;

impl WebsocketEvents for Faults {
    fn on_open(ws: &WebSocket) -> Result<()> {
        command::open(ws)
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        command::obey(ws, message)
    }

    fn on_close(ws: &WebSocket, close: Close) -> Result<()> {
        closed(ws, Some(&close))
    }
}

/// Tells the group named by `?closes=`.
pub(crate) fn closed(ws: &WebSocket, close: Option<&Close>) -> Result<()> {
    if ws.query().get("table").is_some() && ws.state() == sessile_sdk::State::Closed {
        return crate::table::report(ws, &ws.query());
    }
    if let (Some(group), Some(close)) = (ws.query().get("closes"), close) {
        let line = json!({ "code": close.code, "reason": close.reason });
        sessile_sdk::groups::publish(group, line.to_string())?;
    }
    Ok(())
}
