//! HTTP/1.1: connections, routing of requests to exchanges and websockets, answers.
//!
//! hyper is named in this folder only. What a guest may answer is decided by its port; here it is
//! put on the wire, with the host's own answers beside it.

mod body;
mod cors;
mod exchange;
mod files;
pub mod handshake;
mod page;
mod redirect;
mod upgrade;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::header::{self, HeaderMap};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use self::body::Reply;
use crate::app::{App, Target, Version};
use crate::dispatch::Seat;
use crate::limits;
use crate::port::head::Ends;
use crate::session::{LiveSessions, SessionBinding, Sessions};
use crate::websocket::registry::Registry;

/// What answers requests: the app with the state that its guests share.
pub struct Service {
    /// The app.
    pub app: Arc<App>,
    /// Where sessions persist.
    pub sessions: Sessions,
    /// Sessions minted for websockets that still live.
    pub live_sessions: Arc<LiveSessions>,
    /// The live websockets.
    pub websockets: Registry,
    /// Tasks that outlive their connection's: websockets, and handlers that run on after an answer.
    pub tasks: TaskTracker,
    /// Set while the host drains.
    pub draining: AtomicBool,
}

/// A request on its way to a handler.
struct Routed<'a> {
    parts: Parts,
    body: Incoming,
    ends: Ends,
    params: Vec<(Box<str>, Box<str>)>,
    seat: Seat,
    version: &'a Version,
    /// Ends its connection after what is being sent.
    connection: CancellationToken,
}

/// Nothing is answered: the connection ends.
#[derive(Debug, thiserror::Error)]
#[error("the guest cancelled the response")]
struct Cancelled;

/// Serves one connection until it ends, is upgraded or, draining, has answered what it had begun.
pub async fn serve(
    service: Arc<Service>,
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    drain: CancellationToken,
) {
    let first_byte = tokio::time::timeout(limits::FIRST_BYTE, stream.readable());
    let begun = tokio::select! {
        begun = first_byte => begun.is_ok_and(|readable| readable.is_ok()),
        () = drain.cancelled() => false,
    };
    let Ok(local) = stream.local_addr() else { return };
    if !begun {
        return;
    }
    let ends = Ends { peer, local, secure: false };
    let closing = drain.child_token();
    let accepted = Arc::new(Accepted { ends, permit: Arc::new(permit), closing: closing.clone() });
    let answer = service_fn(move |request| {
        let (service, accepted) = (service.clone(), accepted.clone());
        async move { service.answer(request, accepted).await }
    });
    let connection = http().serve_connection(TokioIo::new(stream), answer).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%peer, "connection ended: {error}");
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits::HEAD)
        .max_headers(limits::HEADERS_MAX)
        .max_buf_size(limits::HEAD_BYTES_MAX);
    http
}

/// A connection's place under the bound; a websocket takes it over.
type Permit = Arc<OwnedSemaphorePermit>;

/// A connection, as its requests know it.
struct Accepted {
    ends: Ends,
    permit: Permit,
    /// Ends it after what is being sent.
    closing: CancellationToken,
}

impl Service {
    async fn answer(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        accepted: Arc<Accepted>,
    ) -> Result<Response<Reply>, Cancelled> {
        if let Some(answer) = self.probe(request.uri().path()) {
            return Ok(answer);
        }
        if accepted.closing.is_cancelled() && !self.draining.load(Ordering::Relaxed) {
            // Pipelined behind an exchange whose handler has ended the connection.
            return Err(Cancelled);
        }
        let begun = Instant::now();
        let upgraded = request.headers().contains_key(header::UPGRADE).then(|| hyper::upgrade::on(&mut request));
        let (parts, body) = request.into_parts();
        let log = Line { method: parts.method.clone(), target: parts.uri.path().into(), begun };
        let answer = match (self.refusal(&parts), upgraded) {
            (Some(refusal), _) => refusal,
            (None, upgraded) => self.route(parts, body, upgraded, accepted).await?,
        };
        log.write(&answer);
        Ok(answer)
    }

    async fn route(
        self: &Arc<Self>,
        parts: Parts,
        body: Incoming,
        upgraded: Option<hyper::upgrade::OnUpgrade>,
        accepted: Arc<Accepted>,
    ) -> Result<Response<Reply>, Cancelled> {
        let version = arc_swap::Guard::into_inner(self.app.current());
        if let Some(answer) = version.cors.as_ref().and_then(|cors| cors::preflight(cors, &parts)) {
            return Ok(answer);
        }
        let origin = parts.headers.get(header::ORIGIN).cloned();
        let answer = self.targeted(parts, body, upgraded, accepted, &version).await;
        Ok(match &version.cors {
            Some(cors) => cors::allow(cors, origin.as_ref(), answer?),
            None => answer?,
        })
    }

    async fn targeted(
        self: &Arc<Self>,
        parts: Parts,
        body: Incoming,
        upgraded: Option<hyper::upgrade::OnUpgrade>,
        accepted: Arc<Accepted>,
        version: &Version,
    ) -> Result<Response<Reply>, Cancelled> {
        let accept = parts.headers.get(header::ACCEPT).cloned();
        let Some((target, params)) = version.find(parts.uri.path()) else {
            let detail = "No route of this app has this path.";
            return Ok(page::problem(accept.as_ref(), StatusCode::NOT_FOUND, detail));
        };
        let handler = match target {
            Target::Handler(handler) => handler,
            Target::Files(files) => return Ok(files::answer(files, &params, parts).await),
            Target::Redirect(redirect) => return Ok(redirect::answer(redirect, &params, &parts)),
        };
        let params = params.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let seat = Seat { version: version.number, handler: handler.clone() };
        let websockets = handler.exports.events.is_some() || handler.exports.looped.is_some();
        let exchanges = handler.exports.http.is_some();
        let connection = accepted.closing.clone();
        let routed = Routed { parts, body, ends: accepted.ends, params, seat, version, connection };
        match upgraded {
            Some(upgraded) if websockets && handshake::is_upgrade(&routed.parts) => {
                Ok(self.upgrade(routed, upgraded, accepted.permit.clone()).await)
            }
            _ if exchanges => self.exchange(routed).await,
            _ => Ok(upgrade::required(accept.as_ref())),
        }
    }

    /// A request that no handler is troubled with.
    fn refusal(&self, parts: &Parts) -> Option<Response<Reply>> {
        let target = parts.uri.path_and_query().map_or(0, |target| target.as_str().len());
        let (status, detail) = if self.draining.load(Ordering::Relaxed) {
            (StatusCode::SERVICE_UNAVAILABLE, "The host is draining; try again.".to_owned())
        } else if target > limits::TARGET_BYTES_MAX {
            let limit = limits::TARGET_BYTES_MAX;
            (StatusCode::URI_TOO_LONG, format!("Path and query of {target} bytes exceed the limit of {limit}."))
        } else {
            return None;
        };
        Some(page::problem(parts.headers.get(header::ACCEPT), status, &detail))
    }

    /// The probes of an orchestrator, which never reach an app.
    fn probe(&self, path: &str) -> Option<Response<Reply>> {
        match path {
            "/-/live" => Some(page::plain(StatusCode::OK, "live\n")),
            "/-/ready" if self.draining.load(Ordering::Relaxed) => {
                Some(page::plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n"))
            }
            "/-/ready" => Some(page::plain(StatusCode::OK, "ready\n")),
            _ => None,
        }
    }

    fn binding(&self, version: &Version, headers: &HeaderMap, secure: bool) -> SessionBinding {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let (db, presented) = self.sessions.of(version.cookies.values(cookies, secure));
        SessionBinding::new(db, self.live_sessions.clone(), version.lifetimes, presented)
    }
}

/// One line of the access log.
struct Line {
    method: http::Method,
    target: Box<str>,
    begun: Instant,
}

impl Line {
    fn write(&self, answer: &Response<Reply>) {
        tracing::info!(
            target: "access",
            method = %self.method,
            path = &*self.target,
            status = answer.status().as_u16(),
            micros = self.begun.elapsed().as_micros(),
        );
    }
}

/// The stream of an upgraded connection.
type Upgraded = TokioIo<TcpStream>;
