//! Reminders: an alarm of the session for each, which finds the session's pages, or is kept for the next.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Deserialize;
use serde_json::json;
use sessile_sdk::alarms::{self, Alarm, Ringing};
use sessile_sdk::{groups, prelude::*};

const TEXT_BYTES_MAX: usize = 1000;
const IN_S_MAX: u64 = 366 * 24 * 3600;
/// Of those that nobody heard: a session has 64 KiB.
const MISSED_MAX: usize = 10;

/// What a page sends.
#[derive(Deserialize)]
struct Wish {
    text: String,
    in_s: u64,
}

struct Reminders;

impl WebsocketEvents for Reminders {
    /// The session is opened before accept, so that its cookie is on the handshake; and saved, so that alarms find it.
    fn on_open(ws: &WebSocket) -> Result<()> {
        let session = ws.session()?;
        if session.get::<String>("inbox")?.is_none() {
            // Nobody guesses a websocket's id.
            session.set("inbox", &format!("inbox:{:016x}", ws.id()))?;
            session.save()?;
        }
        ws.accept()?;
        ws.join(&inbox(&session)?)?;
        for text in session.get::<Vec<String>>("missed")?.unwrap_or_default() {
            ws.send_json(&json!({ "rang": text, "late": true }))?;
        }
        session.remove("missed")?;
        session.save()?;
        tell_waiting(&session)
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        let session = ws.session()?;
        match message.json() {
            Ok(Wish { text, in_s }) if in_s <= IN_S_MAX && (1..=TEXT_BYTES_MAX).contains(&text.len()) => {
                let due = SystemTime::now() + Duration::from_secs(in_s);
                // Names are the order, and no two are alike.
                let name = format!("{:020}-{:016x}", millis(due), millis(SystemTime::now()));
                alarms::set(&session, &name, due, text.as_bytes())?;
                tell_waiting(&session)
            }
            _ => ws.close(1008, "a page says {\"text\": …, \"in_s\": …}"),
        }
    }
}

/// Runs without a websocket. It may ring twice, and is then heard twice.
fn ring(ringing: Ringing, alarm: Alarm) -> Result<()> {
    let session = ringing.session()?;
    let text = String::from_utf8_lossy(&alarm.payload).into_owned();
    let heard = groups::publish(&inbox(&session)?, json!({ "rang": text, "late": false }).to_string())?;
    if heard.queued == 0 {
        let mut missed = session.get::<Vec<String>>("missed")?.unwrap_or_default();
        missed.push(text);
        let old = missed.len().saturating_sub(MISSED_MAX);
        missed.drain(..old);
        session.set("missed", &missed)?;
    }
    Ok(())
}

/// To all pages of the session.
fn tell_waiting(session: &Session) -> Result<()> {
    let waiting = alarms::list(session, None, 100)?.into_iter();
    let waiting: Vec<_> = waiting
        .map(|alarm| json!({ "text": String::from_utf8_lossy(&alarm.payload), "due_ms": millis(alarm.due) }))
        .collect();
    groups::publish(&inbox(session)?, json!({ "waiting": waiting }).to_string()).map(drop)
}

fn inbox(session: &Session) -> Result<String> {
    session.get("inbox")?.ok_or_else(|| "the session has no inbox".into())
}

fn millis(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

sessile_sdk::websocket_events!(Reminders);
sessile_sdk::alarm!(ring);
