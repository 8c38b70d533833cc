//! Chat: rooms by path, names from the session, a page to use it with.

use serde_json::json;
use sessile_sdk::{groups, prelude::*};

const PAGE: &str = include_str!("page.html");
const NAME_CHARS_MAX: usize = 32;

struct Chat;

impl WebsocketEvents for Chat {
    async fn on_open(ws: &WebSocket) -> Result<()> {
        let name = name(&ws.session().await?)?;
        ws.accept().await?;
        ws.join(&room(ws)).await?;
        publish(ws, "join", &name, "").await
    }

    async fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        let name = name(&ws.session().await?)?;
        publish(ws, "message", &name, &message.into_text()?).await
    }

    async fn on_close(ws: &WebSocket, _close: Close) -> Result<()> {
        let name = name(&ws.session().await?)?;
        publish(ws, "leave", &name, "").await
    }
}

async fn publish(ws: &WebSocket, kind: &str, from: &str, text: &str) -> Result<()> {
    let line = json!({ "kind": kind, "from": from, "text": text });
    groups::publish(&room(ws), line.to_string()).await?;
    Ok(())
}

fn room(ws: &WebSocket) -> String {
    format!("room:{}", ws.param("room").unwrap_or_default())
}

fn name(session: &Session) -> Result<String> {
    Ok(session.get("name")?.unwrap_or_else(|| "anonymous".to_owned()))
}

async fn site(request: Request) -> Result<Response> {
    match (request.method().as_str(), request.path().as_str()) {
        ("GET", "/") => Ok(Response::html(PAGE)),
        ("GET", "/me") => Response::json(&json!({ "name": name(&request.session().await?)? })),
        ("POST", "/name") => rename(request).await,
        _ => Ok(Response::text("no such page").with_status(404)),
    }
}

async fn rename(request: Request) -> Result<Response> {
    let form = request.form().await?;
    let name: String = form.get("name").unwrap_or_default().trim().chars().take(NAME_CHARS_MAX).collect();
    if name.is_empty() {
        return Ok(Response::text("a name has 1 to 32 characters").with_status(400));
    }
    request.session().await?.set("name", &name)?;
    Ok(Response::see_other(&format!("/?room={}", encoded(form.get("room").unwrap_or("lobby")))))
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
