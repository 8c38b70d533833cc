//! HTTP/1.1 and HTTP/2: connections, routing of requests to exchanges and websockets, answers.
//!
//! hyper is named in this folder only. What a guest may answer is decided by its port; here it is
//! put on the wire, with the host's own answers beside it.

mod admission;
mod authority;
mod body;
mod clients;
pub mod connection;
mod cors;
mod exchange;
mod files;
mod forwarded;
pub mod handshake;
pub mod health;
mod pace;
mod page;
mod redirect;
mod upgrade;

pub use clients::{Admission, ClientLimit, ClientLimits, Clients, Visit};
pub use forwarded::Proxies;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use hyper::Request;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

use self::admission::Refusal;
use self::body::Reply;
use self::connection::{Accepted, Welcome};
use crate::app::{App, Apps, Target, Version};
use crate::dispatch::Seat;
use crate::event::{Lot, random_u64};
use crate::limits;
use crate::outbox::Outboxes;
use crate::port::fields::Alike;
use crate::port::head::Ends;
use crate::port::websocket::Rules;
use crate::session::SessionBinding;
use crate::websocket::registry::Registry;

/// What answers requests: the apps, and what is under way.
pub struct Service {
    /// The apps.
    pub apps: Arc<Apps>,
    /// The live websockets.
    pub websockets: Registry,
    /// Tasks that outlive their connection's: websockets, and handlers that run on after an answer.
    pub tasks: TaskTracker,
    /// Set while the host drains.
    pub draining: AtomicBool,
    /// Whose word on where a request is from counts.
    pub proxies: Proxies,
    /// How many connections each client address has.
    pub clients: Arc<Clients>,
    /// What all outboxes hold.
    pub outboxes: Arc<Outboxes>,
    /// What the heads of websockets have alike.
    pub alike: Alike,
    /// Hears when members of groups are to be told who comes and goes.
    pub presence: Arc<Notify>,
}

/// A request that may be answered.
struct Admitted {
    parts: Parts,
    body: Incoming,
    /// Of a request that asks for another protocol.
    upgrade: Option<OnUpgrade>,
    /// Where it is from, past trusted proxies.
    ends: Ends,
    connection: Arc<Accepted>,
}

/// A request on its way to a handler.
struct Routed<'a> {
    request: Admitted,
    params: Vec<(Box<str>, Box<str>)>,
    seat: Seat,
    rules: &'a Arc<Rules>,
    lot: Lot,
    app: &'a Arc<App>,
    version: &'a Version,
}

const DRAINING: &str = "The host is draining; try again.";

/// Nothing is answered: the connection ends.
#[derive(Debug, thiserror::Error)]
#[error("the guest cancelled the response")]
struct Cancelled;

impl Service {
    async fn answer(
        self: &Arc<Self>,
        mut request: Request<Incoming>,
        connection: Arc<Accepted>,
    ) -> Result<Response<Reply>, Cancelled> {
        if let Some(answer) = self.probe(request.uri().path()) {
            return Ok(answer);
        }
        if connection.closing.is_cancelled() && !self.draining.load(Ordering::Relaxed) {
            // Pipelined behind an exchange whose handler has ended the connection.
            return Err(Cancelled);
        }
        if connection.welcome == Welcome::TooMany {
            connection.closing.cancel();
            return Ok(too_many(request.headers().get(header::ACCEPT)));
        }
        let begun = Instant::now();
        let upgrade = handshake::asks_for_protocol(&request).then(|| hyper::upgrade::on(&mut request));
        let (mut parts, body) = request.into_parts();
        let log = Line { method: parts.method.clone(), target: parts.uri.path().into(), begun };
        let draining = self.draining.load(Ordering::Relaxed);
        let answer = match admission::admit(&mut parts, &self.proxies, connection.ends) {
            _ if draining => {
                page::problem(parts.headers.get(header::ACCEPT), StatusCode::SERVICE_UNAVAILABLE, DRAINING)
            }
            Ok(_) if parts.uri.path() == "*" => page::plain(StatusCode::NO_CONTENT, ""),
            Ok(ends) => self.route(Admitted { parts, body, upgrade, ends, connection }).await?,
            Err(refusal) => refuse(&parts, &connection, &refusal),
        };
        log.write(&answer);
        Ok(answer)
    }

    async fn route(self: &Arc<Self>, request: Admitted) -> Result<Response<Reply>, Cancelled> {
        let parts = &request.parts;
        let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
        let Some(app) = self.apps.find(host, parts.uri.path()) else {
            let detail = "No app is served at this host and path.";
            return Ok(page::problem(parts.headers.get(header::ACCEPT), StatusCode::NOT_FOUND, detail));
        };
        let lot = lot(&app, &request);
        let version = app.version_for(lot);
        if let Some(answer) = version.cors.as_ref().and_then(|cors| cors::preflight(cors, &request.parts)) {
            return Ok(answer);
        }
        let origin = request.parts.headers.get(header::ORIGIN).cloned();
        let answer = self.targeted(request, lot, &app, &version).await;
        Ok(match &version.cors {
            Some(cors) => cors::allow(cors, origin.as_ref(), answer?),
            None => answer?,
        })
    }

    async fn targeted(
        self: &Arc<Self>,
        request: Admitted,
        lot: Lot,
        app: &Arc<App>,
        version: &Version,
    ) -> Result<Response<Reply>, Cancelled> {
        let parts = &request.parts;
        let accept = parts.headers.get(header::ACCEPT).cloned();
        let Some((target, params)) = version.find(parts.uri.path()) else {
            let detail = "No route of this app has this path.";
            return Ok(page::problem(accept.as_ref(), StatusCode::NOT_FOUND, detail));
        };
        let (handler, rules) = match target {
            Target::Handler(handler, rules) => (handler, rules),
            Target::Files(files) => return Ok(files::answer(files, &params, request.parts).await),
            Target::Redirect(redirect) => return Ok(redirect::answer(redirect, &params, parts)),
        };
        let params = params.iter().map(|(name, value)| (name.into(), value.into())).collect();
        let seat = Seat::new(version.number, handler.clone());
        let websockets = handler.exports.events.is_some() || handler.exports.looped.is_some();
        let exchanges = handler.exports.answers_http();
        let mut routed = Routed { request, params, seat, rules, lot, app, version };
        match routed.request.upgrade.take() {
            Some(upgrade) if websockets && handshake::is_websocket(&routed.request.parts) => {
                Ok(self.upgrade(routed, upgrade).await)
            }
            _ if exchanges => self.exchange(routed).await,
            _ => Ok(upgrade::required(accept.as_ref())),
        }
    }

    /// The probes of an orchestrator, and the browser's side of docs/resume.md: what is the host's own, and never reaches an app.
    fn probe(&self, path: &str) -> Option<Response<Reply>> {
        match path {
            "/-/live" => Some(page::plain(StatusCode::OK, "live\n")),
            "/-/ready" if self.draining.load(Ordering::Relaxed) => {
                Some(page::plain(StatusCode::SERVICE_UNAVAILABLE, "draining\n"))
            }
            "/-/ready" => Some(page::plain(StatusCode::OK, "ready\n")),
            "/-/resume.js" => Some(page::script(include_str!("../../../client/resume.js"))),
            _ => None,
        }
    }
}

/// The session of whoever sent these headers.
fn binding(app: &App, version: &Version, headers: &HeaderMap, secure: bool) -> SessionBinding {
    let (db, presented) = app.sessions.of(version.cookies.values(cookies(headers), secure));
    SessionBinding::new(db, app.live_sessions.clone(), version.lifetimes.clone(), presented)
}

/// What decides which version a request goes to, and the websocket that it becomes: the session that it presents; without
/// one each websocket has its own, and all other requests of a peer's address the same.
fn lot(app: &App, request: &Admitted) -> Lot {
    let Admitted { parts, upgrade, ends, .. } = request;
    if upgrade.is_none() && app.canary().is_none() {
        return Lot::default();
    }
    let (_, presented) = app.sessions.of(app.current().cookies.values(cookies(&parts.headers), ends.secure));
    match presented {
        Some(session) => Lot::of(session.key().as_bytes()),
        None if upgrade.is_some() => Lot::of(random_u64()),
        None => Lot::of(ends.peer.ip()),
    }
}

fn cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok())
}

/// The answer to a request that no handler gets.
fn refuse(head: &Parts, connection: &Accepted, refusal: &Refusal) -> Response<Reply> {
    let Refusal { status, detail, last } = refusal;
    let problem = page::problem(head.headers.get(header::ACCEPT), *status, detail);
    if !last {
        return problem;
    }
    connection.closing.cancel();
    page::with(problem, HeaderMap::from_iter([(header::CONNECTION, HeaderValue::from_static("close"))]))
}

/// The answer to a client address that has too much already.
fn too_many(accept: Option<&HeaderValue>) -> Response<Reply> {
    let detail = "Too many connections come from this address; try again in a while.";
    let problem = page::problem(accept, StatusCode::TOO_MANY_REQUESTS, detail);
    page::with(problem, retry())
}

/// Of an answer that may be another one soon.
fn retry() -> HeaderMap {
    HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from(limits::RETRY_AFTER.as_secs()))])
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
