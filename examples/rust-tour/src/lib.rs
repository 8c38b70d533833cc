//! A visitors' room: all three styles in one component, which share the session of a browser.
//! `sessile.toml` says which of them a route calls.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::json;
use sessile_sdk::{groups, prelude::*, time};

const NAME_CHARS_MAX: usize = 32;
const TEXT_CHARS_MAX: usize = 2000;
const TICKS: u32 = 60;
const SECONDS_MAX: u64 = 30;
const ROOM: &str = "room";

sessile_sdk::http!(api);
sessile_sdk::websocket_events!(Room);
sessile_sdk::websocket_loop!(guess);

// ---- HTTP style: one call for one request -----------------------------------------------------

fn api(request: Request) -> Result<Response> {
    match (request.method().as_str(), request.path().as_str()) {
        ("GET", "/api/me") => visit(&request),
        ("POST", "/api/name") => rename(&request),
        ("GET", "/api/clock") => clock(&request),
        _ => refused(404, "there are GET /api/me, POST /api/name and GET /api/clock"),
    }
}

/// Counts the visit. Two requests of one browser may run at once: so the count is saved only over the
/// version that was read, and where another was faster, it is read again.
fn visit(request: &Request) -> Result<Response> {
    loop {
        let session = request.session()?;
        let visits = session.get::<u64>("visits")?.unwrap_or(0) + 1;
        session.set("visits", &visits)?;
        match session.save_if_version(session.version()?) {
            Ok(_) => return Response::json(&json!({ "name": name_in(&session)?, "visits": visits })),
            Err(Error::Conflict(_)) => session.discard()?,
            Err(error) => return Err(error),
        }
    }
}

/// Takes a form with a `name`, or a string as JSON. The session is saved with the answer.
fn rename(request: &Request) -> Result<Response> {
    let is_json = request.header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let sent = if is_json {
        request.json::<String>()
    } else {
        request.form().map(|form| form.get("name").unwrap_or_default().to_owned())
    };
    let name = match sent {
        Ok(name) => name.trim().to_owned(),
        Err(error @ (Error::BadJson { .. } | Error::TooLarge { .. })) => return refused(400, &error.to_string()),
        Err(error) => return Err(error),
    };
    if !(1..=NAME_CHARS_MAX).contains(&name.chars().count()) {
        return refused(422, &format!("a name has 1 to {NAME_CHARS_MAX} characters"));
    }
    request.session()?.set("name", &name)?;
    Response::json(&json!({ "name": name }))
}

/// The time of each second, as seconds since 1970; after the last the browser comes again by itself.
fn clock(request: &Request) -> Result<Response> {
    let events = request.events()?;
    for tick in 0..TICKS {
        if tick > 0 {
            time::sleep(Duration::from_secs(1));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        events.send(now.as_secs().to_string())?;
    }
    events.finish()?;
    Ok(Response::streamed())
}

fn refused(status: u16, why: &str) -> Result<Response> {
    Ok(Response::text(format!("{why}\n")).with_status(status))
}

fn name_in(session: &Session) -> Result<String> {
    Ok(session.get("name")?.unwrap_or_else(|| "somebody".to_owned()))
}

// ---- Event style: called when something happens; in between no instance need be there ---------

struct Room;

impl WebsocketEvents for Room {
    fn on_open(ws: &WebSocket) -> Result<()> {
        ws.session()?; // before `accept`, so that a new browser gets its cookie with the handshake
        ws.accept()?;
        ws.join(ROOM)?;
        tell(ws, "came", "")
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        match message {
            Message::Text(text) if text.chars().count() <= TEXT_CHARS_MAX => tell(ws, "said", &text),
            Message::Text(_) => ws.close(1009, &format!("a text has at most {TEXT_CHARS_MAX} characters")),
            Message::Binary(_) => ws.close(1003, "text only"),
        }
    }

    fn on_close(ws: &WebSocket, _close: Close) -> Result<()> {
        tell(ws, "left", "")
    }
}

/// To all in the room, this one too.
fn tell(ws: &WebSocket, event: &str, text: &str) -> Result<()> {
    let name = name_in(&ws.session()?)?;
    groups::publish(ROOM, json!({ "event": event, "name": name, "text": text }).to_string())?;
    Ok(())
}

// ---- Loop style: one call for one websocket, as long as it lives; what it knows is in variables --

fn guess(ws: WebSocket) -> Result<()> {
    let session = ws.session()?;
    ws.accept()?;
    // How long a guess may take: what the URL asks for, but no longer than half a minute.
    let seconds = ws.query().get("seconds").and_then(|asked| number_in(asked, SECONDS_MAX)).unwrap_or(SECONDS_MAX);
    let secret = secret()?;
    let mut guesses = 0;
    ws.send(format!("{}, I think of a number from 1 to 100", name_in(&session)?))?;
    loop {
        let message = match ws.receive_timeout(Duration::from_secs(seconds)) {
            Err(Error::TimedOut) => {
                ws.send(format!("time is up: it was {secret}"))?;
                return ws.close(4000, "time is up");
            }
            // By `?`, that the peer has left is a normal end, and newer code begins a new game.
            received => received?,
        };
        let Some(guess) = message.into_text().ok().and_then(|text| number_in(&text, 100)) else {
            ws.send("a number from 1 to 100, please")?;
            continue;
        };
        guesses += 1;
        if guess == secret {
            return ws.send(format!("yes, in {guesses} guesses"));
        }
        ws.send(if guess < secret { "higher" } else { "lower" })?;
    }
}

fn secret() -> Result<u64> {
    let random = getrandom::u64().map_err(|error| Error::Failed(error.to_string()))?;
    Ok(1 + random % 100)
}

/// A whole number from 1 on, if it is one.
fn number_in(text: &str, highest: u64) -> Option<u64> {
    text.trim().parse().ok().filter(|number| (1..=highest).contains(number))
}
