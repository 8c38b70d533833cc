//! An exchange: the handler's call is driven until it has answered, and on after that if it streams.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, TryStreamExt};
use http::{HeaderValue, Response, Version, header};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::body::{Progress, Reply};
use super::{Admitted, Cancelled, Routed, Service, binding, page, retry};
use crate::app::App;
use crate::dispatch::{self, Call, Seat};
use crate::failure::{Blame, Fault, ReportId};
use crate::limits;
use crate::port::exchange::{Answer, ExchangeParts, ExchangePort, Patience, PeerGone, RequestBody};
use crate::port::head::Head;

/// A handler that has answered and may run on.
type Answered = (Answer, Option<Call>);

impl Service {
    pub(super) async fn exchange(&self, routed: Routed<'_>) -> Result<Response<Reply>, Cancelled> {
        let Routed { request, params, seat, app, version, .. } = routed;
        let Admitted { parts, body, ends, connection, .. } = request;
        let accept = parts.headers.get(header::ACCEPT).cloned();
        let session = binding(app, version, &parts.headers, ends.secure);
        let head = Head::of_exchange(parts, ends, params);
        let (cookies, body) = (version.cookies.clone(), request_body(body));
        let patience = Patience { body: version.pace.body, stall: version.pace.stall };
        let (connection, used) = (connection.closing.clone(), app.usage.clone());
        let parts = ExchangeParts { head, body, session, cookies, secure: ends.secure, connection, patience, used };
        let port = Arc::new(ExchangePort::new(parts));
        let limit = seat.handler.settings.deadline.unwrap_or(limits::EXCHANGE_DEADLINE);
        let call = seat.handle_exchange(&port);
        match answered(call, &port, &seat, app, limit).await {
            Ok((answer, Some(call))) => {
                self.tasks.spawn(run_on(call, port.clone(), seat, app.clone(), limit));
                response(answer, &port)
            }
            Ok((answer, None)) => {
                account(app, &port);
                response(answer, &port)
            }
            Err((fault, report)) => {
                account(app, &port);
                Ok(rescue(accept.as_ref(), &fault, report))
            }
        }
    }
}

/// Drives the call until there is an answer.
async fn answered(
    call: Call,
    port: &ExchangePort,
    seat: &Seat,
    app: &App,
    limit: Duration,
) -> Result<Answered, (Fault, ReportId)> {
    let (begun, mut call) = (Instant::now(), Some(call));
    let mut answered = std::future::poll_fn(|cx| poll_answered(&mut call, port, seat, app, cx));
    // Most answer at once, and need no timer.
    let in_time = match futures_util::poll!(&mut answered) {
        Poll::Ready(answered) => Ok(answered),
        Poll::Pending => tokio::time::timeout(limit, answered).await,
    };
    app.request_took(seat.version, begun.elapsed());
    match in_time {
        Ok(Ok(answer)) => Ok((answer, call)),
        Ok(Err(report)) => Err(report),
        Err(_) => Err(seat.cut(app, &port.id, Fault::OverDeadline { deadline_ms: limit.as_millis() })),
    }
}

fn poll_answered(
    call: &mut Option<Call>,
    port: &ExchangePort,
    seat: &Seat,
    app: &App,
    cx: &mut Context<'_>,
) -> Poll<Result<Answer, (Fault, ReportId)>> {
    let Some(running) = call else { return Poll::Pending };
    match dispatch::poll(running, seat, app, &port.id, cx) {
        Poll::Pending => port.poll_answer(cx).map(Ok),
        Poll::Ready(verdict) => {
            *call = None;
            let answer = port.take_answer();
            port.abort();
            Poll::Ready(match (answer, verdict) {
                // None of it has left, and its body is cut.
                (Some(Answer::Standard(_)), Err(report)) => Err(report),
                (Some(answer), _) => Ok(answer),
                (None, Err(report)) => Err(report),
                (None, Ok(_)) if port.was_left() => Ok(Answer::Cancelled),
                (None, Ok(_)) => Err(dispatch::report(Fault::Unanswered, &seat.handler, Some(&port.id))),
            })
        }
    }
}

/// Drives a call that has answered to its end: it streams, or cleans up. Streaming is exempt from
/// the deadline for as long as the peer reads; then the handler has its deadline to notice.
async fn run_on(mut call: Call, port: Arc<ExchangePort>, seat: Seat, app: Arc<App>, limit: Duration) {
    let running = std::future::poll_fn(|cx| dispatch::poll(&mut call, &seat, &app, &port.id, cx));
    let overdue = async {
        port.body_ended().await;
        tokio::time::sleep(limit).await;
    };
    tokio::select! {
        // A fault is logged; the peer sees the body cut.
        _logged = running => {}
        () = overdue => {
            seat.cut(&app, &port.id, Fault::OverDeadline { deadline_ms: limit.as_millis() });
        }
    }
    port.abort();
    account(&app, &port);
}

/// The handler has ended.
fn account(app: &App, port: &ExchangePort) {
    app.usage.exchanged(port.meter.total(), port.meter.memory_bytes_max());
}

fn request_body(body: Incoming) -> Option<RequestBody> {
    if body.is_end_stream() {
        return None;
    }
    Some(body.into_data_stream().map_err(|_| PeerGone).boxed())
}

fn response(answer: Answer, port: &ExchangePort) -> Result<Response<Reply>, Cancelled> {
    let mut response = match answer {
        Answer::Whole(whole) => whole.map(Reply::whole),
        Answer::Streamed(streamed) => streamed.map(|chunks| Reply::Streamed(chunks, Progress::Going)),
        Answer::Standard(standard) => standard.map(Reply::Standard),
        Answer::Cancelled => return Err(Cancelled),
    };
    // HTTP/2 has no such header: the connection says so itself (RFC 9113 §8.2.2).
    if port.is_last() && port.head.http_version() != Version::HTTP_2 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    Ok(response)
}

/// The answer to a fault: its status and the report's id.
pub(super) fn rescue(accept: Option<&HeaderValue>, fault: &Fault, report: ReportId) -> Response<Reply> {
    let detail = format!("The request could not be answered. Report {report} in the host's log says why.");
    let problem = page::problem(accept, fault.status(), &detail);
    if fault.blame() == Blame::Host { page::with(problem, retry()) } else { problem }
}
