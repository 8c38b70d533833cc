//! The head of the request that an exchange or websocket began with.
//!
//! Owns a copy that is as small as its holder needs: an exchange keeps what hyper parsed, since it
//! is short; a websocket keeps one compact text, since it may idle for days and hyper's would hold
//! the whole read buffer alive.

use std::net::SocketAddr;
use std::time::SystemTime;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Uri, Version};

/// A request's head and where it came from.
#[derive(Debug)]
pub struct Head {
    method: Method,
    uri: Uri,
    version: Version,
    fields: Fields,
    scheme: &'static str,
    params: Vec<(Box<str>, Box<str>)>,
    peer: SocketAddr,
    local: SocketAddr,
    started: SystemTime,
}

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

#[derive(Debug)]
enum Fields {
    Parsed(HeaderMap),
    Compact(FieldList),
}

impl Head {
    /// The head of an exchange.
    pub fn of_exchange(parts: http::request::Parts, ends: Ends, params: Vec<(Box<str>, Box<str>)>) -> Self {
        let scheme = if ends.secure { "https" } else { "http" };
        Self::new(parts.method, parts.uri, parts.version, Fields::Parsed(parts.headers), scheme, ends, params)
    }

    /// The head of a websocket: copied, and compact.
    pub fn of_websocket(parts: &http::request::Parts, ends: Ends, params: Vec<(Box<str>, Box<str>)>) -> Self {
        let uri = Uri::try_from(parts.uri.to_string()).unwrap_or_default();
        let fields = Fields::Compact(FieldList::from(&parts.headers));
        let scheme = if ends.secure { "wss" } else { "ws" };
        Self::new(Method::GET, uri, parts.version, fields, scheme, ends, params)
    }

    fn new(
        method: Method,
        uri: Uri,
        version: Version,
        fields: Fields,
        scheme: &'static str,
        ends: Ends,
        params: Vec<(Box<str>, Box<str>)>,
    ) -> Self {
        let Ends { peer, local, .. } = ends;
        Self { method, uri, version, fields, scheme, params, peer, local, started: SystemTime::now() }
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// `http`, `https`, `ws` or `wss`.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host that the request is for, from `Host`, where the target's own or a trusted proxy's stands.
    pub fn authority(&self) -> String {
        self.values("host").into_iter().next().unwrap_or_default()
    }

    /// The path as sent.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// What follows `?`.
    pub fn query(&self) -> Option<&str> {
        self.uri.query()
    }

    /// As an absolute URI; where the peer named no authority that could be one, that of our end.
    pub fn uri(&self) -> Uri {
        let target = self.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let with = |authority| Uri::builder().scheme(self.scheme).authority(authority).path_and_query(target).build();
        with(self.authority()).or_else(|_| with(self.local.to_string())).unwrap_or_default()
    }

    /// The route's parameters.
    pub fn params(&self) -> Vec<(String, String)> {
        self.params.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    /// All headers.
    pub fn headers(&self) -> Vec<(String, String)> {
        match &self.fields {
            Fields::Parsed(map) => map.iter().map(|(name, value)| (name.to_string(), text(value))).collect(),
            Fields::Compact(list) => list.iter().map(|(name, value)| (name.into(), value.into())).collect(),
        }
    }

    /// All headers, in a map of their own.
    pub fn fields(&self) -> HeaderMap {
        match &self.fields {
            Fields::Parsed(map) => map.clone(),
            Fields::Compact(list) => {
                list.iter().filter_map(|(name, value)| Some((name.parse().ok()?, value.parse().ok()?))).collect()
            }
        }
    }

    /// The values of one header; the name in any case.
    pub fn values(&self, name: &str) -> Vec<String> {
        match &self.fields {
            Fields::Parsed(map) => match HeaderName::try_from(name) {
                Ok(name) => map.get_all(name).iter().map(text).collect(),
                Err(_) => Vec::new(),
            },
            Fields::Compact(list) => list
                .iter()
                .filter(|(field, _)| field.eq_ignore_ascii_case(name))
                .map(|(_, value)| value.into())
                .collect(),
        }
    }

    /// `1.0`, `1.1` or `2`.
    pub fn version(&self) -> &'static str {
        match self.version {
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            _ => "1.1",
        }
    }

    /// The version as a type.
    pub fn http_version(&self) -> Version {
        self.version
    }

    /// The remote end.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Our end.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// When the head had arrived.
    pub fn started(&self) -> SystemTime {
        self.started
    }
}

/// A header's value as text: UTF-8, else Latin-1 (RFC 9110 §5.5).
pub fn text(value: &HeaderValue) -> String {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => text.to_owned(),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

/// Names and values, end to end in one text.
#[derive(Debug)]
struct FieldList {
    text: Box<str>,
    ends: Box<[u32]>,
}

impl From<&HeaderMap> for FieldList {
    fn from(map: &HeaderMap) -> Self {
        let (mut joined, mut ends) = (String::new(), Vec::with_capacity(2 * map.len()));
        for (name, value) in map {
            for part in [name.as_str(), &text(value)] {
                joined.push_str(part);
                ends.push(u32::try_from(joined.len()).unwrap_or(u32::MAX));
            }
        }
        Self { text: joined.into(), ends: ends.into() }
    }
}

impl FieldList {
    fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut start = 0;
        self.ends.chunks_exact(2).filter_map(move |ends| {
            let [name_end, value_end] = *ends else { return None };
            let (name_end, value_end) = (name_end as usize, value_end as usize);
            let field = (self.text.get(start..name_end)?, self.text.get(name_end..value_end)?);
            start = value_end;
            Some(field)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compact_fields_equal_the_parsed() {
        let mut map = HeaderMap::new();
        map.append("host", HeaderValue::from_static("x"));
        map.append("cookie", HeaderValue::from_static(""));
        map.append("x-a", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        map.append("x-a", HeaderValue::from_static("2"));
        let list = FieldList::from(&map);
        let fields: Vec<_> = list.iter().collect();
        assert_eq!(fields, [("host", "x"), ("cookie", ""), ("x-a", "café"), ("x-a", "2")]);
    }
}
