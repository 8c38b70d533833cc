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
use super::handshake::{self, Handshake, Refusal};
use super::pace::Busy;
use super::{Admitted, Routed, Service, binding, connection, cookies, page, too_many};
use crate::failure::close_code;
use crate::group::Position;
use crate::limits;
use crate::port::head::{Ends, Head};
use crate::port::inbox::Inbox;
use crate::port::websocket::{Answer, Resumption, Style, WebsocketParts, WebsocketPort};
use crate::resume::Resume;
use crate::resume::offer::{self, Offer, Return, Stand};
use crate::websocket::door::{self, Arrival};
use crate::websocket::registry::UNDEPLOYED;
use crate::websocket::{self, Opened, Opening, Resuming, Terms, Upgrade, Websocket};

impl Service {
    pub(super) async fn upgrade(self: &Arc<Self>, mut routed: Routed<'_>, upgrade: OnUpgrade) -> Response<Reply> {
        let Admitted { parts, ends, connection, .. } = &mut routed.request;
        let accept = parts.headers.get(header::ACCEPT).cloned();
        let mut handshake = match handshake::check(parts, ends.secure, &routed.version.origins) {
            Ok(handshake) => handshake,
            Err(refusal) => return refuse(accept.as_ref(), refusal),
        };
        let rules = routed.rules.clone();
        let offer = rules.resume.as_ref().and_then(|_| Offer::of(&handshake.subprotocols));
        hide(&mut handshake, &mut parts.headers, offer.is_some());
        let Ok(visit) = self.visit(connection, *ends) else { return too_many(accept.as_ref()) };
        let busy = connection.busy(parts.version);
        // Once it has a connection for itself, nobody keeps that to time but the websocket.
        let (busy, until_opened) =
            if parts.version == Version::HTTP_2 { (Some(busy), None) } else { (None, Some(busy)) };
        let more = (visit.is_some() || busy.is_some()).then(|| Box::new(More { _visit: visit, _busy: busy }));
        let mut place = Some(Place { _permit: connection.permit.clone(), _more: more });
        let offers = &parts.headers;
        let agreed = if routed.seat.handler.settings.deflate { extensions::agree(offers) } else { Ok(None) };
        let agreed = match agreed {
            Ok(agreed) => agreed,
            Err(refusal) => return refuse(accept.as_ref(), refusal),
        };
        let deflate = agreed.map(|agreed| agreed.deflate);
        let upgraded: Upgrade = Box::pin(async {
            let _busy = until_opened;
            connection::upgraded(upgrade).await
        });
        let resumes = offer.is_some();
        let accepted = |headers| accepted(handshake.accept_key.as_deref(), agreed, resumes, headers);
        if let Some(back) = offer.as_ref().and_then(|offer| offer.back.as_ref())
            && let Some(opened) = self.come_back(back, &routed).await
        {
            let place: door::Place = Box::new(place.take());
            // It may have ended at this moment: then the peer meets the end of its connection, and asks again.
            let _ended = opened.send(Arrival { upgrade: upgraded, deflate, place });
            return accepted(HeaderMap::new());
        }
        let resume = rules.resume.clone().filter(|_| offer.is_some());
        let head_bytes = if resume.is_some() { limits::RESUME_HEAD_BYTES_MAX } else { 0 };
        let terms = Terms { message_bytes_max: rules.message_bytes_max + head_bytes, deflate };
        let offered = std::mem::take(&mut handshake.subprotocols).into();
        let websocket = self.websocket(routed, offered, resume.clone());
        let stands = offer.map(|offer| offer.from).unwrap_or_default().into_iter();
        let position = |stand: Stand| (stand.group, Position { epoch: stand.epoch, offset: stand.offset });
        websocket.port.membership.recall(stands.map(position));
        let resuming = resume.map(|resume| {
            let door = self.websockets.doors.make(websocket.port.id);
            Resuming::new(Resume::new(resume.patience), door, Box::new(place.take()))
        });
        let (answer, answered) = oneshot::channel();
        self.enter(&websocket);
        self.spawn(websocket::open(websocket, terms, answer, upgraded, resuming), place);
        match answered.await {
            Ok(Answer::Accept(headers)) => accepted(headers),
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

    /// Knocks at the websocket that a peer comes back to: its own, at the same place, in the same session. None where it is to get
    /// another.
    async fn come_back(&self, back: &Return, routed: &Routed<'_>) -> Option<oneshot::Sender<Arrival>> {
        let port = routed.app.live().get(back.token.websocket)?;
        let Admitted { parts, ends, .. } = &routed.request;
        let same = port.rules.handler == routed.rules.handler && port.head.path() == parts.uri.path();
        let (_, presented) =
            routed.app.sessions.of(routed.version.cookies.values(cookies(&parts.headers), ends.secure));
        if !same || !port.session.is_of(presented.as_ref()) {
            return None;
        }
        let door = self.websockets.doors.get(port.id)?;
        door.knock(back.token.clone(), back.received)?.await.ok()
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
    fn spawn(self: &Arc<Self>, opening: Opening, place: Option<Place>) {
        self.tasks.spawn(WebsocketTask { stage: Stage::Opening(opening), service: self.clone(), _place: place });
    }

    fn websocket(&self, routed: Routed<'_>, offered: Box<[String]>, resume: Option<Resumption>) -> Websocket {
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
            resume,
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
    /// Given back after all else; none of one that resumes, whose connections come and go.
    _place: Option<Place>,
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
fn accepted(
    accept_key: Option<&str>,
    agreed: Option<Agreement>,
    resumes: bool,
    mut headers: HeaderMap,
) -> Response<Reply> {
    if resumes {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(offer::SUBPROTOCOL));
    }
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

/// Takes the host's own subprotocols out of what a handler sees; all of them where the websocket resumes, since a handshake agrees on
/// one.
fn hide(handshake: &mut Handshake, headers: &mut HeaderMap, resumes: bool) {
    let before = handshake.subprotocols.len();
    if resumes {
        handshake.subprotocols.clear();
    }
    offer::hide(&mut handshake.subprotocols);
    if handshake.subprotocols.len() == before {
        return;
    }
    headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
    let left = handshake.subprotocols.join(", ");
    if let Some(left) = HeaderValue::try_from(left).ok().filter(|left| !left.is_empty()) {
        headers.insert(header::SEC_WEBSOCKET_PROTOCOL, left);
    }
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
