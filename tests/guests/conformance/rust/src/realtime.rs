//! Groups, connections and alarms.

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sessile_sdk::Queued;
use sessile_sdk::alarms::{self, Alarm, Owner, Ringing};
use sessile_sdk::connections::{self, Selection};
use sessile_sdk::groups::{self, Membership, Position, Scope};
use sessile_sdk::prelude::*;

use crate::command::{Answer, ok, optional, some, split};

/// Of a websocket.
pub(crate) fn join_as(ws: &WebSocket, line: &str) -> Answer {
    let [group, since, tags, metadata] = words(line);
    let mut how = Membership::new();
    if let Some(since) = position(since) {
        how = how.since(since);
    }
    for tag in tags.split(',').filter(|tag| *tag != "-") {
        how = how.tag(tag);
    }
    if metadata != "-" {
        how = how.metadata(&serde_json::from_str::<Value>(metadata)?)?;
    }
    let joined = ws.join_as(group, &how)?;
    some(format!("at {} recovered {} publications {}", at(joined.position), joined.recovered, joined.publications))
}

/// Commands of websockets and of HTTP; `me` is the id of a websocket.
pub(crate) fn obey(me: Option<u64>, session: impl Fn() -> Result<Session>, verb: &str, line: &str) -> Answer {
    match verb {
        "publish-to" => {
            let [group, scope, text] = words(line);
            let scope = match (scope.strip_prefix("tag:"), me) {
                (Some(tag), _) => Scope::all().tagged(tag),
                (None, Some(me)) if scope == "not-me" => Scope::all().except(me),
                (None, _) => Scope::all(),
            };
            let told = groups::publish_to(group, text, &scope)?;
            some(format!("queued {} full {} gone {} at {}", told.queued, told.full, told.gone, at(told.position)))
        }
        "members-count" => some(groups::count(line)?),
        "members" => {
            let members = groups::members(line).map(|member| {
                let member = member?;
                let metadata =
                    member.metadata::<Value>()?.map_or_else(|| "(none)".to_owned(), |value| value.to_string());
                Ok(format!("{metadata};{}", member.tags.join(",")))
            });
            some(members.collect::<Result<Vec<_>>>()?.join("|"))
        }
        "history" => {
            let [group, since, limit] = words(line);
            let page = groups::history(group, position(since), limit.parse().unwrap_or(0))?;
            let mut answer = format!("at {} recovered {}", at(Some(page.position)), page.recovered);
            for kept in page.publications {
                let _infallible = write!(answer, "|{}", kept.message.into_text()?);
            }
            some(answer)
        }
        "connections" => of_connections(line),
        "alarm" => of_alarms(session, line),
        _ => some("unsupported"),
    }
}

fn position(text: &str) -> Option<Position> {
    let (epoch, offset) = text.split_once(':')?;
    Some(Position { epoch: epoch.parse().ok()?, offset: offset.parse().ok()? })
}

fn at(position: Option<Position>) -> String {
    position.map_or_else(|| "(none)".to_owned(), |Position { epoch, offset }| format!("{epoch}:{offset}"))
}

fn of_connections(line: &str) -> Answer {
    let (verb, rest) = split(line);
    let (first, more) = split(rest);
    let id = first.parse().unwrap_or(0);
    match verb {
        "count" => some(connections::count(Selection::all().on_route(rest))?),
        "list" => {
            let listed = connections::list(Selection::all().in_group(rest))
                .map(|connection| connection.map(|connection| format!("{} {}", connection.handler, connection.state)));
            some(listed.collect::<Result<Vec<_>>>()?.join("|"))
        }
        "lookup" => {
            optional(connections::lookup(id)?.map(|found| format!("{} {} {}", found.handler, found.route, found.state)))
        }
        "send" => some(match connections::send_to(id, more)? {
            Queued::Queued(_) => "queued",
            Queued::Full => "full",
            Queued::Gone(_) => "gone",
        }),
        "send-all" => {
            let told = connections::send_to_all(Selection::all().on_route(first), more)?;
            some(format!("queued {} full {} gone {}", told.queued, told.full, told.gone))
        }
        "ping" => ok(connections::ping(id).map(drop)),
        "close" => {
            let (code, reason) = split(more);
            ok(connections::close(id, code.parse().unwrap_or(0), reason))
        }
        _ => some("unsupported"),
    }
}

fn of_alarms(session: impl Fn() -> Result<Session>, line: &str) -> Answer {
    let (verb, rest) = split(line);
    let [name, ms, payload] = words(rest);
    let due = SystemTime::now() + Duration::from_millis(ms.parse().unwrap_or(0));
    match verb {
        "set" => ok(alarms::set(Owner::App, name, due, payload.as_bytes())),
        "set-session" => ok(alarms::set(&session()?, name, due, payload.as_bytes())),
        "list" => {
            let listed = alarms::list(Owner::App, None, 100)?;
            some(listed.into_iter().map(|alarm| alarm.name).collect::<Vec<_>>().join("|"))
        }
        "cancel" => some(alarms::cancel(Owner::App, rest)?),
        _ => some("unsupported"),
    }
}

pub(crate) fn ring(ringing: Ringing, alarm: Alarm) -> Result<()> {
    let payload = String::from_utf8_lossy(&alarm.payload);
    groups::publish("alarms", format!("alarm {} {} {payload}", alarm.name, alarm.attempt))?;
    match &*payload {
        "fail" if alarm.attempt == 1 => Err("told to fail".into()),
        "session" => ringing.session()?.set("news", &alarm.name),
        _ => Ok(()),
    }
}

/// So many of a line, of which the last is the rest.
fn words<const COUNT: usize>(mut line: &str) -> [&str; COUNT] {
    std::array::from_fn(|at| {
        if at + 1 == COUNT {
            return line;
        }
        let (first, rest) = split(line);
        line = rest;
        first
    })
}
