//! Client addresses that come too often, and calls that come faster than they are served.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;

use futures_util::future::join_all;
use sessile_tests::{App, Host, Settings, Socket, Way, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

fn host(args: &[&str]) -> Host {
    let args = args.iter().map(|arg| (*arg).to_owned()).collect();
    Host::start_with(&App::faults(Way::Keep), Settings { args, ..Settings::new(Way::Keep) })
}

/// What a connection gets for a request; empty where it is ended without a word.
async fn answer(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut answer = String::new();
    // Ended meanwhile, perhaps.
    let _ended = stream.write_all(b"GET /http/status/201 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await;
    let _reset = stream.read_to_string(&mut answer).await;
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_of_one_address_are_bounded_told_and_then_ended() {
    let host = host(&["--client-connections", "3", "--client-rate", "0"]);
    let address = host.address();
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(Socket::open(address, "/ws").await);
    }
    let told = answer(address).await.to_ascii_lowercase();
    assert!(told.starts_with("http/1.1 429 ") && told.contains("\r\nretry-after: 1\r\n"), "{told}");
    let silent = join_all((0..3).map(|_| TcpStream::connect(address))).await;
    // As many as are served, again: further ones get no answer.
    while !answer(address).await.is_empty() {}
    drop(silent);
    assert_eq!(held[0].ask("still here").await, "still here");
    held.pop().unwrap().close(1000, "").await;
    while !answer(address).await.starts_with("HTTP/1.1 201") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn new_connections_of_one_address_in_a_second_are_bounded() {
    let host = host(&["--client-rate", "5"]);
    let answers = join_all((0..50).map(|_| answer(host.address()))).await;
    let count = |begin: &str| answers.iter().filter(|answer| answer.starts_with(begin)).count();
    assert!(count("HTTP/1.1 201") >= 5 && count("HTTP/1.1 429") >= 5, "{answers:?}");
    assert!(answers.iter().any(String::is_empty), "{answers:?}");
    while !answer(host.address()).await.starts_with("HTTP/1.1 201") {}
}

#[tokio::test(flavor = "multi_thread")]
async fn websockets_behind_a_proxy_count_by_the_address_that_it_tells() {
    let host = host(&["--client-connections", "2", "--client-rate", "0", "--trust-proxy", "127.0.0.1"]);
    let open = async |from: &str| Socket::open_with(host.address(), "/ws", &[("x-forwarded-for", from)]).await;
    let mut held = vec![open("192.0.2.1").await.unwrap(), open("192.0.2.1").await.unwrap()];
    let (status, page) = Socket::denied(host.address(), "/ws", &[("x-forwarded-for", "192.0.2.1")]).await;
    assert_eq!(status, 429, "{page}");
    assert_eq!(open("192.0.2.2").await.unwrap().ask("another").await, "another");
    held.pop().unwrap().close(1000, "").await;
    while open("192.0.2.1").await.is_err() {}
    // The proxy's own connections do not count.
    let all = join_all((0..20).map(|_| get(host.address(), "/http/status/201", None))).await;
    assert!(all.iter().all(|answer| answer.status == 201));
}

#[tokio::test(flavor = "multi_thread")]
async fn loopback_is_not_bounded_unless_asked() {
    let host = host(&[]);
    let sockets = join_all((0..150).map(|_| Socket::open(host.address(), "/ws"))).await;
    assert_eq!(sockets.len(), 150);
}

/// Returns once a websocket's handler is in a call.
async fn in_a_call(host: &Host) {
    loop {
        let listed = host.command_to(&["connections", "--json"]).await;
        if String::from_utf8_lossy(&listed.stdout).contains("in a call") {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn call_past_what_a_handler_may_have_at_once_waits_and_is_then_refused_as_the_hosts_fault() {
    let app = App::faults_with(Way::Keep, "limits = { in_flight_max = 1 }");
    app.edit("[handlers.fresh]", "[handlers.fresh]\nlimits = { in_flight_max = 1 }");
    let host = Host::start(&app, Way::Keep);
    let [mut first, mut second, mut third] = [
        Socket::open(host.address(), "/ws").await,
        Socket::open(host.address(), "/ws").await,
        Socket::open(host.address(), "/ws").await,
    ];
    first.send("sleep 1000").await;
    second.send("x").await;
    assert_eq!((second.text().await, first.text().await), ("x".into(), "slept".into()), "it had its turn");
    first.send("sleep 9000").await;
    in_a_call(&host).await;
    second.send("x").await;
    assert_eq!(second.closed().await.0, 1013);
    host.wait_for_log("limits.in_flight_max");
    assert_eq!(get(host.address(), "/http/status/201", None).await.status, 201, "other handlers have their own");
    assert_eq!(first.text().await, "slept");
    assert_eq!(third.ask("x").await, "x");
    let address = host.address();
    let slow = tokio::spawn(async move { get(address, "/fresh/slow/25000", None).await });
    let mut refused = get(address, "/fresh/status/201", None).await;
    // Until the slow one has begun.
    for _ in 0..1000 {
        if refused.status == 201 {
            refused = get(address, "/fresh/status/201", None).await;
        }
    }
    assert_eq!(refused.status, 503, "{}", refused.text());
    assert_eq!(refused.headers["retry-after"], "1");
    slow.abort();
}
