//! Why a request to another host failed.

use std::io;
use std::net::IpAddr;

use tokio_rustls::rustls;

use super::BoxError;
use super::target::Target;

/// Why a request to another host, or the body of its answer, failed.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// No grant covers it.
    #[error("{0} is not granted")]
    Denied(Target),
    /// Scheme or authority are not ones that could be granted.
    #[error("the request is for no host")]
    Uri,
    /// `CONNECT` would make a tunnel of a request.
    #[error("the method CONNECT is not for guests")]
    Method,
    /// All places are taken.
    #[error("too many requests at once")]
    Busy,
    /// The name has no address.
    #[error("the name was not resolved: {0}")]
    Name(io::Error),
    /// The name led to an address that its grant does not reach; nothing was sent there.
    #[error("{0} is out of the grant's reach")]
    Prohibited(IpAddr),
    /// No address could be connected to.
    #[error("not connected: {0}")]
    Connect(io::Error),
    /// There was no connection in time.
    #[error("not connected in time")]
    ConnectTimeout,
    /// The other side does not prove its name.
    #[error("certificate: {0}")]
    Certificate(rustls::CertificateError),
    /// The other side does not speak TLS.
    #[error("TLS: {0}")]
    Tls(io::Error),
    /// The exchange failed.
    #[error("HTTP: {0}")]
    Http(hyper::Error),
    /// The other side asks for another protocol.
    #[error("the answer switches protocols")]
    Switched,
    /// Nothing came or went for so long.
    #[error("idle for too long")]
    Idle,
    /// The guest ended its request's body with an error.
    #[error("the request's body: {0}")]
    Body(BoxError),
    /// The host's task was lost.
    #[error("the task was lost")]
    Lost,
}
