//! What the admin API can be asked for, by method and path.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use super::reply::{self, Body};
use super::routes;
use super::wire::{AppInfo, DeployLine, DeployRequest, Problem, RollbackRequest, VersionInfo};
use super::{Caller, Desk};
use crate::app::App;
use crate::app::archive::{BlobError, Record};
use crate::app::digest::Digest;
use crate::app::signature;
use crate::deploy::{NewGrants, Order};
use crate::limits;

pub(super) type Answer = Result<Response<Body>, Problem>;

impl Desk {
    pub(super) async fn answer(self: &Arc<Self>, request: Request<Incoming>, caller: &Caller) -> Response<Body> {
        self.route(request, caller).await.unwrap_or_else(|problem| reply::problem(&problem))
    }

    async fn route(self: &Arc<Self>, request: Request<Incoming>, caller: &Caller) -> Answer {
        let (head, body) = request.into_parts();
        let path: Vec<&str> = head.uri.path().trim_start_matches('/').split('/').collect();
        match (&head.method, path.as_slice()) {
            (&Method::GET, ["v1", "openapi.json"]) => Ok(reply::text("application/json", routes::OPENAPI)),
            (&Method::GET, ["v1", "apps"]) => Ok(self.apps()),
            (&Method::DELETE, ["v1", "apps", app]) => self.undeploy(app, caller).await,
            (&Method::GET, ["v1", "apps", app, "versions"]) => self.versions(app).await,
            (&Method::POST, ["v1", "apps", app, "rollback"]) => self.rollback(app, body, caller).await,
            (&Method::GET, ["v1", "connections"]) => self.connections(head.uri.query()).await,
            (&Method::DELETE, ["v1", "connections", id]) => self.close(id, read(body).await?, caller).await,
            (&Method::GET, ["v1", "tail"]) => self.tail(head.uri.query()),
            (&Method::PUT, ["v1", "blobs", digest]) => self.keep(digest, body).await,
            (&Method::POST, ["v1", "deploys"]) => self.deploy(body, caller).await,
            _ => Err(Problem::new(StatusCode::NOT_FOUND, format!("{} {} is not here", head.method, head.uri.path()))),
        }
    }

    fn apps(&self) -> Response<Body> {
        let (apps, counts) = (self.service.apps.all(), self.service.websockets.counts());
        let websockets = |app: &App| counts.get(&app.name).copied().unwrap_or_default();
        reply::json(StatusCode::OK, &apps.iter().map(|app| Self::info(app, websockets(app))).collect::<Vec<_>>())
    }

    fn info(app: &App, websockets: usize) -> AppInfo {
        let tried = app.tried();
        let (calls, traps) = tried.trial.counted();
        AppInfo {
            app: app.name.clone(),
            version: tried.version.number,
            hosts: tried.version.place.hosts.clone(),
            prefix: tried.version.place.prefix.clone(),
            websockets,
            calls,
            traps,
        }
    }

    async fn versions(&self, app: &str) -> Answer {
        let app = self.deployer.app(app)?;
        let current = app.number();
        let shelf = app.shelf.clone();
        let records = tokio::task::spawn_blocking(move || shelf.records()).await.map_err(internal)?;
        let records = records.map_err(internal)?;
        Ok(reply::json(StatusCode::OK, &records.iter().map(|record| version(record, current)).collect::<Vec<_>>()))
    }

    async fn rollback(self: &Arc<Self>, app: &str, body: Incoming, caller: &Caller) -> Answer {
        let RollbackRequest { version } = read(body).await?;
        let (desk, app, by) = (self.clone(), app.to_owned(), caller.by.clone());
        let rolled = tokio::spawn(async move { desk.deployer.rollback(&app, version, &by).await });
        Ok(reply::json(StatusCode::OK, &rolled.await.map_err(internal)??))
    }

    async fn undeploy(self: &Arc<Self>, app: &str, caller: &Caller) -> Answer {
        let (desk, app, by) = (self.clone(), app.to_owned(), caller.by.clone());
        tokio::spawn(async move { desk.deployer.undeploy(&app, &by).await }).await.map_err(internal)??;
        Ok(reply::done())
    }

    async fn keep(&self, digest: &str, body: Incoming) -> Answer {
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
    async fn deploy(self: &Arc<Self>, body: Incoming, caller: &Caller) -> Answer {
        let DeployRequest { contents, note, signature, allow_new_grants } = read(body).await?;
        if let Some(note) = note.as_ref().filter(|note| note.len() > limits::NOTE_BYTES_MAX) {
            let (bytes, limit) = (note.len(), limits::NOTE_BYTES_MAX);
            return Err(Problem::new(
                StatusCode::BAD_REQUEST,
                format!("a note of {bytes} bytes exceeds the limit of {limit}"),
            ));
        }
        let new_grants = if allow_new_grants { NewGrants::Allow } else { NewGrants::Refuse };
        let order = Order { contents, by: caller.by.clone(), note, signature, new_grants };
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

async fn read<T: DeserializeOwned>(body: Incoming) -> Result<T, Problem> {
    let bytes = collect(body, limits::ORDER_BYTES_MAX).await?;
    serde_json::from_slice(if bytes.is_empty() { b"{}" } else { &bytes }).map_err(bad)
}

async fn collect(body: Incoming, limit: usize) -> Result<Bytes, Problem> {
    let read = tokio::time::timeout(limits::ADMIN_BODY, Limited::new(body, limit).collect()).await;
    let read = read.map_err(|_| bad(format!("the body did not come within {:?}", limits::ADMIN_BODY)))?;
    read.map(|body| body.to_bytes()).map_err(|error| match error.is::<LengthLimitError>() {
        true => Problem::new(StatusCode::PAYLOAD_TOO_LARGE, format!("the body exceeds the limit of {limit} bytes")),
        false => bad(error),
    })
}

pub(super) fn bad(error: impl ToString) -> Problem {
    Problem::new(StatusCode::BAD_REQUEST, error.to_string())
}

pub(super) fn internal(error: impl ToString) -> Problem {
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
}
