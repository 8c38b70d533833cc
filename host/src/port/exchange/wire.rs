//! A response that a guest wrote as HTTP/1.1: read as one head and its body, so that it can be framed
//! anew and never splits. Pure.

use super::ExchangeError;
use crate::limits;

/// A response as it was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Raw {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// Reads it. What speaks of the connection is left out; what the body's length contradicts is refused.
pub(super) fn parse(response: &[u8]) -> Result<Raw, ExchangeError> {
    let mut fields = [httparse::EMPTY_HEADER; limits::HEADERS_MAX];
    let mut head = httparse::Response::new(&mut fields);
    let len = match head.parse(response) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) => return Err(invalid("the head has no end: an empty line is missing")),
        Err(error) => return Err(invalid(format!("not a response of HTTP/1.1: {error}"))),
    };
    let body = response.get(len..).unwrap_or_default();
    let mut headers = Vec::with_capacity(head.headers.len());
    for field in head.headers.iter() {
        let value = str::from_utf8(field.value).map_err(|_| invalid(format!("{}: not UTF-8", field.name)))?;
        match &*field.name.to_ascii_lowercase() {
            "connection" | "keep-alive" => {}
            "transfer-encoding" => {
                return Err(invalid("transfer-encoding: the body is sent as it is, the host frames it"));
            }
            "content-length" if value.trim().parse() == Ok(body.len()) => {}
            "content-length" => {
                return Err(invalid(format!("content-length is {value:?}, the body has {} bytes", body.len())));
            }
            name => headers.push((name.to_owned(), value.to_owned())),
        }
    }
    Ok(Raw { status: head.code.unwrap_or_default(), headers, body: body.to_vec() })
}

fn invalid(text: impl Into<String>) -> ExchangeError {
    ExchangeError::InvalidHead(text.into())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn refused(response: &str) -> String {
        match parse(response.as_bytes()) {
            Err(ExchangeError::InvalidHead(text)) => text,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn response_is_head_and_body_without_what_is_the_connections() {
        let raw = parse(b"HTTP/1.1 201 Made\r\nX-A: 1\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody").unwrap();
        assert_eq!(raw, Raw { status: 201, headers: vec![("x-a".into(), "1".into())], body: b"body".to_vec() });
    }

    #[test]
    fn second_response_in_the_bytes_is_a_body_or_refused() {
        let two = "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\nset-cookie: a=b\r\n\r\n";
        let raw = parse(two.as_bytes()).unwrap();
        assert!(raw.headers.is_empty() && raw.body.starts_with(b"HTTP/1.1"));
        let two = two.replacen("\r\n\r\n", "\r\ncontent-length: 0\r\n\r\n", 1);
        assert!(refused(&two).contains("content-length is \"0\", the body has"));
    }

    #[test]
    fn what_is_no_response_is_refused_with_the_reason() {
        assert!(refused("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").contains("the host frames it"));
        assert!(refused("HTTP/1.1 200 OK\r\nX: 1\r\n").contains("an empty line is missing"));
        assert!(refused("GET / HTTP/1.1\r\n\r\n").contains("not a response"));
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _parsed = parse(&bytes);
        }
    }
}
