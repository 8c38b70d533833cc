//! From a target to an open websocket: TCP, TLS, the handshake. Each failure says what to look at.

use http::header::{HeaderName, HeaderValue, LOCATION, SEC_WEBSOCKET_PROTOCOL};
use http::{Response, StatusCode};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Error;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_util::either::Either;

use super::target::{Security, Target};
use crate::limits;
use crate::tls::{AuthorityError, Connector};

/// An open websocket.
pub(super) type Websocket = WebSocketStream<Either<TcpStream, TlsStream<TcpStream>>>;

/// What is to be opened.
pub(super) struct Wanted {
    pub(super) target: Target,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) subprotocols: Vec<String>,
    pub(super) tls: Connector,
}

/// Why there is no websocket.
#[derive(Debug, thiserror::Error)]
pub(super) enum DialError {
    #[error("--ca {0}")]
    Authority(#[from] AuthorityError),
    #[error("cannot connect to {host} on port {port}: {cause}; is a host listening there?")]
    Unreachable { host: String, port: u16, cause: std::io::Error },
    #[error(
        "TLS with {host}: {cause}; --ca FILE trusts a certificate authority of your own, and http:// goes without TLS"
    )]
    Tls { host: String, cause: std::io::Error },
    #[error("no answer to the handshake within {} s", limits::CONNECT.as_secs())]
    TimedOut,
    #[error("refused with {status}{}{}", .to.as_ref().map(|to| format!(" (go to {to})")).unwrap_or_default(), .body)]
    Refused { status: StatusCode, to: Option<String>, body: String },
    #[error("handshake: {0}")]
    Handshake(Error),
}

/// Opens it; the subprotocol that was chosen.
pub(super) async fn open(wanted: Wanted) -> Result<(Websocket, Option<String>), DialError> {
    let opened = async {
        let stream = stream(&wanted).await?;
        let request = request(&wanted).map_err(DialError::Handshake)?;
        let (websocket, response) =
            tokio_tungstenite::client_async_with_config(request, stream, Some(config())).await.map_err(refused)?;
        let chosen = response.headers().get(SEC_WEBSOCKET_PROTOCOL).and_then(|chosen| chosen.to_str().ok());
        Ok((websocket, chosen.map(str::to_owned)))
    };
    tokio::time::timeout(limits::CONNECT, opened).await.unwrap_or(Err(DialError::TimedOut))
}

async fn stream(wanted: &Wanted) -> Result<Either<TcpStream, TlsStream<TcpStream>>, DialError> {
    let Target { host, port, security, .. } = &wanted.target;
    let connected = TcpStream::connect((host.as_str(), *port)).await;
    let stream = connected.map_err(|cause| DialError::Unreachable { host: host.clone(), port: *port, cause })?;
    if *security == Security::Plain {
        return Ok(Either::Left(stream));
    }
    let failed = |cause: std::io::Error| DialError::Tls { host: host.clone(), cause };
    wanted.tls.connect(host, stream).await.map(Either::Right).map_err(failed)
}

/// What is given by hand comes last, so that it counts.
fn request(wanted: &Wanted) -> Result<Request, Error> {
    let mut request = wanted.target.url.clone().into_client_request()?;
    let headers = request.headers_mut();
    if !wanted.subprotocols.is_empty() {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_str(&wanted.subprotocols.join(", "))?);
    }
    let mut given: Vec<&HeaderName> = Vec::new();
    for (name, value) in &wanted.headers {
        if !given.contains(&name) {
            headers.remove(name);
            given.push(name);
        }
        headers.append(name, value.clone());
    }
    Ok(request)
}

fn config() -> WebSocketConfig {
    let max = Some(limits::CONNECT_MESSAGE_BYTES_MAX);
    WebSocketConfig::default().max_message_size(max).max_frame_size(max)
}

fn refused(error: Error) -> DialError {
    match error {
        Error::Http(response) => refusal(&response),
        error => DialError::Handshake(error),
    }
}

fn refusal(response: &Response<Option<Vec<u8>>>) -> DialError {
    let body = response.body().as_deref().unwrap_or_default();
    let shown = String::from_utf8_lossy(body.get(..limits::CONNECT_REFUSAL_BYTES_MAX).unwrap_or(body));
    let shown = super::screen::harmless(shown.trim());
    let to =
        response.headers().get(LOCATION).map(|to| super::screen::harmless(&String::from_utf8_lossy(to.as_bytes())));
    let body = if shown.is_empty() { String::new() } else { format!(": {shown}") };
    DialError::Refused { status: response.status(), to, body }
}
