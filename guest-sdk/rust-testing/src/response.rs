//! What came back.

use serde::de::DeserializeOwned;
use ureq::Body;
use ureq::http::HeaderMap;

const BODY_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// An HTTP response, whole.
#[derive(Debug)]
pub struct Response {
    what: String,
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    body: Result<Vec<u8>, String>,
}

impl Response {
    pub(crate) fn new(what: String, answer: ureq::http::Response<Body>) -> Self {
        let (head, mut body) = answer.into_parts();
        let body = body.with_config().limit(BODY_BYTES_MAX).read_to_vec().map_err(|error| error.to_string());
        Self { what, status: head.status.as_u16(), headers: head.headers, body }
    }

    /// A header that is text; the first of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body.
    ///
    /// # Panics
    /// Where it was cut; see [`Self::is_whole`].
    #[track_caller]
    pub fn bytes(&self) -> &[u8] {
        match &self.body {
            Ok(bytes) => bytes,
            Err(error) => panic!("the body of {} was cut: {error}", self.what),
        }
    }

    /// The body as text.
    ///
    /// # Panics
    /// Where it was cut, or is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        match std::str::from_utf8(self.bytes()) {
            Ok(text) => text,
            Err(error) => panic!("the body of {} is not text: {error}", self.what),
        }
    }

    /// The body's value.
    ///
    /// # Panics
    /// Where it was cut, or is not JSON of this type.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        match serde_json::from_slice(self.bytes()) {
            Ok(value) => value,
            Err(error) => panic!("the body of {}: {error}: {:?}", self.what, self.text()),
        }
    }

    /// Whether the body came to its end.
    pub fn is_whole(&self) -> bool {
        self.body.is_ok()
    }
}
