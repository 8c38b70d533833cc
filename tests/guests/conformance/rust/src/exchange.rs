//! HTTP, by path.

use std::time::Duration;

use serde_json::Value;
use sessile_sdk::prelude::*;
use sessile_sdk::{SseEvent, time};

use crate::command::{case, of_any};
use crate::query;

pub(crate) fn answer(request: Request) -> Result<Response> {
    match request.param("what").as_deref() {
        Some("command") => command(&request),
        Some("echo") => {
            let body = request.start(200, &[])?;
            while let Some(part) = request.read()? {
                body.write(part)?;
            }
            body.finish()?;
            Ok(Response::streamed())
        }
        Some("stream") => {
            let body = request.start(201, &[("x-guest", "1")])?;
            for chunk in ["one ", "two ", "three"] {
                body.write(chunk)?;
            }
            body.finish()?;
            Ok(Response::streamed())
        }
        Some("order") => {
            let body = request.start(200, &[])?;
            let again = case(request.start(200, &[]).map(|_again| None))?;
            body.write(again.unwrap_or_default())?;
            body.finish()?;
            Ok(Response::streamed())
        }
        Some("unfinished") => {
            request.start(200, &[])?.write("part")?;
            Ok(Response::streamed())
        }
        Some("cancel") => {
            request.start(200, &[])?.write("part")?;
            request.cancel()?;
            Ok(Response::streamed())
        }
        Some("flood") => {
            let (body, chunk) = (request.start(200, &[])?, "x".repeat(60_000));
            for _ in 0..200 {
                body.write(&chunk)?;
            }
            body.finish()?;
            Ok(Response::streamed())
        }
        Some("no-body") => Ok(Response::status(204)),
        Some("raw") => {
            request.send_raw("HTTP/1.1 202 Accepted\r\nx-guest: 1\r\n\r\nraw", true)?;
            Ok(Response::streamed())
        }
        Some("raw-split") => {
            let split = "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
            refused(422, request.send_raw(split, false).map(|()| Response::streamed()))
        }
        Some("json") => refused(400, request.json::<Value>().and_then(|value| Response::json(&value))),
        Some("form") => {
            let form = request.form()?;
            Ok(Response::text(form.get_all("a").collect::<Vec<_>>().join("|")))
        }
        Some("limit") => refused(413, request.bytes(1000).map(|body| Response::text(body.len().to_string()))),
        Some("events") => {
            let events = request.events()?;
            events.send("one")?;
            events.send(SseEvent::data("two\nlines").with_event("tick").with_id("2"))?;
            events.finish()?;
            Ok(Response::streamed())
        }
        Some("poll") => {
            let look = || request.session()?.get::<Value>("news");
            let news = time::poll(Duration::from_millis(20), Duration::from_secs(20), look)?;
            Ok(news.map_or_else(|| Response::status(204), |news| Response::text(news.to_string())))
        }
        Some("fail") => Err("told to fail".into()),
        Some("nothing") => Ok(Response::streamed()),
        _ => Ok(Response::text("unsupported").with_status(501)),
    }
}

fn command(request: &Request) -> Result<Response> {
    let mut answers = Vec::new();
    for line in request.text()?.lines() {
        answers.extend(case(of_any(request, None, || request.session(), line))?);
    }
    Ok(Response::text(answers.join("\n")).with_status(query(request).parse().unwrap_or(200)))
}

/// With this status where it failed.
fn refused(status: u16, response: Result<Response>) -> Result<Response> {
    match response {
        Ok(response) => Ok(response),
        Err(error) => Ok(Response::text(case(Err(error))?.unwrap_or_default()).with_status(status)),
    }
}
