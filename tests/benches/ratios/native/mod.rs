//! What Sessile is compared with: the same libraries, used directly.

mod broadcast;
mod direct;

use std::convert::Infallible;

use bytes::Bytes;
use fastwebsockets::{FragmentCollector, OpCode, upgrade};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{Empty, Full};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

/// Serves `websocket` (echo), `large` (echo of large messages), `fast` (echo by fastwebsockets), `broadcast` (a group), `direct`
/// (one whose publisher writes to the sockets itself), `stream` (bodies, echoed) or `http` (hello) on a free port, which it prints.
pub(crate) fn serve(what: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (listener, group, bare) = (listen(), broadcast::Group::default(), direct::Group::default());
        super::say(&format!("listening on http://{}", listener.local_addr().expect("an address")));
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("nodelay");
            match what {
                "websocket" => tokio::spawn(echo(stream, small())),
                "large" => tokio::spawn(echo(stream, WebSocketConfig::default())),
                "fast" => tokio::spawn(echo_fast(stream)),
                "broadcast" => tokio::spawn(broadcast::member(stream, group.clone())),
                "direct" => tokio::spawn(direct::member(stream, bare.clone())),
                "stream" => tokio::spawn(echo_body(stream)),
                _ => tokio::spawn(hello(stream)),
            };
        }
    });
}

fn listen() -> TcpListener {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port");
    socket.listen(4096).expect("a backlog")
}

/// With a read buffer of 4 KiB, where the library's own has 128.
fn small() -> WebSocketConfig {
    WebSocketConfig::default().read_buffer_size(4096)
}

async fn echo(stream: TcpStream, config: WebSocketConfig) {
    let Ok(mut socket) = tokio_tungstenite::accept_async_with_config(stream, Some(config)).await else { return };
    while let Some(Ok(message)) = socket.next().await {
        if (message.is_text() || message.is_binary()) && socket.send(message).await.is_err() {
            return;
        }
    }
}

/// As the library's example does it.
async fn echo_fast(stream: TcpStream) {
    let answer = service_fn(|mut request: Request<Incoming>| async move {
        let (response, upgraded): (Response<Empty<Bytes>>, _) = upgrade::upgrade(&mut request)?;
        tokio::spawn(async move {
            let Ok(socket) = upgraded.await else { return };
            let mut socket = FragmentCollector::new(socket);
            while let Ok(frame) = socket.read_frame().await {
                let echoed = match frame.opcode {
                    OpCode::Text | OpCode::Binary => socket.write_frame(frame).await.is_ok(),
                    OpCode::Close => false,
                    _ => true,
                };
                if !echoed {
                    return;
                }
            }
        });
        Ok::<_, fastwebsockets::WebSocketError>(response)
    });
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).with_upgrades().await;
}

async fn echo_body(stream: TcpStream) {
    let answer =
        service_fn(|request: Request<Incoming>| async { Ok::<_, Infallible>(Response::new(request.into_body())) });
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}

async fn hello(stream: TcpStream) {
    let answer = service_fn(|_: Request<Incoming>| async {
        let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        Ok::<_, Infallible>(response)
    });
    // The load ends by closing its connections.
    let _ended = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
}
