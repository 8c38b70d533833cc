//! What a request is for: scheme, host and port, read so strictly that two readers cannot disagree. Pure.
//!
//! A host is an address only in its one plain form. Texts that some resolvers take for an address (`127.1`,
//! `0x7f000001`, `2130706433`) are no names here, nor are user names or a trailing dot.

use std::fmt;
use std::net::IpAddr;

use http::Uri;

/// RFC 1035 §2.3.4.
const NAME_BYTES_MAX: usize = 253;
const LABEL_BYTES_MAX: usize = 63;

/// Where a request goes; equal where it is the same host on the same port in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// How.
    pub scheme: Scheme,
    /// Who.
    pub host: Host,
    /// The port, the scheme's where none is named.
    pub port: u16,
}

/// `http` or `https`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// In the clear.
    Http,
    /// Over TLS.
    Https,
}

/// A name or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Lower case, at least one label, no dot at its end.
    Name(Box<str>),
    /// As it was written: an IPv4-mapped address is not its IPv4 address.
    Address(IpAddr),
}

/// The text is no host with an optional port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a host name or address, with a port or without")]
pub struct NotATarget;

impl Scheme {
    /// One of the two, in any case (RFC 3986 §3.1).
    pub(super) fn parse(text: &str) -> Option<Self> {
        match () {
            () if text.eq_ignore_ascii_case("http") => Some(Self::Http),
            () if text.eq_ignore_ascii_case("https") => Some(Self::Https),
            () => None,
        }
    }

    fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Target {
    /// What an absolute URI is for.
    ///
    /// # Errors
    /// [`NotATarget`].
    pub fn of(uri: &Uri) -> Result<Self, NotATarget> {
        let scheme = uri.scheme_str().and_then(Scheme::parse).ok_or(NotATarget)?;
        Self::new(scheme, uri.authority().ok_or(NotATarget)?.as_str())
    }

    /// From a scheme and what stands between `//` and the path.
    pub(super) fn new(scheme: Scheme, authority: &str) -> Result<Self, NotATarget> {
        let (host, port) = split(authority).ok_or(NotATarget)?;
        Ok(Self { scheme, host: Host::parse(host)?, port: port.unwrap_or(scheme.port()) })
    }

    /// The value of its `Host` field (RFC 9110 §7.2).
    pub(super) fn authority(&self) -> String {
        match self.port == self.scheme.port() {
            true => self.host.to_string(),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl Host {
    pub(super) fn parse(text: &str) -> Result<Self, NotATarget> {
        if let Some(inner) = text.strip_prefix('[') {
            let address = inner.strip_suffix(']').and_then(|inner| inner.parse().ok());
            return address.map(|address| Self::Address(IpAddr::V6(address))).ok_or(NotATarget);
        }
        if let Ok(address) = text.parse() {
            return Ok(Self::Address(IpAddr::V4(address)));
        }
        let name = text.to_ascii_lowercase();
        let labels = name.split('.').all(is_label);
        let number = name.rsplit('.').next().is_none_or(is_number);
        if name.len() > NAME_BYTES_MAX || !labels || number {
            return Err(NotATarget);
        }
        Ok(Self::Name(name.into()))
    }
}

/// Host and port.
fn split(authority: &str) -> Option<(&str, Option<u16>)> {
    let end = match authority.rfind(']') {
        Some(bracket) => bracket + 1,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, port) = authority.split_at_checked(end)?;
    if port.is_empty() {
        return Some((host, None));
    }
    // `u16::from_str` would take a plus sign.
    let digits = port.strip_prefix(':').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
    let port = digits.parse().ok().filter(|port| *port != 0)?;
    Some((host, Some(port)))
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'_';
    (1..=LABEL_BYTES_MAX).contains(&label.len()) && label.bytes().all(plain)
}

/// What resolvers take for a part of an IPv4 address (`inet_aton`), where it ends a name.
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x") {
        Some(hex) => hex.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http => "http",
            Self::Https => "https",
        })
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Address(IpAddr::V4(address)) => write!(f, "{address}"),
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme, self.authority())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn target(uri: &str) -> Result<String, NotATarget> {
        Target::of(&uri.parse().unwrap()).map(|target| format!("{target} {}", target.port))
    }

    #[test]
    fn target_is_normalized() {
        for (uri, expected) in [
            ("https://api.example.com/a?b", "https://api.example.com 443"),
            ("HTTPS://API.Example.com:443/", "https://api.example.com 443"),
            ("http://x", "http://x 80"),
            ("http://x:443", "http://x:443 443"),
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080 8080"),
            ("http://[::1]/", "http://[::1] 80"),
            ("http://[::ffff:127.0.0.1]/", "http://[::ffff:127.0.0.1] 80"),
            ("http://a_b.x-y.example/", "http://a_b.x-y.example 80"),
        ] {
            assert_eq!(target(uri).unwrap(), expected, "{uri}");
        }
    }

    #[test]
    fn target_that_readers_could_disagree_on_is_refused() {
        for uri in [
            "ftp://x.example/",
            "http://good.example@evil.example/",
            "http://good.example:80@evil.example/",
            "http://x.example./",
            "http://127.1/",
            "http://2130706433/",
            "http://0x7f000001/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.0.0.01/",
            "http://a.0x/",
            "http://1.2.3.4.5/",
            "http://x..example/",
            "http://x%2eexample/",
            "/only/a/path",
        ] {
            // Some the URI's own parser refuses.
            assert!(uri.parse().map_or(true, |uri| Target::of(&uri).is_err()), "{uri}");
        }
        for authority in
            ["", ":80", "x:", "x:0", "x:+80", "x:65536", "x:80:80", "[::1", "::1", "[::1]x", "[fe80::1%25eth0]"]
        {
            assert!(Target::new(Scheme::Http, authority).is_err(), "{authority}");
        }
    }
}
