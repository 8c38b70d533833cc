//! What waits for peers that do not read, and the end of many websockets at once.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use futures_util::future::{join_all, select_ok};
use futures_util::stream::{self, StreamExt};
use rustix::process::{Resource, Rlimit, Signal, getrlimit, setrlimit};
use sessile_tests::{App, Host, RawSocket, Settings, Socket, Way};
use tokio::time::timeout;

use super::{MIB, Neighbours};

const READERS: usize = 99;

/// A websocket that is in the group `g`, and reads nothing from then on.
async fn stalled(host: &Host, path: &str) -> RawSocket {
    let mut stalled = RawSocket::open_narrow(host.address(), path).await;
    stalled.send(0x81, b"join g").await;
    assert_eq!(stalled.next().await.1, b"joined");
    stalled
}

/// Publishes until the one that stalls is out, in step with all others, who get every message.
async fn broadcast(keys: &str, outcomes: &[&str]) {
    let app = App::faults_with(Way::Keep, keys);
    app.edit("[app]", "[http]\nstall_s = 2\n\n[app]");
    let host = Host::start(&app, Way::Keep);
    let mut publisher = Socket::open(host.address(), "/ws").await;
    let mut readers = join_all((0..READERS).map(|_| Socket::open(host.address(), "/ws"))).await;
    for reader in &mut readers {
        assert_eq!(reader.ask("join g").await, "joined");
    }
    let _stalled = stalled(&host, "/ws").await;
    let before = host.resident_bytes();
    host.forget_peak();
    let (filler, mut seen) = ("x".repeat(60_000), Vec::new());
    for number in 0.. {
        let told = publisher.ask(&format!("publish g {number}-{filler}")).await;
        let got = join_all(readers.iter_mut().map(Socket::text)).await;
        assert!(got.iter().all(|text| text.starts_with(&format!("{number}-"))), "{number}");
        if seen.last() != Some(&told) {
            seen.push(told);
        }
        if seen.last().is_some_and(|told| told == "published 99 0") {
            break;
        }
        assert!(number < 2000, "{seen:?}");
    }
    assert_eq!(seen, outcomes);
    let grown = host.peak_bytes().saturating_sub(before);
    assert!(grown < 48 * MIB, "{} MiB", grown / MIB);
    assert_eq!(publisher.ask("well").await, "well");
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_reader_of_a_broadcast_misses_messages_and_is_ended_and_no_other() {
    broadcast("", &["published 100 0", "published 99 1", "published 99 0"]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stalled_reader_of_a_broadcast_is_closed_where_the_policy_says_so_and_no_other() {
    broadcast("overflow = \"close\"", &["published 100 0", "published 99 1", "published 99 0"]).await;
}

/// It answers no ping, for it sends frames all the time; and still it is ended.
#[tokio::test(flavor = "multi_thread")]
async fn peer_that_sends_and_never_reads_is_ended() {
    let app = App::faults(Way::Keep);
    app.edit("[app]", "[http]\nstall_s = 1\n\n[app]");
    let host = Host::start(&app, Way::Keep);
    let mut publisher = Socket::open(host.address(), "/ws").await;
    let mut stalled = stalled(&host, "/ws").await;
    let sending = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(200));
        loop {
            ticks.tick().await;
            stalled.send(0x89, b"").await;
        }
    });
    // Not until its outbox is full: what the kernel takes after that leaves nothing that waits.
    let publish = format!("publish g {}", "x".repeat(60_000));
    let ended = async { while publisher.ask(&publish).await != "published 0 0" {} };
    timeout(Duration::from_secs(30), ended).await.expect("it is ended");
    sending.abort();
    host.wait_for_log("code=1006");
}

#[tokio::test(flavor = "multi_thread")]
async fn outboxes_that_hold_too_much_together_are_emptied_the_fullest_first() {
    let args = vec!["--outbox-memory".to_owned(), "1".to_owned()];
    let host = Host::start_with(&App::faults(Way::Keep), Settings { args, ..Settings::new(Way::Keep) });
    let mut publisher = Socket::open(host.address(), "/ws").await;
    let mut all = Vec::new();
    for _ in 0..10 {
        all.push(stalled(&host, "/ws").await);
    }
    let neighbours = Neighbours::beside(&host, "/ws", 20).await;
    let before = host.resident_bytes();
    host.forget_peak();
    let filler = "x".repeat(60_000);
    // Ten outboxes have room for 2.5 MiB.
    while !host.log().contains("the fullest were closed") {
        let told = publisher.ask(&format!("publish g {filler}")).await;
        assert!(told.starts_with("published "), "{told}");
    }
    let grown = host.peak_bytes().saturating_sub(before);
    assert!(grown < 24 * MIB, "{} MiB", grown / MIB);
    // Who reads at last finds what had left, and why no more did; the others go on.
    let (code, _) =
        select_ok(all.into_iter().map(|socket| Box::pin(async { Ok::<_, ()>(closed(socket).await) }))).await.unwrap();
    assert_eq!(code, 1013);
    neighbours.are_well().await;
}

/// The code of the close frame that comes at last, which is answered as pings are.
async fn closed(mut socket: RawSocket) -> u16 {
    loop {
        match socket.next().await {
            (0x88, payload) => {
                socket.send(0x88, &payload).await;
                return u16::from_be_bytes([payload[0], payload[1]]);
            }
            (0x89, payload) => socket.send(0x8a, &payload).await,
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_closes_ten_thousand_websockets_with_1001_and_ends_well() {
    const WEBSOCKETS: usize = 10_000;
    let files = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: files.maximum, maximum: files.maximum }).unwrap();
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let open = async |number: usize| {
        let path = if number.is_multiple_of(50) { "/loop" } else { "/ws" };
        RawSocket::open(host.address(), path, &[]).await.0
    };
    let sockets: Vec<RawSocket> = stream::iter(0..WEBSOCKETS).map(open).buffer_unordered(32).collect().await;
    let closing: Vec<_> = sockets.into_iter().map(|socket| tokio::spawn(closed(socket))).collect();
    host.signal(Signal::TERM);
    let codes: Vec<u16> = join_all(closing).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(codes.iter().filter(|code| **code == 1001).count(), WEBSOCKETS);
    assert!(host.wait().success(), "all had left before the drain's deadline");
}
