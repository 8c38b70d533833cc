//! Registries of ours, which say what no good one would, and a proxy on the way to one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What a registry of ours answers.
pub type Answers = dyn Fn(&Request<Incoming>) -> Response<Full<Bytes>> + Send + Sync;

/// A registry that says what it is told to.
pub async fn serve(answers: Arc<Answers>, tls: Option<TlsAcceptor>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its port");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (answers, tls) = (answers.clone(), tls.clone());
            let answer = service_fn(move |request| {
                let answer = answers(&request);
                async move { Ok::<_, Infallible>(answer) }
            });
            tokio::spawn(async move {
                let http = hyper::server::conn::http1::Builder::new();
                // A client that does not trust us goes away: that is its test's to see.
                let _ended = match tls {
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => http.serve_connection(TokioIo::new(stream), answer).await,
                        Err(_) => Ok(()),
                    },
                    None => http.serve_connection(TokioIo::new(stream), answer).await,
                };
            });
        }
    });
    address
}

/// A registry that has what it is given, by path, and looks at none of it.
pub async fn holding(answers: BTreeMap<String, Vec<u8>>) -> SocketAddr {
    let answer = move |request: &Request<Incoming>| {
        let path = request.uri().path();
        let found = answers.get(path).cloned();
        let status = if found.is_some() || path == "/v2/" { 200 } else { 404 };
        response(status, &[], &found.unwrap_or_default())
    };
    serve(Arc::new(answer), None).await
}

/// An answer.
pub fn response(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Response<Full<Bytes>> {
    let head =
        headers.iter().fold(Response::builder().status(status), |head, (name, value)| head.header(*name, *value));
    head.body(Full::new(Bytes::copy_from_slice(body))).expect("an answer")
}

/// A proxy that takes whoever asks to one address, whatever they ask for.
pub async fn proxy(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its port");
    tokio::spawn(async move {
        while let Ok((mut peer, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(peer.read_u8().await?);
                }
                peer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
                tokio::io::copy_bidirectional(&mut peer, &mut TcpStream::connect(to).await?).await
            });
        }
    });
    address
}
