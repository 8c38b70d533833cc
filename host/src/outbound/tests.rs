//! Requests over real sockets, with a network that answers for DNS as a test says.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};

use super::dial::{Dial, Stream};
use super::{Client, Grant, Network, Outbound, OutboundError, Patience, Places, ResponseBody};
use crate::limits;

/// What DNS says next, and where connections were asked for: all lead to one server.
#[derive(Clone)]
struct Script {
    answers: Arc<Mutex<VecDeque<Vec<&'static str>>>>,
    connected: Arc<Mutex<Vec<SocketAddr>>>,
    server: SocketAddr,
}

impl Dial for Script {
    fn lookup<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, io::Result<Vec<IpAddr>>> {
        let answer = self.answers.lock().unwrap().pop_front().expect("no more lookups than the test says");
        Box::pin(std::future::ready(Ok(answer.into_iter().map(|address| address.parse().unwrap()).collect())))
    }

    fn connect(&self, address: SocketAddr) -> BoxFuture<'static, io::Result<Box<dyn Stream>>> {
        self.connected.lock().unwrap().push(address);
        let server = self.server;
        Box::pin(async move { Ok(Box::new(TcpStream::connect(server).await?) as Box<dyn Stream>) })
    }
}

impl Script {
    fn connected(&self) -> Vec<String> {
        self.connected.lock().unwrap().drain(..).map(|address| address.to_string()).collect()
    }
}

/// A server that answers each connection with these bytes, or with the head that it got.
async fn server(answer: Option<&'static str>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, answer));
        }
    });
    address
}

async fn serve(mut stream: impl Stream, answer: Option<&'static str>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    let echo = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len());
    stream.write_all(answer.unwrap_or(&echo).as_bytes()).await.unwrap();
    // Held open: who waits for more waits.
    let _end = stream.read(&mut [0; 64]).await;
}

async fn script(lookups: &[&[&'static str]], answer: Option<&'static str>) -> Script {
    Script {
        answers: Arc::new(Mutex::new(lookups.iter().map(|addresses| addresses.to_vec()).collect())),
        connected: Arc::default(),
        server: server(answer).await,
    }
}

fn outbound(script: &Script, grants: &[(&str, Network)]) -> Outbound {
    outbound_trusting(script, grants, RootCertStore::empty())
}

fn outbound_trusting(script: &Script, grants: &[(&str, Network)], roots: RootCertStore) -> Outbound {
    let runtime = tokio::runtime::Handle::current();
    let client = Client::over(Box::new(script.clone()), roots, runtime).unwrap();
    let grants = grants.iter().map(|(grant, network)| Grant::parse(grant, *network).unwrap()).collect();
    Outbound { handler: "test".into(), grants, idle: limits::OUTBOUND_IDLE, client: Arc::new(client) }
}

type Body = UnsyncBoxBody<Bytes, super::BoxError>;

fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Full::default().map_err(Into::into).boxed_unsync()).unwrap()
}

async fn send(outbound: &Outbound, request: Request<Body>) -> Result<Response<ResponseBody>, OutboundError> {
    outbound.send(request, Patience::default(), &Places::default()).await
}

async fn text(response: Response<ResponseBody>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

const PUBLIC: &str = "93.184.215.14";

#[tokio::test]
async fn name_that_turns_private_is_refused_and_nothing_is_connected() {
    let script = script(&[&[PUBLIC], &["127.0.0.1"], &[PUBLIC, "10.0.0.1"], &["::ffff:169.254.169.254"]], None).await;
    let outbound = outbound(&script, &[("http://rebind.example", Network::Public)]);
    assert_eq!(send(&outbound, get("http://rebind.example/")).await.unwrap().status(), 200);
    assert_eq!(script.connected(), [format!("{PUBLIC}:80")]);
    for _ in 0..3 {
        let refused = send(&outbound, get("http://rebind.example/")).await.map(drop);
        assert!(matches!(refused, Err(OutboundError::Prohibited(_))), "{refused:?}");
        assert!(script.connected().is_empty());
    }
}

#[tokio::test]
async fn name_is_looked_up_once_and_the_checked_address_is_connected_to() {
    // A second lookup would find the script empty.
    let script = script(&[&["1.1.1.1"]], None).await;
    let outbound = outbound(&script, &[("http://pinned.example:8080", Network::Public)]);
    send(&outbound, get("http://pinned.example:8080/")).await.unwrap();
    assert_eq!(script.connected(), ["1.1.1.1:8080"]);
}

#[tokio::test]
async fn private_grant_leads_to_private_networks_but_not_to_metadata_or_nowhere() {
    let answers: [&[&str]; 5] = [&["10.0.0.1"], &["127.0.0.1"], &["169.254.169.254"], &["fd00:ec2::254"], &["0.0.0.0"]];
    let script = script(&answers, None).await;
    let outbound = outbound(&script, &[("http://db.internal", Network::Private)]);
    for granted in [true, true, false, false, false] {
        assert_eq!(send(&outbound, get("http://db.internal/")).await.is_ok(), granted);
        assert_eq!(script.connected().is_empty(), !granted);
    }
}

#[tokio::test]
async fn what_is_not_granted_is_neither_looked_up_nor_connected_to() {
    let script = script(&[], None).await;
    let outbound = outbound(&script, &[("http://api.example", Network::Public)]);
    for uri in [
        "https://api.example/",
        "http://api.example:8080/",
        "http://127.0.0.1/",
        "http://localhost/",
        "http://[::1]/",
        "http://api.example.evil.example/",
    ] {
        let denied = send(&outbound, get(uri)).await.map(drop);
        assert!(matches!(denied, Err(OutboundError::Denied(_))), "{uri}: {denied:?}");
    }
    for uri in ["http://api.example@127.0.0.1/", "http://api.example./", "http://2130706433/", "ftp://api.example/"] {
        let refused = send(&outbound, get(uri)).await.map(drop);
        assert!(matches!(refused, Err(OutboundError::Uri)), "{uri}: {refused:?}");
    }
    let connect = Request::connect("http://api.example/").body(get("http://x/").into_body()).unwrap();
    assert!(matches!(send(&outbound, connect).await.map(drop), Err(OutboundError::Method)));
    assert!(script.connected().is_empty());
}

#[tokio::test]
async fn request_is_in_origin_form_with_the_targets_host_alone() {
    let script = script(&[&[PUBLIC], &[PUBLIC]], None).await;
    let outbound = outbound(&script, &[("http://api.example:81", Network::Public)]);
    let mut request = get("http://API.example:81/a/b?c=d");
    request.headers_mut().append("host", "evil.example".parse().unwrap());
    request.headers_mut().append("host", "worse.example".parse().unwrap());
    let head = text(send(&outbound, request).await.unwrap()).await;
    assert!(head.starts_with("GET /a/b?c=d HTTP/1.1\r\n"), "{head}");
    assert!(head.contains("host: api.example:81\r\n") && head.matches("host:").count() == 1, "{head}");
    let head = text(send(&outbound, get("http://api.example:81?q")).await.unwrap()).await;
    assert!(head.starts_with("GET /?q HTTP/1.1\r\n"), "{head}");
}

#[tokio::test]
async fn redirect_is_an_answer_and_another_protocol_is_not() {
    let moved = "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n";
    let redirects = script(&[&[PUBLIC]], Some(moved)).await;
    let grants = [("http://api.example", Network::Public)];
    let response = send(&outbound(&redirects, &grants), get("http://api.example/")).await.unwrap();
    assert_eq!(
        (response.status().as_u16(), &response.headers()["location"]),
        (302, &"http://127.0.0.1/".parse().unwrap())
    );
    assert_eq!(redirects.connected().len(), 1);
    let switches =
        script(&[&[PUBLIC]], Some("HTTP/1.1 101 Switching\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n")).await;
    let refused = send(&outbound(&switches, &grants), get("http://api.example/")).await.map(drop);
    assert!(matches!(refused, Err(OutboundError::Switched | OutboundError::Http(_))), "{refused:?}");
}

#[tokio::test]
async fn seventh_request_waits_for_a_place_and_more_are_refused() {
    let lookups = [&[PUBLIC][..]; limits::OUTBOUND_MAX + 1];
    let script = script(&lookups, None).await;
    let outbound = outbound(&script, &[("http://api.example", Network::Public)]);
    let places = Places::default();
    let mut held = Vec::new();
    for _ in 0..limits::OUTBOUND_MAX {
        held.push(outbound.send(get("http://api.example/"), Patience::default(), &places).await.unwrap());
    }
    let mut waiting = Box::pin(outbound.send(get("http://api.example/"), Patience::default(), &places));
    assert!(futures_util::poll!(&mut waiting).is_pending());
    let _queued: Vec<_> = (1..limits::OUTBOUND_QUEUE_MAX).map(|_| places.queue().unwrap()).collect();
    let refused = outbound.send(get("http://api.example/"), Patience::default(), &places).await.map(drop);
    assert!(matches!(refused, Err(OutboundError::Busy)), "{refused:?}");
    drop(held.pop());
    assert_eq!(waiting.await.unwrap().status(), 200);
}

#[tokio::test]
async fn standstill_and_a_wait_for_a_place_end_in_time() {
    let silent =
        script(&[&[PUBLIC], &[PUBLIC], &[PUBLIC]], Some("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf")).await;
    let outbound = outbound(&silent, &[("http://api.example", Network::Public)]);
    let soon = Some(Duration::from_millis(20));
    let between = Patience { between_bytes: soon, ..Patience::default() };
    let response = outbound.send(get("http://api.example/"), between, &Places::default()).await.unwrap();
    let cut = response.into_body().collect().await.map(drop);
    assert!(matches!(cut, Err(OutboundError::Idle)), "{cut:?}");
    let places = Places::default();
    let mut held = Vec::new();
    for _ in 0..limits::OUTBOUND_MAX {
        held.push(places.queue().unwrap().place().await.unwrap());
    }
    let connect = Patience { connect: soon, ..Patience::default() };
    let late = outbound.send(get("http://api.example/"), connect, &places).await.map(drop);
    assert!(matches!(late, Err(OutboundError::ConnectTimeout)), "{late:?}");
}

#[tokio::test]
async fn head_that_never_comes_is_given_up() {
    let silent = script(&[&[PUBLIC]], Some("HTTP/1.1 200 OK\r\n")).await;
    let outbound = outbound(&silent, &[("http://api.example", Network::Public)]);
    let patience = Patience { first_byte: Some(Duration::from_millis(20)), ..Patience::default() };
    let late = outbound.send(get("http://api.example/"), patience, &Places::default()).await.map(drop);
    assert!(matches!(late, Err(OutboundError::Idle)), "{late:?}");
}

/// A server with a certificate for api.example, and the CA that gave it, which no system trusts.
async fn tls_server() -> (SocketAddr, CertificateDer<'static>) {
    let ca_key = rcgen::KeyPair::generate().unwrap();
    let mut ca = rcgen::CertificateParams::default();
    ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let root = ca.self_signed(&ca_key).unwrap().der().clone();
    let key = rcgen::KeyPair::generate().unwrap();
    let leaf = rcgen::CertificateParams::new(["api.example".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &rcgen::Issuer::new(ca, ca_key)).unwrap().der().clone();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![leaf], key).unwrap();
    let (acceptor, listener) = (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let accepted = acceptor.accept(stream);
            tokio::spawn(async move {
                // Refused by the client in most cases.
                if let Ok(stream) = accepted.await {
                    serve(stream, None).await;
                }
            });
        }
    });
    (address, root)
}

#[tokio::test]
async fn tls_takes_a_certificate_of_a_trusted_ca_for_the_name_and_no_other() {
    let mut trusting = RootCertStore::empty();
    let (server, root) = tls_server().await;
    trusting.add(root).unwrap();
    let grants = [("api.example", Network::Public), ("other.example", Network::Public)];
    let mut script = script(&[&[PUBLIC][..]; 3], None).await;
    script.server = server;
    let trusted = outbound_trusting(&script, &grants, trusting);
    let head = text(send(&trusted, get("https://api.example/")).await.unwrap()).await;
    assert!(head.contains("host: api.example\r\n"), "{head}");
    assert_eq!(script.connected(), [format!("{PUBLIC}:443")]);
    let another = send(&trusted, get("https://other.example/")).await.map(drop);
    assert!(matches!(another, Err(OutboundError::Certificate(_))), "{another:?}");
    let unknown = send(&outbound(&script, &grants), get("https://api.example/")).await.map(drop);
    assert!(matches!(unknown, Err(OutboundError::Certificate(_))), "{unknown:?}");
}

#[tokio::test]
async fn plain_text_where_tls_is_due_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut script = script(&[&[PUBLIC]], None).await;
    script.server = listener.local_addr().unwrap();
    let outbound = outbound(&script, &[("api.example", Network::Public)]);
    let (refused, ()) = tokio::join!(send(&outbound, get("https://api.example/")), async {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    assert!(matches!(refused.map(drop), Err(OutboundError::Tls(_))));
}
