//! Who may come in: whoever reaches the Unix socket, and who has a token where anybody could knock.

use std::sync::Arc;

use hyper::header::{AUTHORIZATION, CONNECTION, HeaderMap, HeaderValue, WWW_AUTHENTICATE};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};

use super::Caller;
use super::reply::{self, Body};
use super::routes;
use super::tokens::{Scope, Tokens};
use super::wire::Problem;
use crate::limits;

/// What a connection came in by.
#[derive(Clone)]
pub(super) enum Door {
    /// The socket of the data folder, which only its user can reach.
    Socket(Caller),
    /// TCP.
    Tokens(Arc<Tokens>),
}

/// Why a request is not looked at.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// It has no token.
    #[error("no token; send `Authorization: Bearer TOKEN` ($SESSILE_TOKEN of the commands)")]
    NoToken,
    /// No such token.
    #[error("the token is not valid: unknown here, or revoked; `sessile token create` on the host's machine makes one")]
    Unknown,
    /// Its token is good for less.
    #[error("the token '{name}' has the scope '{has}', and this needs '{needed}'")]
    Scope {
        /// The token.
        name: String,
        /// What it may.
        has: Scope,
        /// What it would have to.
        needed: Scope,
    },
    /// There is no such thing.
    #[error("{method} {path} is not here; GET /v1/openapi.json tells what is")]
    NotHere {
        /// The method.
        method: String,
        /// The path.
        path: String,
    },
}

impl Door {
    /// Who asks, if they may.
    ///
    /// # Errors
    /// See [`Refusal`]. Those of bad tokens come late, so that guessing is slow.
    pub(super) async fn admit(&self, request: &Parts) -> Result<Caller, Refusal> {
        let needed = routes::find(&request.method, request.uri.path()).map(|route| route.scope);
        let caller = match self {
            Self::Socket(caller) => caller.clone(),
            Self::Tokens(tokens) => authorized(tokens, request, needed).await?,
        };
        let not_here = || Refusal::NotHere { method: request.method.to_string(), path: request.uri.path().to_owned() };
        needed.map(|_| caller).ok_or_else(not_here)
    }
}

/// What is not here wants a token too: who has none learns nothing.
async fn authorized(tokens: &Arc<Tokens>, request: &Parts, needed: Option<Scope>) -> Result<Caller, Refusal> {
    let token = match bearer(&request.headers) {
        Some(secret) => {
            let (tokens, secret) = (tokens.clone(), secret.to_owned());
            tokio::task::spawn_blocking(move || tokens.find(&secret)).await.ok().flatten().ok_or(Refusal::Unknown)
        }
        None => Err(Refusal::NoToken),
    };
    let token = match token {
        Ok(token) => token,
        Err(refusal) => {
            tracing::debug!(path = request.uri.path(), "admin request refused: {refusal}");
            tokio::time::sleep(limits::ADMIN_REFUSAL_PAUSE).await;
            return Err(refusal);
        }
    };
    match needed {
        Some(needed) if token.scope < needed => Err(Refusal::Scope { name: token.name, has: token.scope, needed }),
        _ => Ok(Caller { by: format!("token {}", token.name) }),
    }
}

/// RFC 6750 §2.1. Two headers are none: which one counts would be a guess.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let (only, None) = (all.next()?, all.next()) else { return None };
    let (scheme, secret) = only.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| secret.trim_start_matches(' '))
}

impl Refusal {
    /// As an answer (RFC 6750 §3). A connection without a token ends with it.
    pub(super) fn answer(&self) -> Response<Body> {
        let (status, challenge) = match self {
            Self::NoToken => (StatusCode::UNAUTHORIZED, Some("Bearer realm=\"sessile\"".to_owned())),
            Self::Unknown => {
                (StatusCode::UNAUTHORIZED, Some("Bearer realm=\"sessile\", error=\"invalid_token\"".to_owned()))
            }
            Self::Scope { needed, .. } => {
                let error = format!("Bearer realm=\"sessile\", error=\"insufficient_scope\", scope=\"{needed}\"");
                (StatusCode::FORBIDDEN, Some(error))
            }
            Self::NotHere { .. } => (StatusCode::NOT_FOUND, None),
        };
        let mut response = reply::problem(&Problem::new(status, self.to_string()));
        if let Some(challenge) = challenge.and_then(|challenge| HeaderValue::from_str(&challenge).ok()) {
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
        if status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn bearer_is_one_header_of_that_scheme() {
        let headers = |values: &[&'static str]| {
            values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_static(value))).collect::<HeaderMap>()
        };
        assert_eq!(bearer(&headers(&["Bearer sst_a"])), Some("sst_a"));
        assert_eq!(bearer(&headers(&["bearer  sst_a"])), Some("sst_a"));
        for wrong in [&[][..], &["Basic sst_a"], &["sst_a"], &["Bearer a", "Bearer a"]] {
            assert_eq!(bearer(&headers(wrong)), None, "{wrong:?}");
        }
    }
}
