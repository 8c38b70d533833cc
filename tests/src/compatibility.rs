//! Makes docs/compatibility.md from the tests that ran: `compatibility LOG`, the log of the README's test
//! command. Fails where a row of FEATURES that is here has no test that
//! passed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

/// Row, what it is, the call in the model that people know, ours in Rust.
const ROWS: [(&str, &str, &str, &str); 45] = [
    ("A1", "handshake as a mapping", "Starlette `session[\"path\"]`", "`ws.scope()[\"path\"]`, `ws.path()`"),
    ("A2", "URL", "Starlette `session.url.port`", "`ws.url().port()`"),
    ("A3", "headers", "Starlette `session.headers[…]`", "`ws.headers().get(…)`, `.get_all(…)`"),
    ("A4", "query, cookies", "Starlette `session.query_params[…]`", "`ws.query().get(…)`, `ws.cookies()`"),
    ("A5", "accept", "Starlette `await session.accept(subprotocol=…)`", "`ws.accept_with(Some(…), &headers)`"),
    (
        "A6",
        "deny",
        "Channels `close()` before accept; ASGI `websocket.http.response`",
        "`ws.reject(status, &headers, body)`",
    ),
    ("A7", "send", "Starlette `send_text`, `send_bytes`, `send_json`", "`ws.send_text`, `send_bytes`, `send_json`"),
    (
        "A8",
        "receive",
        "Starlette `receive_text`, `receive_bytes`, `receive_json`",
        "`ws.receive_text`, `receive_bytes`, `receive_json`",
    ),
    (
        "A9",
        "disconnect",
        "Starlette `Disconnect`; Channels `disconnect(close_code)`",
        "`Error::Disconnected(close)`; `on_close(ws, close)`",
    ),
    ("A10", "close", "Starlette `await session.close(code=1000)`", "`ws.close(1000, \"\")`"),
    (
        "A11",
        "raw events",
        "Starlette `session.send(message)`, `session.receive()`",
        "`raw::send(&ws, event)`, `raw::receive(&ws)`",
    ),
    (
        "A12",
        "context",
        "websocket-sharp `IWebSocketSession.Context`, `ID`, `State`, `StartTime`",
        "`ws.origin()`, `host()`, `id()`, `state()`, `started_at()`; `session.user()`",
    ),
    ("A13", "ping", "websocket-sharp `PingTo`", "`ws.ping()`, `ws.round_trip()`"),
    ("A14", "back-pressure", "none of them", "`ws.try_send(…)`; manifest `overflow`"),
    ("A15", "iteration", "Starlette `async for`", "`while let Some(message) = ws.next()?`; `ws.close_code()`"),
    ("A16", "compression", "none of them", "manifest `deflate = true`"),
    ("A17", "auto-response", "workerd `setWebSocketAutoResponse`", "manifest `auto_response`"),
    (
        "B1",
        "who is connected",
        "websocket-sharp `Sessions.IDs`, `ActiveIDs`, `Count`, `TryGetSession`",
        "`connections::count`, `list`, `lookup`: on a route, in a group, of a session; nobody is pinged for it",
    ),
    (
        "B2",
        "to one of them",
        "websocket-sharp `SendTo`, `PingTo`, `CloseSession`",
        "`connections::send_to`, `ping`, `close`, from any handler",
    ),
    ("B3", "to all of a route", "websocket-sharp `Sessions.Broadcast`", "`connections::send_to_all`"),
    (
        "B4",
        "groups",
        "Channels `group_add`, `group_send`, `group_discard`",
        "`ws.join(…)`, `join_as`, `groups::publish`, `publish_to`, `members`; `PublicationHandler`; `sessile publish`",
    ),
    ("B5", "presence", "none of them", "manifest `presence = true`; `groups::members`"),
    (
        "B6",
        "history, recovery",
        "none of them: Channels drops in silence",
        "manifest `history = true`, `durable = true`; `join_as` with `since`, `groups::history`; `sessile.resume.v1`",
    ),
    ("B7", "sweep", "websocket-sharp `Sweep`, `KeepClean`", "the host's pings; one close event with 1006"),
    ("C1", "one session", "Channels `scope[\"session\"]`", "`ws.session()?`, `request.session()?`"),
    ("C2", "HTTP saves by itself", "Django `SessionMiddleware`", "the same; manifest `save_every_request`"),
    (
        "C3",
        "WebSocket saves when told",
        "Channels `scope[\"session\"].save()`",
        "`session.save()`; manifest `autosave = \"event\"`",
    ),
    ("C4", "long-poll", "Channels `save()` before the response", "`session.save()`"),
    ("C5", "cookie", "Django `SESSION_COOKIE_*`", "manifest `[session]`"),
    ("C6", "login, logout", "Django `cycle_key()`, `flush()`", "`session.cycle_id()`, `session.flush()`"),
    ("C7", "concurrency", "none of them: the last writer wins", "merges by key; `session.save_if_version(…)`"),
    ("C8", "stores", "Django `SESSION_ENGINE`", "manifest `store = \"sqlite\"`, `\"memory\"`, `\"signed-cookie\"`"),
    ("C9", "expiry", "Django `set_expiry(seconds)`", "`session.set_expiry(…)`; manifest `idle_s`, `absolute_s`"),
    (
        "D1",
        "streamed response",
        "Pony `send_start`, `send_chunk`, `send_finished`",
        "`request.start(…)`, `body.write(…)`, `body.finish()`",
    ),
    ("D2", "whole response", "Pony `send_no_body`, `send`", "`Response::status(204)`, `Response::bytes(…)`"),
    ("D3", "raw response", "Pony `send_raw(…, close_session)`", "`request.send_raw(bytes, close)`"),
    ("D4", "cancel", "Pony `send_cancel`", "`request.cancel()`"),
    ("D5", "end the connection", "Pony `dispose`", "`request.dispose()`"),
    (
        "D6",
        "request",
        "Pony `Handler.apply`, `chunk`, `finished`",
        "`request.read()`, `.text()`, `.json()`, `.form()`, `.multipart(…)`",
    ),
    ("D7", "pipelining", "Pony `request_id`", "one `Request` each, answered in order"),
    ("D8", "back-pressure", "Pony `Handler.throttled`, `unthrottled`", "`body.write(…)` waits"),
    (
        "D9",
        "timeouts",
        "Pony `ServerConfig.connection_timeout`",
        "manifest `[http]`: `head_s`, `idle_s`, `body_s`, `stall_s`; a handler's `deadline_ms`",
    ),
    ("D10", "events, long poll", "none of them", "`request.events()`, `time::poll(…)`"),
    (
        "D11",
        "standard handlers",
        "`wasmtime serve`: `wasi:http` 0.2 `incoming-handler`, 0.3.0 `handler`",
        "the same component on a route; manifest `grants.outbound`",
    ),
    (
        "D12",
        "files, redirects, CORS",
        "Starlette `StaticFiles`, `RedirectResponse`, `CORSMiddleware`",
        "manifest `files`, `redirect`, `[cors]`",
    ),
];

fn main() -> ExitCode {
    let Some(path) = std::env::args().nth(1) else {
        eprintln!("usage: compatibility LOG");
        return ExitCode::from(2);
    };
    let log = match std::fs::read_to_string(&path) {
        Ok(log) => log,
        Err(error) => {
            eprintln!("{path}: {error}");
            return ExitCode::from(2);
        }
    };
    match table(&passed(&log)) {
        Ok(table) => {
            let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/compatibility.md");
            if let Err(error) = std::fs::write(file, table) {
                eprintln!("{file}: {error}");
                return ExitCode::FAILURE;
            }
            ExitCode::SUCCESS
        }
        Err(bare) => {
            eprintln!("rows without a test that passed: {}", bare.join(", "));
            ExitCode::FAILURE
        }
    }
}

/// The names of row tests, without their module and the way in which they ran, by row.
fn passed(log: &str) -> BTreeMap<String, Vec<String>> {
    let mut rows: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in log.lines() {
        let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... ok")) else { continue };
        let name = name.rsplit("::").next().unwrap_or(name);
        let Some((row, _)) = name.split_once('_').filter(|(row, _)| is_row(row)) else { continue };
        let (table, number) = row.split_at(1);
        let row = format!("{}{}", table.to_uppercase(), number.trim_start_matches('0'));
        let tests = rows.entry(row).or_default();
        if !tests.iter().any(|test| test == name) {
            tests.push(name.to_owned());
        }
    }
    rows
}

fn is_row(word: &str) -> bool {
    word.len() == 3 && word.starts_with(['a', 'b', 'c', 'd']) && word.bytes().skip(1).all(|byte| byte.is_ascii_digit())
}

fn table(passed: &BTreeMap<String, Vec<String>>) -> Result<String, Vec<&'static str>> {
    let bare: Vec<_> = ROWS.iter().map(|(row, ..)| *row).filter(|row| !passed.contains_key(*row)).collect();
    if !bare.is_empty() {
        return Err(bare);
    }
    let mut text = String::from(
        "# What Starlette, Channels, websocket-sharp and Pony do, and what Sessile does\n\n\
         Made by `.ci/run` from the tests that ran, in `tests/tests/{a_websocket,b_groups,b_connections,c_session,d_http,d_standard}.rs`: each\n\
         row works from a guest over a real socket, with warm instances, with `--amnesia`, and many with a guest that awaits. The calls on the\n\
         right are those of the Rust SDK; the WIT has the same words.\n\n\
         | row | | the call you know | ours | tests |\n|---|---|---|---|---|\n",
    );
    for (row, what, known, ours) in ROWS {
        let mut tests = passed.get(row).cloned().unwrap_or_default();
        tests.sort();
        let tests: Vec<_> = tests.iter().map(|test| format!("`{test}`")).collect();
        // Writing to a String cannot fail.
        let _infallible = writeln!(text, "| {row} | {what} | {known} | {ours} | {} |", tests.join(", "));
    }
    Ok(text)
}
