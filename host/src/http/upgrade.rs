//! The way from a request to a websocket: checks, the handler's word, the 101.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode, Version};
use hyper::upgrade::OnUpgrade;
use tokio::sync::oneshot;

use super::body::Reply;
use super::clients::{Admission, Visit};
use super::connection::{Accepted, Permit};
use super::handshake::extensions::{self, Agreement};
use super::handshake::{self, Refusal};
use super::pace::Busy;
use super::{Admitted, Routed, Service, binding, connection, page, too_many};
use crate::failure::close_code;
use crate::port::head::{Ends, Head};
use crate::port::inbox::Inbox;
use crate::port::websocket::{Answer, Style, WebsocketParts, WebsocketPort};
use crate::websocket::registry::UNDEPLOYED;
use crate::websocket::{self, Opened, Opening, Terms, Websocket};

impl Service {
    pub(super) async fn upgrade(self: &Arc<Self>, routed: Routed<'_>, upgrade: OnUpgrade) -> Response<Reply> {
        let Admitted { parts, ends, connection, .. } = &routed.request;
        let accept = parts.headers.get(header::ACCEPT).cloned();
        let handshake = match handshake::check(parts, ends.secure, &routed.version.origins) {
            Ok(handshake) => handshake,
            Err(refusal) => return refuse(accept.as_ref(), refusal),
        };
        let Ok(visit) = self.visit(connection, *ends) else { return too_many(accept.as_ref()) };
        let busy = connection.busy(parts.version);
        // Once it has a connection for itself, nobody keeps that to time but the websocket.
        let (busy, until_opened) =
            if parts.version == Version::HTTP_2 { (Some(busy), None) } else { (None, Some(busy)) };
        let more = (visit.is_some() || busy.is_some()).then(|| Box::new(More { _visit: visit, _busy: busy }));
        let place = Place { _permit: connection.permit.clone(), _more: more };
        let offers = &parts.headers;
        let agreed = if routed.seat.handler.settings.deflate { extensions::agree(offers) } else { Ok(None) };
        let agreed = match agreed {
            Ok(agreed) => agreed,
            Err(refusal) => return refuse(accept.as_ref(), refusal),
        };
        let message_bytes_max = routed.rules.message_bytes_max;
        let terms = Terms { message_bytes_max, deflate: agreed.map(|agreed| agreed.deflate) };
        let websocket = self.websocket(routed, handshake.subprotocols.into());
        let (answer, answered) = oneshot::channel();
        self.enter(&websocket);
        let upgraded = async {
            let _busy = until_opened;
            connection::upgraded(upgrade).await
        };
        self.spawn(websocket::open(websocket, terms, answer, Box::pin(upgraded)), place);
        match answered.await {
            Ok(Answer::Accept(headers)) => accepted(handshake.accept_key.as_deref(), agreed, headers),
            Ok(Answer::Reject(status, headers, body)) => denied(status, headers, body),
            Err(_) => page::problem(accept.as_ref(), StatusCode::SERVICE_UNAVAILABLE, "The websocket's task ended."),
        }
    }

    /// The visit of a client whose connection is a proxy's; none where its connection counts already.
    fn visit(&self, connection: &Accepted, ends: Ends) -> Result<Option<Visit>, TooMany> {
        if ends.peer.ip() == connection.ends.peer.ip() {
            return Ok(None);
        }
        match self.clients.admit(ends.peer.ip(), Instant::now()) {
            Admission::Welcome(visit) => Ok(Some(visit)),
            Admission::Refused(_) | Admission::Unanswered => Err(TooMany),
        }
    }

    /// It is among the live ones.
    fn enter(&self, websocket: &Websocket) {
        let Websocket { port, app, .. } = websocket;
        // Whoever finds it among the live ones may close it, and then its handler is owed the close.
        port.connect();
        self.websockets.insert(port.clone(), app.clone());
        // Whoever undeploys closes those that it finds: this one may have come after.
        if !self.apps.get(&app.name).is_some_and(|served| Arc::ptr_eq(&served, app)) {
            port.host_close(close_code::GOING_AWAY, UNDEPLOYED);
        }
    }

    /// The websocket's own task: the connection's ends with the upgrade. What it holds is what an idle websocket costs.
    fn spawn(self: &Arc<Self>, opening: Opening, place: Place) {
        self.tasks.spawn(WebsocketTask { stage: Stage::Opening(opening), service: self.clone(), _place: place });
    }

    fn websocket(&self, routed: Routed<'_>, offered: Box<[String]>) -> Websocket {
        let Routed { request: Admitted { parts, ends, .. }, params, seat, rules, lot, app, version } = routed;
        let style = match seat.handler.exports.looped {
            Some(_) => Style::Loop(Box::new(Inbox::new(seat.version))),
            None => Style::Event,
        };
        let parts = WebsocketParts {
            head: Head::of_websocket(&parts, ends, params, &self.alike),
            rules: rules.clone(),
            version: seat.version,
            lot,
            style,
            session: binding(app, version, &parts.headers, ends.secure),
            groups: app.lasting().groups.clone(),
            sees_publications: seat.handler.exports.publications.is_some(),
            offered,
            outboxes: self.outboxes.clone(),
        };
        let port = Arc::new(WebsocketPort::new(parts));
        let flushed = Arc::downgrade(&port);
        port.session.of_websocket(port.id, move || {
            if let Some(port) = flushed.upgrade() {
                port.session_flushed();
            }
        });
        Websocket { port, app: app.clone(), seat }
    }
}

/// The client has too many websockets, or opens them too fast.
struct TooMany;

/// What a websocket holds of its connection.
struct Place {
    _permit: Arc<Permit>,
    /// Nothing, mostly.
    _more: Option<Box<More>>,
}

struct More {
    /// Of the client, where the connection is a proxy's.
    _visit: Option<Visit>,
    /// Where others are on the connection too.
    _busy: Option<Busy>,
}

/// A websocket's task. By hand, for an `async` block keeps room for what it has moved on.
struct WebsocketTask {
    stage: Stage,
    service: Arc<Service>,
    /// Given back after all else.
    _place: Place,
}

#[expect(clippy::large_enum_variant, reason = "it is the large one for all of its life")]
enum Stage {
    Opening(Opening),
    Opened(Opened),
    Ended,
}

impl Future for WebsocketTask {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            match &mut self.stage {
                Stage::Opening(opening) => self.stage = Stage::Opened(ready!(opening.as_mut().poll(cx))),
                Stage::Opened(opened) => {
                    ready!(Pin::new(opened).poll(cx));
                    self.end();
                }
                Stage::Ended => return Poll::Ready(()),
            }
        }
    }
}

impl WebsocketTask {
    fn end(&mut self) {
        let Stage::Opened(opened) = std::mem::replace(&mut self.stage, Stage::Ended) else { return };
        let Websocket { port, app, .. } = opened.into_websocket();
        // Between the two it is counted twice, never not at all.
        app.usage.add(port.usage());
        self.service.websockets.remove(port.id, &app);
        log(&port);
    }
}

/// 101, or over HTTP/2, which has no key, 200 (RFC 8441 §5).
fn accepted(accept_key: Option<&str>, agreed: Option<Agreement>, mut headers: HeaderMap) -> Response<Reply> {
    if let Some(extension) = agreed.and_then(|agreed| HeaderValue::try_from(agreed.answer()).ok()) {
        headers.insert(header::SEC_WEBSOCKET_EXTENSIONS, extension);
    }
    let mut response = Response::new(Reply::whole(""));
    if let Some(key) = accept_key.and_then(|key| HeaderValue::try_from(key).ok()) {
        headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(header::SEC_WEBSOCKET_ACCEPT, key);
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    }
    *response.headers_mut() = headers;
    response
}

fn denied(status: StatusCode, mut headers: HeaderMap, body: Vec<u8>) -> Response<Reply> {
    headers.remove(header::CONTENT_LENGTH);
    if !body.is_empty() && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    }
    let mut response = Response::new(Reply::whole(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

fn refuse(accept: Option<&HeaderValue>, refusal: Refusal) -> Response<Reply> {
    tracing::debug!(status = refusal.status.as_u16(), "handshake refused: {}", refusal.reason);
    let problem = page::problem(accept, refusal.status, &refusal.reason);
    page::with(problem, refusal.headers.into_iter().collect())
}

/// A plain request to a route that has websockets only (RFC 9110 §15.5.22).
pub(super) fn required(accept: Option<&HeaderValue>) -> Response<Reply> {
    let detail = "This route takes WebSocket handshakes only.";
    let problem = page::problem(accept, StatusCode::UPGRADE_REQUIRED, detail);
    page::with(problem, HeaderMap::from_iter([(header::UPGRADE, HeaderValue::from_static("websocket"))]))
}

fn log(port: &WebsocketPort) {
    let end = port.end();
    tracing::info!(
        target: "access",
        websocket = %port.id,
        path = port.head.path(),
        code = end.map_or(0, |end| end.code),
        received = port.received(),
        sent = port.sent(),
        cpu_micros = port.meter.total().as_micros(),
        seconds = port.head.started().elapsed().unwrap_or_default().as_secs(),
    );
}
