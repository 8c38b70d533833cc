//! The conformance guest in Rust. Its contract is `../../README.md`.

mod command;
mod exchange;
mod realtime;

use sessile_sdk::prelude::*;
use sessile_sdk::raw::{self, Incoming, Outgoing};
use sessile_sdk::{Head, groups};

use crate::command::{case, obey};

struct Conformance;

impl WebsocketEvents for Conformance {
    fn on_open(ws: &WebSocket) -> Result<()> {
        if query(ws) == "undecided" { Ok(()) } else { open(ws) }
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        obey(ws, message)
    }

    fn on_close(ws: &WebSocket, close: Close) -> Result<()> {
        tell(ws, format!("closed {} {}", close.code, close.reason))
    }
}

impl WebsocketUpgrade for Conformance {
    fn on_upgrade(ws: &WebSocket, _from: u64) -> Result<()> {
        ws.set_attachment("upgraded")
    }
}

fn looped(ws: WebSocket) -> Result<()> {
    match query(&ws).as_str() {
        "raw" => return raw_echo(&ws),
        "raw-deny" => return raw_deny(&ws),
        _ => open(&ws)?,
    }
    let mut count = 0;
    while let Some(message) = ws.next()? {
        count += 1;
        if message.as_bytes() == b"count" {
            ws.send_text(count.to_string())?;
        } else {
            obey(&ws, message)?;
        }
    }
    if let Some(close) = ws.close_info() {
        tell(&ws, format!("closed {} {}", close.code, close.reason))?;
    }
    match ws.receive() {
        Err(Error::Disconnected(close)) => tell(&ws, format!("again {}", close.code)),
        other => other.map(drop),
    }
}

/// To the group that the path names.
fn tell(ws: &WebSocket, text: String) -> Result<()> {
    groups::publish(&ws.param("room").unwrap_or_default(), text).map(drop)
}

/// As it was sent.
fn query(head: &Head) -> String {
    head.url().query.unwrap_or_default()
}

fn open(ws: &WebSocket) -> Result<()> {
    const HEADER: [(&str, &str); 1] = [("x-guest", "1")];
    match query(ws).as_str() {
        "reject" => ws.reject(418, &HEADER, "no coffee"),
        "close" => ws.close(1000, ""),
        "fail" => Err("told to fail".into()),
        "subprotocol" => ws.accept_with(Some("b"), &HEADER),
        "not-offered" => refuse(ws, ws.accept_with(Some("zzz"), &HEADER)),
        "invalid-head" => refuse(ws, ws.accept_with(None, &[("bad name", "1")])),
        "early" => {
            let early = ws.send_text("early");
            ws.accept_with(None, &HEADER)?;
            ws.send_text(case(early.map(|()| None))?.unwrap_or_default())
        }
        "session" => {
            ws.session()?;
            ws.accept_with(None, &HEADER)
        }
        _ => ws.accept_with(None, &HEADER),
    }
}

fn refuse(ws: &WebSocket, accepted: Result<()>) -> Result<()> {
    match case(accepted.map(|()| None))? {
        Some(answer) => ws.reject(400, &[], answer),
        None => Ok(()),
    }
}

fn raw_echo(ws: &WebSocket) -> Result<()> {
    let accept = || Outgoing::Accept { subprotocol: None, headers: vec![("x-guest".into(), "1".into())] };
    loop {
        match raw::receive(ws)? {
            Incoming::Connect => raw::send(ws, accept())?,
            Incoming::Message(message) => {
                let answer = match message.as_bytes() {
                    b"states" => {
                        let (peer, application) = raw::states(ws);
                        format!("{peer:?} {application:?}").to_lowercase().into()
                    }
                    b"accept" => case(raw::send(ws, accept()).map(|()| None))?.unwrap_or_default().into(),
                    _ => message,
                };
                raw::send(ws, Outgoing::Message(answer))?;
            }
            Incoming::Disconnect(close) => return tell(ws, format!("closed {} {}", close.code, close.reason)),
        }
    }
}

fn raw_deny(ws: &WebSocket) -> Result<()> {
    raw::receive(ws)?;
    raw::send(ws, Outgoing::ResponseStart { status: 418, headers: vec![("x-guest".into(), "1".into())] })?;
    raw::send(ws, Outgoing::ResponseBody { body: b"no ".to_vec(), more: true })?;
    raw::send(ws, Outgoing::ResponseBody { body: b"coffee".to_vec(), more: false })
}

sessile_sdk::websocket_events!(Conformance);
sessile_sdk::websocket_upgrade!(Conformance);
sessile_sdk::websocket_loop!(looped);
sessile_sdk::http!(exchange::answer);
sessile_sdk::alarm!(realtime::ring);
