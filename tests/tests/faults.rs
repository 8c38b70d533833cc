//! Guests that misbehave: each ends alone, by its own limit, and its neighbours do not notice.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sessile_tests::{App, Host, Socket, Way, each_way, get};
use tokio::task::JoinSet;

each_way!(
    faulty_guests_end_alone_while_fifty_others_echo_in_sequence,
    panic_is_reported_under_the_id_that_the_peer_sees,
    fault_before_accept_denies_the_handshake,
    fault_over_http_is_a_500_and_the_next_request_is_served,
    close_event_comes_once_however_it_ends,
);

const BAD: [&str; 4] = ["panic", "spin", "grow", "recurse"];

async fn faulty_guests_end_alone_while_fifty_others_echo_in_sequence(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let (address, done) = (host.address(), Arc::new(AtomicBool::new(false)));
    let mut neighbours = JoinSet::new();
    for index in 0..50 {
        let done = done.clone();
        let path = if index % 2 == 0 { "/ws" } else { "/loop" };
        let mut socket = Socket::open(address, path).await;
        neighbours.spawn(async move {
            let mut number = 0_u64;
            while !done.load(Ordering::Relaxed) || number < 10 {
                let text = format!("{index}-{number}");
                assert_eq!(socket.ask(&text).await, text);
                number += 1;
            }
        });
    }
    for path in ["/ws", "/loop"] {
        for command in BAD {
            let mut socket = Socket::open(address, path).await;
            assert_eq!(socket.ask("first").await, "first");
            socket.send(command).await;
            let (code, reason) = socket.closed().await;
            assert_eq!(code, 1011, "{path} {command}");
            assert!(reason.starts_with("report "), "{reason}");
        }
    }
    done.store(true, Ordering::Relaxed);
    while let Some(neighbour) = neighbours.join_next().await {
        neighbour.expect("every echo came in sequence");
    }
}

async fn panic_is_reported_under_the_id_that_the_peer_sees(way: Way) {
    let host = Host::start(&App::faults(way), way);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send("panic").await;
        let (_, reason) = socket.closed().await;
        let id = reason.strip_prefix("report ").unwrap().to_owned();
        let log = host.wait_for_log(&format!("report={id}"));
        assert!(log.contains("guest says boom"), "{log}");
        assert!(log.contains("wasm backtrace") && log.contains("faults"), "{log}");
        assert!(!reason.contains("boom"));
    }
}

async fn fault_before_accept_denies_the_handshake(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let address = host.address();
    for path in ["/ws", "/loop"] {
        for open in ["panic", "spin", "fail"] {
            let (status, body) = Socket::denied(address, &format!("{path}?open={open}"), &[]).await;
            assert_eq!(status, 500, "{open}");
            assert!(body.contains("report ") && !body.contains("boom"), "{body}");
        }
        assert_eq!(Socket::denied(address, &format!("{path}?open=reject"), &[]).await, (418, "no coffee".into()));
        assert_eq!(Socket::denied(address, &format!("{path}?open=close"), &[]).await.0, 403);
        assert_eq!(Socket::open(address, path).await.ask("well").await, "well");
    }
}

async fn fault_over_http_is_a_500_and_the_next_request_is_served(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let address = host.address();
    for fault in ["panic", "spin", "grow", "fail", "nothing", "status/999", "split"] {
        for route in ["http", "fresh"] {
            let answer = get(address, &format!("/{route}/{fault}"), None).await;
            assert_eq!(answer.status, 500, "{fault}: {}", answer.text());
            assert!(answer.text().contains("Report ") && !answer.text().contains("boom"), "{}", answer.text());
            assert_eq!(get(address, &format!("/{route}/status/201"), None).await.status, 201);
        }
    }
    assert_eq!(get(address, "/http/slow/5000", None).await.status, 504);
    assert_eq!(get(address, "/http/slow/10", None).await.text(), "slow");
}

async fn close_event_comes_once_however_it_ends(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let address = host.address();
    let mut witness = Socket::open(address, "/ws").await;
    assert_eq!(witness.ask("join closes").await, "joined");
    let open = || Socket::open(address, "/ws?closes=closes");

    assert_eq!(open().await.close(4001, "bye").await.0, 4001);
    assert_eq!(witness.text().await, r#"{"code":4001,"reason":"bye"}"#);

    let mut panics = open().await;
    panics.send("panic").await;
    assert_eq!(panics.closed().await.0, 1011);
    let told = witness.text().await;
    assert!(told.starts_with(r#"{"code":1011,"reason":"report "#), "{told}");

    let mut closes = open().await;
    closes.send("close 4002 done").await;
    assert_eq!(closes.closed().await, (4002, "done".into()));
    assert_eq!(witness.text().await, r#"{"code":4002,"reason":"done"}"#);

    drop(open().await);
    assert_eq!(witness.text().await, r#"{"code":1006,"reason":""}"#);

    let looped = Socket::open(address, "/loop?closes=closes").await;
    assert_eq!(looped.close(4003, "").await.0, 4003);
    assert_eq!(witness.text().await, r#"{"code":4003,"reason":""}"#);
    assert_eq!(witness.ask("and no more").await, "and no more");
}
