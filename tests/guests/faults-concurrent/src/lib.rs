//! The faults guest with handlers that await: the whole component runs on the concurrent engine, the
//! parts that block included.

#[path = "../../faults/src/command.rs"]
mod command;
#[path = "../../faults/src/events.rs"]
mod events;
#[path = "../../faults/src/exchange.rs"]
mod exchange;
#[path = "../../faults/src/network.rs"]
mod network;
#[path = "../../faults/src/table.rs"]
mod table;
#[path = "../../faults/src/who.rs"]
mod who;

mod awaited;

use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use sessile_sdk::concurrent::{Request, WebSocket, sleep};
use sessile_sdk::prelude::{Response, Result};

use crate::events::{Faults, closed};

async fn looped(ws: WebSocket) -> Result<()> {
    if table::looped(&ws)? || table::raw(&ws)? {
        return Ok(());
    }
    command::open(&ws)?;
    match ws.query().get("ticks") {
        None => obey(&ws).await?,
        Some(_) => match select(pin!(obey(&ws)), pin!(tick(&ws))).await {
            Either::Left((ended, _)) | Either::Right((ended, _)) => ended?,
        },
    }
    closed(&ws, ws.close_info())
}

async fn obey(ws: &WebSocket) -> Result<()> {
    while let Some(message) = ws.next().await? {
        command::obey(ws, message)?;
    }
    Ok(())
}

async fn tick(ws: &WebSocket) -> Result<()> {
    loop {
        sleep(Duration::from_millis(5)).await;
        ws.send("tick").await?;
    }
}

async fn answer(request: Request) -> Result<Response> {
    match request.param("rest").as_deref() {
        Some("race") => race().await,
        Some("awaited") => awaited::who(&request).await,
        _ => exchange::answer(&request),
    }
}

async fn race() -> Result<Response> {
    match select(pin!(sleep(Duration::from_secs(600))), pin!(sleep(Duration::from_millis(1)))).await {
        Either::Left(_) => Ok(Response::text("long")),
        Either::Right(_) => Ok(Response::text("short")),
    }
}

sessile_sdk::websocket_events!(Faults);
sessile_sdk::websocket_loop!(async looped);
sessile_sdk::http!(async answer);
