//! Commands: those of websockets, and those that HTTP has too.

use std::hint::black_box;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;
use sessile_sdk::prelude::*;
use sessile_sdk::{Head, JsonMode, Queued, groups, log, time};

use crate::realtime;

/// What a command is answered by; none where it was answered, or is not to be.
pub(crate) type Answer = Result<Option<String>>;

/// The answer that an error is, where it is not the handler's end.
pub(crate) fn case(answer: Answer) -> Answer {
    let error = match answer {
        Err(error) => error,
        answer => return answer,
    };
    let case = match &error {
        Error::WrongState { call, state } => return some(format!("error wrong-state {call} {state}")),
        Error::BadJson { line, column, .. } => return some(format!("error bad-json {line}:{column}")),
        Error::WrongKind { .. } => "wrong-kind",
        Error::TooLarge { .. } => "too-large",
        Error::TimedOut => "timed-out",
        Error::WrongStyle => "wrong-style",
        Error::InvalidCode(_) => "invalid-code",
        Error::NotOffered(_) => "not-offered",
        Error::InvalidHead(_) => "invalid-head",
        Error::WrongOrder(_) => "wrong-order",
        Error::Conflict(_) => "conflict",
        Error::CookieUnreachable => "cookie-unreachable",
        Error::SessionUnavailable(_) => "unavailable",
        Error::SessionDeleted => "deleted",
        Error::Unknown(_) => "unknown",
        Error::Unsupported => "unsupported",
        _ => return Err(error),
    };
    some(format!("error {case}"))
}

/// Does what a message says.
pub(crate) fn obey(ws: &WebSocket, message: Message) -> Result<()> {
    let Message::Text(line) = &message else { return ws.send(message) };
    match case(of_websocket(ws, line))? {
        Some(answer) => ws.send_text(answer),
        None => Ok(()),
    }
}

fn of_websocket(ws: &WebSocket, line: &str) -> Answer {
    let (verb, rest) = split(line);
    let number = || rest.parse().unwrap_or(0);
    let milliseconds = || Duration::from_millis(number());
    match verb {
        "state" => some(ws.state()),
        "id" => some(ws.id()),
        "subprotocol" => optional(ws.subprotocol()),
        "offered" => some(ws.offered_subprotocols().join("|")),
        "text" => ws.send_text(rest).map(|()| None),
        "bytes" => ws.send_bytes(rest).map(|()| None),
        "json" => ws.send_json(&serde_json::from_str::<Value>(rest)?).map(|()| None),
        "json-binary" => ws.send_json_in(&serde_json::from_str::<Value>(rest)?, JsonMode::Binary).map(|()| None),
        "accept" => ok(ws.accept()),
        "close" => {
            let (code, reason) = split(rest);
            ws.close(code.parse().unwrap_or(0), reason).map(|()| None)
        }
        "ping" => ok(ws.ping().map(drop)),
        "round-trip" => optional(ws.round_trip().map(|took| took.as_nanos())),
        "flood" => (0..number()).try_for_each(|number| ws.send_text(number.to_string())).map(|()| None),
        "try-send" => try_send(ws, number()),
        "dropped" => some(ws.dropped()),
        "buffered" => some(ws.buffered()),
        "join" => ok(ws.join(rest)),
        "leave" => ok(ws.leave(rest)),
        "join-as" => realtime::join_as(ws, rest),
        "attach" => ok(ws.set_attachment(rest)),
        "attachment" => some(String::from_utf8_lossy(&ws.attachment())),
        "receive" => some(ws.receive_timeout(milliseconds())?.into_text()?),
        "receive-text" => some(ws.receive_text()?),
        "receive-bytes" => some(ws.receive_bytes()?.len()),
        "receive-json" => ws.send_json(&ws.receive_json_in::<Value>(JsonMode::Text)?).map(|()| None),
        "receive-json-binary" => ws.send_json(&ws.receive_json_in::<Value>(JsonMode::Binary)?).map(|()| None),
        _ => of_any(ws, Some(ws.id()), || ws.session(), line),
    }
}

fn try_send(ws: &WebSocket, times: u64) -> Answer {
    let (mut queued, mut full, mut gone) = (0, 0, 0);
    for _ in 0..times {
        match ws.try_send("x".repeat(60_000))? {
            Queued::Queued(_) => queued += 1,
            Queued::Full => full += 1,
            Queued::Gone(_) => gone += 1,
        }
    }
    some(format!("queued {queued} full {full} gone {gone}"))
}

/// Commands of websockets and of HTTP; `me` is the id of a websocket.
pub(crate) fn of_any(head: &Head, me: Option<u64>, session: impl Fn() -> Result<Session>, line: &str) -> Answer {
    let (verb, rest) = split(line);
    let list = |values: Vec<&str>| some(values.join("|"));
    match verb {
        "scope" => optional(head.scope().get(rest).map(|value| value.as_str().unwrap_or_default().to_owned())),
        "method" => some(head.method()),
        "scheme" => some(head.scheme()),
        "host" => some(head.host()),
        "path" => some(head.path()),
        "http-version" => some(head.version()),
        "query" => optional(head.url().query),
        "client" => some(head.peer_address()),
        "server" => some(head.local_address()),
        "started" => some(head.started_at().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis()),
        "url" => some(head.url()),
        "url-hostname" => some(head.url().hostname()),
        "url-port" => optional(head.url().port()),
        "is-secure" => some(head.is_secure()),
        "is-local" => some(head.is_local()),
        "origin" => optional(head.origin()),
        "param" => optional(head.param(rest)),
        "header" => optional(head.headers().get(rest)),
        "headers" => list(head.headers().get_all(rest).collect()),
        "header-names" => list(head.headers().iter().map(|(name, _)| name).collect()),
        "query-param" => optional(head.query().get(rest)),
        "query-params" => list(head.query().get_all(rest).collect()),
        "cookie" => optional(head.cookies().get(rest)),
        "cookies" => list(head.cookies().get_all(rest).collect()),
        "publish" => {
            let (group, text) = split(rest);
            let publication = groups::publish(group, text)?;
            some(format!("queued {} dropped {}", publication.queued, publication.dropped))
        }
        "sleep" => {
            time::sleep(Duration::from_millis(rest.parse().unwrap_or(0)));
            ok(Ok(()))
        }
        "log" => {
            log::warn(rest);
            ok(Ok(()))
        }
        "session" => of_session(&session()?, rest),
        "fail" => Err(rest.into()),
        "crash" => some(Vec::<u8>::new()[black_box(1)]),
        "spin" => loop {
            black_box(());
        },
        _ => realtime::obey(me, session, verb, rest),
    }
}

fn of_session(session: &Session, line: &str) -> Answer {
    let (verb, rest) = split(line);
    match verb {
        "open" => ok(Ok(())),
        "get" => optional(session.get::<Value>(rest)?),
        "set" => {
            let (key, json) = split(rest);
            ok(session.set(key, &serde_json::from_str::<Value>(json)?))
        }
        "remove" => some(session.remove(rest)?),
        "contains" => some(session.contains(rest)?),
        "keys" => some(session.keys()?.join("|")),
        "is-empty" => some(session.is_empty()?),
        "is-new" => some(session.is_new()?),
        "version" => some(session.version()?),
        "clear" => ok(session.clear()),
        "discard" => ok(session.discard()),
        "save" => ok(session.save().map(drop)),
        "save-if" => ok(session.save_if_version(rest.parse().unwrap_or(0)).map(drop)),
        "cycle" => ok(session.cycle_id()),
        "flush" => ok(session.flush()),
        "expiry" => ok(session.set_expiry(rest.parse().ok().map(Duration::from_secs))),
        "user" => optional(session.user::<String>()?),
        _ => some("unsupported"),
    }
}

pub(crate) fn split(line: &str) -> (&str, &str) {
    line.split_once(' ').unwrap_or((line, ""))
}

pub(crate) fn some(value: impl ToString) -> Answer {
    Ok(Some(value.to_string()))
}

pub(crate) fn optional(value: Option<impl ToString>) -> Answer {
    Ok(Some(value.map_or_else(|| "(none)".to_owned(), |value| value.to_string())))
}

pub(crate) fn ok(done: Result<()>) -> Answer {
    done.map(|()| Some("ok".to_owned()))
}
