//! What both versions do: they answer `NAME:text`, and keep a trail of who has served in the attachment.

use sessile_sdk::prelude::*;

use crate::NAME;

struct Events;

impl WebsocketEvents for Events {
    fn on_open(ws: &WebSocket) -> Result<()> {
        ws.accept()?;
        ws.set_attachment(NAME)
    }

    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        answer(ws, message)
    }
}

impl WebsocketUpgrade for Events {
    fn on_upgrade(ws: &WebSocket, from: u64) -> Result<()> {
        ws.set_attachment(format!("{}>{NAME}{from}", trail(ws)))?;
        match ws.query().get("upgrade") {
            Some("trap") => breaks_off(),
            Some("fail") => return Err("cannot take over".into()),
            _ => {}
        }
        Ok(())
    }
}

/// `?trap` breaks off at its start, `?stay` does not hand over.
fn looped(ws: WebSocket) -> Result<()> {
    let query = ws.query();
    ws.accept()?;
    ws.set_attachment(format!("{}>{NAME}", trail(&ws)))?;
    if query.get("trap").is_some() {
        breaks_off();
    }
    loop {
        match ws.next() {
            Ok(Some(message)) => answer(&ws, message)?,
            Ok(None) => return Ok(()),
            Err(Error::Retire) if query.get("stay").is_some() => ws.send(format!("{NAME}:retire"))?,
            Err(error) => return Err(error),
        }
    }
}

fn answer(ws: &WebSocket, message: Message) -> Result<()> {
    let text = message.into_text()?;
    match text.as_str() {
        "trail" => return ws.send(format!("{NAME}:{}", trail(ws))),
        "state" => return ws.send(format!("{NAME}:{}", ws.state())),
        "large" => {
            let refused = ws.set_attachment(vec![0; 16 * 1024 + 1]).map_err(|error| error.to_string());
            return ws.send(format!("{NAME}:{refused:?}"));
        }
        "json" => {
            ws.attach(&[1, 2])?;
            return ws.send(format!("{NAME}:{:?}", ws.attached::<Vec<u32>>()?));
        }
        // Version b takes its time over it; both have the clock, so that neither can reach more.
        "work" => std::thread::sleep(std::time::Duration::from_millis(if NAME == "b" { 40 } else { 0 })),
        "handoff" => return Err(Error::Retire),
        "clear" => ws.set_attachment([])?,
        "trap" => breaks_off(),
        "trap anywhere" => panic!("guest says boom"),
        "session" => ws.session()?.set("unsaved", &NAME)?,
        "unsaved" => {
            let unsaved = ws.session()?.get::<String>("unsaved")?;
            return ws.send(format!("{NAME}:{unsaved:?}"));
        }
        _ => {}
    }
    ws.send(format!("{NAME}:{text}"))
}

fn trail(ws: &WebSocket) -> String {
    String::from_utf8_lossy(&ws.attachment()).into_owned()
}

/// Version b does.
fn breaks_off() {
    assert!(NAME == "a", "guest says boom");
}

sessile_sdk::websocket_events!(Events);
sessile_sdk::websocket_upgrade!(Events);
sessile_sdk::websocket_loop!(looped);
