//! FEATURES B1, B2, B3 and B7: who is connected, from any handler of the app; and hibernation explained.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::Value;
use sessile_tests::{App, Host, RawSocket, Socket, Way, each_way, get};

use crate::operate::{connections, tail};

each_way!(
    b01_count_and_list_narrow_by_route_handler_group_and_session,
    b03_send_to_and_to_all_reach_whom_they_mean,
    b02_close_is_told_to_its_handler_once_with_its_code,
    b02_id_of_another_app_is_unknown,
);

const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const TEXT: u8 = 0x81;

/// What an exchange is told of who is connected.
async fn who(host: &Host, words: &str) -> String {
    who_by(host, "/http/who?", words, None).await
}

async fn who_by(host: &Host, path: &str, words: &str, cookie: Option<&str>) -> String {
    let path = format!("{path}q={}", words.replace(' ', "%20"));
    get(host.address(), &path, cookie).await.text().to_owned()
}

fn listed(json: &str) -> Vec<Value> {
    serde_json::from_str(json).unwrap_or_else(|_| panic!("{json}"))
}

fn ids(json: &str) -> BTreeSet<String> {
    listed(json).iter().map(|found| found["id"].as_str().unwrap().to_owned()).collect()
}

/// Asks until this is the answer: what has ended is told to its handler first.
async fn who_until(host: &Host, words: &str, answer: &str) {
    let begun = Instant::now();
    while who(host, words).await != answer {
        assert!(begun.elapsed() < Duration::from_secs(30), "{words} is not {answer}");
    }
}

/// Its id, which it is asked for.
async fn id_of(socket: &mut Socket) -> String {
    let context: Value = serde_json::from_str(&socket.ask("context").await).unwrap();
    context["id"].as_str().unwrap().to_owned()
}

async fn b01_count_and_list_narrow_by_route_handler_group_and_session(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut event = Socket::open(host.address(), "/ws?session=1&x=y").await;
    let mut looped = Socket::open(host.address(), "/loop").await;
    let mut offered =
        Socket::open_with(host.address(), "/ws?subprotocol=chat", &[("sec-websocket-protocol", "chat")]).await.unwrap();
    let cookie = event.cookie().unwrap();
    let (a, b, c) = (id_of(&mut event).await, id_of(&mut looped).await, id_of(&mut offered).await);
    for socket in [&mut looped, &mut offered] {
        assert_eq!(socket.ask("join g").await, "joined");
    }
    let of = |ids: &[&String]| ids.iter().map(|id| (*id).clone()).collect::<BTreeSet<_>>();
    for (which, meant) in [
        ("", of(&[&a, &b, &c])),
        (" route=/ws", of(&[&a, &c])),
        (" route=/loop", of(&[&b])),
        (" route=/", of(&[])),
        (" handler=looped", of(&[&b])),
        (" group=g", of(&[&b, &c])),
        (" group=empty", of(&[])),
        (" group=g route=/ws handler=events", of(&[&c])),
    ] {
        assert_eq!(ids(&who(&host, &format!("list{which}")).await), meant, "{which}");
        assert_eq!(who(&host, &format!("count{which}")).await, meant.len().to_string(), "{which}");
        assert_eq!(event.ask(&format!("who count{which}")).await, meant.len().to_string(), "{which}");
        assert_eq!(ids(&looped.ask(&format!("who list{which}")).await), meant, "{which}");
    }
    // Those that have opened the session of whoever asks.
    assert_eq!(ids(&event.ask("who list session").await), of(&[&a]));
    assert_eq!(looped.ask("who count session").await, "error: the session is not open");
    let by_exchange = async |words, cookie| who_by(&host, "/http/who?session=1&", words, cookie).await;
    assert_eq!(by_exchange("count session", None).await, "0");
    assert_eq!(by_exchange("count session", Some(&cookie)).await, "1");
    assert_eq!(by_exchange("count session group=g", Some(&cookie)).await, "0");
    let long = "x".repeat(101);
    assert_eq!(who(&host, &format!("count group={long}")).await, "error: 101 exceeds the limit of 100");
    // What is told of each.
    let all: BTreeMap<_, _> = listed(&who(&host, "list").await)
        .into_iter()
        .map(|found| (found["id"].as_str().unwrap().to_owned(), found))
        .collect();
    assert_eq!(
        (&all[&a]["path"], &all[&a]["route"], &all[&a]["handler"]),
        (&"/ws".into(), &"/ws".into(), &"events".into())
    );
    assert_eq!(
        (&all[&b]["awake"], &all[&b]["why"]),
        (&true.into(), &"loop style: its instance lives as long as it".into())
    );
    assert_eq!((&all[&c]["subprotocol"], &all[&a]["subprotocol"]), (&"chat".into(), &Value::Null));
    assert!(
        all.values().all(|found| found["state"] == "open" && found["buffered"] == 0 && found["recent"] == true),
        "{all:?}"
    );
    // Who has gone is not connected.
    looped.close(1000, "").await;
    assert_eq!(who(&host, "count group=g").await, "1");
    who_until(&host, "count", "2").await;
    assert_eq!(who(&host, &format!("lookup {b}")).await, "nobody");
}

async fn b03_send_to_and_to_all_reach_whom_they_mean(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut sockets = [Socket::open(host.address(), "/ws").await, Socket::open(host.address(), "/loop").await];
    let (event, looped) = (id_of(&mut sockets[0]).await, id_of(&mut sockets[1]).await);
    assert_eq!(who(&host, &format!("send {event} hello")).await, "queued 5");
    assert_eq!(sockets[0].text().await, "hello");
    // A websocket that sends to another, and to itself.
    assert_eq!(sockets[0].ask(&format!("who send {looped} there")).await, "queued 5");
    assert_eq!(sockets[1].text().await, "there");
    assert_eq!(sockets[1].ask(&format!("who send {looped} own")).await, "own");
    assert_eq!(sockets[1].text().await, "queued 3");
    for (words, answer) in
        [("all everyone", "2 0 0 0"), ("all some route=/loop", "1 0 0 0"), ("all none group=g", "0 0 0 0")]
    {
        assert_eq!(who(&host, words).await, answer);
    }
    assert_eq!(sockets[0].text().await, "everyone");
    assert_eq!((sockets[1].text().await, sockets[1].text().await), ("everyone".into(), "some".into()));
    assert_eq!(sockets[0].ask(&format!("who send {looped} x")).await, "queued 1");
    assert_eq!(sockets[1].text().await, "x");
    assert_eq!(who(&host, &format!("stuff {event} 65537")).await, "error: 65537 exceeds the limit of 65536");
    if way == Way::Concurrent {
        // The same, awaited.
        let awaited = async |words: &str| who_by(&host, "/http/awaited?", words, None).await;
        assert_eq!((awaited("count").await, awaited("count route=/ws").await), ("2".into(), "1".into()));
        assert_eq!(ids(&awaited("list").await), [event.clone(), looped.clone()].into());
        assert_eq!(listed(&format!("[{}]", awaited(&format!("lookup {event}")).await))[0]["handler"], "events");
        assert_eq!(awaited(&format!("send {event} late")).await, "queued 4");
        assert_eq!(awaited("all late").await, "2 0 0 0");
        assert_eq!((sockets[0].text().await, sockets[0].text().await), ("late".into(), "late".into()));
        assert_eq!(sockets[1].text().await, "late");
        assert_eq!(sockets[0].idle_until(awaited(&format!("ping {event}"))).await, "true");
        assert_eq!(awaited(&format!("close {looped} 4002 there")).await, "closing");
        assert_eq!(sockets[1].closed().await, (4002, "there".into()));
    }
}

async fn b02_close_is_told_to_its_handler_once_with_its_code(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut watcher = Socket::open(host.address(), "/ws").await;
    assert_eq!(watcher.ask("join ends").await, "joined");
    for (path, by_exchange) in [("/ws?closes=ends", true), ("/loop?closes=ends", true), ("/ws?closes=ends", false)] {
        let mut socket = Socket::open(host.address(), path).await;
        let id = id_of(&mut socket).await;
        for (words, error) in [
            ("1005", "close code 1005 may not be sent"),
            (&format!("1000 {}", "x".repeat(124)), "124 exceeds the limit of 123"),
        ] {
            assert_eq!(who(&host, &format!("close {id} {words}")).await, format!("error: {error}"));
        }
        // After what is queued.
        assert_eq!(who(&host, &format!("send {id} last")).await, "queued 4");
        let close = format!("close {id} 4001 enough");
        let said = if by_exchange { who(&host, &close).await } else { watcher.ask(&format!("who {close}")).await };
        assert_eq!(said, "closing");
        assert_eq!(socket.text().await, "last");
        assert_eq!(socket.closed().await, (4001, "enough".into()));
        assert_eq!(watcher.text().await, r#"{"code":4001,"reason":"enough"}"#, "{path}");
        who_until(&host, "count", "1").await;
        assert_eq!(
            who(&host, &close).await,
            format!("error: no websocket of this app that is connected has the id {id}")
        );
    }
    // Nothing came between.
    assert_eq!(watcher.ask("marker").await, "marker");
}

async fn b02_id_of_another_app_is_unknown(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let other = App::faults(way);
    other.edit("name = \"faults\"", "name = \"other\"\nprefix = \"/other\"");
    let mut ours = Socket::open(host.address(), "/ws").await;
    let deployed = host.deploy(&other, &[]).await;
    assert!(deployed.status.success(), "{deployed:?}");
    let mut theirs = Socket::open(host.address(), "/other/ws").await;
    let (ours_id, theirs_id) = (id_of(&mut ours).await, id_of(&mut theirs).await);
    assert_eq!((who(&host, "count").await, ours.ask("who count").await), ("1".into(), "1".into()));
    assert_eq!(who_by(&host, "/other/http/who?", "count", None).await, "1");
    assert_eq!(who(&host, &format!("lookup {theirs_id}")).await, "nobody");
    let unknown = format!("error: no websocket of this app that is connected has the id {theirs_id}");
    for words in ["send ID hello", "ping ID", "close ID 4000 no"] {
        assert_eq!(who(&host, &words.replace("ID", &theirs_id)).await, unknown, "{words}");
    }
    assert_eq!(
        (theirs.ask("still").await, theirs.ask(&format!("who lookup {ours_id}")).await),
        ("still".into(), "nobody".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn b01_pages_over_2500_tell_each_that_stays_once() {
    let app = App::faults(Way::Keep);
    // All of them at once are more than an event has to do.
    app.edit("[handlers.fresh]", "[handlers.fresh.limits]\ncpu_ms = 5000\n\n[handlers.fresh]");
    let host = Host::start(&app, Way::Keep);
    let who = async |host: &Host, words: &str| who_by(host, "/fresh/who?", words, None).await;
    let (mut stay, mut come) = (Vec::new(), Vec::new());
    for _ in 0..50 {
        stay.extend(join_all((0..50).map(|_| Socket::open(host.address(), "/ws"))).await);
    }
    assert_eq!(who(&host, "count").await, "2500");
    let lasting = ids(&who(&host, "list").await);
    assert_eq!(lasting.len(), 2500, "three pages and the one behind them");
    let (mut seen, mut after) = (Vec::new(), "-".to_owned());
    loop {
        let page = who(&host, &format!("page {after} 100")).await;
        let Some(last) = page.split(',').rfind(|id| !id.is_empty()) else { break };
        after = last.to_owned();
        seen.extend(page.split(',').map(str::to_owned));
        // Some come, and every other time one goes.
        come.push(Socket::open(host.address(), "/ws").await);
        if come.len() % 2 == 0 {
            come.swap_remove(0).close(1000, "").await;
        }
    }
    assert!(seen.is_sorted(), "ascending");
    let once: BTreeSet<_> = seen.iter().cloned().collect();
    assert_eq!(once.len(), seen.len(), "nobody twice");
    assert!(once.is_superset(&lasting), "{} are missing", lasting.difference(&once).count());
    assert_eq!(who(&host, "page - 0").await, "");
    assert_eq!(who(&host, "page - 5000").await.split(',').count(), 1000, "the most on a page");
    assert_eq!(who(&host, "page ffffffffffffffff 10").await, "");
}

#[tokio::test]
async fn b02_nothing_pings_a_peer_but_a_ping() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let (mut peer, _) = RawSocket::open(host.address(), "/ws", &[]).await;
    let id = ids(&who(&host, "list").await).pop_first().unwrap();
    for words in ["count", "count route=/ws", "list", &format!("lookup {id}"), "page - 10"] {
        assert!(!who(&host, words).await.starts_with("error"), "{words}");
    }
    assert_eq!(who(&host, &format!("send {id} first")).await, "queued 5");
    assert_eq!(peer.next().await, (TEXT, b"first".to_vec()), "no ping before it");
    let ponged = async {
        let (first, payload) = peer.next().await;
        assert_eq!(first, PING);
        peer.send(PONG, &payload).await;
    };
    let ping = format!("ping {id}");
    let pinged = who_by(&host, "/fresh/who?", &ping, None);
    assert_eq!(pinged_and(pinged, ponged).await, "true");
    assert_eq!(who(&host, &format!("send {id} last")).await, "queued 4");
    assert_eq!(peer.next().await, (TEXT, b"last".to_vec()), "one ping for one");
}

async fn pinged_and(pinged: impl Future<Output = String>, meanwhile: impl Future<Output = ()>) -> String {
    futures_util::future::join(pinged, meanwhile).await.0
}

#[tokio::test]
async fn b07_peer_that_answers_no_ping_is_gone_and_its_handler_is_told_once() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mut watcher = Socket::open(host.address(), "/loop").await;
    assert_eq!(watcher.ask("join ends").await, "joined");
    let (_vanished, _) = RawSocket::open(host.address(), "/ws?closes=ends", &[]).await;
    let id = ids(&who(&host, "list route=/ws").await).pop_first().unwrap();
    let ping = format!("ping {id}");
    let pinged = who_by(&host, "/fresh/who?", &ping, None);
    assert_eq!(pinged.await, "error: the websocket has ended with 1006");
    assert_eq!(who(&host, "count").await, "1");
    assert_eq!(who(&host, &format!("lookup {id}")).await, "nobody");
    assert_eq!(watcher.text().await, r#"{"code":1006,"reason":""}"#);
    assert_eq!(watcher.ask("marker").await, "marker");
}

#[tokio::test]
async fn b03_outbox_that_is_full_and_websocket_that_closes_take_nothing_more() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mut slow = RawSocket::open_narrow(host.address(), "/ws").await;
    let id = ids(&who(&host, "list").await).pop_first().unwrap();
    // The kernel may take more a moment after it took none: it is full where it takes none many times over.
    let (mut full, begun) = (0, Instant::now());
    while full < 20 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is never full");
        let none = who(&host, &format!("stuff {id} 65536")).await == "stuffed 0";
        full = if none && who(&host, &format!("send {id} x")).await == "full" { full + 1 } else { 0 };
    }
    assert_eq!(who(&host, "all x").await, "0 1 0 0");
    let found = &listed(&who(&host, "list").await)[0];
    assert!(found["buffered"].as_u64().unwrap() >= 196_608, "{found}");
    assert_eq!(who(&host, &format!("close {id} 4000 full")).await, "closing");
    assert_eq!(listed(&who(&host, "list").await)[0]["state"], "closing");
    assert_eq!(who(&host, &format!("send {id} x")).await, "error: send is illegal while the websocket is closing");
    assert_eq!(
        who(&host, &format!("close {id} 4000 again")).await,
        "error: close is illegal while the websocket is closing"
    );
    assert_eq!(who(&host, "all x").await, "0 0 1 0");
    // All that was queued comes before the close.
    let mut frame = slow.next().await;
    while matches!(frame.0, 0x81 | 0x82) {
        frame = slow.next().await;
    }
    assert_eq!(frame, (0x88, b"\x0f\xa0full".to_vec()));
}

#[tokio::test]
async fn b01_hibernation_is_explained_alike_to_guests_by_connections_and_by_tail() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mut told = tail(&host, "").await;
    let mut socket = Socket::open(host.address(), "/ws").await;
    let id = id_of(&mut socket).await;
    let mut next = async || loop {
        let event = told().await;
        // The instances of the exchanges that ask are nobody's.
        if matches!(event["event"].as_str(), Some("hibernated" | "woken")) {
            assert_eq!(event["id"], id, "{event}");
            return (event["event"].as_str().unwrap().to_owned(), event["why"].as_str().unwrap().to_owned());
        }
    };
    let lookup = async || listed(&format!("[{}]", who(&host, &format!("lookup {id}")).await)).remove(0);
    assert_eq!((&lookup().await["awake"], &lookup().await["why"]), (&true.into(), &"warm, used a moment ago".into()));
    let hibernated = socket.idle_until(next()).await;
    assert_eq!(hibernated, ("hibernated".into(), "idle for 5 s".into()));
    let found = lookup().await;
    assert_eq!((&found["awake"], &found["why"]), (&false.into(), &hibernated.1.as_str().into()));
    let shown = &connections(&host, &[]).await[0];
    assert_eq!((&shown["instance"], &shown["why"]), (&"hibernating".into(), &hibernated.1.as_str().into()));
    // What is sent to it, or asked of its peer, wakes no guest.
    assert_eq!(who(&host, &format!("send {id} asleep")).await, "queued 6");
    assert_eq!(socket.text().await, "asleep");
    let ping = format!("ping {id}");
    let pinged = who(&host, &ping);
    assert_eq!(socket.idle_until(pinged).await, "true");
    assert_eq!(lookup().await["awake"], false);
    // A message does: the first that is told since.
    socket.send("sleep 600000").await;
    assert_eq!(next().await, ("woken".into(), "messages came".into()));
    assert_eq!((&lookup().await["awake"], &lookup().await["why"]), (&true.into(), &"in a call".into()));
}

#[tokio::test]
async fn b01_isolation_that_keeps_no_instance_is_the_reason_to_hibernate() {
    for (isolation, why) in [
        ("event", "isolation = \"event\" keeps no instance"),
        ("shared", "isolation = \"shared\" keeps no instance for it alone"),
    ] {
        let app = App::faults(Way::Keep);
        app.edit("[handlers.events]", &format!("[handlers.events]\nisolation = \"{isolation}\""));
        let host = Host::start(&app, Way::Keep);
        let mut told = tail(&host, "").await;
        let mut socket = Socket::open(host.address(), "/ws").await;
        assert_eq!(socket.ask("x").await, "x");
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let event = told().await;
            if matches!(event["event"].as_str(), Some("hibernated" | "woken")) {
                seen.push((event["event"].as_str().unwrap().to_owned(), event["why"].as_str().unwrap().to_owned()));
            }
        }
        let pair = |word: &str, why: &str| (word.to_owned(), why.to_owned());
        assert_eq!(seen, [pair("hibernated", why), pair("woken", "messages came"), pair("hibernated", why)]);
        assert_eq!(connections(&host, &[]).await[0]["why"], why);
    }
}
