//! Chat: rooms by path, names from the session, a page to use it with.

use serde_json::json;
use sessile_sdk::{groups, prelude::*};

const PAGE: &str = include_str!("page.html");
const NAME_CHARS_MAX: usize = 32;
/// A group's name has at most 100 bytes, and `room:` is five.
const ROOM_BYTES_MAX: usize = 95;
/// So that a line with its JSON stays within the host's limit of 64 KiB, however much is escaped.
const TEXT_BYTES_MAX: usize = 8 * 1024;

struct Chat;

impl WebsocketEvents for Chat {
    /// The session is opened before accept, so that its cookie is on the handshake.
    fn on_open(ws: &WebSocket) -> Result<()> {
        let Some(group) = group(ws) else { return ws.reject(404, &[], "no such room") };
        let name = name(&ws.session()?)?;
        ws.accept()?;
        ws.join(&group)?;
        publish(ws, "join", &name, "")
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        match message {
            Message::Text(text) if text.len() <= TEXT_BYTES_MAX => {
                let name = name(&ws.session()?)?;
                publish(ws, "message", &name, &text)
            }
            Message::Text(_) => refuse(ws, 1009, "a message has at most 8 KiB"),
            Message::Binary(_) => refuse(ws, 1003, "text only"),
        }
    }

    fn on_close(ws: &WebSocket, _close: Close) -> Result<()> {
        let name = name(&ws.session()?)?;
        publish(ws, "leave", &name, "")
    }
}

fn refuse(ws: &WebSocket, code: u16, reason: &str) -> Result<()> {
    match ws.close(code, reason) {
        // Sent by the peer before it saw the close.
        Err(Error::WrongState { .. }) => Ok(()),
        other => other,
    }
}

/// To everybody in the room; the end of a websocket that was rejected concerns none.
fn publish(ws: &WebSocket, kind: &str, from: &str, text: &str) -> Result<()> {
    let Some(group) = group(ws) else { return Ok(()) };
    let line = json!({ "kind": kind, "from": from, "text": text });
    groups::publish(&group, line.to_string())?;
    Ok(())
}

fn group(ws: &WebSocket) -> Option<String> {
    ws.param("room").filter(|room| room.len() <= ROOM_BYTES_MAX).map(|room| format!("room:{room}"))
}

fn name(session: &Session) -> Result<String> {
    Ok(session.get("name")?.unwrap_or_else(|| "anonymous".to_owned()))
}

fn site(request: Request) -> Result<Response> {
    match (request.method().as_str(), request.path().as_str()) {
        ("GET", "/") => Ok(Response::html(PAGE)),
        ("GET", "/me") => Response::json(&json!({ "name": name(&request.session()?)? })),
        ("POST", "/name") => rename(request),
        _ => Ok(Response::text("no such page").with_status(404)),
    }
}

fn rename(request: Request) -> Result<Response> {
    let form = request.form()?;
    let (name, room) = (form.get("name").unwrap_or_default().trim(), form.get("room").unwrap_or("lobby"));
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        return Ok(Response::text(format!("a name has 1 to {NAME_CHARS_MAX} characters")).with_status(400));
    }
    if !(1..=ROOM_BYTES_MAX).contains(&room.len()) {
        return Ok(Response::text(format!("a room has 1 to {ROOM_BYTES_MAX} bytes")).with_status(400));
    }
    request.session()?.set("name", name)?;
    Ok(Response::see_other(&format!("/?room={}", encoded(room))))
}

/// Percent-encodes all but letters and digits.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

sessile_sdk::websocket_events!(Chat);
sessile_sdk::http!(site);
