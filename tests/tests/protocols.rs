//! What carries exchanges and websockets: HTTP/1.1 and HTTP/2, plain and over TLS, behind proxies, kept
//! to time. With clients that are not ours: hyper and rustls here, curl and node in `clients.rs`.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Empty, Full};
use hyper::client::conn::http2;
use hyper::ext::Protocol;
use hyper::{Method, Request, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use sessile_tests::{App, Certificate, Host, Settings, Way, both_ways, exchange_bytes, get};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, crypto::ring};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

both_ways!(
    http_2_serves_exchanges_and_websockets_on_one_connection,
    websocket_over_http_2_closes_as_over_http_1,
    d09_idle_connection_is_ended,
    d09_head_that_drips_is_ended,
    d09_peer_that_takes_nothing_is_ended,
    forwarded_counts_from_a_trusted_proxy_only,
    host_is_one_and_valid,
);

fn secure(certificate: &Certificate) -> Host {
    let settings = Settings { args: certificate.args(), ..Settings::new(Way::Keep) };
    Host::start_with(&App::faults(Way::Keep), settings)
}

/// A connection that trusts the certificate as it is now.
async fn connect(certificate: &Certificate, host: &Host, alpn: &[&str]) -> std::io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate.file()).unwrap()).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let stream = TcpStream::connect(host.address()).await.unwrap();
    TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
}

type Sender = http2::SendRequest<http_body_util::combinators::BoxBody<Bytes, Infallible>>;

async fn http_2<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> Sender {
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

async fn head(sender: &mut Sender, scheme: &str) -> Value {
    let request = Request::get(format!("{scheme}://localhost/http/head")).version(Version::HTTP_2);
    let response = sender.send_request(request.body(Empty::new().boxed()).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    serde_json::from_slice(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

/// A websocket on a stream of HTTP/2 (RFC 8441 §4).
async fn extended_connect(
    sender: &mut Sender,
    url: &str,
    headers: &[(&str, &str)],
) -> Result<WebSocketStream<TokioIo<hyper::upgrade::Upgraded>>, u16> {
    let mut request = Request::builder().method(Method::CONNECT).uri(url).version(Version::HTTP_2);
    for (name, value) in headers.iter().chain(&[("sec-websocket-version", "13")]) {
        request = request.header(*name, *value);
    }
    let request = request.extension(Protocol::from_static("websocket")).body(Empty::new().boxed()).unwrap();
    let mut response = sender.send_request(request).await.unwrap();
    if response.status() != 200 {
        return Err(response.status().as_u16());
    }
    let upgraded = hyper::upgrade::on(&mut response).await.unwrap();
    Ok(WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await)
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocketStream<S>, text: &str) -> String {
    socket.send(Message::text(text)).await.unwrap();
    socket.next().await.unwrap().unwrap().into_text().unwrap().as_str().to_owned()
}

async fn http_2_serves_exchanges_and_websockets_on_one_connection(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut sender = http_2(TcpStream::connect(host.address()).await.unwrap()).await;
    let seen = head(&mut sender, "http").await;
    assert_eq!((&seen["version"], &seen["host"], &seen["method"]), (&"2".into(), &"localhost".into(), &"GET".into()));

    // More than a stream's window, so that it flows only as it is read.
    let body: Vec<u8> = (0..1_000_000_u32).map(|byte| byte as u8).collect();
    let post = Request::post("http://localhost/http/echo").body(Full::from(body.clone()).boxed()).unwrap();
    let echoed = sender.send_request(post).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(echoed == body);

    let (mut one, mut two) = (sender.clone(), sender.clone());
    let mut events = extended_connect(&mut one, "http://localhost/ws", &[]).await.unwrap();
    let mut looped = extended_connect(&mut two, "http://localhost/loop", &[]).await.unwrap();
    for n in 0..50 {
        assert_eq!(ask(&mut events, &format!("event {n}")).await, format!("event {n}"));
        assert_eq!(ask(&mut looped, &format!("loop {n}")).await, format!("loop {n}"));
    }
    let context: Value = serde_json::from_str(&ask(&mut events, "context").await).unwrap();
    assert_eq!((&context["version"], &context["url"]), (&"2".into(), &"ws://localhost/ws".into()));
    assert_eq!(head(&mut sender, "http").await["version"], "2", "exchanges go on beside them");

    let crumbs = [("cookie", "a=1"), ("cookie", "b=2"), ("x-test", "1")];
    let mut crumbs = extended_connect(&mut sender, "http://localhost/ws", &crumbs).await.unwrap();
    let headers: Value = serde_json::from_str(&ask(&mut crumbs, "scope").await).unwrap();
    let cookies =
        headers["headers"].as_array().unwrap().iter().filter(|field| field[0] == "cookie").collect::<Vec<_>>();
    assert_eq!(cookies, [&serde_json::json!(["cookie", "a=1; b=2"])]);

    let denied = extended_connect(&mut sender, "http://localhost/ws?open=reject", &[]).await.err();
    assert_eq!(denied, Some(418));
    let foreign = extended_connect(&mut sender, "http://localhost/ws", &[("origin", "http://evil.example")]).await;
    assert_eq!(foreign.err(), Some(403));
    let cancelled = Request::get("http://localhost/http/cancel/unanswered").body(Empty::new().boxed()).unwrap();
    assert!(sender.send_request(cancelled).await.is_err(), "its stream is reset");
    assert_eq!(head(&mut sender, "http").await["version"], "2", "and no other");
}

async fn websocket_over_http_2_closes_as_over_http_1(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut sender = http_2(TcpStream::connect(host.address()).await.unwrap()).await;
    let mut trapped = extended_connect(&mut sender, "http://localhost/ws", &[]).await.unwrap();
    let mut beside = extended_connect(&mut sender, "http://localhost/ws", &[]).await.unwrap();
    trapped.send(Message::text("panic")).await.unwrap();
    let Some(Ok(Message::Close(Some(close)))) = trapped.next().await else { panic!("no close frame") };
    assert_eq!(u16::from(close.code), 1011);
    assert!(trapped.next().await.is_none_or(|end| end.is_err()), "its stream has ended");
    assert_eq!(ask(&mut beside, "still").await, "still");

    host.signal(rustix::process::Signal::TERM);
    let Some(Ok(Message::Close(Some(close)))) = beside.next().await else { panic!("no close frame") };
    assert_eq!(u16::from(close.code), 1001);
    drop(beside);
    assert!(host.wait().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_serves_both_versions_by_alpn_and_cookies_are_secure() {
    let certificate = Certificate::default();
    let host = secure(&certificate);
    let stream = connect(&certificate, &host, &["h2", "http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let mut sender = http_2(stream).await;
    let seen = head(&mut sender, "https").await;
    assert_eq!((&seen["version"], &seen["url"]), (&"2".into(), &"https://localhost/http/head".into()));
    let origin = [("origin", "https://localhost")];
    let mut socket = extended_connect(&mut sender, "https://localhost/ws", &origin).await.unwrap();
    let context: Value = serde_json::from_str(&ask(&mut socket, "context").await).unwrap();
    assert_eq!((&context["secure"], &context["url"]), (&true.into(), &"wss://localhost/ws".into()));

    let mut stream = connect(&certificate, &host, &["http/1.1"]).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    let set = "GET /http/session/set?k=a&v=1 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    stream.write_all(set.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let cookie = answer.lines().find(|line| line.starts_with("set-cookie: ")).unwrap();
    assert!(cookie.contains("__Host-") && cookie.contains("Secure"), "{cookie}");

    let stream = connect(&certificate, &host, &["http/1.1"]).await.unwrap();
    let (mut socket, _) = tokio_tungstenite::client_async("wss://localhost/loop", stream).await.unwrap();
    assert_eq!(ask(&mut socket, "over TLS").await, "over TLS");
    let plain = exchange_bytes(host.address(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(!plain.contains("HTTP/1.1 200"), "{plain}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_handshake_that_drips_is_ended_beside_others() {
    let certificate = Certificate::default();
    let host = secure(&certificate);
    let drip = |begun: &'static [u8]| {
        let address = host.address();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun).await.unwrap();
            let mut answer = Vec::new();
            let _reset = stream.read_to_end(&mut answer).await;
            answer
        }
    };
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let others = async {
        let mut sender = http_2(connect(&certificate, &host, &["h2"]).await.unwrap()).await;
        head(&mut sender, "https").await["version"].clone()
    };
    let (nothing, half, other) = tokio::join!(drip(b""), drip(hello), others);
    assert_eq!((nothing, half, other), (Vec::new(), Vec::new(), "2".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn certificate_that_changes_is_served_and_a_bad_one_is_not() {
    let certificate = Certificate::default();
    let host = secure(&certificate);
    let mut old = http_2(connect(&certificate, &host, &["h2"]).await.unwrap()).await;
    // One that asks for nothing within its first seconds is ended, and the certificate is looked at every five.
    assert_eq!(head(&mut old, "https").await["version"], "2");
    let before = std::fs::read(certificate.file()).unwrap();
    std::fs::write(certificate.file(), "nonsense").unwrap();
    host.wait_for_log("no certificate in PEM");
    std::fs::write(certificate.file(), &before).unwrap();
    connect(&certificate, &host, &["h2"]).await.unwrap();

    certificate.renew();
    host.wait_for_log("the certificate has changed");
    connect(&certificate, &host, &["h2"]).await.expect("only the new certificate is trusted here");
    assert_eq!(head(&mut old, "https").await["version"], "2", "connections stay");
}

#[test]
fn certificate_that_cannot_be_used_starts_nothing() {
    let (certificate, app) = (Certificate::default(), App::faults(Way::Keep));
    let path = |path: &Path| path.to_str().unwrap().to_owned();
    let (cert, key, app) = (path(&certificate.file()), path(&certificate.key()), path(app.path()));
    let refused = |cert: &str, key: &str, said: &str| {
        let output = Host::run(&["serve", &app, "--listen", "127.0.0.1:0", "--tls-cert", cert, "--tls-key", key]);
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(said), "{error}");
    };
    refused("/nonexistent.pem", &key, "/nonexistent.pem: No such file");
    refused(&key, &key, "no certificate in PEM");
    refused(&cert, &cert, "cert.pem: ");
    let other = Certificate::default();
    refused(&cert, &path(&other.key()), "key.pem: ");
    let half = Host::run(&["serve", &app, "--tls-cert", &cert]);
    assert!(String::from_utf8_lossy(&half.stderr).contains("--tls-key"));
}

async fn d09_idle_connection_is_ended(way: Way) {
    let app = App::faults(way);
    app.edit("[app]", "[http]\nidle_s = 1\n\n[app]");
    let host = Host::start(&app, way);
    let mut idle = TcpStream::connect(host.address()).await.unwrap();
    idle.write_all(b"GET /http/status/204 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    idle.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer.matches("HTTP/1.1 204").count(), 1, "{answer}");

    // What is under way is not idle: a websocket on HTTP/2, and an exchange that takes longer.
    let mut sender = http_2(TcpStream::connect(host.address()).await.unwrap()).await;
    let mut socket = extended_connect(&mut sender, "http://localhost/ws", &[]).await.unwrap();
    let slow = get(host.address(), "/fresh/slow/2500", None).await;
    assert_eq!(slow.status, 200);
    assert_eq!(ask(&mut socket, "here").await, "here");
}

async fn d09_head_that_drips_is_ended(way: Way) {
    let app = App::faults(way);
    app.edit("[app]", "[http]\nhead_s = 1\nbody_s = 1\n\n[app]");
    let host = Host::start(&app, way);
    let drip = |parts: &'static [&'static str]| {
        let address = host.address();
        async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            for part in parts {
                stream.write_all(part.as_bytes()).await.unwrap();
            }
            let mut answer = String::new();
            let _reset = stream.read_to_string(&mut answer).await;
            answer
        }
    };
    assert_eq!(drip(&["G"]).await, "");
    assert_eq!(drip(&["GET / HTTP/1.1\r\nHost: x\r\nX-"]).await, "");
    assert_eq!(drip(&["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]).await.matches("HTTP/1.1").count(), 0);
    let body =
        drip(&["POST /fresh/whole/text HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\nConnection: close\r\n\r\n", "1"])
            .await;
    assert!(body.ends_with("timed out"), "{body}");
}

async fn d09_peer_that_takes_nothing_is_ended(way: Way) {
    let app = App::faults(way);
    app.edit("[app]", "[http]\nstall_s = 1\n\n[app]");
    let args = ["--log".to_owned(), "info,sessile=debug".to_owned()].into();
    let host = Host::start_with(&app, Settings { args, ..Settings::new(way) });
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(b"GET /fresh/flood/64 HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    // Only then is anything read, which would let it go on.
    host.wait_for_log("the peer took nothing for 1s");
    let mut rest = Vec::new();
    let _reset = stream.read_to_end(&mut rest).await;
    assert!(rest.len() < 32 << 20, "{}", rest.len());

    // A stream's window is what holds it back here, and the connection is ended for it.
    let stream = TcpStream::connect(host.address()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let connection = tokio::spawn(connection);
    let request = Request::get("http://localhost/fresh/flood/64").body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let _reset = connection.await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert!(!host.wait_for_log("the peer took nothing for 1s").contains("flooded all"));
}

async fn forwarded_counts_from_a_trusted_proxy_only(way: Way) {
    let ask = |host: &Host| {
        let address = host.address();
        async move {
            let all = exchange_bytes(
                address,
                b"GET /http/head HTTP/1.1\r\nHost: inner\r\nConnection: close\r\n\
                  Forwarded: for=\"192.0.2.7:4711\";proto=https;host=a.example\r\n\r\n",
            )
            .await;
            serde_json::from_str::<Value>(all.lines().last().unwrap()).unwrap_or_else(|_| panic!("{all}"))
        }
    };
    let trusting =
        Settings { args: ["--trust-proxy".to_owned(), "127.0.0.0/8".to_owned()].into(), ..Settings::new(way) };
    let behind = ask(&Host::start_with(&App::faults(way), trusting)).await;
    assert_eq!((&behind["peer"], &behind["host"]), (&"192.0.2.7:4711".into(), &"a.example".into()));
    assert_eq!(behind["url"], "https://a.example/http/head");

    let bare = ask(&Host::start(&App::faults(way), way)).await;
    assert!(bare["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{bare}");
    assert_eq!(bare["url"], "http://inner/http/head");
    assert!(!bare["order"].as_array().unwrap().contains(&"forwarded".into()), "no handler is to believe it");
}

async fn host_is_one_and_valid(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let status = |head: &'static str| {
        let address = host.address();
        async move {
            let all = exchange_bytes(address, format!("{head}Connection: close\r\n\r\n").as_bytes()).await;
            all.split(' ').nth(1).map(str::to_owned).unwrap_or(all)
        }
    };
    assert_eq!(status("GET /http/head HTTP/1.1\r\nHost: a.example\r\n").await, "200");
    assert_eq!(status("GET http://a.example/http/head HTTP/1.1\r\nHost: b.example\r\n").await, "200");
    assert_eq!(status("GET /http/head HTTP/1.0\r\n").await, "200");
    assert_eq!(status("GET /http/head HTTP/1.1\r\n").await, "400");
    assert_eq!(status("GET /http/head HTTP/1.1\r\nHost: a\r\nHost: a\r\n").await, "400");
    assert_eq!(status("GET /http/head HTTP/1.1\r\nHost: a b\r\n").await, "400");
    assert_eq!(status("CONNECT a.example:80 HTTP/1.1\r\nHost: a.example:80\r\n").await, "501");
}
