//! The head of the request that a websocket or an exchange began with.

use std::collections::BTreeMap;
use std::fmt;

use crate::bindings::wit::types;

/// What was asked, by whom. Everything is read from the host when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    id: u64,
}

impl Head {
    pub(crate) fn new(id: u64) -> Self {
        Self { id }
    }

    /// `GET`, `POST`, …
    pub fn method(&self) -> String {
        types::method(self.id)
    }

    /// The path as sent, percent-encoded.
    pub fn path(&self) -> String {
        types::path(self.id)
    }

    /// The query parameters.
    pub fn query(&self) -> Query {
        Query::parse(types::query(self.id).as_deref().unwrap_or_default())
    }

    /// A parameter of the route: `room` of `/rooms/{room}`.
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

    /// The cookies by name; of one sent twice, the first.
    pub fn cookies(&self) -> BTreeMap<String, String> {
        cookies(&types::header(self.id, "cookie"))
    }

    /// The whole URL.
    pub fn url(&self) -> Url {
        Url {
            scheme: types::scheme(self.id),
            authority: types::authority(self.id),
            path: types::path(self.id),
            query: types::query(self.id),
        }
    }

    /// The peer's address and port.
    pub fn peer_address(&self) -> String {
        types::peer_address(self.id)
    }

    /// The address and port that the peer reached.
    pub fn local_address(&self) -> String {
        types::local_address(self.id)
    }

    /// Nanoseconds since 1970 at which the request had arrived.
    pub fn started_at(&self) -> u64 {
        types::started_at(self.id)
    }
}

/// A request's URL. It prints itself whole, a password masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `http`, `https`, `ws` or `wss`.
    pub scheme: String,
    /// Host, and port if it was given.
    pub authority: String,
    /// The path, percent-encoded.
    pub path: String,
    /// What follows `?`.
    pub query: Option<String>,
}

impl Url {
    /// Whether the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "wss")
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        match self.authority.rsplit_once('@') {
            Some((user, host)) => match user.split_once(':') {
                Some((name, _)) => write!(f, "{name}:********@{host}")?,
                None => write!(f, "{user}@{host}")?,
            },
            None => f.write_str(&self.authority)?,
        }
        f.write_str(&self.path)?;
        self.query.iter().try_for_each(|query| write!(f, "?{query}"))
    }
}

/// Headers in wire order, names in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

impl Headers {
    /// The first value of a name, in any case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// All values of a name, in wire order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Query parameters, or the fields of a form: decoded, in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// The pairs of an `application/x-www-form-urlencoded` text.
    pub fn parse(text: &str) -> Self {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| {
                    let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                    (decode(name), decode(value))
                })
                .collect(),
        )
    }

    /// The value of a name; of one given more than once, the last.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).last()
    }

    /// All values of a name, in order.
    pub fn get_all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// All names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// `+` is a space, `%XX` a byte; what is no escape stays, what is no UTF-8 is replaced.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        match (byte, tail) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) => match (digit(*high), digit(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = after;
                }
                _ => bytes.push(byte),
            },
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

fn cookies(headers: &[String]) -> BTreeMap<String, String> {
    let mut cookies = BTreeMap::new();
    for pair in headers.iter().flat_map(|header| header.split(';')) {
        if let Some((name, value)) = pair.trim().split_once('=') {
            cookies.entry(name.to_owned()).or_insert_with(|| value.trim_matches('"').to_owned());
        }
    }
    cookies
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_decodes_and_the_last_duplicate_wins() {
        let query = Query::parse("a=1&b=x+y%20z&a=2&c&%C3%A9=%e2%82%ac&bad=%zz%");
        assert_eq!((query.get("a"), query.get("b"), query.get("c")), (Some("2"), Some("x y z"), Some("")));
        assert_eq!(query.get_all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!((query.get("é"), query.get("bad"), query.get("none")), (Some("€"), Some("%zz%"), None));
    }

    #[test]
    fn cookies_keep_the_first_of_a_name() {
        let cookies = cookies(&["a=1; b=\"2\"".to_owned(), "a=3; junk".to_owned()]);
        assert_eq!((cookies["a"].as_str(), cookies["b"].as_str(), cookies.len()), ("1", "2", 2));
    }

    #[test]
    fn url_printed_masks_the_password() {
        let url =
            Url { scheme: "ws".into(), authority: "u:secret@h:1".into(), path: "/p".into(), query: Some("q".into()) };
        assert_eq!(url.to_string(), "ws://u:********@h:1/p?q");
    }
}
