//! Web origins: what a page's `Origin` header and the manifest's `allowed_origins` hold, and the
//! rule of who may open websockets. Knows no request: the handshake asks.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

/// The text is not one serialized origin (RFC 6454 §6.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an origin is scheme://host or scheme://host:port, without path, wildcard or user")]
pub struct NotAnOrigin;

/// Scheme, host and port, normalized (RFC 6454 §4, §6.2): equal where browsers say same origin.
///
/// In lower case; the port is none where it is the scheme's default.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    scheme: Box<str>,
    host: Box<str>,
    port: Option<u16>,
}

impl Origin {
    /// An origin from a scheme and what a `Host` header holds: a host, and a port after `:`.
    ///
    /// # Errors
    /// [`NotAnOrigin`] for anything else, user names and a port of 0 included.
    pub fn new(scheme: &str, authority: &str) -> Result<Self, NotAnOrigin> {
        let scheme = normalized_scheme(scheme).ok_or(NotAnOrigin)?;
        let (host, port) = split_port(authority).ok_or(NotAnOrigin)?;
        let host = normalized_host(host).ok_or(NotAnOrigin)?;
        let port = port.filter(|port| Some(*port) != default_port(&scheme));
        Ok(Self { scheme, host, port })
    }

    /// Whether it names this machine: `localhost`, a name below it, 127.0.0.0/8, `[::1]`.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let v4 = self.host.parse::<std::net::Ipv4Addr>();
        &*self.host == "localhost"
            || self.host.ends_with(".localhost")
            || &*self.host == "[::1]"
            || v4.is_ok_and(|address| address.is_loopback())
    }
}

/// Which pages may open websockets, beside those of the request's own origin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginRule {
    /// These too.
    pub allowed: Vec<Origin>,
    /// Those of this machine too, on any port (`sessile dev`).
    pub allow_loopback: bool,
    /// Whether a request without `Origin`, which no browser sends, is refused.
    pub require: bool,
}

impl OriginRule {
    /// Whether the rule lets in an origin that is not the request's own.
    #[must_use]
    pub fn allows(&self, origin: &Origin) -> bool {
        self.allowed.contains(origin) || (self.allow_loopback && origin.is_loopback())
    }
}

impl FromStr for Origin {
    type Err = NotAnOrigin;

    fn from_str(text: &str) -> Result<Self, NotAnOrigin> {
        let (scheme, authority) = text.split_once("://").ok_or(NotAnOrigin)?;
        Self::new(scheme, authority)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.host)?;
        match self.port {
            Some(port) => write!(f, ":{port}"),
            None => Ok(()),
        }
    }
}

/// RFC 3986 §3.1.
fn normalized_scheme(scheme: &str) -> Option<Box<str>> {
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(word);
    valid.then(|| scheme.to_ascii_lowercase().into())
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" | "ws" => Some(80),
        "https" | "wss" => Some(443),
        _ => None,
    }
}

/// Host and port; an empty port is the default one (RFC 3986 §3.2.3).
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let (host, port) = match authority.rfind(']') {
        Some(bracket) => authority.split_at_checked(bracket + 1)?,
        None => authority.split_at_checked(authority.find(':').unwrap_or(authority.len()))?,
    };
    let digits = match port.strip_prefix(':') {
        Some(digits) => digits,
        None if port.is_empty() => "",
        None => return None,
    };
    if digits.is_empty() {
        return Some((host, None));
    }
    // `u16::from_str` would take a plus sign.
    let all_digits = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|port| *port != 0 && all_digits)?;
    Some((host, Some(port)))
}

/// A name or IPv4 address as browsers send it (ASCII; other scripts as Punycode), or `[IPv6]`.
fn normalized_host(host: &str) -> Option<Box<str>> {
    if let Some(inner) = host.strip_prefix('[') {
        let address: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]").into());
    }
    let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    (!host.is_empty() && host.len() <= 253 && host.chars().all(word)).then(|| host.to_ascii_lowercase().into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap()
    }

    #[test]
    fn origins_of_one_site_are_equal() {
        let pairs = [
            ("https://x.example", "HTTPS://X.Example:443"),
            ("http://x.example:80", "http://x.example"),
            ("http://x.example:", "http://x.example"),
            ("http://[::1]:8080", "http://[0:0::1]:8080"),
        ];
        for (a, b) in pairs {
            assert_eq!(origin(a), origin(b));
        }
        assert_eq!(origin("HTTPS://X.example:8443").to_string(), "https://x.example:8443");
    }

    #[test]
    fn origins_of_two_sites_differ() {
        let all = [
            "http://x.example",
            "https://x.example",
            "https://x.example:80",
            "https://y.example",
            "https://x.example.",
            "https://[::1]",
            "https://[::2]",
            "app://x.example:443",
        ];
        for (index, a) in all.iter().enumerate() {
            assert!(all.iter().skip(index + 1).all(|b| origin(a) != origin(b)), "{a}");
        }
    }

    #[test]
    fn text_that_is_no_origin_is_refused() {
        let all = [
            "",
            "null",
            "*",
            "x.example",
            "https://",
            "https://x.example/",
            "https://*.example",
            "https://a@x.example",
            "https://x.example:0",
            "https://x.example:65536",
            "https://x.example:+80",
            "https://x.example:a",
            "https://x.example:1:2",
            "://x",
            "https://[::1",
            "https://::1",
            "https://[::1]x",
            "https://[x]",
            "1s://x",
            "https://é.example",
            "https://x.example https://y.example",
            " https://x.example",
            "https://x.example?",
        ];
        for text in all {
            assert_eq!(text.parse::<Origin>(), Err(NotAnOrigin), "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine() {
        let here = ["http://localhost:3000", "http://a.localhost", "http://127.9.0.1", "http://[::1]:1"];
        assert!(here.into_iter().all(|text| origin(text).is_loopback()));
        let there = ["http://localhost.example", "http://127.0.0.1.example", "http://[::2]"];
        assert!(!there.into_iter().any(|text| origin(text).is_loopback()));
    }
}
