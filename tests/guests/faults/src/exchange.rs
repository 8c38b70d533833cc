//! Commands over HTTP, by path.

use std::time::Duration;

use serde_json::json;
use sessile_sdk::prelude::*;
use sessile_sdk::{groups, time};

use crate::command::{grow, hold, spin};
use crate::network;

pub(crate) fn answer(request: &Request) -> Result<Response> {
    let rest = request.param("rest").unwrap_or_default();
    let (word, argument) = rest.split_once('/').unwrap_or((&rest, ""));
    match word {
        "panic" => panic!("guest says boom"),
        "spin" => spin(),
        "grow" => grow(),
        "hold" => Ok(Response::text(hold(argument.parse().unwrap_or(0), 0))),
        "fail" => Err("guest failed on purpose".into()),
        "nothing" => Ok(Response::streamed()),
        "status" => Ok(Response::text(argument).with_status(argument.parse().unwrap_or(0))),
        "echo" => echo(request),
        "head" => head(request),
        "twice" => twice(request),
        "abort" => abort(request),
        "short" => short(request),
        "split" => Ok(Response::text("").with_header("x", "a\r\nset-cookie: b=c")),
        "slow" => {
            time::sleep(Duration::from_millis(argument.parse().unwrap_or(0)));
            Ok(Response::text("slow"))
        }
        "session" => session(request, argument),
        "raw" => raw(request),
        "fetch" => Ok(Response::text(network::fetch(argument))),
        "reach" => Ok(Response::text(network::reach(argument))),
        "cancel" => cancel(request, argument),
        "dispose" => dispose(request, argument),
        "flood" => flood(request, argument.parse().unwrap_or(0)),
        "whole" => whole(request, argument),
        "events" => events(request),
        "poll" => poll(request),
        "publish" => publish(request),
        "who" => who(request),
        _ => Ok(Response::text("unknown").with_status(404)),
    }
}

fn echo(request: &Request) -> Result<Response> {
    let body = request.start(200, &[("content-type", "application/octet-stream")])?;
    while let Some(part) = request.read()? {
        body.write(part)?;
    }
    body.finish()?;
    Ok(Response::streamed())
}

fn head(request: &Request) -> Result<Response> {
    let headers = request.headers();
    Response::json(&json!({
        "method": request.method(),
        "path": request.path(),
        "query": request.query().get("q"),
        "rest": request.param("rest"),
        "url": request.url().to_string(),
        "version": request.version(),
        "host": request.host(),
        "peer": request.peer_address(),
        "x": headers.get_all("X-Test").collect::<Vec<_>>(),
        "order": headers.iter().map(|(name, _)| name).collect::<Vec<_>>(),
    }))
}

fn twice(request: &Request) -> Result<Response> {
    request.respond(Response::text("once"))?;
    let error = request.respond(Response::text("twice")).err();
    sessile_sdk::log::info(format_args!("{error:?}"));
    Ok(Response::streamed())
}

fn abort(request: &Request) -> Result<Response> {
    let body = request.start(200, &[])?;
    body.write("begun")?;
    // Until the head is on its way: cut at once, the peer would see no response at all.
    time::sleep(Duration::from_millis(50));
    Ok(Response::streamed())
}

fn short(request: &Request) -> Result<Response> {
    let body = request.start(200, &[("content-length", "10")])?;
    body.write("five.")?;
    time::sleep(Duration::from_millis(50));
    body.finish()?;
    Ok(Response::streamed())
}

fn session(request: &Request, verb: &str) -> Result<Response> {
    let (session, query) = (request.session()?, request.query());
    let (key, value) = (query.get("k").unwrap_or_default(), query.get("v").unwrap_or_default());
    let status = query.get("status").and_then(|status| status.parse().ok()).unwrap_or(200);
    let answer = crate::command::on_session(&session, verb, key, value);
    if let Some(then) = query.get("then") {
        crate::command::on_session(&session, then, key, value)?;
    }
    Ok(Response::text(crate::command::shown(answer)).with_status(status))
}

fn publish(request: &Request) -> Result<Response> {
    let query = request.query();
    let group = query.get("group").unwrap_or_default();
    let publication = groups::publish(group, query.get("text").unwrap_or_default())?;
    Ok(Response::text(format!("{} {}", publication.queued, publication.dropped)))
}

fn who(request: &Request) -> Result<Response> {
    let query = request.query();
    if query.get("session").is_some() {
        request.session()?;
    }
    let asked = crate::who::ask(request, query.get("q").unwrap_or_default());
    Ok(Response::text(crate::command::shown(asked)))
}

/// Answers with what it was sent, as it is.
fn raw(request: &Request) -> Result<Response> {
    let close = request.query().get("close").is_some();
    match request.send_raw(request.bytes(1 << 16)?, close) {
        Ok(()) => Ok(Response::streamed()),
        Err(error) => Ok(Response::text(error.to_string()).with_status(422)),
    }
}

fn cancel(request: &Request, when: &str) -> Result<Response> {
    if when == "answered" {
        request.respond(Response::text("answered"))?;
        sessile_sdk::log::info(format_args!("cancelled too late: {:?}", request.cancel().err()));
        return Ok(Response::streamed());
    }
    if when == "streaming" {
        let body = request.start(200, &[])?;
        body.write("begun")?;
        // As in `abort`.
        time::sleep(Duration::from_millis(50));
    }
    request.cancel()?;
    sessile_sdk::log::info(format_args!("after cancel: {:?}", request.respond(Response::text("late")).err()));
    Ok(Response::streamed())
}

fn dispose(request: &Request, when: &str) -> Result<Response> {
    if when == "answered" {
        request.respond(Response::text("the last"))?;
    }
    request.dispose();
    Ok(Response::streamed())
}

/// So many MiB, in parts of 64 KiB.
fn flood(request: &Request, mebibytes: usize) -> Result<Response> {
    let (body, part) = (request.start(200, &[])?, vec![7; 1 << 16]);
    for sent in 0..mebibytes * 16 {
        body.write(&part)?;
        if sent % 16 == 0 {
            sessile_sdk::log::info(format_args!("flooded {} MiB", sent / 16));
        }
    }
    body.finish()?;
    sessile_sdk::log::info("flooded all");
    Ok(Response::streamed())
}

/// The whole body, as one of the helpers reads it.
fn whole(request: &Request, how: &str) -> Result<Response> {
    let read = match how {
        "text" => request.text(),
        "bytes" => request.bytes(1000).map(|bytes| bytes.len().to_string()),
        "json" => request.json::<serde_json::Value>().map(|value| value.to_string()),
        "form" => request.form().map(|form| form.iter().map(|(name, value)| format!("{name}={value};")).collect()),
        "multipart" => request.multipart(1000).map(|parts| {
            let shown = |part: &sessile_sdk::Part| format!("{}/{:?}={};", part.name, part.file_name, part.text());
            parts.iter().map(shown).collect()
        }),
        _ => Ok(String::new()),
    };
    Ok(match read {
        Ok(text) => Response::text(text),
        Err(error) => Response::text(error.to_string()).with_status(400),
    })
}

/// What comes after the last that the browser has seen.
fn events(request: &Request) -> Result<Response> {
    let seen = request.last_event_id().and_then(|id| id.parse().ok()).unwrap_or(0);
    let events = request.events()?;
    events.keep_alive()?;
    for number in seen + 1..=seen + 3 {
        events.send(sessile_sdk::SseEvent::data(format!("number {number}\nof many")).with_id(&number.to_string()))?;
    }
    events.finish()?;
    Ok(Response::streamed())
}

/// Waits until the session has `news`, and says so in the session before it answers.
fn poll(request: &Request) -> Result<Response> {
    let limit = Duration::from_millis(request.query().get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(0));
    let news = time::poll(Duration::from_millis(5), limit, || request.session()?.get::<String>("news"))?;
    let Some(news) = news else { return Ok(Response::status(204)) };
    let session = request.session()?;
    session.set("told", &news)?;
    session.save()?;
    Ok(Response::text(news))
}
