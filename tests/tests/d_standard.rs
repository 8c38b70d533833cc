//! FEATURES, row D11: components that were not written for Sessile, over real connections; and where guests may
//! go from here.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use sessile_tests::{Answer, App, Host, Way, both_ways, get, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

both_ways!(
    d11_samples_of_the_standard_crates_run_as_they_are,
    d11_request_has_head_and_body_and_none_of_the_connections_fields,
    d11_bodies_are_streamed_both_ways_and_wait_for_a_slow_peer,
    d11_fault_is_a_500_or_a_cut_body_and_the_next_is_served,
    d11_instance_is_fresh_or_shared_as_the_manifest_says,
    d11_handler_hears_that_its_peer_is_gone,
    d11_requests_go_to_granted_hosts_only,
    d11_private_addresses_take_a_private_grant,
    d11_host_is_the_authority_whatever_the_guest_says,
    d11_guests_of_ours_have_the_same_grants_and_no_sockets,
);

// On the concurrent engine too.
sessile_tests::run! { concurrent, Concurrent, d11_guests_of_ours_have_the_same_grants_and_no_sockets }

const ERRANDS: [&str; 2] = ["errand", "errand-3"];

async fn ask(host: &Host, path: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    let method = if body.is_empty() { "GET" } else { "POST" };
    let request = Request::builder().method(method).uri(path).header("host", "shop.example:81");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    self::request(host.address(), request.body(Full::new(body)).unwrap()).await
}

async fn d11_samples_of_the_standard_crates_run_as_they_are(way: Way) {
    let host = Host::start(&App::samples(), way);
    for path in ["/hello", "/hello-3"] {
        let answer = get(host.address(), path, None).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "Hello, WASI!"), "{path}");
    }
    assert_eq!(get(host.address(), "/", None).await.text(), "Hello, wasi:http/proxy world!\n");
    assert!(get(host.address(), "/wait-response", None).await.text().starts_with("slept for 1"));
    assert!(get(host.address(), "/wait-body", None).await.text().starts_with("slept for 1"));
    assert_eq!(get(host.address(), "/stream-body", None).await.text().lines().count(), 5);
    let echoed = ask(&host, "/echo", &[], "said").await;
    assert_eq!((echoed.status.as_u16(), echoed.text()), (200, "said"));
    let headers = ask(&host, "/echo-headers", &[("x-a", "1"), ("x-a", "2")], "").await;
    assert_eq!(headers.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(ask(&host, "/response-status", &[("x-response-status", "418")], "").await.status, 418);
    assert_eq!(get(host.address(), "/nowhere", None).await.status, 404);
    assert_eq!(get(host.address(), "/response-fail", None).await.status, 500);
    fails(&host, "/response-body-fail").await;
}

/// The peer sees a 500 where nothing has left yet, else an end before the end.
async fn fails(host: &Host, path: &str) {
    let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let got = sessile_tests::exchange_bytes(host.address(), ask.as_bytes()).await;
    let cut = !got.ends_with("\r\n0\r\n\r\n") && !got.contains("content-length");
    assert!(got.starts_with("HTTP/1.1 500") || cut, "{path}: {got}");
}

async fn d11_request_has_head_and_body_and_none_of_the_connections_fields(way: Way) {
    let host = Host::start(&App::errands(), way);
    for errand in ERRANDS {
        let path = format!("/{errand}/head");
        let answer = ask(&host, &path, &[("x-a", "b"), ("connection", "keep-alive")], "").await;
        assert_eq!(answer.text(), format!("GET https=Some(false) shop.example:81 {path} x=b []"));
        // HTTP/1.0 needs no host: the guest sees the address that was connected to.
        let old = format!("GET {path} HTTP/1.0\r\nX-A: c\r\n\r\n");
        let old = sessile_tests::exchange_bytes(host.address(), old.as_bytes()).await;
        assert!(old.contains(&format!("GET https=Some(false) {} {path} x=c []", host.address())), "{old}");
    }
    let forbidden = get(host.address(), "/errand/forbidden", None).await;
    assert_eq!(forbidden.text(), "false false false false false false false true");
}

async fn d11_bodies_are_streamed_both_ways_and_wait_for_a_slow_peer(way: Way) {
    let host = Host::start(&App::errands(), way);
    let body: Vec<u8> = (0..3_000_000_u32).map(|byte| byte as u8).collect();
    for path in ["/errand/echo", "/errand-3/echo", "/errand-3/pass"] {
        let answer = ask(&host, path, &[], body.clone()).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.unwrap() == body, "{path}");
        stalls(&host, path).await;
    }
}

/// A peer that sends and does not read is not read either, while others are served.
async fn stalls(host: &Host, path: &str) {
    const BYTES: usize = 48 << 20;
    let stream = TcpStream::connect(host.address()).await.unwrap();
    let (mut from, mut to) = stream.into_split();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {BYTES}\r\nConnection: close\r\n\r\n");
    to.write_all(head.as_bytes()).await.unwrap();
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = sent.clone();
    let sending = tokio::spawn(async move {
        let part = vec![b'x'; 1 << 16];
        for _ in 0..BYTES / part.len() {
            to.write_all(&part).await.unwrap();
            counted.fetch_add(part.len(), Ordering::Relaxed);
        }
        to
    });
    let mut begun = [0; 1000];
    from.read_exact(&mut begun).await.unwrap();
    for _ in 0..100 {
        assert_eq!(get(host.address(), "/errand/forbidden", None).await.status, 200);
    }
    assert!(sent.load(Ordering::Relaxed) < BYTES, "{path}: the host takes what the peer does not");
    let mut rest = Vec::new();
    from.read_to_end(&mut rest).await.unwrap();
    assert!(rest.len() >= BYTES, "{path}: {}", rest.len());
    sending.await.unwrap();
}

async fn d11_fault_is_a_500_or_a_cut_body_and_the_next_is_served(way: Way) {
    let host = Host::start(&App::errands(), way);
    for route in ["errand", "shared", "errand-3", "shared-3"] {
        for (fault, said) in [
            ("panic", "guest says boom"),
            ("spin", "used up its CPU budget"),
            ("code", "LoopDetected"),
            ("status", "199"),
        ] {
            let answer = ask(&host, &format!("/{route}/{fault}"), &[("x-status", "199")], "").await;
            assert_eq!(answer.status, 500, "{route} {fault}: {}", answer.text());
            let (_, id) = answer.text().split_once("Report ").unwrap();
            let log = host.wait_for_log(&format!("report={}", id.split_once(' ').unwrap().0));
            assert!(log.contains(said) && !answer.text().contains(said), "{log}");
            let next = ask(&host, &format!("/{route}/status"), &[("x-status", "201")], "").await;
            assert_eq!(next.status, 201);
        }
        for fault in ["late-panic", "late-spin"] {
            fails(&host, &format!("/{route}/{fault}")).await;
        }
    }
    for route in ["errand", "shared"] {
        assert_eq!(get(host.address(), &format!("/{route}/nothing"), None).await.status, 500);
        for unfinished in ["leak", "drop"] {
            fails(&host, &format!("/{route}/{unfinished}")).await;
        }
    }
    assert_eq!(get(host.address(), "/errand-3/sleep", None).await.status, 504);
}

async fn d11_instance_is_fresh_or_shared_as_the_manifest_says(way: Way) {
    let host = Host::start(&App::errands(), way);
    for (route, second) in [("errand-3", "1"), ("shared-3", if way == Way::Keep { "2" } else { "1" })] {
        for expected in ["1", second] {
            assert_eq!(get(host.address(), &format!("/{route}/count"), None).await.text(), expected, "{route}");
        }
    }
}

async fn d11_handler_hears_that_its_peer_is_gone(way: Way) {
    let host = Host::start(&App::errands(), way);
    for (errand, heard) in [("errand", "echoed: Err"), ("errand-3", "echoed ")] {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        let head = format!("POST /{errand}/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nbegun");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.read_exact(&mut [0; 20]).await.unwrap();
        drop(stream);
        host.wait_for_log(heard);
    }
}

/// Another host: it answers with the head that it got, or with a redirect, and counts connections.
async fn other_host() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::spawn(answer(stream));
        }
    });
    (address, count)
}

async fn answer(mut stream: TcpStream) {
    let mut got = Vec::new();
    while !got.ends_with(b"\r\n\r\n") {
        got.push(stream.read_u8().await.unwrap());
    }
    let chunked = String::from_utf8_lossy(&got).to_lowercase().contains("transfer-encoding: chunked");
    while chunked && !got.ends_with(b"0\r\n\r\n") {
        got.push(stream.read_u8().await.unwrap());
    }
    let head = match got.starts_with(b"GET /redirect") {
        true => "HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/next",
        false => "HTTP/1.1 203 Said",
    };
    let head = format!("{head}\r\ncontent-length: {}\r\n\r\n", got.len());
    stream.write_all(&[head.as_bytes(), &got].concat()).await.unwrap();
}

fn granting(keys: &str) -> App {
    let app = App::errands();
    app.edit("grants.outbound = []", keys);
    app
}

async fn fetch(host: &Host, errand: &str, authority: &str, more: &[(&str, &str)]) -> (u16, String) {
    let mut headers = vec![("x-authority", authority)];
    for header in [("x-path", "/a?b"), ("x-scheme", "http")] {
        headers.push(*more.iter().find(|(name, _)| *name == header.0).unwrap_or(&header));
    }
    headers.extend(more.iter().filter(|(name, _)| *name != "x-path" && *name != "x-scheme"));
    let answer = ask(host, &format!("/{errand}/fetch"), &headers, "").await;
    (answer.status.as_u16(), answer.text().to_owned())
}

async fn d11_requests_go_to_granted_hosts_only(way: Way) {
    let (other, count) = other_host().await;
    let host = Host::start(&granting(&format!("grants.outbound = [\"http://{other}\"]")), way);
    let authority = other.to_string();
    for errand in ERRANDS {
        let (status, text) = fetch(&host, errand, &authority, &[("x-method", "POST"), ("x-body", "told")]).await;
        assert_eq!(status, 200, "{errand}: {text}");
        assert!(text.starts_with("203 \nPOST /a?b HTTP/1.1\r\n") && text.contains("told"), "{errand}: {text}");
        let (status, text) = fetch(&host, errand, &authority, &[("x-path", "/redirect")]).await;
        assert!(status == 200 && text.starts_with("302 http://127.0.0.1:1/next\n"), "{errand}: {text}");
        let before = count.load(Ordering::Relaxed);
        let port = other.port();
        for (authority, scheme) in [
            (format!("localhost:{port}"), "http"),
            (format!("[::1]:{port}"), "http"),
            (format!("[::ffff:127.0.0.1]:{port}"), "http"),
            (format!("127.0.0.2:{port}"), "http"),
            (authority.clone(), "https"),
            ("127.0.0.1".to_owned(), "http"),
            ("169.254.169.254".to_owned(), "http"),
        ] {
            let denied = fetch(&host, errand, &authority, &[("x-scheme", scheme)]).await;
            assert_eq!(denied, (502, "ErrorCode::HttpRequestDenied".to_owned()), "{errand} {authority}");
        }
        for authority in [format!("127.1:{port}"), format!("2130706433:{port}"), format!("localhost.:{port}")] {
            let refused = fetch(&host, errand, &authority, &[]).await;
            assert_eq!(refused, (502, "ErrorCode::HttpRequestUriInvalid".to_owned()), "{errand} {authority}");
        }
        let connect = fetch(&host, errand, &authority, &[("x-method", "CONNECT")]).await;
        assert_eq!(connect, (502, "ErrorCode::HttpRequestMethodInvalid".to_owned()));
        assert_eq!(count.load(Ordering::Relaxed), before, "nobody was connected to");
    }
    let headers = [("x-authority", &*authority), ("x-path", "/"), ("x-scheme", "http"), ("x-number", "20")];
    assert_eq!(ask(&host, "/errand/crowd", &headers, "").await.text(), r#"{"203": 20}"#);
    let nothing = Host::start(&App::errands(), way);
    let denied = fetch(&nothing, "errand", &authority, &[]).await;
    assert_eq!(denied, (502, "ErrorCode::HttpRequestDenied".to_owned()));
}

async fn d11_private_addresses_take_a_private_grant(way: Way) {
    let (other, count) = other_host().await;
    let authority = format!("localhost:{}", other.port());
    let public = Host::start(&granting(&format!("grants.outbound = [\"http://{authority}\"]")), way);
    let private = Host::start(&granting(&format!("grants.outbound_private = [\"http://{authority}\"]")), way);
    for errand in ERRANDS {
        let prohibited = fetch(&public, errand, &authority, &[]).await;
        assert_eq!(prohibited, (502, "ErrorCode::DestinationIpProhibited".to_owned()));
        assert_eq!(count.load(Ordering::Relaxed), 0, "nobody was connected to");
    }
    for errand in ERRANDS {
        let (status, text) = fetch(&private, errand, &authority, &[]).await;
        assert!(status == 200 && text.contains(&format!("host: {authority}\r\n")), "{text}");
    }
}

async fn d11_host_is_the_authority_whatever_the_guest_says(way: Way) {
    let (other, _) = other_host().await;
    let host = Host::start(&granting(&format!("grants.outbound = [\"http://{other}\"]")), way);
    let authority = other.to_string();
    for errand in ERRANDS {
        let (status, text) = fetch(&host, errand, &authority, &[("x-host", "evil.example")]).await;
        assert_eq!(status, 200, "{text}");
        assert!(text.contains(&format!("host: {authority}\r\n")) && !text.contains("evil"), "{text}");
        for path in ["http://evil.example/", "x", "*"] {
            let refused = fetch(&host, errand, &authority, &[("x-path", path)]).await;
            assert_eq!(refused, (502, "ErrorCode::HttpRequestUriInvalid".to_owned()), "{errand} {path}");
        }
        for tricky in [format!("evil.example@{authority}"), format!("{authority}@evil.example")] {
            let (status, text) = fetch(&host, errand, &tricky, &[]).await;
            assert!(status == 502 && text.contains("HttpRequestUriInvalid"), "{errand} {tricky}: {text}");
        }
    }
}

async fn d11_guests_of_ours_have_the_same_grants_and_no_sockets(way: Way) {
    let (other, count) = other_host().await;
    let app = App::faults(way);
    app.edit("[handlers.http]\n", &format!("[handlers.http]\ngrants.outbound = [\"http://{other}\"]\n"));
    let host = Host::start(&app, way);
    assert_eq!(get(host.address(), &format!("/http/fetch/{other}"), None).await.text(), "203");
    assert_eq!(
        get(host.address(), &format!("/fresh/fetch/{other}"), None).await.text(),
        "ErrorCode::HttpRequestDenied"
    );
    assert_eq!(count.swap(0, Ordering::Relaxed), 1);
    let reach = get(host.address(), &format!("/http/reach/{other}"), None).await;
    assert_eq!(reach.text(), "PermissionDenied PermissionDenied Err");
    assert_eq!(count.load(Ordering::Relaxed), 0);
}
