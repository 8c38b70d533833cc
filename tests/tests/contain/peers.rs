//! Peers that send as little as they can, or what costs the host more than them.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use futures_util::future::join_all;
use sessile_tests::{App, Certificate, Host, RawSocket, Settings, Socket, Way, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// From one byte of a peer that drips to the next.
const DRIP: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);
/// Peers of each kind.
const PEERS: usize = 10;

fn debug() -> Vec<String> {
    vec!["--log".to_owned(), "info,sessile=debug".to_owned()]
}

/// Sends one part after the other, slowly, for as long as the host takes them; what it answered by its end.
async fn drip(stream: TcpStream, parts: Vec<Vec<u8>>) -> Vec<u8> {
    let (mut from, mut to) = stream.into_split();
    let sending = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(DRIP);
        for part in parts {
            ticks.tick().await;
            if to.write_all(&part).await.is_err() {
                break;
            }
        }
        to
    });
    let mut answer = Vec::new();
    let reading = tokio::time::timeout(PATIENCE, from.read_to_end(&mut answer)).await;
    // A reset is an end too.
    let _reset = reading.expect("the host ends it");
    sending.abort();
    answer
}

fn bytes(text: &str) -> Vec<Vec<u8>> {
    text.bytes().map(|byte| vec![byte]).collect()
}

async fn connect(host: &Host) -> TcpStream {
    TcpStream::connect(host.address()).await.unwrap()
}

/// A short masked frame, its key all zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    [&[first, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// The code of the close frame at the end of what a websocket got.
fn code(got: &[u8]) -> Option<u16> {
    let at = got.iter().rposition(|byte| *byte == 0x88)?;
    Some(u16::from_be_bytes([*got.get(at + 2)?, *got.get(at + 3)?]))
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_drip_are_ended_each_by_its_deadline_and_others_are_served() {
    let app = App::faults(Way::Keep);
    app.edit("[app]", "[http]\nhead_s = 1\nbody_s = 1\nmessage_s = 1\n\n[app]");
    let host = Host::start_with(&app, Settings { args: debug(), ..Settings::new(Way::Keep) });
    let head = || "GET /http/status/200 HTTP/1.1\r\nHost: x\r\nX-A: ".to_owned() + &"a".repeat(300);
    let body = || {
        let head = "POST /fresh/whole/text HTTP/1.1\r\nHost: x\r\nContent-Length: 500\r\nConnection: close\r\n\r\n";
        [vec![head.into()], bytes(&"x".repeat(500))].concat()
    };
    let plain = |parts: Vec<Vec<u8>>| {
        let host = &host;
        async move { drip(connect(host).await, parts).await }
    };
    let many = async |parts: &dyn Fn() -> Vec<Vec<u8>>| join_all((0..PEERS).map(|_| plain(parts()))).await;
    let dripping = async {
        let (none, one, head) = (Vec::new, || vec![b"G".to_vec()], || bytes(&head()));
        tokio::join!(many(&none), many(&one), many(&head), many(&body))
    };
    let mut served = 0_u32;
    let serving = async {
        loop {
            assert_eq!(get(host.address(), "/http/status/201", None).await.status, 201);
            served += 1;
        }
    };
    let (none, one, heads, bodies) = tokio::select! {
        ended = dripping => ended,
        () = serving => unreachable!("it never ends"),
    };
    assert!([none, one, heads].concat().iter().all(Vec::is_empty));
    let timed_out = |answer: &Vec<u8>| String::from_utf8_lossy(answer).ends_with("timed out");
    assert!(bodies.iter().all(timed_out), "{}", String::from_utf8_lossy(&bodies[0]));
    assert!(served > 0);
    host.wait_for_logs("the peer sent nothing in 10s", PEERS);
    host.wait_for_logs("a request's head took longer than 1s", 2 * PEERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_drip_are_ended_with_1008() {
    let app = App::faults(Way::Keep);
    app.edit("[app]", "[http]\nmessage_s = 1\n\n[app]");
    let host = Host::start(&app, Way::Keep);
    let payload = frame(0x82, &[7; 120]).iter().map(|byte| vec![*byte]).collect::<Vec<_>>();
    let head = vec![vec![0x82]];
    let fragments = [vec![frame(0x02, b"x")], vec![frame(0x00, b"x"); 100]].concat();
    let pinged = [vec![frame(0x02, b"x")], vec![frame(0x89, b""); 30]].concat();
    for path in ["/ws", "/loop"] {
        for parts in [&payload, &head, &fragments, &pinged] {
            let (socket, _) = RawSocket::open(host.address(), path, &[]).await;
            let answer = drip(socket.into_stream(), parts.clone()).await;
            assert_eq!(code(&answer), Some(1008), "{path}: {answer:?}");
        }
        // Whole ones may come as slowly as they like.
        let (socket, _) = RawSocket::open(host.address(), path, &[]).await;
        let mut slow = vec![frame(0x82, b"x"); 20];
        slow.push(frame(0x88, &1000_u16.to_be_bytes()));
        let answer = drip(socket.into_stream(), slow).await;
        assert_eq!(answer, [b"\x82\x01x".repeat(20), b"\x88\x02\x03\xe8".to_vec()].concat(), "{path}");
    }
}

/// A handler that is busy reads nothing, and that is no fault of the peer.
#[tokio::test(flavor = "multi_thread")]
async fn message_that_waits_for_the_handler_is_not_late() {
    let app = App::faults(Way::Keep);
    app.edit("[app]", "[http]\nmessage_s = 1\n\n[app]");
    let host = Host::start(&app, Way::Keep);
    let (mut socket, _) = RawSocket::open(host.address(), "/ws", &[]).await;
    socket.send(0x81, b"sleep 3000").await;
    // More than waits for a handler, so that the rest of the last one is not read.
    let large = vec![7; 60_000];
    for _ in 0..40 {
        socket.send(0x82, &large).await;
    }
    assert_eq!(socket.next().await.1, b"slept");
    for _ in 0..40 {
        assert_eq!(socket.next().await, (0x82, large.clone()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_and_pongs_without_end_are_closed_with_1008() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    for (first, answered) in [(0x89, true), (0x8a, false)] {
        let (mut socket, _) = RawSocket::open(host.address(), "/ws", &[]).await;
        for _ in 0..64 {
            socket.send(first, b"x").await;
        }
        socket.send(0x81, b"still here").await;
        let mut answers = 0;
        while socket.next().await != (0x81, b"still here".to_vec()) {
            answers += 1;
        }
        assert_eq!(answers, if answered { 64 } else { 0 });
        for _ in 0..500 {
            socket.send(first, b"x").await;
        }
        let close = loop {
            match socket.next().await {
                (0x88, payload) => break payload,
                (first, _) => assert_eq!(first, 0x8a),
            }
        };
        assert_eq!(close[..2], 1008_u16.to_be_bytes());
        assert!(socket.is_ended().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_past_the_rate_of_the_manifest_are_closed_with_1008() {
    let app = App::faults_with(Way::Keep, "limits = { messages_per_s = 5 }");
    let host = Host::start(&app, Way::Keep);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        for number in 0..5 {
            assert_eq!(socket.ask(&number.to_string()).await, number.to_string());
        }
        for _ in 0..500 {
            socket.send("x").await;
        }
        assert_eq!(socket.closed().await, (1008, "more than 5 messages a second".to_owned()), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_hello_that_drips_is_ended_by_its_deadline() {
    let certificate = Certificate::default();
    let args = [certificate.args(), debug()].concat();
    let host = Host::start_with(&App::faults(Way::Keep), Settings { args, ..Settings::new(Way::Keep) });
    let hello = [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], &[0; 400]].concat();
    let parts: Vec<_> = hello.iter().map(|byte| vec![*byte]).collect();
    let peers = join_all((0..PEERS).map(|_| async { drip(connect(&host).await, parts.clone()).await }));
    let answers = peers.await;
    assert!(answers.iter().all(Vec::is_empty), "{answers:?}");
    host.wait_for_logs("no TLS handshake in 10s", PEERS);
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_does_not_answer_a_close_is_ended() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    for path in ["/ws", "/loop"] {
        let (mut socket, _) = RawSocket::open(host.address(), path, &[]).await;
        socket.send(0x81, b"close 4000 bye").await;
        assert_eq!(socket.next().await, (0x88, b"\x0f\xa0bye".to_vec()), "{path}");
        assert!(socket.is_ended().await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn peer_that_answers_no_ping_is_ended() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let (mut socket, _) = RawSocket::open(host.address(), "/ws", &[]).await;
    assert_eq!(socket.next().await, (0x89, Vec::new()));
    assert!(socket.is_ended().await);
    host.wait_for_log("code=1006");
}
