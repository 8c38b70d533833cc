//! What the host itself answers: problems as HTML or `application/problem+json` (RFC 9457), by
//! `Accept`, with the id under which the log has more.

use http::header::{self, HeaderMap, HeaderValue};
use http::{Response, StatusCode};

use super::body::Reply;

/// A problem's page. `detail` is ours or the peer's own words, never a guest's.
pub(super) fn problem(accept: Option<&HeaderValue>, status: StatusCode, detail: &str) -> Response<Reply> {
    let title = status.canonical_reason().unwrap_or("Problem");
    let (kind, body) = if wants_html(accept) {
        let page = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><title>{code} {title}</title>\
             <style>body{{font:16px/1.5 system-ui;margin:15vh auto;max-width:34em;padding:0 1em}}</style>\
             <h1>{code} {title}</h1><p>{detail}</p></html>\n",
            code = status.as_u16(),
            detail = escaped(detail),
        );
        ("text/html; charset=utf-8", page)
    } else {
        let problem = serde_json::json!({ "title": title, "status": status.as_u16(), "detail": detail });
        ("application/problem+json", format!("{problem}\n"))
    };
    let mut response = Response::new(Reply::whole(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A short plain answer.
pub(super) fn plain(status: StatusCode, text: &'static str) -> Response<Reply> {
    let mut response = Response::new(Reply::whole(text));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// A script for browsers.
pub(super) fn script(text: &'static str) -> Response<Reply> {
    let mut response = Response::new(Reply::whole(text));
    let script = HeaderValue::from_static("text/javascript; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, script);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=600"));
    response
}

/// Adds more headers to a problem.
pub(super) fn with(mut response: Response<Reply>, headers: HeaderMap) -> Response<Reply> {
    response.headers_mut().extend(headers);
    response
}

fn wants_html(accept: Option<&HeaderValue>) -> bool {
    accept.and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
