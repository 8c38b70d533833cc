//! The head of the request that an exchange or websocket began with.
//!
//! Owns a copy that is as small as its holder needs: an exchange keeps what hyper parsed, since it
//! is short; a websocket keeps texts, since it may idle for days and hyper's would hold the whole read
//! buffer alive.

use std::net::{SocketAddr, SocketAddrV4};
use std::time::{Duration, SystemTime};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Uri, Version};

use super::fields::{Alike, FieldList};

/// A request's head and where it came from.
#[derive(Debug)]
pub struct Head {
    request: Request,
    params: Box<[(Box<str>, Box<str>)]>,
    addresses: Addresses,
    secure: bool,
    /// Nanoseconds since 1970, for 500 years: half of what a `SystemTime` takes.
    started: u64,
}

#[derive(Debug)]
enum Request {
    /// Of an exchange.
    Parsed(Box<Parts>),
    /// Of a websocket: the path and query, and the fields.
    Kept { target: Box<str>, fields: FieldList, version: Version },
}

/// The peer's and ours. Most are of IPv4, and a quarter of the size.
#[derive(Debug)]
enum Addresses {
    V4(SocketAddrV4, SocketAddrV4),
    Other(Box<(SocketAddr, SocketAddr)>),
}

/// The method of each websocket's handshake, over HTTP/2 too.
static GET: Method = Method::GET;

/// The two ends of the connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// The remote end.
    pub peer: SocketAddr,
    /// Our end.
    pub local: SocketAddr,
    /// Whether the connection is encrypted.
    pub secure: bool,
}

impl Head {
    /// The head of an exchange.
    pub fn of_exchange(mut parts: Parts, ends: Ends, params: Vec<(Box<str>, Box<str>)>) -> Self {
        parts.extensions.clear();
        Self::new(Request::Parsed(Box::new(parts)), ends, params)
    }

    /// The head of a websocket: copied; what others have alike is held once.
    pub fn of_websocket(parts: &Parts, ends: Ends, params: Vec<(Box<str>, Box<str>)>, alike: &Alike) -> Self {
        let target = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let fields = FieldList::new(&parts.headers, alike);
        Self::new(Request::Kept { target: target.into(), fields, version: parts.version }, ends, params)
    }

    fn new(request: Request, ends: Ends, params: Vec<(Box<str>, Box<str>)>) -> Self {
        let addresses = match (ends.peer, ends.local) {
            (SocketAddr::V4(peer), SocketAddr::V4(local)) => Addresses::V4(peer, local),
            ends => Addresses::Other(Box::new(ends)),
        };
        Self { request, params: params.into(), addresses, secure: ends.secure, started: nanos(SystemTime::now()) }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        match &self.request {
            Request::Parsed(parts) => &parts.method,
            Request::Kept { .. } => &GET,
        }
    }

    /// `http`, `https`, `ws` or `wss`.
    pub fn scheme(&self) -> &'static str {
        match (&self.request, self.secure) {
            (Request::Parsed(_), false) => "http",
            (Request::Parsed(_), true) => "https",
            (Request::Kept { .. }, false) => "ws",
            (Request::Kept { .. }, true) => "wss",
        }
    }

    /// The host that the request is for, from `Host`, where the target's own or a trusted proxy's stands.
    pub fn authority(&self) -> String {
        self.values("host").into_iter().next().unwrap_or_default()
    }

    /// The path as sent.
    pub fn path(&self) -> &str {
        match &self.request {
            Request::Parsed(parts) => parts.uri.path(),
            Request::Kept { target, .. } => match target.split_once('?').map_or(&**target, |(path, _)| path) {
                // Of `http://host?query`, as `Uri` has it.
                "" => "/",
                path => path,
            },
        }
    }

    /// What follows `?`.
    pub fn query(&self) -> Option<&str> {
        match &self.request {
            Request::Parsed(parts) => parts.uri.query(),
            Request::Kept { target, .. } => target.split_once('?').map(|(_, query)| query),
        }
    }

    /// As an absolute URI; where the peer named no authority that could be one, that of our end.
    pub fn uri(&self) -> Uri {
        let target = match &self.request {
            Request::Parsed(parts) => parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str),
            Request::Kept { target, .. } => target,
        };
        let with = |authority| Uri::builder().scheme(self.scheme()).authority(authority).path_and_query(target).build();
        with(self.authority()).or_else(|_| with(self.local().to_string())).unwrap_or_default()
    }

    /// Whether the peer's connection is encrypted.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The route's parameters.
    pub fn params(&self) -> Vec<(String, String)> {
        self.params.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// All headers.
    pub fn headers(&self) -> Vec<(String, String)> {
        match &self.request {
            Request::Parsed(parts) => {
                parts.headers.iter().map(|(name, value)| (name.to_string(), text(value))).collect()
            }
            Request::Kept { fields, .. } => fields.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }

    /// All headers, in a map of their own.
    pub fn fields(&self) -> HeaderMap {
        match &self.request {
            Request::Parsed(parts) => parts.headers.clone(),
            Request::Kept { fields, .. } => {
                fields.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect()
            }
        }
    }

    /// The values of one header; the name in any case.
    pub fn values(&self, name: &str) -> Vec<String> {
        match &self.request {
            Request::Parsed(parts) => match HeaderName::try_from(name) {
                Ok(name) => parts.headers.get_all(name).iter().map(text).collect(),
                Err(_) => Vec::new(),
            },
            Request::Kept { fields, .. } => fields
                .iter()
                .filter(|(field, _)| field.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.into())
                .collect(),
        }
    }

    /// `1.0`, `1.1` or `2`.
    pub fn version(&self) -> &'static str {
        match self.http_version() {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        }
    }

    /// The version as a type.
    pub fn http_version(&self) -> Version {
        match &self.request {
            Request::Parsed(parts) => parts.version,
            Request::Kept { version, .. } => *version,
        }
    }

    /// The remote end.
    pub fn peer(&self) -> SocketAddr {
        match &self.addresses {
            Addresses::V4(peer, _) => SocketAddr::V4(*peer),
            Addresses::Other(ends) => ends.0,
        }
    }

    /// Our end.
    pub fn local(&self) -> SocketAddr {
        match &self.addresses {
            Addresses::V4(_, local) => SocketAddr::V4(*local),
            Addresses::Other(ends) => ends.1,
        }
    }

    /// When the head had arrived.
    pub fn started(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.started)
    }
}

/// A header's value as text: UTF-8, else Latin-1 (RFC 9110 §5.5).
pub fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

fn nanos(moment: SystemTime) -> u64 {
    let since = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECURE: bool = true;

    fn parts(target: &str) -> Parts {
        let request = http::Request::get(target).header("host", "x:8").header("x-a", "1").header("X-A", "2");
        request.body(()).unwrap().into_parts().0
    }

    fn ends(peer: &str, local: &str) -> Ends {
        Ends { peer: peer.parse().unwrap(), local: local.parse().unwrap(), secure: SECURE }
    }

    #[test]
    fn head_of_a_websocket_tells_what_that_of_an_exchange_does() {
        for (peer, local) in [("1.2.3.4:5", "5.6.7.8:9"), ("[::1%7]:5", "[::1]:9"), ("1.2.3.4:5", "[::1]:9")] {
            for target in ["/", "/a/b?c=d?e", "/?", "/a?", "*", "http://x", "http://x?c=d"] {
                let ends = ends(peer, local);
                let kept = Head::of_websocket(&parts(target), ends, vec![("n".into(), "v".into())], &Alike::default());
                let parsed = Head::of_exchange(parts(target), ends, vec![("n".into(), "v".into())]);
                assert_eq!((kept.path(), kept.query()), (parsed.path(), parsed.query()), "{target}");
                assert_eq!(kept.uri().path_and_query(), parsed.uri().path_and_query());
                assert_eq!((kept.peer(), kept.local()), (ends.peer, ends.local));
                assert_eq!((kept.method(), kept.version()), (parsed.method(), parsed.version()));
                assert_eq!((kept.headers(), kept.fields()), (parsed.headers(), parsed.fields()));
                assert_eq!(kept.values("X-a"), ["1", "2"]);
                assert_eq!((kept.authority(), kept.params()), (parsed.authority(), parsed.params()));
                assert_eq!((kept.scheme(), parsed.scheme()), ("wss", "https"));
            }
        }
    }
}
