//! One request to another host: checked, connected to a checked address, sent, answered.
//!
//! HTTP/1.1, a connection for each request: no pool, so that no guest meets what another left on a
//! connection. What a guest has no say in: the address (only the one that was checked), the `Host` field
//! (the target's), the form of the target (origin-form), proxies (none), redirects (not followed).

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::combinators::UnsyncBoxBody;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore};

use super::address::{Reach, reach};
use super::body::{Moved, ResponseBody, Sending};
use super::dial::{Dial, Stream, System};
use super::grant::{Grant, granted};
use super::places::Places;
use super::target::{Host, Scheme, Target};
use super::{Abort, BoxError, OutboundError};
use crate::limits;

/// How requests leave this process.
pub struct Client {
    runtime: tokio::runtime::Handle,
    dial: Box<dyn Dial>,
    tls: TlsConnector,
}

/// What a handler may ask for.
pub struct Outbound {
    /// The handler's name, for the log.
    pub handler: Arc<str>,
    /// Where it may go; deny by default.
    pub grants: Vec<Grant>,
    /// Without a byte either way, after which a request is given up. Manifest key `outbound_ms`.
    pub idle: Duration,
    /// How it goes.
    pub client: Arc<Client>,
}

/// What a guest asks for beside the defaults; it may shorten waits, not lengthen them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Patience {
    /// Until connected, at most [`limits::OUTBOUND_CONNECT`].
    pub connect: Option<Duration>,
    /// Until the answer's head, at most [`Outbound::idle`].
    pub first_byte: Option<Duration>,
    /// Between parts of its body, at most [`Outbound::idle`].
    pub between_bytes: Option<Duration>,
}

impl Client {
    /// Over the system's network, trusting the roots that Mozilla trusts. Its sockets belong to `runtime`,
    /// whichever the guest runs on.
    ///
    /// # Errors
    /// Where TLS cannot be had.
    pub fn new(runtime: tokio::runtime::Handle) -> Result<Self, rustls::Error> {
        let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        Self::over(Box::new(System::default()), roots, runtime)
    }

    pub(super) fn over(
        dial: Box<dyn Dial>,
        roots: RootCertStore,
        runtime: tokio::runtime::Handle,
    ) -> Result<Self, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { runtime, dial, tls: TlsConnector::from(Arc::new(config)) })
    }

    /// A connection to an address of the target that is within reach.
    async fn connect(&self, target: &Target, granted: Reach) -> Result<Box<dyn Stream>, OutboundError> {
        let stream = self.connect_any(&self.checked(target, granted).await?, target.port).await?;
        match target.scheme {
            Scheme::Http => Ok(stream),
            Scheme::Https => {
                let stream = self.tls.connect(server_name(&target.host)?, stream).await.map_err(tls)?;
                Ok(Box::new(stream))
            }
        }
    }

    /// The target's addresses. One that is out of reach condemns the name: an honest one has none.
    async fn checked(&self, target: &Target, granted: Reach) -> Result<Vec<IpAddr>, OutboundError> {
        let addresses = match &target.host {
            Host::Address(address) => vec![*address],
            Host::Name(name) => self.dial.lookup(name).await.map_err(OutboundError::Name)?,
        };
        match addresses.iter().find(|address| reach(**address) > granted) {
            Some(outside) => Err(OutboundError::Prohibited(*outside)),
            None if addresses.is_empty() => Err(OutboundError::Name(io::ErrorKind::NotFound.into())),
            None => Ok(addresses),
        }
    }

    async fn connect_any(&self, addresses: &[IpAddr], port: u16) -> Result<Box<dyn Stream>, OutboundError> {
        let mut failed = io::Error::from(io::ErrorKind::NotFound);
        for address in addresses {
            match self.dial.connect(SocketAddr::new(*address, port)).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failed = error,
            }
        }
        Err(OutboundError::Connect(failed))
    }
}

impl Outbound {
    /// Sends a request with an absolute URI, from one of the places of an instance, which are taken in the order of
    /// these calls; answers with the head, the body follows as it is read.
    ///
    /// # Errors
    /// See [`OutboundError`].
    ///
    /// # Cancel safety
    /// Dropped, the connection ends; the other side may have got the request.
    pub fn send(
        &self,
        request: Request<UnsyncBoxBody<Bytes, BoxError>>,
        patience: Patience,
        places: &Places,
    ) -> impl Future<Output = Result<Response<ResponseBody>, OutboundError>> + Send + use<> {
        let (begun, handler) = (self.begin(request, patience, places), self.handler.clone());
        async move {
            let answer = begun?.await;
            if let Err(OutboundError::Prohibited(address)) = &answer {
                tracing::warn!(handler = &*handler, %address, "a request out of its grant's reach was denied");
            }
            answer
        }
    }

    fn begin(
        &self,
        request: Request<UnsyncBoxBody<Bytes, BoxError>>,
        patience: Patience,
        places: &Places,
    ) -> Result<Abort<Result<Response<ResponseBody>, OutboundError>>, OutboundError> {
        let target = Target::of(request.uri()).map_err(|_| OutboundError::Uri)?;
        if request.method() == Method::CONNECT {
            return Err(OutboundError::Method);
        }
        let Some(reach) = granted(&self.grants, &target) else {
            tracing::warn!(handler = &*self.handler, %target, "a request that no grant covers was denied");
            return Err(OutboundError::Denied(target));
        };
        let at_most = |asked: Option<Duration>, most| asked.map_or(most, |asked| asked.min(most));
        let waits = Waits {
            connect: at_most(patience.connect, limits::OUTBOUND_CONNECT),
            first_byte: at_most(patience.first_byte, self.idle),
            between_bytes: at_most(patience.between_bytes, self.idle),
        };
        let (client, queue) = (self.client.clone(), places.queue()?);
        Ok(Abort(self.client.runtime.spawn(async move {
            let begun = async { Ok((queue.place().await?, client.connect(&target, reach).await?)) };
            let (place, stream) = timeout(waits.connect, begun).await.map_err(|_| OutboundError::ConnectTimeout)??;
            exchange(stream, addressed(request, &target)?, waits, place).await
        })))
    }
}

#[derive(Clone, Copy)]
struct Waits {
    connect: Duration,
    first_byte: Duration,
    between_bytes: Duration,
}

/// In origin-form, with the one `Host` that its target has (RFC 9112 §3.2.1).
fn addressed<B>(mut request: Request<B>, target: &Target) -> Result<Request<B>, OutboundError> {
    let path = request.uri().path_and_query().map_or("/", PathAndQuery::as_str);
    let path = if path.starts_with('?') { format!("/{path}") } else { path.to_owned() };
    *request.uri_mut() = Uri::builder().path_and_query(path).build().map_err(|_| OutboundError::Uri)?;
    let host = HeaderValue::try_from(target.authority()).map_err(|_| OutboundError::Uri)?;
    request.headers_mut().insert(header::HOST, host);
    request.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}

async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<UnsyncBoxBody<Bytes, BoxError>>,
    waits: Waits,
    place: OwnedSemaphorePermit,
) -> Result<Response<ResponseBody>, OutboundError> {
    let mut http = http1::Builder::new();
    http.max_headers(limits::HEADERS_MAX).max_buf_size(limits::HEAD_BYTES_MAX);
    let (mut sender, connection) = http.handshake(TokioIo::new(stream)).await.map_err(OutboundError::Http)?;
    // An error of it is told to who waits for the answer or its body.
    let connection = Abort(tokio::spawn(async move { drop(connection.await) }));
    let moved = Moved::now();
    let request = request.map(|body| Sending { body, moved: moved.clone() });
    let response = answered(sender.send_request(request), &moved, waits.first_byte).await?;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return Err(OutboundError::Switched);
    }
    Ok(response.map(|body| ResponseBody::new(body, waits.between_bytes, connection, place)))
}

/// Waits for the head for as long as the request's body moves, and so long after.
async fn answered(
    sent: impl Future<Output = hyper::Result<Response<Incoming>>>,
    moved: &Moved,
    wait: Duration,
) -> Result<Response<Incoming>, OutboundError> {
    let mut sent = std::pin::pin!(sent);
    loop {
        let until = moved.last() + wait;
        match tokio::time::timeout_at(until, &mut sent).await {
            Ok(response) => return response.map_err(failed),
            Err(_) if moved.last() + wait > until => {}
            Err(_) => return Err(OutboundError::Idle),
        }
    }
}

/// An error that the guest itself put into its body is told apart.
fn failed(error: hyper::Error) -> OutboundError {
    match error.is_user() {
        true => OutboundError::Body(error.into()),
        false => OutboundError::Http(error),
    }
}

fn tls(error: io::Error) -> OutboundError {
    match error.get_ref().and_then(|inner| inner.downcast_ref()) {
        Some(rustls::Error::InvalidCertificate(why)) => OutboundError::Certificate(why.clone()),
        _ => OutboundError::Tls(error),
    }
}

fn server_name(host: &Host) -> Result<ServerName<'static>, OutboundError> {
    match host {
        Host::Address(address) => Ok(ServerName::from(*address)),
        Host::Name(name) => ServerName::try_from(name.to_string()).map_err(|_| OutboundError::Uri),
    }
}
