//! Answers of the admin API: JSON, problems (RFC 9457), and lines that come as they happen.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};
use serde::Serialize;
use tokio::sync::mpsc;

use super::wire::Problem;
use crate::app::VersionError;
use crate::deploy::DeployError;

pub(super) type Body = UnsyncBoxBody<Bytes, Infallible>;

/// A value.
pub(super) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    typed(status, "application/json", serde_json::to_vec(value).unwrap_or_default())
}

/// A text that never changes.
pub(super) fn text(kind: &'static str, text: impl Into<Vec<u8>>) -> Response<Body> {
    typed(StatusCode::OK, kind, text.into())
}

/// Why not.
pub(super) fn problem(problem: &Problem) -> Response<Body> {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    typed(status, "application/problem+json", serde_json::to_vec(problem).unwrap_or_default())
}

/// Nothing to say.
pub(super) fn done() -> Response<Body> {
    let mut response = Response::new(Full::default().boxed_unsync());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}

/// One JSON value a line, as they come.
pub(super) fn lines(lines: mpsc::Receiver<Bytes>) -> Response<Body> {
    let frames = stream::unfold(lines, async |mut lines| {
        lines.recv().await.map(|line| (Ok::<_, Infallible>(Frame::data(line)), lines))
    });
    let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    response
}

/// A value as a line.
pub(super) fn line(value: &impl Serialize) -> Bytes {
    let mut line = serde_json::to_vec(value).unwrap_or_default();
    line.push(b'\n');
    line.into()
}

fn typed(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Full::from(body).boxed_unsync());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

impl Problem {
    /// One with a status and words.
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status: status.as_u16(), detail: detail.into(), missing: Vec::new() }
    }
}

impl From<DeployError> for Problem {
    fn from(error: DeployError) -> Self {
        let status = match &error {
            DeployError::Busy { .. }
            | DeployError::Missing(_)
            | DeployError::Conflict(_)
            | DeployError::Canary { .. }
            | DeployError::NoCanary { .. }
            | DeployError::CanaryAlone { .. } => StatusCode::CONFLICT,
            DeployError::NewGrants(_) | DeployError::Version(VersionError::Signature(_)) => StatusCode::FORBIDDEN,
            DeployError::NoApp { .. } | DeployError::NoVersion { .. } | DeployError::NoEarlier { .. } => {
                StatusCode::NOT_FOUND
            }
            DeployError::Version(_)
            | DeployError::Start { .. }
            | DeployError::Health(_)
            | DeployError::Store
            | DeployError::CanaryElsewhere => StatusCode::UNPROCESSABLE_ENTITY,
            DeployError::TooManyApps => StatusCode::INSUFFICIENT_STORAGE,
            DeployError::Open(_) | DeployError::Disk { .. } | DeployError::Lost(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let problem = Self::new(status, error.to_string());
        match error {
            DeployError::Missing(missing) => Self { missing, ..problem },
            _ => problem,
        }
    }
}
