//! What every request must be before a handler is troubled with it: framed in one way only, within the
//! bounds, for one host, from a place that is known.
//!
//! hyper refuses what cannot be parsed; here is what parses and yet may not pass.

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, StatusCode, Version};

use super::forwarded::Proxies;
use super::{authority, handshake};
use crate::limits;
use crate::port::head::Ends;

/// A request that no handler gets.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) detail: String,
    /// Its body cannot be read, so its connection ends with the answer.
    pub(super) last: bool,
}

impl Refusal {
    fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into(), last: false }
    }
}

/// Leaves the request's authority in its one `Host`, and gives the ends that trusted proxies tell of.
///
/// # Errors
/// [`Refusal`]: 400 for what is malformed, 414, 431, 501 for what is not spoken here.
pub(super) fn admit(head: &mut Parts, proxies: &Proxies, ends: Ends) -> Result<Ends, Refusal> {
    check_codings(&head.headers)?;
    check_bounds(head)?;
    check_target(head)?;
    join_cookies(head);
    let settled = authority::settle(head).and_then(|()| proxies.apply(head, ends));
    settled.map_err(|fault| Refusal::new(StatusCode::BAD_REQUEST, fault))
}

/// RFC 9112 §6.1: chunked is the one coding that is understood here. hyper refuses it in HTTP/1.0, lengths
/// that differ, and what does not end with chunked.
fn check_codings(headers: &HeaderMap) -> Result<(), Refusal> {
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => {
            let detail = "Transfer-Encoding is not just chunked.".to_owned();
            Err(Refusal { status: StatusCode::NOT_IMPLEMENTED, detail, last: true })
        }
    }
}

fn check_bounds(head: &Parts) -> Result<(), Refusal> {
    let target = head.uri.path_and_query().map_or(0, |target| target.as_str().len());
    let (fields, limit) = (head.headers.len(), limits::HEADERS_MAX);
    if target > limits::TARGET_BYTES_MAX {
        let limit = limits::TARGET_BYTES_MAX;
        let detail = format!("Path and query of {target} bytes exceed the limit of {limit}.");
        return Err(Refusal::new(StatusCode::URI_TOO_LONG, detail));
    }
    if fields > limit {
        let detail = format!("{fields} header fields exceed the limit of {limit}.");
        return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail));
    }
    Ok(())
}

/// HTTP/2 may bring cookies by crumbs, which no handler is to see (RFC 9113 §8.2.3).
fn join_cookies(head: &mut Parts) {
    if head.version != Version::HTTP_2 {
        return;
    }
    let crumbs = head.headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect::<Vec<_>>();
    if crumbs.len() < 2 {
        return;
    }
    // Of valid values with what may stand between them, so it is one too.
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        head.headers.insert(header::COOKIE, whole);
    }
}

/// RFC 9112 §3.2: which form of a target goes with which method.
fn check_target(head: &Parts) -> Result<(), Refusal> {
    let path = head.uri.path();
    match (&head.method, path) {
        (&Method::CONNECT, _) if handshake::is_websocket(head) => Ok(()),
        (&Method::CONNECT, _) => {
            Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "CONNECT is for websockets over HTTP/2 only."))
        }
        (&Method::OPTIONS, "*") => Ok(()),
        (_, path) if path.starts_with('/') => Ok(()),
        _ => Err(Refusal::new(StatusCode::BAD_REQUEST, "The target is neither a path nor a URL.")),
    }
}
