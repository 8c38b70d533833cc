//! What guests use is counted: for each websocket, each session, each app.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use hyper::Request;
use serde_json::Value;
use sessile_tests::{App, Host, Socket, Way, each_way, get, request};

each_way!(websocket_is_charged_its_messages_cpu_and_memory, session_is_charged_what_its_websockets_use);

/// The lines of a listing, once they are so.
async fn listed(host: &Host, args: &[&str], so: impl Fn(&[Value]) -> bool) -> Vec<Value> {
    loop {
        let listed = host.command_to(args).await;
        let listed = String::from_utf8(listed.stdout).unwrap();
        let lines: Vec<_> = listed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        if so(&lines) {
            return lines;
        }
    }
}

async fn websocket_is_charged_its_messages_cpu_and_memory(way: Way) {
    let app = App::faults_with(way, "limits = { cpu_ms = 5000 }");
    let host = Host::start(&app, way);
    for (websocket, path) in ["/ws", "/loop"].into_iter().enumerate() {
        let mut socket = Socket::open(host.address(), path).await;
        assert_eq!(socket.ask("hold 9").await, "holds 9");
        assert_eq!(socket.ask("é").await, "é");
        let idle = |lines: &[Value]| lines.len() == 1 && lines[0]["sent"] == 2 && lines[0]["why"] != "in a call";
        let line = listed(&host, &["connections", "--json"], idle).await.remove(0);
        assert_eq!((&line["received"], &line["received_bytes"]), (&2.into(), &8.into()), "{line}");
        assert_eq!((&line["sent"], &line["sent_bytes"]), (&2.into(), &9.into()), "{line}");
        assert!(line["cpu_micros"].as_u64().unwrap() > 0, "{line}");
        let memory = line["memory_bytes_max"].as_u64().unwrap();
        assert!((9 << 20..16 << 20).contains(&memory), "{line}");
        socket.close(1000, "").await;
        let ended = |lines: &[Value]| lines[0]["websockets"] == 0;
        let app = listed(&host, &["apps", "--json"], ended).await.remove(0);
        let times = websocket as u64 + 1;
        assert_eq!((&app["received"], &app["received_bytes"]), (&(2 * times).into(), &(8 * times).into()), "{app}");
        assert_eq!(app["sent_bytes"], 9 * times, "{app}");
        assert!(app["memory_bytes_max"].as_u64().unwrap() >= 9 << 20, "{app}");
    }
    let body = "x".repeat(1000);
    let posted = Request::post("/http/echo").header("host", "x").body(body.into()).unwrap();
    assert_eq!(request(host.address(), posted).await.text().len(), 1000);
    assert_eq!(get(host.address(), "/http/status/200", None).await.text(), "200");
    let all = |lines: &[Value]| lines[0]["exchanges"] == 2;
    let app = listed(&host, &["apps", "--json"], all).await.remove(0);
    assert_eq!((&app["received_bytes"], &app["sent_bytes"]), (&1016.into(), &1021.into()), "{app}");
}

async fn session_is_charged_what_its_websockets_use(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut first = Socket::open(host.address(), "/ws?session=1").await;
    let cookie = first.cookie().unwrap();
    let mut second = Socket::open_with(host.address(), "/ws?session=1", &[("cookie", &cookie)]).await.unwrap();
    let mut other = Socket::open(host.address(), "/ws?session=1").await;
    let _none = Socket::open(host.address(), "/ws").await;
    assert_eq!(second.ask("4321").await, "4321");
    for socket in [&mut first, &mut second, &mut other] {
        assert_eq!(socket.ask("1234").await, "1234");
    }
    let all = |lines: &[Value]| lines.iter().map(|line| line["sent"].as_u64().unwrap()).sum::<u64>() == 4;
    let mut sessions = listed(&host, &["connections", "--by-session", "--json"], all).await;
    sessions.sort_by_key(|session| session["websockets"].as_u64());
    let figures = |of: &Value| (of["websockets"].as_u64(), of["received"].as_u64(), of["received_bytes"].as_u64());
    assert_eq!(sessions.len(), 2, "{sessions:?}");
    assert_eq!(figures(&sessions[0]), (Some(1), Some(1), Some(4)));
    assert_eq!(figures(&sessions[1]), (Some(2), Some(3), Some(12)));
    let shown = host.command_to(&["connections", "--by-session"]).await;
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.lines().count(), 3, "{shown}");
    assert!(shown.contains(sessions[1]["session"].as_str().unwrap()), "{shown}");
}
