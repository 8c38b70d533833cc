//! Any call in any state: brings a websocket into a state, makes one call, and publishes what it
//! came to, since in most states nothing can be said to the peer.

use std::time::Duration;

use sessile_sdk::prelude::*;
use sessile_sdk::raw::{self, Outgoing};
use sessile_sdk::{JsonMode, Queued, groups};

/// Acts on `?table=STATE&call=CALL&report=GROUP`; says whether there was one.
pub(crate) fn looped(ws: &WebSocket) -> Result<bool> {
    let query = ws.query();
    let Some(state) = query.get("table") else { return Ok(false) };
    match state {
        "denied" => ws.reject(403, &[], "")?,
        "open" | "closed" => ws.accept()?,
        _ => {}
    }
    if state == "closed" {
        while ws.next()?.is_some() {}
    }
    report(ws, &query)?;
    Ok(true)
}

/// Makes the call and publishes what it came to.
pub(crate) fn report(ws: &WebSocket, query: &sessile_sdk::Query) -> Result<()> {
    let outcome = call(ws, query.get("call").unwrap_or_default());
    groups::publish(query.get("report").unwrap_or_default(), outcome)?;
    Ok(())
}

pub(crate) fn call(ws: &WebSocket, name: &str) -> String {
    let done = match name {
        "accept" => ws.accept(),
        "reject" => ws.reject(404, &[], "no"),
        "send" => ws.send("sent"),
        "try-send" => match ws.try_send("sent") {
            Ok(Queued::Gone(close)) => Err(Error::Disconnected(close)),
            Ok(Queued::Full) => Err("full".into()),
            other => other.map(drop),
        },
        "send-json" => ws.send_json_text("{}", JsonMode::Text),
        "receive" => ws.receive_timeout(Duration::from_secs(10)).map(drop),
        "receive-json" => ws.receive_json_text(JsonMode::Text).map(drop),
        "close" => ws.close(4000, "bye"),
        "ping" => ws.ping().map(drop),
        "raw-receive" => return crate::command::shown(raw::receive(ws).map(|event| format!("{event:?}"))),
        "raw-message" => raw::send(ws, Outgoing::Message("sent".into())),
        "raw-body" => raw::send(ws, Outgoing::ResponseBody { body: Vec::new(), more: false }),
        "states" => return format!("{:?}", raw::states(ws)),
        _ => Err(format!("no call {name}").into()),
    };
    crate::command::shown(done.map(|()| "ok"))
}

/// `?raw=echo` and `?raw=deny`: the ways of ASGI, with the states on the way published.
pub(crate) fn raw(ws: &WebSocket) -> Result<bool> {
    let query = ws.query();
    let tell =
        |at: &str| groups::publish(query.get("report").unwrap_or_default(), format!("{at} {:?}", raw::states(ws)));
    match query.get("raw") {
        None => return Ok(false),
        Some("deny") => {
            assert_eq!(raw::receive(ws)?, raw::Incoming::Connect);
            raw::send(ws, Outgoing::ResponseStart { status: 418, headers: vec![("x-why".into(), "tea".into())] })?;
            tell("started")?;
            for (part, more) in [("no ", true), ("coffee", false)] {
                raw::send(ws, Outgoing::ResponseBody { body: part.into(), more })?;
            }
            tell("denied")?;
        }
        Some(_) => loop {
            match raw::receive(ws)? {
                raw::Incoming::Connect => {
                    tell("connect")?;
                    let subprotocol = ws.offered_subprotocols().into_iter().next();
                    raw::send(ws, Outgoing::Accept { subprotocol, headers: Vec::new() })?;
                    tell("accepted")?;
                }
                raw::Incoming::Message(message) => raw::send(ws, Outgoing::Message(message))?,
                raw::Incoming::Disconnect(close) => {
                    tell(&format!("disconnect {}", close.code))?;
                    let after = raw::receive(ws).unwrap_err();
                    tell(&after.to_string())?;
                    break;
                }
            }
        },
    }
    Ok(true)
}
