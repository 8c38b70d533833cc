//! A host's life: deploys under live websockets, drain, crash.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use futures_util::future::join_all;
use rustix::process::Signal;
use sessile_tests::{App, Host, Settings, Socket, Way, both_ways, get};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

both_ways!(
    deploy_moves_fifty_live_websockets_and_loses_no_message,
    deploy_of_what_is_invalid_keeps_the_running_version,
    sigterm_closes_websockets_with_1001_and_ends_well,
    saves_acknowledged_survive_a_kill,
);

fn version(name: &str) -> String {
    format!(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n\
         [handlers.v]\ncomponent = \"{{components}}/version_{name}.wasm\"\n"
    )
}

async fn deploy_moves_fifty_live_websockets_and_loses_no_message(way: Way) {
    let app = App::new(&version("a"));
    let host = Host::start(&app, way);
    let address = host.address();
    let mut sockets = join_all((0..50).map(|_| Socket::open(address, "/ws"))).await;
    for socket in &mut sockets {
        assert_eq!(socket.ask("1").await, "a:1");
    }
    app.write(&version("b"));
    // Messages under way while the version changes: each is answered once, in order, and once the
    // new code has answered, the old does not come back.
    let talk = |mut socket: Socket| async move {
        let mut number = 2;
        let mut moved_at = None;
        while moved_at.is_none_or(|at| number < at + 10) {
            let answer = socket.ask(&number.to_string()).await;
            let (by, said) = answer.split_once(':').unwrap();
            assert_eq!(said, number.to_string());
            match (by, moved_at) {
                ("b", None) => moved_at = Some(number),
                ("b", Some(_)) | ("a", None) => {}
                _ => panic!("version {by} answered after b"),
            }
            number += 1;
        }
        socket
    };
    let talking = tokio::spawn(join_all(sockets.into_iter().map(talk)));
    host.signal(Signal::HUP);
    host.wait_for_log("deployed app=\"v\" version=2");
    let mut sockets = talking.await.expect("no message was lost");
    for socket in &mut sockets {
        assert_eq!(socket.ask("last").await, "b:last");
    }
}

async fn deploy_of_what_is_invalid_keeps_the_running_version(way: Way) {
    let app = App::new(&version("a"));
    let host = Host::start(&app, way);
    let mut socket = Socket::open(host.address(), "/ws").await;
    for (manifest, code, named) in [
        (version("a").replace("component =", "komponent ="), 2, "unknown key 'komponent'"),
        (version("none"), 2, "version_none.wasm"),
        (version("a").replace("version_a", "stranger"), 1, "stranger:thing/api"),
        (version("a").replace("version_a", "mute"), 1, "exports no handler"),
    ] {
        app.write(&manifest);
        let output = host.deploy(&app, &[]).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(named), "{said}");
        assert_eq!(socket.ask("x").await, "a:x");
    }
    app.write(&version("b"));
    let output = host.deploy(&app, &[]).await;
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("v: version 2 is live"), "{said}");
    assert_eq!(socket.ask("x").await, "b:x");
}

async fn sigterm_closes_websockets_with_1001_and_ends_well(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let address = host.address();
    let mut sockets = Vec::new();
    for path in ["/ws", "/loop"] {
        for _ in 0..10 {
            sockets.push(Socket::open(address, path).await);
        }
    }
    let mut slow = Vec::new();
    for _ in 0..20 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(b"GET /http/slow/500 HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.unwrap();
        slow.push(stream);
    }
    // Connections are accepted in their order: once this one is answered, those are there.
    assert_eq!(get(address, "/http/none", None).await.status.as_u16(), 404);
    host.signal(Signal::TERM);
    for socket in &mut sockets {
        assert_eq!(socket.closed().await.0, 1001);
    }
    // An exchange may have begun before the drain, and is then finished, or after, and is then told.
    for mut stream in slow {
        let mut answer = String::new();
        timeout(Duration::from_secs(30), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
        assert!(["HTTP/1.1 200", "HTTP/1.1 503"].iter().any(|status| answer.starts_with(status)), "{answer}");
    }
    assert!(host.wait().success());
}

/// A hundred kills each way, each after some saves and in the middle of another.
async fn saves_acknowledged_survive_a_kill(way: Way) {
    let (app, data) = (App::example("counter"), TempDir::new().unwrap());
    let (mut cookie, mut acknowledged) = (None::<String>, 0_u64);
    for round in 0..100 {
        let host = Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
        if cookie.is_none() {
            let first = get(host.address(), "/", None).await;
            acknowledged = first.text().parse().unwrap();
            cookie = first.cookie();
        }
        let held = [("cookie", cookie.as_deref().unwrap())];
        let mut socket = Socket::open_with(host.address(), "/ws", &held).await.unwrap();
        let found: u64 = socket.ask("get").await.parse().unwrap();
        assert!(found >= acknowledged, "round {round}: {found} found, {acknowledged} acknowledged");
        let (told, mut heard) = tokio::sync::watch::channel(found);
        let writing = tokio::spawn(add_and_save(socket, told));
        heard.wait_for(|count| *count > found + round % 7).await.unwrap();
        host.signal(Signal::KILL);
        host.wait();
        // The writer meets a broken socket, no more.
        let _broken = tokio::time::timeout(Duration::from_secs(10), writing).await;
        acknowledged = *heard.borrow();
    }
}

/// Adds and saves until the host is gone; tells each count whose save was acknowledged.
async fn add_and_save(mut socket: Socket, told: tokio::sync::watch::Sender<u64>) {
    loop {
        if socket.try_send("add").await.is_err() {
            return;
        }
        let Some(Ok(added)) = socket.next().await else { return };
        let last: u64 = added.into_text().unwrap().parse().unwrap();
        if socket.try_send("save").await.is_err() {
            return;
        }
        let Some(Ok(saved)) = socket.next().await else { return };
        assert!(saved.into_text().unwrap().starts_with("saved "));
        told.send_replace(last);
    }
}
