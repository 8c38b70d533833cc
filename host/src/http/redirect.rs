//! Routes that lead elsewhere.

use http::header::{self, HeaderValue};
use http::request::Parts;
use http::{Response, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::body::Reply;
use super::page;
use crate::app::manifest::Redirect;
use crate::app::route::Params;

/// What stays as it is in a path: RFC 3986's unreserved, and the slashes of a rest.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// The answer of a route with `redirect`: the parameters in their places, the query behind.
pub(super) fn answer(redirect: &Redirect, params: &Params, parts: &Parts) -> Response<Reply> {
    let status = StatusCode::from_u16(redirect.status).unwrap_or(StatusCode::PERMANENT_REDIRECT);
    to(status, &location(&redirect.to, params, parts.uri.query()))
}

/// Another address.
pub(super) fn to(status: StatusCode, location: &str) -> Response<Reply> {
    let Ok(location) = HeaderValue::try_from(location) else {
        return page::problem(None, StatusCode::NOT_FOUND, "This path leads nowhere.");
    };
    let mut response = Response::new(Reply::whole(""));
    *response.status_mut() = status;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

fn location(template: &str, params: &Params, query: Option<&str>) -> String {
    let mut location = template.to_owned();
    for (name, value) in params.iter() {
        location = location.replace(&format!("{{{name}}}"), &utf8_percent_encode(value, PATH).to_string());
    }
    if template.starts_with('/') {
        // Two slashes would be another host's address, and the peer may choose a parameter.
        location = format!("/{}", location.trim_start_matches('/'));
    }
    match query {
        Some(query) if location.contains('?') => location + "&" + query,
        Some(query) => location + "?" + query,
        None => location,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::route::{Pattern, Router};

    fn redirected(pattern: &str, to: &str, path: &str, query: Option<&str>) -> String {
        let router = Router::new([(Pattern::parse(pattern).unwrap(), ())]).unwrap();
        location(to, &router.find(path).unwrap().1, query)
    }

    #[test]
    fn redirect_keeps_parameters_and_query() {
        assert_eq!(redirected("/old/{id}", "/new/{id}?a=1", "/old/x%20y", Some("b=2")), "/new/x%20y?a=1&b=2");
        assert_eq!(redirected("/d/{p...}", "https://x.example/{p}", "/d/a/b", None), "https://x.example/a/b");
    }

    #[test]
    fn redirect_never_leads_to_a_host_that_the_peer_chose() {
        assert_eq!(redirected("/old/{p...}", "/{p}", "/old//evil.example/x", None), "/evil.example/x");
        assert_eq!(redirected("/old/{p}", "/{p}", "/old/%2F%5Cevil.example", None), "/%5Cevil.example");
        assert_eq!(redirected("/old/{p}", "/{p}", "/old/a%0D%0Ab", None), "/a%0D%0Ab");
    }
}
