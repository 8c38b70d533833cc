//! URLs: their pieces, and how they print. Knows nothing of the host.

use std::fmt;
use std::net::Ipv6Addr;

/// A request's URL. It prints itself whole, a password masked.
///
/// ```
/// # use sessile_sdk::Url;
/// let url = Url {
///     scheme: "wss".to_owned(),
///     authority: "ada:secret@[::1]:8443".to_owned(),
///     path: "/rooms/one".to_owned(),
///     query: Some("since=7".to_owned()),
/// };
/// assert_eq!((url.hostname(), url.port(), url.is_secure()), ("::1", Some(8443), true));
/// assert_eq!(url.to_string(), "wss://ada:********@[::1]:8443/rooms/one?since=7");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url {
    /// `http`, `https`, `ws` or `wss`.
    pub scheme: String,
    /// Host, and port if it was given.
    pub authority: String,
    /// The path, percent-encoded.
    pub path: String,
    /// What follows `?`, percent-encoded.
    pub query: Option<String>,
}

impl Url {
    /// Whether the connection is encrypted.
    pub fn is_secure(&self) -> bool {
        matches!(self.scheme.as_str(), "https" | "wss")
    }

    /// The host without its port, an IPv6 address without its brackets.
    pub fn hostname(&self) -> &str {
        let (host, _) = host_and_port(self.userinfo().1);
        host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host)
    }

    /// The port, if the URL names one.
    pub fn port(&self) -> Option<u16> {
        host_and_port(self.userinfo().1).1?.parse().ok()
    }

    /// The name before `@`.
    pub fn username(&self) -> Option<&str> {
        self.userinfo().0.map(|user| user.split_once(':').map_or(user, |(name, _)| name))
    }

    /// The password before `@`.
    pub fn password(&self) -> Option<&str> {
        self.userinfo().0?.split_once(':').map(|(_, password)| password)
    }

    fn userinfo(&self) -> (Option<&str>, &str) {
        match self.authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, &self.authority),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme)?;
        if let Some(name) = self.username() {
            let mask = if self.password().is_some() { ":********" } else { "" };
            write!(f, "{name}{mask}@")?;
        }
        write!(f, "{}{}", self.userinfo().1, self.path)?;
        self.query.iter().try_for_each(|query| write!(f, "?{query}"))
    }
}

/// Whether a peer's `Host` can be a host at all (RFC 3986 §3.2.2); it may have sent anything.
pub(crate) fn is_authority(text: &str) -> bool {
    let host = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let (name, port) = host_and_port(host);
    let named = match name.strip_prefix('[').and_then(|name| name.strip_suffix(']')) {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.bytes().all(is_host_byte),
    };
    named && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte)
}

fn host_and_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        // A colon inside the brackets belongs to the address.
        Some((name, port)) if !port.contains(']') => (name, Some(port)),
        _ => (host, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(authority: &str) -> Url {
        Url { scheme: "ws".into(), authority: authority.into(), path: "/p".into(), query: Some("q".into()) }
    }

    #[test]
    fn url_printed_masks_the_password() {
        assert_eq!(url("u:secret@h:1").to_string(), "ws://u:********@h:1/p?q");
        assert_eq!(url("u@h").to_string(), "ws://u@h/p?q");
    }

    #[test]
    fn url_gives_its_pieces() {
        let full = url("u:p:q@h.example:81");
        assert_eq!((full.username(), full.password()), (Some("u"), Some("p:q")));
        assert_eq!((full.hostname(), full.port()), ("h.example", Some(81)));
        assert_eq!((url("[::1]").hostname(), url("[::1]").port()), ("::1", None));
        assert_eq!((url("h").username(), url("h").password()), (None, None));
    }

    #[test]
    fn authority_that_is_malformed_is_told_from_a_host() {
        for good in ["h", "h.example:81", "127.0.0.1:8000", "[::1]:80", "[::1]", "a_b"] {
            assert!(is_authority(good), "{good}");
        }
        for bad in ["", ":80", "a b", "h:port", "h:99999", "[::1", "[x]:1", "h/p", "é"] {
            assert!(!is_authority(bad), "{bad}");
        }
    }
}
