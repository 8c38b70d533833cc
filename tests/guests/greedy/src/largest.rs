//! Each call with as much as fits into the guest's memory.

use sessile_sdk::prelude::*;

use crate::host::wit::types::{Kind, Message as Wire};
use crate::host::wit::{groups, log, raw, session, websocket};

const LARGE: usize = 24 << 20;
/// Of short texts, that take as much.
const MANY: usize = 200_000;

fn text() -> String {
    "x".repeat(LARGE)
}

fn fields(call: &str) -> Vec<(String, String)> {
    match call.ends_with("-many") {
        true => (0..MANY).map(|number| (format!("x-{number:08}"), "value".to_owned())).collect(),
        false => vec![("x-large".to_owned(), text())],
    }
}

fn told<T, E: std::fmt::Debug>(result: std::result::Result<T, E>) -> String {
    match result {
        Ok(_) => "taken".to_owned(),
        Err(error) => format!("refused: {error:.200?}"),
    }
}

pub(crate) fn websocket(ws: &WebSocket, call: &str) -> String {
    let id = ws.id();
    match call {
        "send" => told(websocket::send(id, &Wire::Text(text()))),
        "try-send" => told(websocket::try_send(id, &Wire::Binary(text().into_bytes()))),
        "send-json" => told(websocket::send_json(id, &text(), Kind::Text)),
        "attach" => told(websocket::set_attachment(id, text().as_bytes())),
        "accept" => told(websocket::accept(id, Some(&text()), &[])),
        "accept-large" | "accept-many" => told(websocket::accept(id, None, &fields(call))),
        "reject" => told(websocket::reject(id, 400, &[], text().as_bytes())),
        "reject-large" | "reject-many" => told(websocket::reject(id, 400, &fields(call), b"")),
        "close" => told(websocket::close(id, 1000, &text())),
        "raw-send" => told(raw::send(id, &raw::Outgoing::Message(Wire::Text(text())))),
        "join" => told(groups::join(id, &text())),
        "leave" => told(groups::leave(id, &text())),
        "publish-name" => told(groups::publish(&text(), &Wire::Text(String::new()))),
        "publish" => told(groups::publish("g", &Wire::Text(text()))),
        "session-get" => told(session::get(id, &text())),
        "session-set-key" => told(session::set(id, &text(), b"1")),
        "session-set" => told(session::set(id, "k", text().as_bytes())),
        "session-remove" => told(session::remove(id, &text())),
        "random" => wasip2::random::random::get_random_bytes(LARGE as u64).len().to_string(),
        "insecure" => wasip2::random::insecure::get_insecure_random_bytes(LARGE as u64).len().to_string(),
        "zeroes" => told(wasip2::cli::stdout::get_stdout().write_zeroes(u64::MAX)),
        "log" => {
            log::write(log::Level::Info, &text());
            "taken".to_owned()
        }
        "print" => {
            print!("{}", text());
            "taken".to_owned()
        }
        _ => format!("no call {call}"),
    }
}

pub(crate) fn exchange(request: &Request, call: &str) -> Result<Response> {
    match call {
        "respond" => Ok(Response::text(text())),
        "respond-large" | "respond-many" => {
            let answer = Response::text("");
            Ok(fields(call).iter().fold(answer, |answer, (name, value)| answer.with_header(name, value)))
        }
        "write" => {
            let body = request.start(200, &[])?;
            body.write(text())?;
            body.finish()?;
            Ok(Response::streamed())
        }
        "raw" => {
            request.send_raw(text(), false)?;
            Ok(Response::streamed())
        }
        _ => Ok(Response::text(format!("no call {call}"))),
    }
}
