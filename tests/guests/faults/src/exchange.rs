//! Commands over HTTP, by path.

use std::time::Duration;

use serde_json::json;
use sessile_sdk::prelude::*;
use sessile_sdk::{groups, time};

use crate::command::{grow, spin};

pub(crate) fn answer(request: &Request) -> Result<Response> {
    let rest = request.param("rest").unwrap_or_default();
    let (word, argument) = rest.split_once('/').unwrap_or((&rest, ""));
    match word {
        "panic" => panic!("guest says boom"),
        "spin" => spin(),
        "grow" => grow(),
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
        "publish" => publish(request),
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
