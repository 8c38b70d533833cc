//! Questions about who is connected, and what is done to them: a verb, its arguments, then what narrows the selection.

use serde_json::{Value, json};
use sessile_sdk::connections::{self, Connection, Delivery, Selection};
use sessile_sdk::prelude::*;
use sessile_sdk::{Head, Queued};

/// `count`, `list`, `page AFTER LIMIT`, `lookup ID`, `send ID TEXT`, `stuff ID BYTES`, `all TEXT`, `ping ID`, `close ID CODE REASON`;
/// of a selection `route=`, `handler=`, `group=`, `session`.
pub(crate) fn ask(head: &Head, words: &str) -> Result<String> {
    let mut words = words.split(' ');
    let mut next = || words.next().unwrap_or_default();
    Ok(match next() {
        "count" => connections::count(selection(head, words))?.to_string(),
        "list" => {
            let all: Vec<_> = connections::list(selection(head, words)).collect::<Result<_>>()?;
            Value::from_iter(all.iter().map(shown)).to_string()
        }
        "page" => {
            let (after, limit) = (id(next()).ok(), next().parse().unwrap_or(0));
            let page = connections::page(selection(head, words), after, limit)?;
            page.iter().map(|connection| format!("{:016x}", connection.id)).collect::<Vec<_>>().join(",")
        }
        "lookup" => connections::lookup(id(next())?)?
            .as_ref()
            .map_or_else(|| "nobody".to_owned(), |found| shown(found).to_string()),
        "send" => queued(&connections::send_to(id(next())?, next())?),
        "stuff" => {
            let (id, bytes) = (id(next())?, next().parse().unwrap_or(0));
            let mut taken = 0;
            while let Queued::Queued(_) = connections::send_to(id, vec![0; bytes])? {
                taken += 1;
            }
            format!("stuffed {taken}")
        }
        "all" => {
            let text = next().to_owned();
            delivered(&connections::send_to_all(selection(head, words), text)?)
        }
        "ping" => (connections::ping(id(next())?)?.as_nanos() > 0).to_string(),
        "close" => {
            let (id, code) = (id(next())?, next().parse().unwrap_or(0));
            connections::close(id, code, next())?;
            "closing".to_owned()
        }
        verb => format!("{verb} is not known"),
    })
}

pub(crate) fn id(hex: &str) -> Result<u64> {
    u64::from_str_radix(hex, 16).map_err(|error| error.to_string().into())
}

pub(crate) fn selection<'a>(head: &Head, words: impl Iterator<Item = &'a str>) -> Selection {
    words.fold(Selection::all(), |which, word| match word.split_once('=') {
        Some(("route", route)) => which.on_route(route),
        Some(("handler", handler)) => which.of_handler(handler),
        Some(("group", group)) => which.in_group(group),
        _ if word == "session" => which.of_session(head),
        _ => panic!("{word} narrows nothing"),
    })
}

pub(crate) fn shown(found: &Connection) -> Value {
    json!({
        "id": format!("{:016x}", found.id),
        "handler": found.handler,
        "route": found.route,
        "path": found.path,
        "state": found.state.to_string(),
        "awake": found.is_awake,
        "why": found.why,
        "buffered": found.buffered,
        "subprotocol": found.subprotocol,
        "recent": found.started_at.elapsed().is_ok_and(|since| since.as_secs() < 600),
    })
}

pub(crate) fn queued(queued: &Queued) -> String {
    match queued {
        Queued::Queued(bytes) => format!("queued {bytes}"),
        Queued::Full => "full".to_owned(),
        Queued::Gone(close) => format!("gone {}", close.code),
    }
}

pub(crate) fn delivered(delivery: &Delivery) -> String {
    let Delivery { queued, full, gone, too_large } = delivery;
    format!("{queued} {full} {gone} {too_large}")
}
