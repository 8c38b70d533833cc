//! The opening handshake of a websocket: a request's head in, what the 101 needs or a refusal out.
//!
//! Owns the checks of RFC 6455 §4.2.1, the rule of origins, and which extension is agreed on. Answers
//! nothing itself, and knows neither routes nor handlers: whether the websocket is accepted is theirs to say.
//!
//! Every fault is the peer's, so every refusal is a 4xx. Its reason quotes what the peer sent, cut
//! and with control characters escaped, but not for HTML.

pub mod extensions;
#[cfg(test)]
mod tests;

use std::collections::HashSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;
use http::{Method, Request, StatusCode, Version};
use hyper::ext::Protocol;
use sha1::{Digest as _, Sha1};

use crate::app::manifest::{Origin, OriginRule};

/// Characters of a header that a reason quotes.
const QUOTE_CHARS_MAX: usize = 80;

/// A handshake in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handshake {
    /// The `Sec-WebSocket-Accept` of the 101 (RFC 6455 §4.2.2); none over HTTP/2 (RFC 8441 §5).
    pub accept_key: Option<String>,
    /// Offered, distinct, in the peer's order of preference.
    pub subprotocols: Vec<String>,
}

/// A handshake refused: what to answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("handshake refused with {}: {reason}", .status.as_u16())]
pub struct Refusal {
    /// 400, 403 or 426.
    pub status: StatusCode,
    /// Why, for the peer and the log.
    pub reason: String,
    /// To go with the status.
    pub headers: Vec<(HeaderName, HeaderValue)>,
}

impl Refusal {
    fn new(status: StatusCode, reason: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), headers: Vec::new() }
    }

    fn bad(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    fn forbidden(reason: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason)
    }

    /// RFC 6455 §4.4 wants the versions that we speak, RFC 9110 §15.5.22 the protocol.
    fn version() -> Self {
        let mut refusal = Self::new(StatusCode::UPGRADE_REQUIRED, "Sec-WebSocket-Version is not 13");
        refusal.headers = Vec::from([
            (header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")),
            (header::UPGRADE, HeaderValue::from_static("websocket")),
            (header::CONNECTION, HeaderValue::from_static("Upgrade")),
        ]);
        refusal
    }
}

/// Whether a request asks for another protocol on its connection, or over HTTP/2 on its stream.
#[must_use]
pub fn asks_for_protocol<B>(request: &Request<B>) -> bool {
    match request.version() {
        Version::HTTP_2 => request.extensions().get::<Protocol>().is_some(),
        _ => request.headers().contains_key(header::UPGRADE),
    }
}

/// Whether a request asks for a websocket, however badly; then [`check`] says whether it may.
///
/// An `Upgrade` in HTTP/1.0 is not one: it must be ignored (RFC 9110 §7.8). Over HTTP/2 it is an
/// extended CONNECT (RFC 8441 §4).
#[must_use]
pub fn is_websocket(head: &Parts) -> bool {
    match head.version {
        Version::HTTP_10 => false,
        Version::HTTP_2 => head.extensions.get::<Protocol>().is_some_and(|protocol| protocol.as_str() == "websocket"),
        _ => has_token(&head.headers, header::UPGRADE, "websocket"),
    }
}

/// Checks a handshake. `secure` says whether the request came over TLS, our own or a trusted
/// proxy's; it is the scheme of the request's origin.
///
/// # Errors
/// [`Refusal`]: 426 for another WebSocket version, 403 for an origin, 400 for all else.
pub fn check(head: &Parts, secure: bool, origins: &OriginRule) -> Result<Handshake, Refusal> {
    let host = host(head)?;
    let accept_key = match head.version {
        // The method and protocol made it a websocket, and the stream's bytes are its own.
        Version::HTTP_2 => None,
        _ => {
            check_request_line(head)?;
            check_upgrade(&head.headers)?;
            Some(accept_key(&head.headers)?)
        }
    };
    check_version(&head.headers)?;
    let subprotocols = subprotocols(&head.headers)?;
    check_origin(head, host, secure, origins)?;
    Ok(Handshake { accept_key, subprotocols })
}

/// §4.2.1 item 1. A body would be read as frames, so there must be none.
fn check_request_line(head: &Parts) -> Result<(), Refusal> {
    if head.method != Method::GET {
        return Err(Refusal::bad(format!("method is {}, not GET", quoted(head.method.as_str()))));
    }
    if head.version != Version::HTTP_11 {
        return Err(Refusal::bad(format!("version is {:?}, not HTTP/1.1", head.version)));
    }
    let mut lengths = head.headers.get_all(header::CONTENT_LENGTH).iter();
    let has_length = lengths.any(|length| length.as_bytes() != b"0");
    if has_length || head.headers.contains_key(header::TRANSFER_ENCODING) {
        return Err(Refusal::bad("a handshake has no body"));
    }
    Ok(())
}

/// §4.2.1 item 2.
fn host(head: &Parts) -> Result<&str, Refusal> {
    let host = match only(&head.headers, header::HOST) {
        Only::One(host) => host.to_str().unwrap_or_default(),
        Only::None => return Err(Refusal::bad("Host is missing")),
        Only::Many => return Err(Refusal::bad("Host occurs more than once")),
    };
    match Origin::new("http", host) {
        Ok(_) => Ok(host),
        Err(_) => Err(Refusal::bad(format!("Host is {}, not a host and port", quoted(host)))),
    }
}

/// §4.2.1 items 3 and 4.
fn check_upgrade(headers: &HeaderMap) -> Result<(), Refusal> {
    if !has_token(headers, header::UPGRADE, "websocket") {
        return Err(Refusal::bad("Upgrade does not name websocket"));
    }
    if !has_token(headers, header::CONNECTION, "upgrade") {
        return Err(Refusal::bad("Connection does not name Upgrade"));
    }
    Ok(())
}

/// §4.2.1 item 6.
fn check_version(headers: &HeaderMap) -> Result<(), Refusal> {
    match only(headers, header::SEC_WEBSOCKET_VERSION) {
        Only::One(version) if version.as_bytes() == b"13" => Ok(()),
        _ => Err(Refusal::version()),
    }
}

/// §4.2.1 item 5.
fn accept_key(headers: &HeaderMap) -> Result<String, Refusal> {
    match only(headers, header::SEC_WEBSOCKET_KEY) {
        Only::One(key) if is_nonce(key.as_bytes()) => Ok(derive_accept_key(key.as_bytes())),
        Only::One(_) => Err(Refusal::bad("Sec-WebSocket-Key is not 16 bytes in base64")),
        Only::None => Err(Refusal::bad("Sec-WebSocket-Key is missing")),
        Only::Many => Err(Refusal::bad("Sec-WebSocket-Key occurs more than once")),
    }
}

/// §4.2.2 item 5.4.
fn derive_accept_key(key: &[u8]) -> String {
    let hash = Sha1::new().chain_update(key).chain_update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").finalize();
    BASE64.encode(hash)
}

/// 16 bytes make 22 digits and the padding. The last digit's spare bits may be set: the RFC's own
/// example (§4.1 item 7) has them so.
fn is_nonce(key: &[u8]) -> bool {
    let digit = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.strip_suffix(b"==").is_some_and(|digits| digits.len() == 22 && digits.iter().all(digit))
}

/// §4.2.1 item 8: distinct tokens (§4.1 item 10), compared with case.
fn subprotocols(headers: &HeaderMap) -> Result<Vec<String>, Refusal> {
    let mut offered = Vec::new();
    let mut seen = HashSet::new();
    for value in headers.get_all(header::SEC_WEBSOCKET_PROTOCOL) {
        for item in elements(value) {
            let Some(name) = token(item) else {
                let reason = format!("subprotocol {} is not a token", quoted_bytes(item));
                return Err(Refusal::bad(reason));
            };
            if !seen.insert(name) {
                return Err(Refusal::bad(format!("subprotocol {} occurs twice", quoted(name))));
            }
            offered.push(name.to_owned());
        }
    }
    Ok(offered)
}

/// Browsers let any page open a websocket and send the user's cookies with it, so the server is
/// who has to ask where the page is from (RFC 6455 §10.2).
fn check_origin(head: &Parts, host: &str, secure: bool, rule: &OriginRule) -> Result<(), Refusal> {
    let value = match only(&head.headers, header::ORIGIN) {
        Only::One(value) => value,
        Only::Many => return Err(Refusal::forbidden("Origin occurs more than once")),
        Only::None if rule.require => return Err(Refusal::forbidden("Origin is missing")),
        Only::None => return Ok(()),
    };
    let refused = || {
        let origin = quoted_bytes(value.as_bytes());
        Refusal::forbidden(format!("origin {origin} may not open websockets here"))
    };
    // `null` is what sandboxed pages of any site send, so it is like no origin at all.
    let origin: Origin = value.to_str().ok().and_then(|text| text.parse().ok()).ok_or_else(refused)?;
    let own = Origin::new(if secure { "https" } else { "http" }, host);
    let same = own.is_ok_and(|own| own == origin);
    if same || rule.allows(&origin) { Ok(()) } else { Err(refused()) }
}

/// How often a header that may occur once occurs.
enum Only<'h> {
    None,
    One(&'h HeaderValue),
    Many,
}

fn only(headers: &HeaderMap, name: HeaderName) -> Only<'_> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Only::None,
        (Some(value), None) => Only::One(value),
        (Some(_), Some(_)) => Only::Many,
    }
}

/// Whether a list over any number of headers holds a token, whatever the case (RFC 9110 §5.6.1).
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    values.any(|value| elements(value).any(|item| item.eq_ignore_ascii_case(token.as_bytes())))
}

fn elements(value: &HeaderValue) -> impl Iterator<Item = &[u8]> {
    value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii)
}

/// RFC 9110 §5.6.2.
fn token(item: &[u8]) -> Option<&str> {
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let valid = !item.is_empty() && item.iter().all(word);
    valid.then(|| std::str::from_utf8(item).ok()).flatten()
}

fn quoted_bytes(bytes: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(bytes))
}

fn quoted(text: &str) -> String {
    let cut: String = text.chars().take(QUOTE_CHARS_MAX).collect();
    let more = if cut.len() < text.len() { "…" } else { "" };
    format!("{cut:?}{more}")
}
