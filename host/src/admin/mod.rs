//! The admin API: HTTP and JSON on a Unix socket of the data folder, for the same user alone; and on TCP, for tokens.
//!
//! Owns who may ask for what, and the words of the answers. What is asked for is done by [`deploy`](crate::deploy) and by the
//! websockets' ports.

mod alarms;
mod api;
pub mod client;
mod connections;
mod door;
mod groups;
mod metrics;
mod remote;
mod reply;
mod routes;
pub mod tokens;
pub mod wire;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::EXPECT;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixListener;
use tokio::sync::Semaphore;

pub use self::remote::{Remote, RemoteError};

use self::door::Door;
use self::reply::Body;
use crate::deploy::Deployer;
use crate::http::Service;
use crate::limits;

/// The admin API of a host.
pub struct Admin {
    socket: UnixListener,
    remote: Option<Arc<Remote>>,
    desk: Arc<Desk>,
    permits: Arc<Semaphore>,
}

/// What answers requests.
struct Desk {
    deployer: Arc<Deployer>,
    service: Arc<Service>,
}

/// Who asks.
#[derive(Clone, Debug)]
struct Caller {
    /// As the audit log names them.
    by: String,
}

impl Admin {
    /// Of this host, on a socket that only its user can reach, and perhaps on TCP.
    pub fn new(
        socket: UnixListener,
        remote: Option<Arc<Remote>>,
        deployer: Arc<Deployer>,
        service: Arc<Service>,
    ) -> Self {
        let permits = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS_MAX));
        Self { socket, remote, desk: Arc::new(Desk { deployer, service }), permits }
    }

    /// Answers until it is dropped. What it has begun then is finished.
    pub async fn serve(&self) {
        let remote = async {
            match &self.remote {
                Some(remote) => remote.serve(&self.desk).await,
                None => std::future::pending().await,
            }
        };
        tokio::join!(self.serve_socket(), remote);
    }

    async fn serve_socket(&self) {
        loop {
            // Never closed.
            let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
            match self.socket.accept().await {
                Ok((stream, _)) => {
                    let by = stream.peer_cred().map_or_else(|_| "unknown".to_owned(), |peer| named(peer.uid()));
                    let desk = self.desk.clone();
                    tokio::spawn(async move {
                        desk.serve(stream, Door::Socket(Caller { by })).await;
                        drop(permit);
                    });
                }
                Err(error) => {
                    tracing::warn!("admin socket: {error}");
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Desk {
    async fn serve(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, door: Door) {
        let answer = service_fn(move |request: Request<Incoming>| {
            let (desk, door) = (self.clone(), door.clone());
            async move {
                let (head, mut body) = request.into_parts();
                let answer = match door.admit(&head).await {
                    Ok(caller) => desk.answer(&head, &mut body, &caller).await,
                    Err(refusal) => refusal.answer(),
                };
                // Who asks first whether to send it has not sent it.
                if !head.headers.contains_key(EXPECT) {
                    api::read_past(&mut body).await;
                }
                Ok::<Response<Body>, std::convert::Infallible>(answer)
            }
        });
        let mut http = hyper::server::conn::http1::Builder::new();
        http.timer(TokioTimer::new()).header_read_timeout(limits::HEAD);
        if let Err(error) = http.serve_connection(TokioIo::new(stream), answer).await {
            tracing::debug!("admin connection: {error}");
        }
    }
}

/// Where the host of a data folder takes commands.
pub fn socket_of(data: &Path) -> PathBuf {
    data.join("admin.sock")
}

/// Who runs this process, as the audit log names them.
pub fn user() -> String {
    named(rustix::process::getuid().as_raw())
}

fn named(uid: u32) -> String {
    format!("uid {uid}")
}
