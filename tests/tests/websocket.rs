//! Operations on a websocket, in every order, with the errors that they name.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use sessile_tests::{App, Host, Socket, Way, each_way, get};
use tokio_tungstenite::tungstenite::Message;

each_way!(
    id_of_another_websocket_traps,
    flood_to_a_slow_reader_waits_and_loses_nothing,
    outbox_that_is_full_says_so,
    publication_reaches_the_group_and_counts,
    guest_that_waits_keeps_its_websocket_alive,
    failure_of_a_handler_closes_with_1011,
);

async fn id_of_another_websocket_traps(way: Way) {
    let host = Host::start(&App::faults(way), way);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        assert_eq!(socket.ask("large 65537").await, "error: 65537 exceeds the limit of 65536");
        socket.send("stranger").await;
        assert_eq!(socket.closed().await.0, 1011);
    }
}

async fn flood_to_a_slow_reader_waits_and_loses_nothing(way: Way) {
    let host = Host::start(&App::faults(way), way);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send("flood 20000").await;
        for number in 0..20_000 {
            assert_eq!(socket.text().await, number.to_string());
        }
    }
}

async fn outbox_that_is_full_says_so(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send("stuff 60000").await;
    let mut binary = 0;
    let told = loop {
        match socket.next().await.unwrap().unwrap() {
            Message::Binary(_) => binary += 1,
            Message::Text(text) => break text,
            other => panic!("{other:?}"),
        }
    };
    // 256 KiB take four messages of 60,000 bytes; more where a guest that is interrupted meanwhile lets some leave.
    assert!(binary >= 4 && told == format!("stuffed {binary}"), "{told}, and {binary} came");
}

async fn publication_reaches_the_group_and_counts(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let address = host.address();
    let mut members = Vec::new();
    for path in ["/ws", "/loop", "/ws"] {
        let mut socket = Socket::open(address, path).await;
        assert_eq!(socket.ask("join g").await, "joined");
        members.push(socket);
    }
    assert_eq!(get(address, "/http/publish?group=g&text=hello", None).await.text(), "3 0");
    for member in &mut members {
        assert_eq!(member.text().await, "hello");
    }
    let mut leaver = members.pop().unwrap();
    assert_eq!(leaver.ask("leave g").await, "left");
    assert_eq!(leaver.ask("publish g again").await, "published 2 0");
    let mut gone = members.pop().unwrap();
    assert_eq!(gone.text().await, "again");
    gone.close(1000, "").await;
    assert_eq!(leaver.ask("publish g last").await, "published 1 0");
    assert_eq!(leaver.ask(&format!("join {}", "x".repeat(101))).await, "error: 101 exceeds the limit of 100");
}

async fn guest_that_waits_keeps_its_websocket_alive(way: Way) {
    let host = Host::start(&App::faults(way), way);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send("sleep 200").await;
        socket.send("after").await;
        assert_eq!((socket.text().await, socket.text().await), ("slept".into(), "after".into()));
    }
}

async fn failure_of_a_handler_closes_with_1011(way: Way) {
    let host = Host::start(&App::faults(way), way);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send("fail").await;
        assert_eq!(socket.closed().await.0, 1011);
    }
    host.wait_for_log("guest failed on purpose");
}

#[tokio::test]
async fn handler_that_awaits_reads_and_writes_at_once() {
    let host = Host::start(&App::faults(Way::Concurrent), Way::Keep);
    let mut socket = Socket::open(host.address(), "/loop?ticks=1").await;
    assert_eq!((socket.text().await, socket.text().await), ("tick".into(), "tick".into()));
    socket.send("hello").await;
    while socket.text().await == "tick" {}
    assert_eq!(socket.text().await, "tick", "it goes on ticking after the echo");
    assert_eq!(get(host.address(), "/http/race", None).await.text(), "short");
}

#[tokio::test]
async fn globals_last_while_warm_and_vanish_under_amnesia() {
    let app = App::faults(Way::Keep);
    let host = Host::start(&app, Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!((socket.ask("events").await, socket.ask("events").await), ("1".into(), "2".into()));
    let mut other = Socket::open(host.address(), "/ws").await;
    assert_eq!(other.ask("events").await, "1", "nothing crosses from one websocket to another");
    let host = Host::start(&app, Way::Amnesia);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!((socket.ask("events").await, socket.ask("events").await), ("1".into(), "1".into()));
}

#[tokio::test]
async fn stderr_of_a_guest_is_logged() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!(socket.ask("stderr a word to the log").await, "ok");
    host.wait_for_log("a word to the log");
}
