//! Whether a version answers, before any peer meets it.

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use http::{Request, StatusCode};
use tokio_util::sync::CancellationToken;

use crate::app::{Target, Version};
use crate::dispatch::{self, Call, Seat};
use crate::failure::Fault;
use crate::limits;
use crate::port::exchange::{Answer, ExchangeParts, ExchangePort, Patience};
use crate::port::head::{Ends, Head};
use crate::session::{LiveSessions, MemoryDb, SessionBinding};
use crate::usage::Totals;

/// Asks a version for a path of its own, by an exchange that no peer began: it is from 127.0.0.1, and its session is kept
/// nowhere.
///
/// # Errors
/// Why that is no 2xx.
pub async fn check(version: &Version, path: &str) -> Result<(), String> {
    let uri = format!("{}{path}", version.place.prefix);
    let request = Request::get(uri.as_str()).header(http::header::HOST, "localhost").body(());
    let (parts, ()) = request.map_err(|error| format!("health path {path}: {error}"))?.into_parts();
    let (handler, params) = match version.find(parts.uri.path()) {
        Some((Target::Handler(handler, _), params)) if handler.exports.answers_http() => (handler.clone(), params),
        Some((Target::Files(_), _)) => return Ok(()),
        Some(_) => return Err(format!("health path {path}: its route does not answer HTTP requests")),
        None => return Err(format!("health path {path}: no route has it")),
    };
    let params = params.iter().map(|(name, value)| (name.into(), value.into())).collect();
    let nowhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let head = Head::of_exchange(parts, Ends { peer: nowhere, local: nowhere, secure: false }, params);
    let session = SessionBinding::new(
        Arc::<MemoryDb>::default(),
        Arc::<LiveSessions>::default(),
        version.lifetimes.clone(),
        None,
    );
    let patience = Patience { body: version.pace.body, stall: version.pace.stall };
    let (cookies, connection) = (version.cookies.clone(), CancellationToken::new());
    let used = Arc::<Totals>::default();
    let parts = ExchangeParts { head, body: None, session, cookies, secure: false, connection, patience, used };
    let (port, seat) = (Arc::new(ExchangePort::new(parts)), Seat::new(version.number, handler));
    let call = seat.handle_exchange(&port);
    let answer = tokio::time::timeout(limits::HEALTH, answered(call, &port)).await;
    match answer.map_err(|_| Fault::OverDeadline { deadline_ms: limits::HEALTH.as_millis() }).flatten() {
        Ok(Some(status)) if status.is_success() => Ok(()),
        Ok(Some(status)) => Err(format!("health path {path}: it answered {status}")),
        Ok(None) => Err(format!("health path {path}: it ended the connection")),
        Err(fault) => {
            let (fault, report) = dispatch::report(fault, &seat.handler, Some(&port.id));
            Err(format!("health path {path}: {fault} (report {report})"))
        }
    }
}

/// Drives the call until there is an answer; what it would do after that is cut.
async fn answered(mut call: Call, port: &ExchangePort) -> Result<Option<StatusCode>, Fault> {
    std::future::poll_fn(|cx| match Pin::new(&mut call).poll(cx) {
        Poll::Pending => port.poll_answer(cx).map(Ok),
        Poll::Ready(returned) => Poll::Ready(match (port.take_answer(), returned) {
            (Some(answer), _) => Ok(answer),
            (None, Ok(Err(fault))) => Err(fault),
            (None, Ok(Ok(_))) => Err(Fault::Unanswered),
            (None, Err(lost)) => Err(Fault::NotStarted(lost.to_string())),
        }),
    })
    .await
    .map(|answer| status(&answer))
}

fn status(answer: &Answer) -> Option<StatusCode> {
    match answer {
        Answer::Whole(response) => Some(response.status()),
        Answer::Streamed(response) => Some(response.status()),
        Answer::Standard(response) => Some(response.status()),
        Answer::Cancelled => None,
    }
}
