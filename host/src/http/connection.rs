//! A connection: HTTP/1.1 or HTTP/2 over any byte stream.
//!
//! Owns hyper's settings, and which of the two a peer speaks: it says so with its first bytes
//! (RFC 9113 §3.4), whether ALPN had said it before or not.

use std::sync::Arc;
use std::time::Duration;

use hyper::service::service_fn;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::clients::Visit;
use super::pace::{Busy, Pace, Paced};
use super::{Service, body};
use crate::limits;
use crate::port::head::Ends;
use crate::tls::TlsStream;
use crate::websocket::frames::{Duplex, Io};

/// A connection, as its requests know it.
pub(super) struct Accepted {
    pub(super) ends: Ends,
    /// Its place under the bound of connections; a websocket takes it over.
    pub(super) permit: Arc<Permit>,
    pub(super) welcome: Welcome,
    /// Ends it after what is being sent.
    pub(super) closing: CancellationToken,
    pace: Arc<Pace>,
}

impl Accepted {
    /// Something is under way on it until this is dropped.
    pub(super) fn busy(&self, version: http::Version) -> Busy {
        Busy::begin(&self.pace, version)
    }
}

/// A connection, as the listener gives it.
pub struct Connection<S> {
    /// Its bytes, decrypted.
    pub stream: S,
    /// Where it is from and to.
    pub ends: Ends,
    /// Its place under the bounds of connections.
    pub permit: Permit,
    /// Whether it is served.
    pub welcome: Welcome,
    /// When it was accepted.
    pub accepted: Instant,
}

/// A place under the bounds of connections, that of the host and that of its client; free again with its drop.
#[derive(Debug)]
pub struct Permit {
    /// The host's.
    pub connection: OwnedSemaphorePermit,
    /// The client's; none for a proxy.
    pub client: Option<Visit>,
}

/// Whether a connection is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Welcome {
    /// It is.
    Served,
    /// It is told that its address has too many.
    TooMany,
}

/// Serves one connection until it ends, is upgraded or, draining, has answered what it had begun.
pub async fn serve<S: Duplex + 'static>(service: Arc<Service>, connection: Connection<S>, drain: CancellationToken) {
    let Connection { stream, ends, permit, welcome, accepted } = connection;
    let closing = drain.child_token();
    let pace = Arc::new(Pace::new(service.apps.pace(), accepted));
    let (permit, stream) = (Arc::new(permit), Paced::new(stream, pace.clone()));
    let accepted = Arc::new(Accepted { ends, permit, welcome, closing: closing.clone(), pace: pace.clone() });
    let answer = service_fn(move |request| {
        let (service, accepted) = (service.clone(), accepted.clone());
        async move {
            let busy = accepted.busy(request.version());
            let answer = service.answer(request, accepted).await?;
            Ok::<_, super::Cancelled>(answer.map(|reply| body::Held { reply, busy }))
        }
    });
    let http = http();
    let mut connection = std::pin::pin!(http.serve_connection_with_upgrades(TokioIo::new(stream), answer));
    let ended = tokio::select! {
        ended = &mut connection => ended,
        reason = pace.overdue() => Err(reason.into()),
        () = closing.cancelled() => {
            let first = tokio::time::sleep(if pace.used() { Duration::ZERO } else { limits::DRAIN_FIRST_REQUEST });
            tokio::select! {
                // Of what has come nothing may have been read yet: shut down now, it would be answered by a reset.
                biased;
                ended = &mut connection => ended,
                () = first => {
                    connection.as_mut().graceful_shutdown();
                    tokio::select! {
                        ended = &mut connection => ended,
                        reason = pace.overdue() => Err(reason.into()),
                    }
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(peer = %ends.peer, "connection ended: {error}");
    }
}

fn http() -> auto::Builder<TokioExecutor> {
    let mut http = auto::Builder::new(TokioExecutor::new());
    // Its own timeout runs while a connection idles too; `pace` tells the two apart.
    let untimed = None::<Duration>;
    http.http1().header_read_timeout(untimed).max_headers(limits::HEADERS_MAX).max_buf_size(limits::HEAD_BYTES_MAX);
    http.http2()
        .timer(TokioTimer::new())
        .enable_connect_protocol()
        .max_concurrent_streams(limits::STREAMS_MAX)
        .initial_stream_window_size(limits::STREAM_WINDOW_BYTES)
        .initial_connection_window_size(limits::CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(limits::STREAM_SEND_BYTES_MAX)
        .max_header_list_size(limits::HEAD_BYTES_MAX as u32)
        .max_pending_accept_reset_streams(limits::PENDING_RESETS_MAX)
        .max_local_error_reset_streams(limits::ERROR_RESETS_MAX);
    http
}

/// The byte stream of a websocket: the connection itself, or a stream of HTTP/2; with what had been
/// read of it. None if the peer left before.
pub(super) async fn upgraded(upgraded: OnUpgrade) -> Option<(Io, bytes::Bytes)> {
    let upgraded = upgraded.await.ok()?;
    let upgraded = match auto::upgrade::downcast::<TokioIo<Paced<TcpStream>>>(upgraded) {
        Ok(plain) => return Some((Box::new(plain.io.into_inner().into_inner()), plain.read_buf)),
        Err(upgraded) => upgraded,
    };
    Some(match auto::upgrade::downcast::<TokioIo<Paced<TlsStream<TcpStream>>>>(upgraded) {
        Ok(encrypted) => (Box::new(encrypted.io.into_inner().into_inner()), encrypted.read_buf),
        Err(stream) => (Box::new(TokioIo::new(stream)), bytes::Bytes::new()),
    })
}
