//! Heads that guests compose: checked before anything leaves, so that no guest can split a response
//! or speak for the connection.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

/// A header or status that cannot be sent.
#[derive(Debug, thiserror::Error)]
pub enum InvalidHead {
    /// Not a token (RFC 9110 §5.1).
    #[error("header name {0:?} is not a token")]
    Name(String),
    /// Control characters.
    #[error("the value of header {0:?} has characters that may not be sent")]
    Value(String),
    /// It speaks of the connection, which is the host's.
    #[error("header {0:?} is the host's to send")]
    Reserved(String),
    /// Not a final status.
    #[error("status {0}: 200-599 may be sent")]
    Status(u16),
}

/// Hop-by-hop fields (RFC 9110 §7.6.1) and those of the handshake.
const RESERVED: [HeaderName; 9] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::SEC_WEBSOCKET_ACCEPT,
    header::SEC_WEBSOCKET_EXTENSIONS,
];

/// Whether a field is the host's to send.
pub fn is_reserved(name: &HeaderName) -> bool {
    RESERVED.contains(name)
}

/// That none of them is.
///
/// # Errors
/// `Reserved`.
pub fn unreserved(map: &HeaderMap) -> Result<(), InvalidHead> {
    match map.keys().find(|name| is_reserved(name)) {
        Some(name) => Err(InvalidHead::Reserved(name.to_string())),
        None => Ok(()),
    }
}

/// A guest's fields as a header map.
///
/// # Errors
/// `Name`, `Value`, `Reserved`.
pub fn headers(fields: &[(String, String)]) -> Result<HeaderMap, InvalidHead> {
    let mut map = HeaderMap::with_capacity(fields.len() + 2);
    for (name, value) in fields {
        let header = HeaderName::try_from(name).map_err(|_| InvalidHead::Name(name.clone()))?;
        append(&mut map, header, value)?;
    }
    Ok(map)
}

/// Adds one field of a guest.
///
/// # Errors
/// `Value`, `Reserved`.
pub fn append(map: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), InvalidHead> {
    if is_reserved(&name) {
        return Err(InvalidHead::Reserved(name.to_string()));
    }
    let value = HeaderValue::try_from(value).map_err(|_| InvalidHead::Value(name.to_string()))?;
    map.append(name, value);
    Ok(())
}

/// Sets one field in place of any of that name.
///
/// # Errors
/// `Value`, `Reserved`.
pub fn insert(map: &mut HeaderMap, name: HeaderName, value: &str) -> Result<(), InvalidHead> {
    map.remove(&name);
    append(map, name, value)
}

/// A guest's status.
///
/// # Errors
/// `Status`.
pub fn status(status: u16) -> Result<http::StatusCode, InvalidHead> {
    match status {
        200..=599 => http::StatusCode::from_u16(status).map_err(|_| InvalidHead::Status(status)),
        _ => Err(InvalidHead::Status(status)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Vec<(String, String)> {
        vec![(name.into(), value.into())]
    }

    #[test]
    fn headers_that_split_a_response_are_refused() {
        assert!(matches!(headers(&field("x", "a\r\nset-cookie: b")), Err(InvalidHead::Value(_))));
        assert!(matches!(headers(&field("x\r\ny", "a")), Err(InvalidHead::Name(_))));
        assert!(matches!(headers(&field("Transfer-Encoding", "chunked")), Err(InvalidHead::Reserved(_))));
        assert!(headers(&field("x", "a")).is_ok());
    }

    #[test]
    fn interim_statuses_are_refused() {
        assert!(status(101).is_err() && status(600).is_err() && status(200).is_ok());
    }
}
