//! A guest that does what it is told, faults included: the tests' hand inside the sandbox.
//!
//! In both styles a text message that begins with a known word is a command; all else is echoed.

mod command;
mod events;
mod exchange;
mod network;
mod table;
mod who;

use sessile_sdk::prelude::*;

use crate::events::{Faults, closed};

fn looped(ws: WebSocket) -> Result<()> {
    if table::looped(&ws)? || table::raw(&ws)? {
        return Ok(());
    }
    command::open(&ws)?;
    while let Some(message) = ws.next()? {
        command::obey(&ws, message)?;
    }
    closed(&ws, ws.close_info())
}

fn answer(request: Request) -> Result<Response> {
    exchange::answer(&request)
}

sessile_sdk::websocket_events!(Faults);
sessile_sdk::websocket_loop!(looped);
sessile_sdk::http!(answer);
