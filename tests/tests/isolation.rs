//! What an instance serves in its life, and what all of them together may hold.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use futures_util::future::join_all;
use hyper::StatusCode;
use serde_json::Value;
use sessile_tests::{App, Host, Settings, Socket, Way, get};
use tokio_tungstenite::tungstenite::Message;

use crate::metrics::counted;

sessile_tests::run! { keep, Keep,
    connection_keeps_its_instance_to_itself
    shared_instances_serve_anyone_one_after_the_other
    shared_instance_that_traps_or_holds_much_serves_nobody_again
    event_meets_an_instance_of_its_own
}

sessile_tests::run! { concurrent, Concurrent,
    shared_instances_serve_anyone_one_after_the_other
    event_meets_an_instance_of_its_own
}

fn isolated(way: Way, isolation: &str) -> (App, Host) {
    let app = App::faults(way);
    let keys = format!("[handlers.events]\nisolation = \"{isolation}\"\nlimits = {{ cpu_ms = 5000 }}");
    app.edit("[handlers.events]", &keys);
    app.edit("[handlers.fresh]", &format!("[handlers.fresh]\nisolation = \"{isolation}\""));
    let host = Host::start(&app, way);
    (app, host)
}

/// Asks, and returns once the call is over: an answer may be there before its instance is free.
async fn ask(host: &Host, socket: &mut Socket, text: &str) -> String {
    let answer = socket.ask(text).await;
    while whys(host).await.iter().any(|why| why == "in a call") {}
    answer
}

/// Why each of the live websockets is awake or hibernates.
async fn whys(host: &Host) -> Vec<Value> {
    let listed = host.command_to(&["connections", "--json"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["why"].clone()).collect()
}

/// Two websockets that each ask four times, in turn, how many messages their instance has met.
async fn met(host: &Host) -> Vec<[String; 2]> {
    let mut one = Socket::open(host.address(), "/ws").await;
    let mut other = Socket::open(host.address(), "/ws").await;
    let mut met = Vec::new();
    for _ in 0..4 {
        met.push([ask(host, &mut one, "events").await, ask(host, &mut other, "events").await]);
    }
    met
}

async fn connection_keeps_its_instance_to_itself(way: Way) {
    let (_app, host) = isolated(way, "connection");
    assert_eq!(met(&host).await, [["1", "1"], ["2", "2"], ["3", "3"], ["4", "4"]]);
}

async fn shared_instances_serve_anyone_one_after_the_other(way: Way) {
    let (_app, host) = isolated(way, "shared");
    assert_eq!(met(&host).await, [["1", "2"], ["3", "4"], ["5", "6"], ["7", "8"]]);
    let mut held = "holds 1".to_owned();
    // An answer may be there before its instance is free: the next one then meets another.
    for _ in 0..20 {
        held = get(host.address(), "/fresh/hold/1", None).await.text().to_owned();
        if held != "holds 1" {
            break;
        }
    }
    assert_eq!(held, "holds 2");
    // Who is in a call has its instance alone.
    let mut sockets = join_all((0..20).map(|_| Socket::open(host.address(), "/ws"))).await;
    let slept = join_all(sockets.iter_mut().map(|socket| socket.ask("sleep 200"))).await;
    assert!(slept.iter().all(|answer| answer == "slept"));
    let mut wrong = Socket::open(host.address(), "/ws").await;
    wrong.send("stranger").await;
    assert_eq!(wrong.closed().await.0, 1011, "an instance reaches the websocket that it serves, and no other");
}

async fn shared_instance_that_traps_or_holds_much_serves_nobody_again(way: Way) {
    let (_app, host) = isolated(way, "shared");
    let [mut one, mut other] = [Socket::open(host.address(), "/ws").await, Socket::open(host.address(), "/ws").await];
    let events = async |socket: &mut Socket| ask(&host, socket, "events").await;
    assert_eq!((events(&mut one).await, events(&mut other).await), ("1".into(), "2".into()));
    one.send("panic").await;
    assert_eq!(one.closed().await.0, 1011);
    // Its close is told to an instance, too.
    while whys(&host).await.len() > 1 {}
    assert_eq!(events(&mut other).await, "1");
    assert_eq!(ask(&host, &mut other, "hold 70").await, "holds 70");
    assert_eq!(events(&mut other).await, "1", "it held more than half of what it may");
    assert_eq!(ask(&host, &mut other, "hold 1").await, "holds 1");
    assert_eq!(events(&mut other).await, "3");
}

async fn event_meets_an_instance_of_its_own(way: Way) {
    let (_app, host) = isolated(way, "event");
    assert_eq!(met(&host).await, [["1", "1"], ["1", "1"], ["1", "1"], ["1", "1"]]);
    for _ in 0..2 {
        assert_eq!(get(host.address(), "/fresh/hold/1", None).await.text(), "holds 1");
    }
}

/// How many messages come in one call is not the guest's doing.
#[tokio::test]
async fn burst_of_messages_has_a_cpu_budget_for_each() {
    let host = Host::start(&App::faults_with(Way::Keep, "limits = { cpu_ms = 40 }"), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    // Some milliseconds each; together some hundred.
    for _ in 0..64 {
        socket.send("turn 4").await;
    }
    for _ in 0..64 {
        assert_eq!(socket.text().await, "turned 4000000");
    }
}

#[test]
fn loop_that_would_share_its_instance_is_refused() {
    let app = App::faults(Way::Keep);
    app.edit("[handlers.looped]", "[handlers.looped]\nisolation = \"event\"");
    let refused = Host::run(&["serve", app.path().to_str().unwrap(), "--listen", "127.0.0.1:0"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("a loop-style handler has one instance for each"), "{said}");
}

/// Each wants what would be enough for four, and time is no matter: they are served or sent away, and the host stays in its bounds.
#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_guests_that_want_their_cap_are_served_or_refused_with_1013() {
    const MIB: u64 = 1 << 20;
    let app =
        App::faults_with(Way::Keep, "limits = { cpu_ms = 5000, deadline_ms = 120_000, memory_bytes_max = 67_108_864 }");
    let host = Host::start_with(&app, Settings::guest_memory(Way::Keep, 256));
    let mut sockets = Vec::new();
    for _ in 0..40 {
        sockets.extend(join_all((0..50).map(|_| Socket::open(host.address(), "/ws"))).await);
    }
    let before = host.resident_bytes();
    let ends = join_all(sockets.iter_mut().map(|socket| async {
        socket.send("hold 56 100").await;
        match socket.next().await {
            Some(Ok(Message::Text(_))) => None,
            Some(Ok(Message::Close(Some(close)))) => Some(u16::from(close.code)),
            other => panic!("{other:?}"),
        }
    }))
    .await;
    let grown = host.resident_bytes() - before;
    let refused: Vec<_> = ends.iter().flatten().collect();
    // Those that grow at once may all fail each other.
    let blamed: Vec<_> = refused.iter().filter(|code| ***code != 1013).collect();
    assert!(!refused.is_empty() && blamed.is_empty(), "{blamed:?} of {}: {}", refused.len(), host.log());
    // What ended instances leave is at most half as much again; then stacks.
    assert!(grown < 448 * MIB, "{} MiB", grown / MIB);
    host.wait_for_log("the instances have their 256 MiB of linear memory");
    // What they had is given back.
    assert_eq!(Socket::open(host.address(), "/ws").await.ask("hold 56 0").await, "holds 56");
    // Over HTTP it is 503; and whoever needs little is served.
    assert_eq!(get(host.address(), "/fresh/hold/10", None).await.text(), "holds 10");
    assert_eq!(get(host.address(), "/fresh/grow", None).await.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(Socket::open(host.address(), "/ws").await.ask("x").await, "x");
    drop(host);
    let host = Host::start_with(&app, Settings::guest_memory(Way::Keep, 64));
    assert_eq!(get(host.address(), "/fresh/grow", None).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get(host.address(), "/fresh/hold/1", None).await.text(), "holds 1");
}

/// The bound is there, and says what raises it; who leaves makes room.
#[tokio::test(flavor = "multi_thread")]
async fn loop_past_the_ceiling_is_refused_by_name_of_what_bounds_it() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mut sockets = Vec::new();
    while sockets.len() < sessile::limits::PINNED_INSTANCES_MAX {
        sockets.extend(join_all((0..50).map(|_| Socket::open(host.address(), "/loop"))).await);
    }
    let (status, page) = Socket::denied(host.address(), "/loop", &[]).await;
    assert_eq!(status, 503, "{page}");
    host.wait_for_log("vm.max_map_count");
    assert_eq!(Socket::open(host.address(), "/ws").await.ask("x").await, "x");
    let left = sockets.pop().unwrap();
    left.close(1000, "").await;
    // The loop is told of the close, and ends, after its peer has the answer to it.
    let room = sessile::limits::PINNED_INSTANCES_MAX - 1;
    counted(&host, "sessile_instances_pinned", room as f64).await;
    assert_eq!(Socket::open(host.address(), "/loop").await.ask("x").await, "x");
}
