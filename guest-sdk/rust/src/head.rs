//! The head of the request that a websocket or an exchange began with, read from the host.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use crate::bindings::wit::types;
use crate::query::{Headers, Query, cookies};
use crate::url::{Url, is_authority};

/// What was asked, by whom. Everything is read from the host when it is asked for, so keep what you
/// need twice.
///
/// [`WebSocket`](crate::WebSocket) and [`Request`](crate::Request) deref to it:
///
/// ```
/// use sessile_sdk::prelude::*;
///
/// fn greet(ws: WebSocket) -> Result<()> {
///     let room = ws.param("room").unwrap_or_default();
///     let name = ws.query().get("name").unwrap_or("stranger").to_owned();
///     ws.accept()?;
///     ws.send(format!("welcome to {room}, {name}"))
/// }
///
/// sessile_sdk::websocket_loop!(greet);
/// # fn main() {}
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Head {
    id: u64,
}

impl Head {
    pub(crate) fn new(id: u64) -> Self {
        Self { id }
    }

    pub(crate) fn of(&self) -> u64 {
        self.id
    }

    /// `GET`, `POST`, … (RFC 9110 §9); `GET` for a websocket.
    pub fn method(&self) -> String {
        types::method(self.id)
    }

    /// `http`, `https`, `ws` or `wss`.
    pub fn scheme(&self) -> String {
        types::scheme(self.id)
    }

    /// The `Host` header as the peer sent it, which may be anything; [`Self::url`] checks it.
    pub fn authority(&self) -> String {
        types::authority(self.id)
    }

    /// The path as sent, percent-encoded, without the query.
    pub fn path(&self) -> String {
        types::path(self.id)
    }

    /// The query parameters, decoded.
    pub fn query(&self) -> Query {
        Query::parse(types::query(self.id).as_deref().unwrap_or_default())
    }

    /// A parameter of the route, decoded: `room` of `/rooms/{room}`.
    pub fn param(&self, name: &str) -> Option<String> {
        types::params(self.id).into_iter().find(|(param, _)| param == name).map(|(_, value)| value)
    }

    /// All headers.
    pub fn headers(&self) -> Headers {
        Headers(types::headers(self.id))
    }

    /// The first value of one header; the name in any case.
    pub fn header(&self, name: &str) -> Option<String> {
        types::header(self.id, name).into_iter().next()
    }

    /// The cookies.
    pub fn cookies(&self) -> Query {
        cookies(&types::header(self.id, "cookie"))
    }

    /// The site whose page made the request, where a browser says so (RFC 6454 §7).
    pub fn origin(&self) -> Option<String> {
        self.header("origin")
    }

    /// The whole URL. Where the peer's `Host` is malformed, with the address that it reached.
    pub fn url(&self) -> Url {
        let authority = Some(self.authority()).filter(|authority| is_authority(authority));
        Url {
            scheme: self.scheme(),
            authority: authority.unwrap_or_else(|| self.local_address()),
            path: self.path(),
            query: types::query(self.id),
        }
    }

    /// Whether the connection is encrypted, as `https` and `wss` say.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme().as_str(), "https" | "wss")
    }

    /// The `Host` header's host, without a port; the host's own address where it is malformed.
    pub fn host(&self) -> String {
        self.url().hostname().to_owned()
    }

    /// All of it as a mapping, for those who come from ASGI: `ws.scope()["path"]`.
    ///
    /// Keys: `type` (`http` or `websocket`), `method`, `scheme`, `http_version`, `path`,
    /// `query_string`, `headers` (pairs), `path_params`, `client` and `server` (address and port),
    /// `started_at` (seconds since 1970).
    pub fn scope(&self) -> serde_json::Map<String, serde_json::Value> {
        let scheme = self.scheme();
        let started = self.started_at().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let scope = serde_json::json!({
            "type": if scheme.starts_with("ws") { "websocket" } else { "http" },
            "method": self.method(),
            "scheme": scheme,
            "http_version": self.version(),
            "path": self.path(),
            "query_string": types::query(self.id).unwrap_or_default(),
            "headers": types::headers(self.id),
            "path_params": types::params(self.id).into_iter().collect::<serde_json::Value>(),
            "client": self.peer_address(),
            "server": self.local_address(),
            "started_at": started.as_secs_f64(),
        });
        match scope {
            serde_json::Value::Object(scope) => scope,
            _ => serde_json::Map::new(),
        }
    }

    /// The HTTP version, as `1.0` or `1.1`.
    pub fn version(&self) -> String {
        types::version(self.id)
    }

    /// The peer's address and port.
    pub fn peer_address(&self) -> String {
        types::peer_address(self.id)
    }

    /// The address and port that the peer reached.
    pub fn local_address(&self) -> String {
        types::local_address(self.id)
    }

    /// Whether the peer is on the host's own machine; behind a proxy there, all are.
    pub fn is_local(&self) -> bool {
        self.peer_address().parse::<SocketAddr>().is_ok_and(|address| address.ip().is_loopback())
    }

    /// When the request's head had arrived.
    pub fn started_at(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(types::started_at(self.id))
    }
}
