//! A guest that asks too much of the host: calls without end, the largest lists, handles that it never drops, writes of
//! nothing. What it is told to do comes as a text, or as the path of a request; all else is echoed.

mod flood;
mod largest;
mod leak;

use sessile_sdk::prelude::*;

mod host {
    // As the SDK's own, of which this is a copy without checks.
    wit_bindgen::generate!({ path: "../../../wit", world: "imports", async: false, type_section_suffix: "-greedy" });

    pub(crate) use sessile::handler as wit;
}

struct Greedy;

impl WebsocketEvents for Greedy {
    fn on_message(ws: &WebSocket, message: Message) -> Result<()> {
        let Message::Text(text) = &message else { return ws.send(message) };
        match text.split_once(' ') {
            Some(("flood", call)) => flood::websocket(ws, call),
            Some(("largest", call)) => ws.send(largest::websocket(ws, call)),
            Some(("leak", what)) => ws.send(leak::all(what)),
            Some(("leak-some", what)) => ws.send(leak::some(what, 100)),
            _ => ws.send(message),
        }
    }
}

fn answer(request: Request) -> Result<Response> {
    let rest = request.param("rest").unwrap_or_default();
    match rest.split_once('/') {
        Some(("flood", call)) => flood::exchange(&request, call),
        Some(("largest", call)) => largest::exchange(&request, call),
        _ => Ok(Response::text(rest)),
    }
}

sessile_sdk::websocket_events!(Greedy);
sessile_sdk::http!(answer);
