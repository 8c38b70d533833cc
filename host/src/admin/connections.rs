//! The live websockets: what is told of each, the end of one, and what happens as it happens.
//!
//! Owns the order of a listing and the words for whether a websocket has an instance. Nothing here says what was in a
//! message, or a session's id.

use std::collections::HashMap;
use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

use super::api::{Answer, bad, internal};
use super::reply::{self, Body};
use super::wire::{CloseRequest, ConnectionInfo, Connections, Instance, Problem, SessionInfo, Sessions, TailLine};
use super::{Caller, Desk};
use crate::deploy::Action;
use crate::event::WebsocketId;
use crate::feed::{Followed, Follower};
use crate::limits;
use crate::port::lifecycle;
use crate::port::websocket::Activity;
use crate::usage::Usage;
use crate::websocket::registry::Live;

impl Desk {
    /// The oldest first. `app` and `id`, the start of one, say which.
    pub(super) async fn connections(&self, query: Option<&str>) -> Answer {
        let [app, id, limit] = asked(query, ["app", "id", "limit"])?;
        let limit = limit.map_or(Ok(limits::CONNECTIONS_LISTED), |limit| limited(&limit))?;
        let id = id.map(start_of_id).transpose()?.unwrap_or_default();
        if let Some(app) = &app {
            self.deployer.app(app)?;
        }
        let all = self.service.websockets.all();
        let listed = tokio::task::spawn_blocking(move || {
            let meant = |live: &Live| {
                app.as_ref().is_none_or(|app| live.app.name == *app)
                    && (id.is_empty() || live.port.id.to_string().starts_with(&id))
            };
            let mut all: Vec<_> = all.into_iter().filter(meant).collect();
            all.sort_by_key(|live| live.port.head.started());
            let connections = all.iter().take(limit).map(info).collect();
            Connections { total: all.len(), connections }
        });
        Ok(reply::json(StatusCode::OK, &listed.await.map_err(internal)?))
    }

    /// The sessions that have live websockets, with what those have used: the one with most CPU first.
    pub(super) async fn sessions(&self, query: Option<&str>) -> Answer {
        let [app, limit] = asked(query, ["app", "limit"])?;
        let limit = limit.map_or(Ok(limits::CONNECTIONS_LISTED), |limit| limited(&limit))?;
        if let Some(app) = &app {
            self.deployer.app(app)?;
        }
        let all = self.service.websockets.all();
        let listed = tokio::task::spawn_blocking(move || {
            let meant = |live: &&Live| app.as_ref().is_none_or(|app| live.app.name == *app);
            let mut sessions = by_session(all.iter().filter(meant));
            sessions.sort_by_key(|session| std::cmp::Reverse(session.usage.cpu_micros));
            let total = sessions.len();
            sessions.truncate(limit);
            Sessions { total, sessions }
        });
        Ok(reply::json(StatusCode::OK, &listed.await.map_err(internal)?))
    }

    /// Closes one, once the audit log says so.
    pub(super) async fn close(&self, id: &str, request: CloseRequest, caller: &Caller) -> Answer {
        let CloseRequest { code, reason } = request;
        lifecycle::checked(code, &reason).map_err(bad)?;
        let websocket = u64::from_str_radix(id, 16).ok().filter(|_| id.len() == limits::ID_DIGITS).map(WebsocketId);
        let Some(Live { port, app }) = websocket.and_then(|id| self.service.websockets.get(id)) else {
            let detail = format!("no live websocket has the id '{id}'; `sessile connections` lists them");
            return Err(Problem::new(StatusCode::NOT_FOUND, detail));
        };
        let (audit, by, action) =
            (self.deployer.audit().clone(), caller.by.clone(), Action::Close { websocket: port.id.to_string() });
        let written = tokio::task::spawn_blocking(move || audit.write(&by, &app.name, &action));
        written.await.map_err(internal)?.map_err(|cause| internal(format!("the audit log: {cause}")))?;
        port.host_close(code, &reason);
        Ok(reply::done())
    }

    /// What happens from now on, one line each, until whoever asked leaves; `id`, the start of one, says to what.
    pub(super) fn tail(&self, query: Option<&str>) -> Answer {
        let [id] = asked(query, ["id"])?;
        let id = id.map(start_of_id).transpose()?.unwrap_or_default();
        let Some(follower) = self.deployer.feed().follow() else {
            let detail = format!("{} follow already, which is the limit", limits::TAILS_MAX);
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        };
        let lines = futures_util::stream::unfold((follower, id), async |(mut follower, id)| {
            let line = next_line(&mut follower, &id).await;
            Some((Ok::<_, Infallible>(Frame::data(line)), (follower, id)))
        });
        let mut response: Response<Body> = Response::new(StreamBody::new(lines).boxed_unsync());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        Ok(response)
    }
}

async fn next_line(follower: &mut Follower, id: &str) -> Bytes {
    loop {
        match follower.next().await {
            Followed::Missed(missed) => return reply::line(&TailLine::Missed { missed }),
            Followed::Told(told) if id.is_empty() || told.id.as_ref().is_some_and(|of| of.starts_with(id)) => {
                return reply::line(&*told);
            }
            Followed::Told(_) => {}
        }
    }
}

fn info(live: &Live) -> ConnectionInfo {
    let Live { port, app } = live;
    let (instance, why) = match port.activity() {
        Activity::Awake(why) => (Instance::Awake, why),
        Activity::Hibernating(why) => (Instance::Hibernating, why),
    };
    ConnectionInfo {
        id: port.id.to_string(),
        app: app.name.clone(),
        path: port.head.path().to_owned(),
        handler: port.rules.handler.to_string(),
        session: port.session.tag(),
        version: port.version(),
        state: port.state().to_string(),
        age_s: port.head.started().elapsed().unwrap_or_default().as_secs(),
        usage: port.usage(),
        outbox_bytes: port.outbox.bytes(),
        peer: port.head.peer().to_string(),
        instance,
        why: why.to_owned(),
    }
}

fn by_session<'a>(all: impl Iterator<Item = &'a Live>) -> Vec<SessionInfo> {
    let mut sessions = HashMap::<(&str, String), SessionInfo>::new();
    for Live { port, app } in all {
        let Some(session) = port.session.tag() else { continue };
        let found = sessions.entry((&app.name, session.clone())).or_insert_with(|| SessionInfo {
            app: app.name.clone(),
            session,
            websockets: 0,
            usage: Usage::default(),
        });
        found.websockets += 1;
        found.usage = found.usage.with(port.usage());
    }
    sessions.into_values().collect()
}

/// The values of a query's keys, which are these and no others.
pub(super) fn asked<const KEYS: usize>(
    query: Option<&str>,
    keys: [&str; KEYS],
) -> Result<[Option<String>; KEYS], Problem> {
    let mut values = std::array::from_fn(|_| None);
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        let place = keys.iter().position(|known| *known == key).and_then(|place| values.get_mut(place));
        *place.ok_or_else(|| bad(format!("'{key}' is no key here: {} are", keys.join(", "))))? = Some(value.into());
    }
    Ok(values)
}

pub(super) fn limited(limit: &str) -> Result<usize, Problem> {
    let limit = limit.parse().ok().filter(|limit| (1..=limits::CONNECTIONS_LISTED_MAX).contains(limit));
    limit.ok_or_else(|| bad(format!("limit: 1 to {} are allowed", limits::CONNECTIONS_LISTED_MAX)))
}

fn start_of_id(start: String) -> Result<String, Problem> {
    let digits = start.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    match start.len() {
        1..=limits::ID_DIGITS if digits => Ok(start),
        _ => Err(bad(format!("'{start}' does not begin an id: 1 to {} hexadecimal digits do", limits::ID_DIGITS))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_is_of_known_keys_alone() {
        assert_eq!(asked(Some("b=x%20y&a="), ["a", "b"]).unwrap(), [Some(String::new()), Some("x y".to_owned())]);
        assert_eq!(asked(None, ["a"]).unwrap(), [None]);
        let refused = asked(Some("c=1"), ["a", "b"]).unwrap_err();
        assert_eq!((refused.status, refused.detail.as_str()), (400, "'c' is no key here: a, b are"));
    }

    #[test]
    fn limit_and_id_out_of_bounds_are_refused() {
        assert_eq!(limited("10000").unwrap(), 10_000);
        assert!(["0", "10001", "-1", "x", ""].iter().all(|limit| limited(limit).is_err()));
        assert_eq!(start_of_id("0a".to_owned()).unwrap(), "0a");
        assert!(["", "0A", "xyz", "00000000000000000"].iter().all(|id| start_of_id((*id).to_owned()).is_err()));
    }
}
