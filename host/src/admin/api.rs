//! What the admin API can be asked for, by method and path.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::metrics::OPENMETRICS;
use super::reply::{self, Body};
use super::routes;
use super::wire::{
    AppInfo, CanaryInfo, DeployLine, DeployRequest, Problem, PromoteRequest, RollbackRequest, VersionInfo,
};
use super::{Caller, Desk};
use crate::app::archive::{BlobError, Record};
use crate::app::digest::Digest;
use crate::app::signature;
use crate::app::{App, Canary};
use crate::deploy::{NewGrants, Order};
use crate::limits;
use crate::websocket::registry::OfApp;

pub(super) type Answer = Result<Response<Body>, Problem>;

impl Desk {
    pub(super) async fn answer(self: &Arc<Self>, head: &Parts, body: &mut Incoming, caller: &Caller) -> Response<Body> {
        self.route(head, body, caller).await.unwrap_or_else(|problem| reply::problem(&problem))
    }

    async fn route(self: &Arc<Self>, head: &Parts, body: &mut Incoming, caller: &Caller) -> Answer {
        let path: Vec<&str> = head.uri.path().trim_start_matches('/').split('/').collect();
        match (&head.method, path.as_slice()) {
            (&Method::GET, ["v1", "openapi.json"]) => Ok(reply::text("application/json", routes::OPENAPI)),
            (&Method::GET, ["v1", "apps"]) => Ok(self.apps()),
            (&Method::DELETE, ["v1", "apps", app]) => self.undeploy(app, caller).await,
            (&Method::GET, ["v1", "apps", app, "versions"]) => self.versions(app).await,
            (&Method::POST, ["v1", "apps", app, "rollback"]) => self.rollback(app, body, caller).await,
            (&Method::POST, ["v1", "apps", app, "promote"]) => self.promote(app, body, caller).await,
            (&Method::POST, ["v1", "apps", app, "abort"]) => self.abort(app, caller).await,
            (&Method::POST, ["v1", "apps", app, "publish"]) => self.publish(app, read(body).await?, caller).await,
            (&Method::GET, ["v1", "connections"]) => self.connections(head.uri.query()).await,
            (&Method::DELETE, ["v1", "connections", id]) => self.close(id, read(body).await?, caller).await,
            (&Method::GET, ["v1", "sessions"]) => self.sessions(head.uri.query()).await,
            (&Method::GET, ["v1", "alarms"]) => self.alarms(head.uri.query()).await,
            (&Method::GET, ["v1", "metrics"]) => self.scraped().await,
            (&Method::GET, ["v1", "tail"]) => self.tail(head.uri.query()),
            (&Method::PUT, ["v1", "blobs", digest]) => self.keep(digest, body).await,
            (&Method::POST, ["v1", "deploys"]) => self.deploy(body, caller).await,
            _ => Err(Problem::new(StatusCode::NOT_FOUND, format!("{} {} is not here", head.method, head.uri.path()))),
        }
    }

    fn apps(&self) -> Response<Body> {
        let (apps, live) = (self.service.apps.all(), self.service.websockets.by_app());
        let of = |app: &App| live.get(&app.name).copied().unwrap_or_default();
        reply::json(StatusCode::OK, &apps.iter().map(|app| Self::info(app, of(app))).collect::<Vec<_>>())
    }

    fn info(app: &App, live: OfApp) -> AppInfo {
        let tried = app.tried();
        let (calls, traps) = tried.trial.counted();
        AppInfo {
            app: app.name.clone(),
            version: tried.version.number,
            hosts: tried.version.place.hosts.clone(),
            prefix: tried.version.place.prefix.clone(),
            websockets: live.websockets,
            calls,
            traps,
            exchanges: app.usage.requests.counted().count(),
            usage: app.usage.sums().with(live.usage),
            canary: app.canary().map(|canary| canary_info(&canary)),
        }
    }

    async fn scraped(self: &Arc<Self>) -> Answer {
        let mut waiting = HashMap::new();
        for app in self.service.apps.all() {
            // Unknown where its store fails, which its alarms tell in the log.
            waiting.extend(app.alarms().waiting().await.ok().map(|alarms| (app.name.clone(), alarms)));
        }
        let desk = self.clone();
        let metrics = tokio::task::spawn_blocking(move || desk.metrics(&waiting)).await.map_err(internal)?;
        Ok(reply::text(OPENMETRICS, metrics))
    }

    async fn versions(&self, app: &str) -> Answer {
        let app = self.deployer.app(app)?;
        let current = app.number();
        let shelf = app.shelf.clone();
        let records = tokio::task::spawn_blocking(move || shelf.records()).await.map_err(internal)?;
        let records = records.map_err(internal)?;
        Ok(reply::json(StatusCode::OK, &records.iter().map(|record| version(record, current)).collect::<Vec<_>>()))
    }

    async fn rollback(self: &Arc<Self>, app: &str, body: &mut Incoming, caller: &Caller) -> Answer {
        let RollbackRequest { version } = read(body).await?;
        let (desk, app, by) = (self.clone(), app.to_owned(), caller.by.clone());
        let rolled = tokio::spawn(async move { desk.deployer.rollback(&app, version, &by).await });
        Ok(reply::json(StatusCode::OK, &rolled.await.map_err(internal)??))
    }

    async fn promote(self: &Arc<Self>, app: &str, body: &mut Incoming, caller: &Caller) -> Answer {
        let PromoteRequest { share } = read(body).await?;
        let (desk, app, by) = (self.clone(), app.to_owned(), caller.by.clone());
        let promoted = tokio::spawn(async move { desk.deployer.promote(&app, share, &by).await });
        Ok(reply::json(StatusCode::OK, &promoted.await.map_err(internal)??))
    }

    async fn abort(self: &Arc<Self>, app: &str, caller: &Caller) -> Answer {
        let (desk, app, by) = (self.clone(), app.to_owned(), caller.by.clone());
        let aborted = tokio::spawn(async move { desk.deployer.abort(&app, &by).await });
        Ok(reply::json(StatusCode::OK, &aborted.await.map_err(internal)??))
    }

    async fn undeploy(self: &Arc<Self>, app: &str, caller: &Caller) -> Answer {
        let (desk, app, by) = (self.clone(), app.to_owned(), caller.by.clone());
        tokio::spawn(async move { desk.deployer.undeploy(&app, &by).await }).await.map_err(internal)??;
        Ok(reply::done())
    }

    async fn keep(&self, digest: &str, body: &mut Incoming) -> Answer {
        let digest: Digest = digest.parse().map_err(bad)?;
        let bytes = collect(body, limits::BLOB_BYTES_MAX).await?;
        let blobs = self.deployer.loader().archive.blobs.clone();
        let kept = tokio::task::spawn_blocking(move || blobs.put(digest, &bytes)).await.map_err(internal)?;
        match kept {
            Ok(()) => Ok(reply::done()),
            Err(error @ BlobError::Altered { .. }) => Err(bad(error)),
            Err(error @ BlobError::Disk { .. }) => {
                self.deployer.reclaim().await;
                Err(internal(error))
            }
        }
    }

    /// Answers with lines, so that each step is seen as it is done. The deploy goes on though nobody reads them.
    async fn deploy(self: &Arc<Self>, body: &mut Incoming, caller: &Caller) -> Answer {
        let DeployRequest { contents, note, signature, allow_new_grants, canary } = read(body).await?;
        if let Some(note) = note.as_ref().filter(|note| note.len() > limits::NOTE_BYTES_MAX) {
            let (bytes, limit) = (note.len(), limits::NOTE_BYTES_MAX);
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                format!("a note of {bytes} bytes exceeds the limit of {limit}"),
            ));
        }
        let new_grants = if allow_new_grants { NewGrants::Allow } else { NewGrants::Refuse };
        let order = Order { contents, by: caller.by.clone(), note, signature, new_grants, canary };
        let (told, lines) = mpsc::channel(limits::DEPLOY_LINES_MAX);
        let desk = self.clone();
        tokio::spawn(async move {
            let each = told.clone();
            // Never full: there are fewer steps. Closed where nobody reads any more.
            let tell = move |step| drop(each.try_send(reply::line(&DeployLine::Step(step))));
            let last = match desk.deployer.deploy(order, tell).await {
                Ok(deployed) => DeployLine::Deployed(deployed),
                Err(error) => {
                    tracing::warn!("not deployed, the running version stays: {error}");
                    DeployLine::Refused(error.into())
                }
            };
            drop(told.send(reply::line(&last)).await);
        });
        Ok(reply::lines(lines))
    }
}

fn canary_info(canary: &Canary) -> CanaryInfo {
    let ((calls, traps), standing) = (canary.trial.counted(), canary.race.standing());
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    CanaryInfo {
        version: canary.version.number,
        share: canary.share,
        calls,
        traps,
        p99_micros: standing.map(|standing| micros(standing.canary)),
        current_p99_micros: standing.map(|standing| micros(standing.current)),
    }
}

fn version(record: &Record, current: u64) -> VersionInfo {
    VersionInfo {
        version: record.number,
        current: record.number == current,
        deployed_at: record.deployed_at,
        by: record.by.clone(),
        note: record.note.clone(),
        key: record.signature.as_deref().and_then(signature::signer).map(|key| key.to_string()),
        components: record.contents.components.clone(),
        files: record.contents.files.values().map(|files| files.len()).sum(),
    }
}

async fn read<T: DeserializeOwned>(body: &mut Incoming) -> Result<T, Problem> {
    let bytes = collect(body, limits::ORDER_BYTES_MAX).await?;
    serde_json::from_slice(if bytes.is_empty() { b"{}" } else { &bytes }).map_err(bad)
}

async fn collect(body: &mut Incoming, limit: usize) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(limits::ADMIN_BODY, Limited::new(body, limit).collect()).await;
    let read = read.map_err(|_| bad(format!("the body did not come within {:?}", limits::ADMIN_BODY)))?;
    read.map(|body| body.to_bytes()).map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body exceeds the limit of {limit} bytes")),
        false => bad(error),
    })
}

/// Reads what is left of a body that nobody looks at, as far as is bearable: a connection that ends with something unread is
/// reset, and its peer may never see the answer (RFC 9112 § 9.6).
pub(super) async fn read_past(body: &mut Incoming) {
    let rest = async {
        let mut left = limits::ADMIN_REST_BYTES;
        while left > 0 {
            let Some(Ok(frame)) = body.frame().await else { break };
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    };
    // What is late or too much is cut.
    drop(tokio::time::timeout(limits::ADMIN_REST, rest).await);
}

pub(super) fn bad(error: impl ToString) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, error.to_string())
}

pub(super) fn internal(error: impl ToString) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
