//! A feed: published by anybody, heard by WebSocket and by server-sent events, with nothing missed by those that come back.

use std::time::Duration;

use serde_json::json;
use sessile_sdk::groups::{self, Position};
use sessile_sdk::prelude::*;
use sessile_sdk::{SseEvent, time};

const FEED: &str = "feed";
const TEXT_CHARS_MAX: usize = 500;
/// How often the history is looked at for who listens by events.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// After which a browser is to come again: a handler that streams holds an instance.
const STREAM: u32 = 25_000 / 200;
const PAGE: u32 = 100;

struct Live;

impl WebsocketEvents for Live {
    /// What it missed is sent by the host: the page's client has said where it stood.
    fn on_open(ws: &WebSocket) -> Result<()> {
        ws.accept()?;
        ws.join(FEED)
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        match message {
            Message::Text(text) if fits(&text) => publish(&text),
            _ => ws.close(1008, "a page says a text of 1 to 500 characters"),
        }
    }
}

fn http(request: Request) -> Result<Response> {
    match (request.method().as_str(), request.path().as_str()) {
        ("POST", "/publish") => {
            let text = request.text()?;
            if !fits(&text) {
                return Ok(Response::text("a text of 1 to 500 characters").with_status(400));
            }
            publish(&text)?;
            Ok(Response::status(204))
        }
        ("GET", "/events") => stream(request),
        _ => Ok(Response::text("no such page").with_status(404)),
    }
}

fn fits(text: &str) -> bool {
    (1..=TEXT_CHARS_MAX).contains(&text.trim().chars().count())
}

/// It is on disk when this returns.
fn publish(text: &str) -> Result<()> {
    groups::publish(FEED, json!({ "text": text.trim() }).to_string()).map(drop)
}

/// What the history has after the browser's last event, or all of it; then what is new, as it comes.
fn stream(request: Request) -> Result<Response> {
    let mut since = request.last_event_id().as_deref().and_then(position);
    let asked = since.is_some();
    let events = request.events()?;
    for look in 0..STREAM {
        let page = groups::history(FEED, since, PAGE)?;
        if asked && look == 0 && !page.recovered {
            events.send(SseEvent::data("something was missed").with_event("gap"))?;
            since = None;
            continue;
        }
        for kept in &page.publications {
            let at = Position { offset: kept.offset, ..page.position };
            events.send(SseEvent::data(kept.message.clone().into_text()?).with_id(&id(at)))?;
            since = Some(at);
        }
        since = since.or(Some(page.position));
        if page.publications.is_empty() {
            events.keep_alive()?;
            time::sleep(LOOK_AGAIN);
        }
    }
    events.finish()?;
    Ok(Response::streamed())
}

/// As a browser keeps it between two streams.
fn id(position: Position) -> String {
    format!("{:x}-{}", position.epoch, position.offset)
}

fn position(id: &str) -> Option<Position> {
    let (epoch, offset) = id.split_once('-')?;
    Some(Position { epoch: u64::from_str_radix(epoch, 16).ok()?, offset: offset.parse().ok()? })
}

sessile_sdk::websocket_events!(Live);
sessile_sdk::http!(http);
