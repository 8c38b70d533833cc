//! The admin API's client: what the command line asks a running host.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::SendRequest;
use hyper::header::{AUTHORIZATION, HOST, HeaderValue};
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::socket_of;
use super::wire::{DeployLine, DeployRequest, Problem};
use crate::app::{Bundle, Source};
use crate::deploy::{Deployed, Step};
use crate::limits;
use crate::tls::Connector;

/// Why a command did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No host listens there.
    #[error("no host is running with data folder {}: {cause}; name its folder with --to", .data.display())]
    Absent {
        /// The data folder.
        data: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Nobody listens at an address.
    #[error("{address}: {cause}; does `sessile serve --admin` run there?")]
    Unreachable {
        /// The address.
        address: Address,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The address is another machine's, and TLS is not asked for.
    #[error("{address} is {found}: without TLS, the token could be read on the way; use https://")]
    Exposed {
        /// The address.
        address: Address,
        /// What its name stands for.
        found: SocketAddr,
    },
    /// No trusted TLS.
    #[error("TLS with {address}: {cause}; $SESSILE_CA names the file of a certificate authority of your own")]
    Tls {
        /// The address.
        address: Address,
        /// What rustls says.
        cause: std::io::Error,
    },
    /// The connection broke.
    #[error("the host did not answer: {0}")]
    Silent(String),
    /// The host refused: nothing has changed.
    #[error("{}", .0.detail)]
    Refused(Problem),
    /// What was to be sent cannot be read.
    #[error("{content}: {cause}")]
    Unreadable {
        /// Where it was.
        content: Source,
        /// What the system says.
        cause: std::io::Error,
    },
}

/// Where a host serves its admin API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or an address, without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A connection to a host.
pub struct Client {
    sender: SendRequest<Full<Bytes>>,
    host: HeaderValue,
    /// None where the connection says who we are.
    authorization: Option<HeaderValue>,
}

impl Client {
    /// Connects to the host of a data folder.
    ///
    /// # Errors
    /// `Absent`, `Silent`.
    pub async fn connect(data: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket_of(data)).await;
        let stream = stream.map_err(|cause| ClientError::Absent { data: data.to_owned(), cause })?;
        Self::begin(stream, HeaderValue::from_static("sessile"), None).await
    }

    /// Connects with a token, but without TLS: to this machine only.
    ///
    /// # Errors
    /// `Unreachable`, `Exposed`, `Silent`.
    pub async fn connect_plain(address: &Address, token: &str) -> Result<Self, ClientError> {
        let (host, authorization) = (address.header()?, bearer(token)?);
        // Looked up once: what is connected to is what has been checked.
        let stream =
            address.in_time(async |found| match found.iter().find(|at| !at.ip().to_canonical().is_loopback()) {
                Some(found) => Err(ClientError::Exposed { address: address.clone(), found: *found }),
                None => address.reach(found).await,
            });
        Self::begin(stream.await?, host, Some(authorization)).await
    }

    /// Connects with a token and TLS.
    ///
    /// # Errors
    /// `Unreachable`, `Tls`, `Silent`.
    pub async fn connect_secure(address: &Address, token: &str, tls: &Connector) -> Result<Self, ClientError> {
        let (host, authorization) = (address.header()?, bearer(token)?);
        let stream = address.in_time(async |found| {
            let stream = tls.connect(&address.host, address.reach(found).await?).await;
            stream.map_err(|cause| ClientError::Tls { address: address.clone(), cause })
        });
        Self::begin(stream.await?, host, Some(authorization)).await
    }

    async fn begin(
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        host: HeaderValue,
        authorization: Option<HeaderValue>,
    ) -> Result<Self, ClientError> {
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(silent)?;
        tokio::spawn(connection);
        Ok(Self { sender, host, authorization })
    }

    /// Reads.
    ///
    /// # Errors
    /// `Silent`, `Refused`.
    pub async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, ClientError> {
        whole(self.send(Method::GET, path, Bytes::new()).await?).await
    }

    /// Asks for something to be done.
    ///
    /// # Errors
    /// `Silent`, `Refused`.
    pub async fn post<T: DeserializeOwned>(&mut self, path: &str, value: &impl Serialize) -> Result<T, ClientError> {
        whole(self.send(Method::POST, path, json(value)?).await?).await
    }

    /// Asks for something to end.
    ///
    /// # Errors
    /// `Silent`, `Refused`.
    pub async fn delete(&mut self, path: &str, value: &impl Serialize) -> Result<(), ClientError> {
        self.send(Method::DELETE, path, json(value)?).await.map(drop)
    }

    /// Lines that come as they happen.
    ///
    /// # Errors
    /// `Silent`, `Refused`.
    pub async fn lines(&mut self, path: &str) -> Result<Lines, ClientError> {
        Ok(Lines::of(self.send(Method::GET, path, Bytes::new()).await?))
    }

    /// Deploys: sends what the host does not have, and tells of each step as it is done.
    ///
    /// # Errors
    /// See [`ClientError`]; nothing has changed.
    pub async fn deploy(
        &mut self,
        bundle: &Bundle,
        request: &DeployRequest,
        mut tell: impl FnMut(&Step),
    ) -> Result<Deployed, ClientError> {
        // What is sent may be forgotten before it is named, though that is unlikely.
        for _ in 0..3 {
            let mut lines = Lines::of(self.send(Method::POST, "/v1/deploys", json(request)?).await?);
            let problem = loop {
                match lines.next().await? {
                    Some(DeployLine::Step(step)) => tell(&step),
                    Some(DeployLine::Deployed(deployed)) => return Ok(deployed),
                    Some(DeployLine::Refused(problem)) => break problem,
                    None => return Err(ClientError::Silent("it ended in the middle of the deploy".to_owned())),
                }
            };
            if problem.missing.is_empty() {
                return Err(ClientError::Refused(problem));
            }
            for digest in &problem.missing {
                let Some(content) = bundle.sources.get(digest) else { return Err(ClientError::Refused(problem)) };
                let bytes =
                    content.read().map_err(|cause| ClientError::Unreadable { content: content.clone(), cause })?;
                self.send(Method::PUT, &format!("/v1/blobs/{digest}"), bytes).await?;
            }
        }
        Err(ClientError::Silent("it forgets what it is sent".to_owned()))
    }

    async fn send(&mut self, method: Method, path: &str, body: Bytes) -> Result<Response<Incoming>, ClientError> {
        self.sender.ready().await.map_err(silent)?;
        let request = Request::builder().method(method).uri(path).header(HOST, self.host.clone());
        let mut request = request.body(Full::from(body)).map_err(silent)?;
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        let response = self.sender.send_request(request).await.map_err(silent)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status();
        let bytes = response.into_body().collect().await.map_err(silent)?.to_bytes();
        let problem = serde_json::from_slice(&bytes);
        Err(ClientError::Refused(
            problem.unwrap_or_else(|_| Problem::new(status, format!("the host answered {status}"))),
        ))
    }
}

impl Address {
    fn header(&self) -> Result<HeaderValue, ClientError> {
        HeaderValue::try_from(self.to_string()).map_err(silent)
    }

    /// Looks the name up, and connects.
    async fn in_time<T>(
        &self,
        connect: impl AsyncFnOnce(&[SocketAddr]) -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let connected = async {
            let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
            let found: Vec<_> = found.map_err(|cause| self.unreachable(cause))?.collect();
            connect(&found).await
        };
        let late = |_| self.unreachable(std::io::ErrorKind::TimedOut.into());
        tokio::time::timeout(limits::ADMIN_CONNECT, connected).await.map_err(late)?
    }

    async fn reach(&self, found: &[SocketAddr]) -> Result<TcpStream, ClientError> {
        TcpStream::connect(found).await.map_err(|cause| self.unreachable(cause))
    }

    fn unreachable(&self, cause: std::io::Error) -> ClientError {
        ClientError::Unreachable { address: self.clone(), cause }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// Marked, so that it is in no log.
fn bearer(token: &str) -> Result<HeaderValue, ClientError> {
    let mut value = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| ClientError::Silent("the token has characters that no token has".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Lines of JSON, as they come.
pub struct Lines {
    body: Incoming,
    read: Vec<u8>,
}

impl Lines {
    fn of(response: Response<Incoming>) -> Self {
        Self { body: response.into_body(), read: Vec::new() }
    }

    /// The next; none at the end.
    ///
    /// # Errors
    /// `Silent`.
    pub async fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, ClientError> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                return serde_json::from_slice(&line).map(Some).map_err(silent);
            }
            if self.read.len() > limits::ORDER_BYTES_MAX {
                return Err(ClientError::Silent("it sent a line without end".to_owned()));
            }
            match self.body.frame().await {
                Some(frame) => {
                    let mut data = frame.map_err(silent)?.into_data().unwrap_or_default();
                    self.read.extend_from_slice(&data.copy_to_bytes(data.remaining()));
                }
                None => return Ok(None),
            }
        }
    }
}

async fn whole<T: DeserializeOwned>(response: Response<Incoming>) -> Result<T, ClientError> {
    let bytes = response.into_body().collect().await.map_err(silent)?.to_bytes();
    serde_json::from_slice(&bytes).map_err(silent)
}

fn json(value: &impl Serialize) -> Result<Bytes, ClientError> {
    serde_json::to_vec(value).map(Bytes::from).map_err(silent)
}

fn silent(error: impl ToString) -> ClientError {
    ClientError::Silent(error.to_string())
}
