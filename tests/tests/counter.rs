//! `examples/counter` and the session rows C1-C4 and C7: one session over HTTP and WebSocket.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;

use futures_util::future::join_all;
use sessile_tests::{App, Host, Settings, Socket, Way, both_ways, get};
use tempfile::TempDir;

both_ways!(
    counter_is_the_same_over_http_and_websocket,
    counter_survives_a_restart_of_the_host,
    parallel_increments_of_one_session_are_all_counted,
    session_opened_before_accept_sets_its_cookie_on_the_101,
    planted_id_is_not_adopted,
);

async fn count(address: SocketAddr, cookie: &str) -> u64 {
    get(address, "/", Some(cookie)).await.text().parse().unwrap()
}

async fn counter_is_the_same_over_http_and_websocket(way: Way) {
    let host = Host::start(&App::example("counter"), way);
    let first = get(host.address(), "/", None).await;
    let cookie = first.cookie().expect("a cookie");
    assert_eq!((first.text(), count(host.address(), &cookie).await), ("1", 2));

    let headers = [("cookie", cookie.as_str())];
    let open = || Socket::open_with(host.address(), "/ws", &headers);
    let (mut one, mut other) = (open().await.unwrap(), open().await.unwrap());
    assert!(one.response.headers().get("set-cookie").is_none());
    assert_eq!(one.ask("get").await, "2");
    assert_eq!((one.ask("add").await, one.ask("add").await), ("3".into(), "4".into()));
    assert_eq!(other.ask("get").await, "2", "unsaved changes are seen by their websocket alone");
    assert_eq!(one.ask("save").await, "saved 3");
    assert_eq!(other.ask("get").await, "4");
    assert_eq!(count(host.address(), &cookie).await, 5);
}

async fn counter_survives_a_restart_of_the_host(way: Way) {
    let (app, data) = (App::example("counter"), TempDir::new().unwrap());
    let start = || Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
    let host = start();
    let cookie = get(host.address(), "/", None).await.cookie().unwrap();
    host.signal(rustix::process::Signal::TERM);
    assert!(host.wait().success());
    let host = start();
    assert_eq!(count(host.address(), &cookie).await, 2);
}

async fn parallel_increments_of_one_session_are_all_counted(way: Way) {
    let host = Host::start(&App::example("counter"), way);
    let cookie = get(host.address(), "/", None).await.cookie().unwrap();
    let add = || async {
        for _ in 0..20 {
            count(host.address(), &cookie).await;
        }
    };
    join_all((0..50).map(|_| add())).await;
    assert_eq!(count(host.address(), &cookie).await, 1002);
}

async fn session_opened_before_accept_sets_its_cookie_on_the_101(way: Way) {
    let host = Host::start(&App::example("counter"), way);
    let mut socket = Socket::open(host.address(), "/ws").await;
    let set = socket.response.headers().get("set-cookie").expect("a cookie on the 101").to_str().unwrap().to_owned();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && !set.contains("Secure"), "{set}");
    let cookie = set.split(';').next().unwrap().to_owned();
    assert_eq!(count(host.address(), &cookie).await, 1, "the session is the websocket's, though unsaved");
    assert_eq!(socket.ask("add").await, "2");
    assert_eq!(socket.ask("save").await, "saved 2");
    assert_eq!(count(host.address(), &cookie).await, 3);
}

async fn planted_id_is_not_adopted(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let planted = format!("sessile={}", "ab".repeat(32));
    let given = get(host.address(), "/http/session/set?k=a&v=1", Some(&planted)).await.cookie().unwrap();
    assert_ne!(given, planted, "an id that the host never gave is not adopted");
}
