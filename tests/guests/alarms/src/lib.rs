// A guest that sets alarms as it is told over HTTP, and does what the payload says when they ring.

use std::time::{Duration, SystemTime};

use sessile_sdk::alarms::{self, Alarm, Owner, Ringing};
use sessile_sdk::prelude::*;
use sessile_sdk::{groups, log, time};

fn answer(request: Request) -> Result<Response> {
    let query = request.query();
    let (name, session) = (query.get("name").unwrap_or("a"), request.session()?);
    let of = if query.get("of") == Some("app") { Owner::App } else { Owner::Session(&session) };
    let number = |key: &str| query.get(key).and_then(|text| text.parse::<u64>().ok());
    let said = match request.path().as_str() {
        "/login" => session.set("in", &true).map(|()| "in".to_owned()),
        "/cycle" => session.cycle_id().map(|()| "cycled".to_owned()),
        "/logout" => session.flush().map(|()| "out".to_owned()),
        "/clear" => session.clear().and_then(|()| session.set("in", &true)).map(|()| "cleared".to_owned()),
        "/set" => {
            let due = SystemTime::now() + Duration::from_millis(number("ms").unwrap_or(0));
            let payload = query.get("payload").unwrap_or_default().repeat(number("times").unwrap_or(1) as usize);
            alarms::set(of, name, due, payload.as_bytes()).map(|()| "set".to_owned())
        }
        "/cancel" => alarms::cancel(of, name).map(|there| there.to_string()),
        "/list" => {
            let listed = alarms::list(of, query.get("after"), number("limit").unwrap_or(100) as u32)?;
            let names = listed.iter().map(|alarm| format!("{}:{}", alarm.name, alarm.attempt));
            Ok(names.collect::<Vec<_>>().join(","))
        }
        // Until the session has all of these keys.
        "/await" => time::poll(Duration::from_millis(20), Duration::from_secs(25), || {
            let session = request.session()?;
            let mut missing = Vec::new();
            for key in query.get("keys").unwrap_or_default().split(',') {
                if !session.contains(key)? {
                    missing.push(key);
                }
            }
            Ok(missing.is_empty().then(|| "there".to_owned()))
        })
        .map(|there| there.unwrap_or("missing".to_owned())),
        _ => Ok(session.get::<String>(name)?.unwrap_or("none".to_owned())),
    };
    Ok(Response::text(said.unwrap_or_else(|error| error.to_string())))
}

/// The payload: `session`, `fail:N`, `trap:N` (both for the first N calls), `head`; anything else is told alone.
fn ring(ringing: Ringing, alarm: Alarm) -> Result<()> {
    let payload = String::from_utf8_lossy(&alarm.payload).into_owned();
    let said = format!("{} {} {}", env!("CARGO_PKG_NAME"), alarm.name, alarm.attempt);
    log::info(format!("rang: {said}"));
    groups::publish("rang", said)?;
    let (what, calls) = payload.split_once(':').unwrap_or((&payload, "0"));
    let soon = alarm.attempt <= calls.parse().unwrap_or(0);
    match what {
        "session" => {
            let session = ringing.session()?;
            session.set(&alarm.name, &alarm.attempt.to_string())?;
            if soon {
                return Err("not yet".into());
            }
            Ok(())
        }
        "again" => alarms::set(Owner::App, &alarm.name, SystemTime::now() + Duration::from_millis(200), b""),
        "cycle" => match ringing.session()?.cycle_id() {
            Err(Error::CookieUnreachable) => {
                let session = ringing.session()?;
                session.set(&alarm.name, "unreachable")
            }
            other => other,
        },
        "fail" if soon => Err("as told".into()),
        "trap" if soon => panic!("as told"),
        // Of an app's alarm: it has none.
        "stranger" if soon => ringing.session().map(drop),
        _ => Ok(()),
    }
}

struct Hears;

impl WebsocketEvents for Hears {
    fn on_open(ws: &WebSocket) -> Result<()> {
        ws.accept()?;
        ws.join("rang")?;
        ws.send("hears")
    }

    fn on_message(_ws: &WebSocket, _message: Message) -> Result<()> {
        Ok(())
    }
}

sessile_sdk::http!(answer);
sessile_sdk::alarm!(ring);
sessile_sdk::websocket_events!(Hears);
