//! Clients: tokio-tungstenite for websockets, hyper for HTTP. Every wait is bounded.

use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::header::{HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Response;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};

const PATIENCE: Duration = Duration::from_secs(120);

/// An HTTP response, whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; `Err` where it was cut.
    pub body: Result<Bytes, String>,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(self.body.as_ref().expect("a whole body")).expect("UTF-8")
    }

    /// The cookie that it sets, as a `Cookie` header would have it.
    pub fn cookie(&self) -> Option<String> {
        let set = self.headers.get("set-cookie")?.to_str().ok()?;
        Some(set.split(';').next()?.to_owned())
    }
}

/// One GET on a connection of its own.
pub async fn get(address: SocketAddr, path: &str, cookie: Option<&str>) -> Answer {
    let mut request = Request::get(path);
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    let request = request.header("host", address.to_string()).body(Full::default()).expect("a request");
    self::request(address, request).await
}

/// One request on a connection of its own.
pub async fn request(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    let exchanged = async {
        let stream = TcpStream::connect(address).await.expect("the host accepts");
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.expect("HTTP begins");
        let connection = tokio::spawn(connection);
        let response = sender.send_request(request).await.expect("the host answers");
        let (head, body) = response.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes()).map_err(|error| error.to_string());
        connection.abort();
        Answer { status: head.status, headers: head.headers, body }
    };
    tokio::time::timeout(PATIENCE, exchanged).await.expect("an answer in time")
}

/// Sends these bytes on a connection of their own; all that comes back until its end.
pub async fn exchange_bytes(address: SocketAddr, bytes: &[u8]) -> String {
    let exchanged = async {
        let mut stream = TcpStream::connect(address).await.expect("the host accepts");
        stream.write_all(bytes).await.expect("the bytes are sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("the answer is read");
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::time::timeout(PATIENCE, exchanged).await.expect("an answer in time")
}

/// A websocket.
pub struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// The handshake's response.
    pub response: Response,
}

impl Socket {
    /// Opens one that is expected to be accepted.
    pub async fn open(address: SocketAddr, path: &str) -> Self {
        Self::open_with(address, path, &[]).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Opens one with more headers.
    ///
    /// # Errors
    /// The denial.
    pub async fn open_with(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{path}").into_client_request()?;
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).expect("a header"));
        }
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let opened = async {
            let stream = TcpStream::connect(address).await?;
            tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await
        };
        let (stream, response) = tokio::time::timeout(PATIENCE, opened).await.expect("a handshake in time")?;
        Ok(Self { stream, response })
    }

    /// The cookie that the handshake set.
    pub fn cookie(&self) -> Option<String> {
        let set = self.response.headers().get("set-cookie")?.to_str().ok()?;
        Some(set.split(';').next()?.to_owned())
    }

    /// The status of a handshake that is expected to be denied, with its body.
    pub async fn denied(address: SocketAddr, path: &str, headers: &[(&'static str, &str)]) -> (u16, String) {
        match Self::open_with(address, path, headers).await.map(drop) {
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                (response.status().as_u16(), String::from_utf8_lossy(&body).into_owned())
            }
            other => panic!("{path} was not denied: {other:?}"),
        }
    }

    /// Sends.
    pub async fn send(&mut self, message: impl Into<Message>) {
        self.try_send(message).await.expect("the message is sent");
    }

    /// Sends, perhaps to a host that is gone.
    ///
    /// # Errors
    /// What tungstenite says.
    pub async fn try_send(&mut self, message: impl Into<Message>) -> Result<(), Error> {
        self.stream.send(message.into()).await
    }

    /// The next message: data or close; pings are passed over.
    pub async fn next(&mut self) -> Option<Result<Message, Error>> {
        let next = async {
            loop {
                match self.stream.next().await {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    next => return next,
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.expect("a message in time")
    }

    /// Waits for something else, and answers the host's pings meanwhile; nothing but those may come.
    pub async fn idle_until<T>(&mut self, happened: impl Future<Output = T>) -> T {
        let mut happened = pin!(happened);
        loop {
            tokio::select! {
                happened = &mut happened => return happened,
                next = self.stream.next() => match next {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => panic!("while nothing was said: {other:?}"),
                },
            }
        }
    }

    /// The next text.
    pub async fn text(&mut self) -> String {
        match self.next().await {
            Some(Ok(Message::Text(text))) => text.as_str().to_owned(),
            other => panic!("not a text: {other:?}"),
        }
    }

    /// Sends a text and returns the next.
    pub async fn ask(&mut self, text: &str) -> String {
        self.send(text).await;
        self.text().await
    }

    /// The peer's close frame; data before it is passed over.
    pub async fn closed(&mut self) -> (u16, String) {
        loop {
            match self.next().await {
                Some(Ok(Message::Close(Some(frame)))) => {
                    // The answer to the close leaves with the next poll.
                    let _ended = self.next().await;
                    return (frame.code.into(), frame.reason.as_str().to_owned());
                }
                Some(Ok(Message::Close(None))) => return (1005, String::new()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return (1006, String::new()),
            }
        }
    }

    /// Closes with an empty close frame, and waits for the end.
    pub async fn close_without_code(mut self) {
        self.stream.send(Message::Close(None)).await.expect("the close is sent");
        self.closed().await;
    }

    /// Closes, and waits for the host's close frame.
    pub async fn close(mut self, code: u16, reason: &str) -> (u16, String) {
        let frame = CloseFrame { code: code.into(), reason: reason.to_owned().into() };
        self.stream.send(Message::Close(Some(frame))).await.expect("the close is sent");
        self.closed().await
    }
}
