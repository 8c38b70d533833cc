//! Files of an app's folder, without a guest: ranges, dates and types by tower-http; which file, and its
//! entity tag, here.

use std::path::{Component, Path, PathBuf};
use std::time::UNIX_EPOCH;

use http::header::{self, HeaderMap, HeaderValue};
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use tower_http::services::ServeFile;

use super::body::Reply;
use super::{page, redirect};
use crate::app::Files;
use crate::app::route::Params;

/// The answer of a route with `files`.
pub(super) async fn answer(files: &Files, params: &Params, parts: Parts) -> Response<Reply> {
    let accept = parts.headers.get(header::ACCEPT).cloned();
    if !matches!(parts.method, Method::GET | Method::HEAD) {
        let allow = HeaderMap::from_iter([(header::ALLOW, HeaderValue::from_static("GET, HEAD"))]);
        let detail = "This path is a file: it can be read.";
        return page::with(page::problem(accept.as_ref(), StatusCode::METHOD_NOT_ALLOWED, detail), allow);
    }
    let none = || page::problem(accept.as_ref(), StatusCode::NOT_FOUND, "There is no such file.");
    let rest = files.rest.as_deref().map(|name| params.get(name).unwrap_or_default());
    match find(&files.root, rest).await {
        None => none(),
        Some(Found::Folder) => {
            let query = parts.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
            // One slash, so that it is no other host's address.
            let path = format!("/{}/{query}", parts.uri.path().trim_matches('/'));
            redirect::to(StatusCode::PERMANENT_REDIRECT, &path)
        }
        Some(Found::File(path, tag)) => send(&path, &tag, parts).await.unwrap_or_else(none),
    }
}

enum Found {
    File(PathBuf, HeaderValue),
    /// Asked for without the slash at its end, against which the links of its index stand.
    Folder,
}

/// The file that is meant, if it may be seen: within the root when all links are followed, and with no
/// part that begins with a dot.
async fn find(root: &Path, rest: Option<&str>) -> Option<Found> {
    let mut path = root.to_owned();
    if let Some(rest) = rest {
        if rest.contains(['\0', '\\']) {
            return None;
        }
        for part in Path::new(rest.trim_start_matches('/')).components() {
            match part {
                Component::Normal(name) if !name.as_encoded_bytes().starts_with(b".") => path.push(name),
                _ => return None,
            }
        }
    }
    let mut path = tokio::fs::canonicalize(&path).await.ok().filter(|path| path.starts_with(root))?;
    let mut metadata = tokio::fs::metadata(&path).await.ok()?;
    let slash = rest.is_none_or(|rest| rest.is_empty() || rest.ends_with('/'));
    if metadata.is_dir() {
        if !slash {
            return Some(Found::Folder);
        }
        path = tokio::fs::canonicalize(path.join("index.html")).await.ok().filter(|path| path.starts_with(root))?;
        metadata = tokio::fs::metadata(&path).await.ok()?;
    } else if rest.is_some() && slash {
        return None;
    }
    let changed = metadata.modified().ok()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let tag = HeaderValue::try_from(format!("\"{:x}-{:x}\"", changed.as_nanos(), metadata.len())).ok()?;
    metadata.is_file().then_some(Found::File(path, tag))
}

async fn send(path: &Path, tag: &HeaderValue, mut parts: Parts) -> Option<Response<Reply>> {
    if parts.headers.contains_key(header::IF_NONE_MATCH) {
        if matches(&parts.headers, tag) {
            let mut response = Response::new(Reply::whole(""));
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response.headers_mut().insert(header::ETAG, tag.clone());
            return Some(response);
        }
        // RFC 9110 §13.1.3: the tag decides, not the date.
        parts.headers.remove(header::IF_MODIFIED_SINCE);
    }
    // A range of what has changed meanwhile, or several at once: all of it instead (§14.2).
    let changed = parts.headers.get(header::IF_RANGE).is_some_and(|held| held != tag);
    let several = parts.headers.get(header::RANGE).is_some_and(|range| range.as_bytes().contains(&b','));
    if changed || several {
        parts.headers.remove(header::RANGE);
    }
    let served = ServeFile::new(path).try_call(Request::from_parts(parts, ())).await;
    let (mut head, body) = served.inspect_err(|error| tracing::warn!("{}: {error}", path.display())).ok()?.into_parts();
    head.headers.insert(header::ETAG, tag.clone());
    head.headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    Some(Response::from_parts(head, Reply::File(body.boxed_unsync())))
}

/// RFC 9110 §13.1.2, by weak comparison.
fn matches(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|list| list.to_str().ok());
    let tag = tag.to_str().unwrap_or_default();
    lists
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|held| held == "*" || held.trim_start_matches("W/") == tag)
}
