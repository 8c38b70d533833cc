//! Cross-origin requests (Fetch §3.2): which pages of other origins may read what the app answers.

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Response, StatusCode};

use super::body::Reply;
use crate::app::manifest::{CorsSettings, Origin};

/// The host's answer to a browser that asks before it sends.
pub(super) fn preflight(cors: &CorsSettings, parts: &Parts) -> Option<Response<Reply>> {
    let asked = parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if parts.method != Method::OPTIONS || !asked || !parts.headers.contains_key(header::ORIGIN) {
        return None;
    }
    let mut answer = Response::new(Reply::whole(""));
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let mut answer = allow(cors, parts.headers.get(header::ORIGIN), answer);
    if answer.headers().contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN) {
        let headers = answer.headers_mut();
        put(headers, header::ACCESS_CONTROL_ALLOW_METHODS, &cors.methods.join(", "));
        put(headers, header::ACCESS_CONTROL_ALLOW_HEADERS, &cors.headers.join(", "));
        put(headers, header::ACCESS_CONTROL_MAX_AGE, &cors.max_age.as_secs().to_string());
    }
    Some(answer)
}

/// The answer, with what lets a page of this origin read it, if it may. A websocket is not read by CORS.
pub(super) fn allow(cors: &CorsSettings, origin: Option<&HeaderValue>, mut answer: Response<Reply>) -> Response<Reply> {
    if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
        return answer;
    }
    let headers = answer.headers_mut();
    let Some(allowed) = &cors.origins else {
        put(headers, header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
        return answer;
    };
    // What depends on the origin must not be cached for another.
    headers.append(header::VARY, HeaderValue::from_static("origin"));
    let known = origin.and_then(|origin| origin.to_str().ok()?.parse::<Origin>().ok());
    if let (Some(origin), true) = (origin, known.is_some_and(|origin| allowed.contains(&origin))) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        if cors.credentials {
            put(headers, header::ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
        }
    }
    answer
}

fn put(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    // The manifest took tokens only.
    if let Some(value) = HeaderValue::try_from(value).ok().filter(|value| !value.is_empty()) {
        headers.insert(name, value);
    }
}
