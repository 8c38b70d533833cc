//! What a person types: URL, headers, subprotocols. Pure; errors end with what would be right.

use std::fmt;
use std::str::FromStr;

use http::{HeaderName, HeaderValue, Uri};

/// Where a websocket is to be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// `ws` or `wss`, with the path.
    pub(super) url: Uri,
    /// Without the brackets of an IPv6 address.
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) security: Security,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Security {
    Plain,
    Tls,
}

impl FromStr for Target {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(format!("it has no scheme; did you mean ws://{text}?"));
        };
        let (scheme, security) = match scheme.to_ascii_lowercase().as_str() {
            "ws" | "http" => ("ws", Security::Plain),
            "wss" | "https" => ("wss", Security::Tls),
            _ => return Err(format!("its scheme is none of ws, wss, http, https; did you mean ws://{rest}?")),
        };
        let wrong = |error: &dyn fmt::Display| format!("{error}; a URL is like ws://127.0.0.1:8000/ws");
        let url: Uri = format!("{scheme}://{rest}").parse().map_err(|error| wrong(&error))?;
        let authority = url.authority().ok_or_else(|| wrong(&"it has no host"))?;
        if authority.as_str().contains('@') {
            return Err("a name and password are not sent from a URL; use --header 'Authorization: …'".to_owned());
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(wrong(&"it has no host"));
        }
        let default = if security == Security::Tls { 443 } else { 80 };
        let port = match authority.as_str().rsplit_once(':') {
            Some((_, port)) if !port.ends_with(']') => port.parse().map_err(|_| wrong(&"its port is none"))?,
            _ => default,
        };
        Ok(Self { host, port, security, url })
    }
}

/// `Name: value`.
pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("it has no ':'; a header is like 'Cookie: a=b'")?;
    let name = name.trim().parse().map_err(|_| format!("{:?} cannot be a header's name", name.trim()))?;
    let value = value.trim().parse().map_err(|_| format!("{:?} cannot be a header's value", value.trim()))?;
    Ok((name, value))
}

/// A token (RFC 6455 §4.1).
pub(super) fn subprotocol(text: &str) -> Result<String, String> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    match !text.is_empty() && text.bytes().all(token) {
        true => Ok(text.to_owned()),
        false => Err("a subprotocol is one word, like chat.v1; repeat the option for more".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> Target {
        text.parse().unwrap()
    }

    #[test]
    fn target_is_read_from_urls_of_both_kinds() {
        let plain = target("http://127.0.0.1:8000/ws?a=b");
        assert_eq!((plain.url.to_string().as_str(), plain.port), ("ws://127.0.0.1:8000/ws?a=b", 8000));
        assert_eq!((plain.host.as_str(), plain.security), ("127.0.0.1", Security::Plain));
        let secure = target("HTTPS://chat.example");
        assert_eq!((secure.host.as_str(), secure.port, secure.security), ("chat.example", 443, Security::Tls));
        let six = target("ws://[::1]/");
        assert_eq!((six.host.as_str(), six.port), ("::1", 80));
        assert_eq!(target("wss://[::1]:9/").port, 9);
    }

    #[test]
    fn target_that_is_wrong_says_what_would_be_right() {
        for (text, said) in [
            ("localhost:8000/ws", "did you mean ws://localhost:8000/ws?"),
            ("ftp://x/y", "did you mean ws://x/y?"),
            ("ws://", "a URL is like ws://"),
            ("ws://:80/", "it has no host"),
            ("ws://x:99999/", "a URL is like ws://"),
            ("ws://x:/", "a URL is like ws://"),
            ("ws://a b/", "a URL is like ws://"),
            ("ws://me:secret@x/", "--header 'Authorization: …'"),
        ] {
            let error = text.parse::<Target>().unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn header_and_subprotocol_are_checked_before_anything_is_sent() {
        assert_eq!(header("Cookie: a=b:c").unwrap(), (http::header::COOKIE, HeaderValue::from_static("a=b:c")));
        for bad in ["Cookie", "a b: c", ": x", "a: b\u{7}c"] {
            assert!(header(bad).is_err(), "{bad}");
        }
        assert!(subprotocol("chat.v1").is_ok() && subprotocol("a, b").is_err() && subprotocol("").is_err());
    }
}
