//! What whoever runs a host sees of its websockets, and how they end by their hand: listed, followed, closed, drained.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeSet;
use std::process::Output;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use rustix::process::Signal;
use serde_json::Value;
use sessile_tests::{App, Host, Socket, Way, both_ways, get};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

both_ways!(
    list_shows_what_each_websocket_is_and_has_done,
    list_shows_the_version_that_a_websocket_has_moved_to,
    close_by_the_start_of_an_id_reaches_that_websocket_alone,
    tail_sees_a_websocket_from_its_opening_to_its_close,
    undeploy_closes_the_websockets_of_its_app_alone,
);

fn lettered(letter: &str) -> String {
    format!(
        "[app]\nname = \"v\"\nprefix = \"/v\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n\
         [handlers.v]\ncomponent = \"{{components}}/version_{letter}.wasm\"\n"
    )
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

pub(crate) async fn connections(host: &Host, more: &[&str]) -> Vec<Value> {
    let listed = host.command_to(&[&["connections", "--json"], more].concat()).await;
    assert!(listed.status.success(), "{}", said(&listed));
    String::from_utf8(listed.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The listing, once a websocket of it is so: what is written or called is told when it is over, a moment after the
/// peer has seen it.
async fn connections_when(host: &Host, so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    let begun = Instant::now();
    loop {
        let listed = connections(host, &[]).await;
        if so(&listed) {
            return listed;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{listed:?}");
    }
}

async fn list_shows_what_each_websocket_is_and_has_done(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut event = Socket::open(host.address(), "/ws?x=1").await;
    let mut looped = Socket::open(host.address(), "/loop?session=1").await;
    for text in ["one", "two"] {
        assert_eq!(event.ask(text).await, text);
    }
    assert_eq!(looped.ask("session new").await, "true");
    looped.send("flood 3").await;
    for number in ["0", "1", "2"] {
        assert_eq!(looped.text().await, number);
    }
    let settled = |listed: &[Value]| {
        let sent = |at: usize, count: u64| listed[at]["sent"] == count;
        listed.len() == 2 && sent(0, 2) && sent(1, 4) && listed[0]["why"] != "in a call"
    };
    let listed = connections_when(&host, settled).await;
    let (first, second) = (&listed[0], &listed[1]);
    let kept = way != Way::Amnesia;
    let instance =
        if kept { ("awake", "warm, used a moment ago") } else { ("hibernating", "--amnesia keeps no instance") };
    assert_eq!((first["instance"].as_str().unwrap(), first["why"].as_str().unwrap()), instance);
    assert_eq!((&first["path"], &first["handler"], &first["app"]), (&"/ws".into(), &"events".into(), &"faults".into()));
    assert_eq!((&first["received"], &first["version"], &first["state"]), (&2.into(), &1.into(), &"open".into()));
    assert_eq!((&first["session"], &first["outbox_bytes"]), (&Value::Null, &0.into()));
    assert!(first["peer"].as_str().unwrap().starts_with("127.0.0.1:"), "{first}");
    assert_eq!(
        (&second["path"], &second["received"], &second["instance"]),
        (&"/loop".into(), &2.into(), &"awake".into())
    );
    assert_eq!(second["why"], "loop style: its instance lives as long as it");
    assert_eq!(second["session"].as_str().unwrap().len(), 12);
    // While it is in a call, it says so.
    event.send("sleep 600000").await;
    connections_when(&host, |listed| listed[0]["why"] == "in a call" && listed[0]["instance"] == "awake").await;
    assert_eq!(connections(&host, &["faults", "--limit", "1"]).await.len(), 1);
    let shown = said(&host.command_to(&["connections", "--limit", "1"]).await);
    assert!(shown.contains("/ws") && shown.contains("1 of 2; --limit shows more"), "{shown}");
    let apps = host.command_to(&["apps", "--json"]).await;
    assert_eq!(serde_json::from_slice::<Value>(&apps.stdout).unwrap()["websockets"], 2);
    let stranger = host.command_to(&["connections", "stranger"]).await;
    assert!(
        !stranger.status.success() && said(&stranger).contains("no app is named 'stranger'"),
        "{}",
        said(&stranger)
    );
}

async fn list_shows_the_version_that_a_websocket_has_moved_to(way: Way) {
    let app = App::new(&lettered("a"));
    let host = Host::start(&app, way);
    let mut socket = Socket::open(host.address(), "/v/ws").await;
    let version = async || connections(&host, &["v"]).await[0]["version"].as_u64().unwrap();
    assert_eq!((socket.ask("x").await, version().await), ("a:x".into(), 1));
    app.write(&lettered("b"));
    assert!(host.deploy(&app, &[]).await.status.success());
    assert_eq!(version().await, 1, "nothing has happened to it since");
    assert_eq!((socket.ask("x").await, version().await), ("b:x".into(), 2));
}

async fn close_by_the_start_of_an_id_reaches_that_websocket_alone(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let (mut closed, mut other) =
        (Socket::open(host.address(), "/ws").await, Socket::open(host.address(), "/loop").await);
    let listed = connections(&host, &[]).await;
    let id = listed.iter().find(|listed| listed["path"] == "/ws").unwrap()["id"].as_str().unwrap().to_owned();
    for (args, code, named) in [
        (vec!["close", &id, "--code", "1005"], 1, "close code 1005 may not be sent"),
        (vec!["close", &id, "--reason", &"x".repeat(124)], 1, "124 bytes exceeds the limit of 123"),
        (vec!["close", "0000000000000000"], 1, "no live websocket has the id '0000000000000000'"),
        (vec!["close", "../apps"], 1, "does not begin an id"),
    ] {
        let refused = host.command_to(&args).await;
        assert_eq!(refused.status.code(), Some(code), "{}", said(&refused));
        assert!(said(&refused).contains(named), "{}", said(&refused));
    }
    assert_eq!((closed.ask("x").await, other.ask("x").await), ("x".into(), "x".into()));
    let ids: BTreeSet<_> = listed.iter().map(|listed| listed["id"].as_str().unwrap()).collect();
    let digits = (1..16).find(|digits| ids.iter().filter(|other| other.starts_with(&id[..*digits])).count() == 1);
    let start = &id[..digits.unwrap()];
    let done = host.command_to(&["close", start, "--code", "4001", "--reason", "enough"]).await;
    assert_eq!(said(&done), format!("{id}: closed with 4001\n"));
    assert_eq!(closed.closed().await, (4001, "enough".into()));
    assert_eq!(other.ask("y").await, "y");
    let audit = std::fs::read_to_string(host.data().join("audit.jsonl")).unwrap();
    let last: Value = serde_json::from_str(audit.lines().last().unwrap()).unwrap();
    assert_eq!((&last["action"], &last["websocket"], &last["app"]), (&"close".into(), &id.into(), &"faults".into()));
}

/// Returns once the host takes commands, which it does before it answers anybody.
async fn started(host: &Host) {
    assert_eq!(get(host.address(), "/-/live", None).await.status, 200);
}

/// Follows what happens on a host, from the moment that this returns.
pub(crate) async fn tail(host: &Host, query: &str) -> impl AsyncFnMut() -> Value + use<> {
    started(host).await;
    let mut stream = UnixStream::connect(host.data().join("admin.sock")).await.unwrap();
    stream.write_all(format!("GET /v1/tail{query} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut lines = BufReader::new(stream).lines();
    let first = lines.next_line().await.unwrap().unwrap();
    assert_eq!(first, "HTTP/1.1 200 OK");
    while lines.next_line().await.unwrap().is_some_and(|line| !line.is_empty()) {}
    async move || loop {
        let next = tokio::time::timeout(Duration::from_secs(30), lines.next_line()).await;
        let line = next.expect("an event in time").unwrap().unwrap();
        // Between the lines of JSON are those of HTTP's chunks.
        if line.starts_with('{') {
            return serde_json::from_str(&line).unwrap();
        }
    }
}

async fn tail_sees_a_websocket_from_its_opening_to_its_close(way: Way) {
    let app = App::faults(way);
    let host = Host::start(&app, way);
    let mut next = tail(&host, "").await;
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!(socket.ask("stderr a line").await, "ok");
    socket.send("panic").await;
    let (code, reason) = socket.closed().await;
    let opened = next().await;
    let id = opened["id"].as_str().unwrap().to_owned();
    assert_eq!((&opened["event"], &opened["path"], &opened["version"]), (&"opened".into(), &"/ws".into(), &1.into()));
    let (mut seen, mut texts) = (Vec::new(), Vec::new());
    let closed = loop {
        let event = next().await;
        assert_eq!(event["id"], id, "{event}");
        match event["event"].as_str().unwrap() {
            "log" => texts.push(event["text"].as_str().unwrap().to_owned()),
            "closed" => break event,
            "hibernated" | "woken" => {}
            _ => seen.push(event),
        }
    };
    let words: Vec<_> = seen.iter().map(|event| event["event"].as_str().unwrap()).collect();
    assert_eq!(words, ["delivered", "delivered", "failed"], "{seen:?}");
    assert_eq!((&seen[0]["messages"], &seen[0]["bytes"]), (&1.into(), &"stderr a line".len().into()));
    assert!(seen[0]["micros"].as_u64().unwrap() > 0);
    assert_eq!(reason, format!("report {}", seen[2]["report"].as_str().unwrap()));
    assert!(seen[2]["fault"].as_str().unwrap().contains("guest says boom"), "{}", seen[2]);
    assert_eq!(texts[0], "a line");
    assert_eq!((closed["code"].as_u64().unwrap(), u64::from(code)), (1011, 1011));
    assert_eq!((&closed["received"], &closed["sent"]), (&2.into(), &1.into()));
    // Loop style has no call for each message; a deploy is told with who did it.
    let mut looped = Socket::open(host.address(), "/loop").await;
    assert_eq!(looped.ask("hello").await, "hello");
    assert_eq!(next().await["event"], "opened");
    let delivered = next().await;
    assert_eq!((&delivered["bytes"], &delivered["micros"]), (&5.into(), &Value::Null));
    let mut of_one = tail(&host, &format!("?id={}", delivered["id"].as_str().unwrap())).await;
    app.edit("[app]", "# again\n[app]");
    assert!(host.deploy(&app, &[]).await.status.success());
    let deployed = next().await;
    assert_eq!((&deployed["event"], &deployed["version"]), (&"deployed".into(), &2.into()));
    assert_eq!((&deployed["previous"], &deployed["by"]), (&1.into(), &sessile::admin::user().into()));
    assert!(host.command_to(&["rollback", "faults"]).await.status.success());
    let back = next().await;
    assert_eq!((&back["event"], &back["version"], &back["from"]), (&"rolled-back".into(), &1.into(), &2.into()));
    looped.close(1000, "").await;
    assert_eq!(of_one().await["event"], "closed", "what happened to others was left out");
}

#[tokio::test]
async fn tail_by_the_command_line_ends_by_interrupt_and_well() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    started(&host).await;
    let data = host.data().to_str().unwrap();
    let mut child = Host::spawn(&["tail", "--to", data]);
    let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    assert_eq!(first_line(err).await, "following; Ctrl-C ends it\n");
    let _socket = Socket::open(host.address(), "/ws").await;
    let line = first_line(out).await;
    assert!(line.contains("faults 1 events  opened       /ws from 127.0.0.1:"), "{line}");
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), Signal::INT).unwrap();
    assert!(child.wait().unwrap().success());
}

async fn first_line(from: impl std::io::Read + Send + 'static) -> String {
    let read = move || {
        let mut line = String::new();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(from), &mut line).unwrap();
        line
    };
    tokio::task::spawn_blocking(read).await.unwrap()
}

async fn undeploy_closes_the_websockets_of_its_app_alone(way: Way) {
    let host = Host::start(&App::faults(way), way);
    started(&host).await;
    assert!(host.deploy(&App::new(&lettered("a")), &[]).await.status.success());
    let mut other = Socket::open(host.address(), "/v/ws").await;
    let mut sockets = [Socket::open(host.address(), "/ws").await, Socket::open(host.address(), "/loop").await];
    assert!(host.command_to(&["undeploy", "faults"]).await.status.success());
    for socket in &mut sockets {
        assert_eq!(socket.closed().await, (1001, "the app was undeployed".into()));
    }
    assert_eq!(other.ask("x").await, "a:x");
    connections_when(&host, |listed| listed.len() == 1 && listed[0]["app"] == "v").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_closes_many_websockets_some_at_a_time() {
    let host = Host::start(&App::new(&lettered("a")), Way::Keep);
    let mut sockets = Vec::new();
    for _ in 0..6 {
        sockets.extend(join_all((0..50).map(|_| Socket::open(host.address(), "/v/ws"))).await);
    }
    host.signal(Signal::TERM);
    let closed =
        sockets.into_iter().map(|mut socket| tokio::spawn(async move { (socket.closed().await.0, Instant::now()) }));
    let closed: Vec<_> = join_all(closed.collect::<Vec<_>>()).await.into_iter().map(Result::unwrap).collect();
    assert!(closed.iter().all(|(code, _)| *code == 1001), "{closed:?}");
    let (first, last) = (closed.iter().map(|(_, at)| at).min(), closed.iter().map(|(_, at)| at).max());
    let took = *last.unwrap() - *first.unwrap();
    assert!(took > Duration::from_secs(1), "all within {took:?}");
    assert!(host.wait().success());
}

#[tokio::test]
async fn second_sigterm_ends_the_drain_at_once() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    // A call that goes on for as long as its deadline lets it holds the drain.
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send("sleep 600000").await;
    connections_when(&host, |listed| listed[0]["why"] == "in a call").await;
    host.signal(Signal::TERM);
    assert_eq!(socket.closed().await.0, 1001);
    host.signal(Signal::TERM);
    host.wait_for_log("a second signal");
    assert!(host.wait().success());
}
