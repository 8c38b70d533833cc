//! Commands over a websocket.

use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sessile_sdk::prelude::*;
use sessile_sdk::{JsonMode, groups, time};

use crate::table;

static EVENTS: AtomicU32 = AtomicU32::new(0);
static HOARD: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Acts on `?open=`, then accepts as `?subprotocol=`, `?header=` and `?session=` say.
pub(crate) fn open(ws: &WebSocket) -> Result<()> {
    let query = ws.query();
    match query.get("open") {
        Some("panic") => panic!("guest says boom"),
        Some("spin") => spin(),
        Some("fail") => return Err("guest failed on purpose".into()),
        Some("sleep") => time::sleep(Duration::from_secs(60)),
        Some("reject") => return ws.reject(418, &[("x-why", "tea")], "no coffee"),
        Some("close") => return ws.close(4000, ""),
        _ => {}
    }
    if query.get("session").is_some() {
        ws.session()?;
    }
    let headers: &[_] = if query.get("header").is_some() { &[("x-guest", "1")] } else { &[] };
    ws.accept_with(query.get("subprotocol"), headers)
}

/// Does what the message says, or echoes it.
pub(crate) fn obey(ws: &WebSocket, message: Message) -> Result<()> {
    EVENTS.fetch_add(1, Ordering::Relaxed);
    let Message::Text(text) = &message else { return ws.send(message) };
    let mut words = text.split(' ');
    let (word, rest) = (words.next().unwrap_or_default(), text.split_once(' ').map_or("", |(_, rest)| rest));
    let mut argument = || words.next().unwrap_or_default();
    let answer = match word {
        "panic" => panic!("guest says boom"),
        "spin" => spin(),
        "turn" => turn(argument().parse().unwrap_or(0)),
        "grow" => grow(),
        "hold" => hold(argument().parse().unwrap_or(0), argument().parse().unwrap_or(0)),
        "recurse" => recurse(1).to_string(),
        "fail" => return Err("guest failed on purpose".into()),
        "close" => {
            let code = argument().parse().unwrap_or(0);
            match ws.close(code, argument()) {
                Ok(()) | Err(Error::Disconnected(_)) => return Ok(()),
                Err(error) => error.to_string(),
            }
        }
        "flood" => return flood(ws, argument().parse().unwrap_or(0)),
        "stuff" => stuff(ws, argument().parse().unwrap_or(0))?,
        "sleep" => {
            time::sleep(Duration::from_millis(argument().parse().unwrap_or(0)));
            "slept".to_owned()
        }
        "stderr" => {
            eprintln!("{rest}");
            "ok".to_owned()
        }
        "join" => shown(ws.join(rest).map(|()| "joined")),
        "leave" => shown(ws.leave(rest).map(|()| "left")),
        "publish" => publish(argument(), argument())?,
        "who" => shown(crate::who::ask(ws, rest)),
        "session" => session(ws, argument(), argument(), argument()),
        "state" => ws.state().to_string(),
        "events" => EVENTS.load(Ordering::Relaxed).to_string(),
        "scope" => serde_json::Value::Object(ws.scope()).to_string(),
        "context" => context(ws),
        "ping" => shown(ws.ping().map(|took| took.as_nanos() > 0)),
        "round-trip" => format!("{:?}", ws.round_trip().map(|took| took.as_nanos() > 0)),
        "dropped" => ws.dropped().to_string(),
        "buffered" => ws.buffered().to_string(),
        "json" => return ws.send_json_text(rest, JsonMode::Text),
        "json-binary" => return ws.send_json_text(rest, JsonMode::Binary),
        "expect-text" => shown(ws.receive_text()),
        "expect-bytes" => shown(ws.receive_bytes().map(|bytes| bytes.len())),
        "expect-json" => shown(ws.receive_json_text(JsonMode::Text)),
        "expect-json-binary" => shown(ws.receive_json_text(JsonMode::Binary)),
        "call" => table::call(ws, argument()),
        "closing" => {
            ws.close(4000, "bye")?;
            return table::report(ws, &sessile_sdk::Query::parse(rest));
        }
        "again" => shown(ws.accept().map(|()| "accepted")),
        "receive" => shown(ws.receive().map(|_| "received")),
        "large" => shown(ws.send("x".repeat(argument().parse().unwrap_or(0))).map(|()| "sent")),
        "stranger" => WebSocket::new(ws.id() ^ 1).state().to_string(),
        _ => return ws.send(message),
    };
    ws.send(answer)
}

pub(crate) fn spin<T>() -> T {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

/// Works for so many million turns, some milliseconds each.
fn turn(millions: u64) -> String {
    let turns = (0..millions * 1_000_000).fold(0_u64, |turns, _| black_box(turns.wrapping_add(1)));
    format!("turned {turns}")
}

pub(crate) fn grow<T>() -> T {
    let mut hoard = Vec::new();
    loop {
        hoard.push(black_box(vec![1_u8; 1 << 20]));
    }
}

/// Takes so many MiB more and keeps them; for so many milliseconds within the call.
pub(crate) fn hold(mib: usize, millis: u64) -> String {
    let mut hoard = HOARD.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..mib {
        hoard.push(black_box(vec![1; 1 << 20]));
    }
    if millis > 0 {
        time::sleep(Duration::from_millis(millis));
    }
    format!("holds {}", hoard.len())
}

fn recurse(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    if depth == 0 { frame[0] } else { recurse(depth + 1) + frame[1] }
}

fn flood(ws: &WebSocket, messages: u32) -> Result<()> {
    for number in 0..messages {
        ws.send(number.to_string())?;
    }
    Ok(())
}

/// Sends without waiting until the outbox is full; says how many it took.
fn stuff(ws: &WebSocket, bytes: usize) -> Result<String> {
    let mut taken = 0;
    while let sessile_sdk::Queued::Queued(_) = ws.try_send(vec![0; bytes])? {
        taken += 1;
    }
    Ok(format!("stuffed {taken}"))
}

fn publish(group: &str, text: &str) -> Result<String> {
    let publication = groups::publish(group, text)?;
    Ok(format!("published {} {}", publication.queued, publication.dropped))
}

fn session(ws: &WebSocket, verb: &str, key: &str, value: &str) -> String {
    match ws.session() {
        Ok(session) => shown(on_session(&session, verb, key, value)),
        Err(error) => format!("error: {error}"),
    }
}

/// One operation on a session, over a websocket or HTTP.
pub(crate) fn on_session(session: &Session, verb: &str, key: &str, value: &str) -> Result<String> {
    let number = || value.parse().unwrap_or(0);
    Ok(match verb {
        "get" => session.get::<serde_json::Value>(key)?.unwrap_or_default().to_string(),
        "set" => session.set(key, value).map(|()| "set".to_owned())?,
        "remove" => session.remove(key)?.to_string(),
        "contains" => session.contains(key)?.to_string(),
        "keys" => session.keys()?.join(","),
        "empty" => session.is_empty()?.to_string(),
        "new" => session.is_new()?.to_string(),
        "version" => session.version()?.to_string(),
        "clear" => session.clear().map(|()| "cleared".to_owned())?,
        "discard" => session.discard().map(|()| "discarded".to_owned())?,
        "save" => format!("saved {}", session.save()?),
        "user" => session.user::<String>()?.unwrap_or_default(),
        "put" => {
            session.set(key, value)?;
            session.save().map(|_version| "put".to_owned())?
        }
        "save-if" => format!("saved {}", session.save_if_version(number())?),
        "expiry" => session.set_expiry(Some(Duration::from_secs(number()))).map(|()| "set".to_owned())?,
        "cycle" => session.cycle_id().map(|()| "cycled".to_owned())?,
        "flush" => session.flush().map(|()| "flushed".to_owned())?,
        _ => format!("{verb} is not known"),
    })
}

/// All that FEATURES A12 names, in one line.
fn context(ws: &WebSocket) -> String {
    serde_json::json!({
        "id": format!("{:016x}", ws.id()),
        "state": ws.state().to_string(),
        "subprotocol": ws.subprotocol(),
        "offered": ws.offered_subprotocols(),
        "host": ws.host(),
        "origin": ws.origin(),
        "cookie": ws.cookies().get("a"),
        "cookies": ws.cookies().get_all("a").collect::<Vec<_>>(),
        "query": ws.query().get("q"),
        "queries": ws.query().get_all("q").collect::<Vec<_>>(),
        "header": ws.header("X-Test"),
        "headers": ws.headers().get_all("x-TEST").collect::<Vec<_>>(),
        "none": ws.headers().get("x-none"),
        "order": ws.headers().iter().map(|(name, _)| name).filter(|name| name.starts_with("x-")).collect::<Vec<_>>(),
        "url": ws.url().to_string(),
        "secure": ws.is_secure(),
        "local": ws.is_local(),
        "version": ws.version(),
        "peer": ws.peer_address(),
        "server": ws.local_address(),
        "started": ws.started_at().elapsed().is_ok_and(|since| since.as_secs() < 60),
    })
    .to_string()
}

pub(crate) fn shown<T: ToString>(result: Result<T>) -> String {
    match result {
        Ok(value) => value.to_string(),
        Err(error) => format!("error: {error}"),
    }
}
