//! One call, over and over.

use std::hint::black_box;

use sessile_sdk::prelude::*;

use crate::host::wit::types::{Kind, Message as Wire};
use crate::host::wit::{groups, log, session, time, websocket};

pub(crate) fn websocket(ws: &WebSocket, call: &str) -> Result<()> {
    let (id, bytes, text) = (ws.id(), vec![7; 16 << 10], "x".repeat(4 << 10));
    if call.starts_with("session") {
        ws.session()?;
    }
    loop {
        match call {
            "state" => drop(black_box(websocket::get_state(id))),
            "attach" => drop(black_box(websocket::set_attachment(id, &bytes))),
            "attachment" => drop(black_box(websocket::attachment(id))),
            "try-send" => drop(black_box(websocket::try_send(id, &Wire::Binary(bytes.clone())))),
            "send-json" => drop(black_box(websocket::send_json(id, "[", Kind::Text))),
            "publish" => drop(black_box(groups::publish("nobody", &Wire::Text(text.clone())))),
            "join" => {
                let _joined = black_box(groups::join(id, "g"));
                let _left = black_box(groups::leave(id, "g"));
            }
            "log" => log::write(log::Level::Debug, &text),
            "session-set" => drop(black_box(session::set(id, "key", &bytes))),
            "session-keys" => drop(black_box(session::keys(id))),
            "sleep" => time::sleep(0),
            "clock" => drop(black_box(std::time::Instant::now())),
            "random" => drop(black_box(wasip2::random::random::get_random_bytes(1 << 16))),
            "print" => println!("{text}"),
            _ => return Err(format!("no call {call}").into()),
        }
    }
}

/// Writes nothing, or little, without end.
pub(crate) fn exchange(request: &Request, call: &str) -> Result<Response> {
    let body = request.start(200, &[])?;
    loop {
        body.write(if call == "empty" { "" } else { "x" })?;
    }
}
