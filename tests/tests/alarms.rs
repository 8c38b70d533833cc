//! Alarms: durable, at least once, without a websocket and without an instance.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::{Duration, Instant};

use rustix::process::Signal;
use sessile_tests::{App, Host, Settings, Socket, Way, both_ways, get};
use tempfile::TempDir;

use crate::metrics::{counted, scrape};

both_ways!(
    alarm_of_a_session_rings_without_a_websocket_and_keeps_no_instance,
    alarm_that_fails_or_traps_rings_again_with_a_rising_attempt,
    alarm_is_replaced_cancelled_and_listed_by_pages,
    alarm_set_before_a_swap_rings_the_new_version,
    alarm_follows_its_session_to_a_new_id_and_ends_with_it,
    alarms_acknowledged_survive_a_kill,
);

fn manifest(component: &str, more: &str) -> String {
    format!(
        "[app]\nname = \"a\"\n[[routes]]\npath = \"/ws\"\nhandler = \"h\"\n\
         [[routes]]\npath = \"/{{rest...}}\"\nhandler = \"h\"\n\
         [handlers.h]\ncomponent = \"{{components}}/{component}.wasm\"\n{more}"
    )
}

fn app() -> App {
    App::new(&manifest("alarms", ""))
}

/// Asks over HTTP, as the browser that holds the cookie.
async fn ask(host: &Host, path: &str, cookie: Option<&str>) -> String {
    get(host.address(), path, cookie).await.text().to_owned()
}

/// A browser with a session that is saved.
async fn login(host: &Host) -> String {
    let answer = get(host.address(), "/login", None).await;
    assert_eq!(answer.text(), "in");
    answer.cookie().unwrap()
}

/// A websocket that hears what rings.
async fn hears(host: &Host) -> Socket {
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!(socket.text().await, "hears");
    socket
}

async fn alarm_of_a_session_rings_without_a_websocket_and_keeps_no_instance(way: Way) {
    // The instance of the deploy's trial is so one for HTTP, and the login takes it.
    let app = App::new(&manifest("alarms", "export = \"http-handler\"\n"));
    let host = Host::start(&app, way);
    let cookie = login(&host).await;
    let cookie = Some(cookie.as_str());
    assert_eq!(ask(&host, "/set?name=done&ms=50&payload=session", cookie).await, "set");
    assert_eq!(ask(&host, "/get?name=done", None).await, "none", "nobody else's");
    assert_eq!(ask(&host, "/await?keys=done", cookie).await, "there");
    assert_eq!(ask(&host, "/get?name=done", cookie).await, "1");
    assert_eq!(ask(&host, "/set?name=far&ms=3600000&payload=session", cookie).await, "set");
    counted(&host, "sessile_alarms_rang_total{app=\"a\"}", 1.0).await;
    counted(&host, "sessile_alarms_waiting{app=\"a\"}", 1.0).await;
    // None waits for the other.
    counted(&host, "sessile_instances", 0.0).await;
    assert_eq!(ask(&host, "/set?name=c&payload=cycle", cookie).await, "set");
    assert_eq!(ask(&host, "/await?keys=c", cookie).await, "there");
    assert_eq!(ask(&host, "/get?name=c", cookie).await, "unreachable", "an alarm has no cookie to give");
    // Without a session that can be found again there is nothing to ring for.
    assert_eq!(ask(&host, "/set?name=done", None).await, "the session is not open");
}

async fn alarm_that_fails_or_traps_rings_again_with_a_rising_attempt(way: Way) {
    let host = Host::start(&app(), way);
    let mut socket = hears(&host).await;
    for (name, payload) in [("f", "fail:2"), ("t", "trap:1"), ("s", "stranger:1")] {
        let begun = Instant::now();
        assert_eq!(ask(&host, &format!("/set?of=app&name={name}&payload={payload}"), None).await, "set");
        let calls = if name == "f" { 3 } else { 2 };
        for call in 1..=calls {
            assert_eq!(socket.text().await, format!("alarms {name} {call}"));
        }
        let least = if name == "f" { 1500 } else { 500 };
        assert!(begun.elapsed() >= Duration::from_millis(least), "{name}: {:?}", begun.elapsed());
    }
    // What a call that failed has changed in the session is not saved.
    let cookie = login(&host).await;
    assert_eq!(ask(&host, "/set?name=s&payload=session:1", Some(&cookie)).await, "set");
    assert_eq!(ask(&host, "/await?keys=s", Some(&cookie)).await, "there");
    assert_eq!(ask(&host, "/get?name=s", Some(&cookie)).await, "2");
    host.wait_for_log("the handler failed: as told");
    let (_, metrics) = scrape(&host).await;
    assert_eq!(metrics["sessile_alarms_failed_total{app=\"a\"}"], 5.0);
    assert_eq!(metrics["sessile_traps_total{app=\"a\"}"], 2.0, "one of them for a session that it does not have");
}

async fn alarm_is_replaced_cancelled_and_listed_by_pages(way: Way) {
    let host = Host::start(&app(), way);
    let mut socket = hears(&host).await;
    for name in ["b", "c", "a"] {
        assert_eq!(ask(&host, &format!("/set?of=app&name={name}&ms=3600000"), None).await, "set");
    }
    assert_eq!(ask(&host, "/list?of=app", None).await, "a:1,b:1,c:1");
    assert_eq!(ask(&host, "/list?of=app&after=a&limit=1", None).await, "b:1");
    assert_eq!(ask(&host, "/cancel?of=app&name=b", None).await, "true");
    assert_eq!(ask(&host, "/cancel?of=app&name=b", None).await, "false");
    assert_eq!(ask(&host, "/set?of=app&name=c", None).await, "set", "in place of the one that is far away");
    assert_eq!(socket.text().await, "alarms c 1");
    // Set anew by its own call: the end of that call does not end it.
    assert_eq!(ask(&host, "/set?of=app&name=x&payload=again", None).await, "set");
    assert_eq!(socket.text().await, "alarms x 1");
    assert_eq!(socket.text().await, "alarms x 1");
    let listed = String::from_utf8(host.command_to(&["alarms", "--json"]).await.stdout).unwrap();
    assert!(listed.contains("\"name\":\"a\"") && !listed.contains("\"name\":\"b\""), "{listed}");
    for (asked, said) in [
        (format!("/set?of=app&name={}", "n".repeat(101)), "101 exceeds the limit of 100"),
        ("/set?of=app&payload=x&times=16385".to_owned(), "16385 exceeds the limit of 16384"),
    ] {
        assert_eq!(ask(&host, &asked, None).await, said);
    }
}

async fn alarm_set_before_a_swap_rings_the_new_version(way: Way) {
    let (app, data) = (app(), TempDir::new().unwrap());
    let settings = || Settings { data: Some(data.path()), ..Settings::new(way) };
    let host = Host::start_with(&app, settings());
    let mut socket = hears(&host).await;
    assert_eq!(ask(&host, "/set?of=app&name=n&ms=3000", None).await, "set");
    app.write(&manifest("alarms_b", ""));
    assert!(host.deploy(&app, &[]).await.status.success());
    assert_eq!(socket.text().await, "alarms-b n 1");
    // One that was due while the host was down rings once it is up.
    assert_eq!(ask(&host, "/set?of=app&name=late&ms=1", None).await, "set");
    assert_eq!(socket.text().await, "alarms-b late 1");
    assert_eq!(ask(&host, "/set?of=app&name=late&ms=1500", None).await, "set");
    host.signal(Signal::KILL);
    host.wait();
    let host = Host::start_with(&app, settings());
    host.wait_for_log("rang: alarms-b late 1");
}

async fn alarm_follows_its_session_to_a_new_id_and_ends_with_it(way: Way) {
    let host = Host::start(&app(), way);
    let old = login(&host).await;
    assert_eq!(ask(&host, "/set?name=kept&ms=1000&payload=session", Some(&old)).await, "set");
    let new = get(host.address(), "/cycle", Some(&old)).await.cookie().unwrap();
    assert_ne!(old, new);
    assert_eq!(ask(&host, "/list", Some(&new)).await, "kept:1");
    assert_eq!(ask(&host, "/await?keys=kept", Some(&new)).await, "there");
    let gone = login(&host).await;
    assert_eq!(ask(&host, "/set?name=gone&ms=1000&payload=session", Some(&gone)).await, "set");
    assert_eq!(ask(&host, "/logout", Some(&gone)).await, "out");
    // Of two that are due, the first is dropped before the second rings.
    let mut socket = hears(&host).await;
    assert_eq!(ask(&host, "/set?of=app&name=after&ms=1500", None).await, "set");
    assert_eq!(socket.text().await, "alarms after 1");
    counted(&host, "sessile_alarms_waiting{app=\"a\"}", 0.0).await;
}

/// A hundred kills each way, each after some alarms were set and while others ring: whatever was acknowledged rings, before
/// the kill or after it.
async fn alarms_acknowledged_survive_a_kill(way: Way) {
    let (app, data) = (app(), TempDir::new().unwrap());
    let (mut cookie, mut acknowledged) = (None::<String>, Vec::<String>::new());
    for round in 0..=100_u64 {
        let host = Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
        if cookie.is_none() {
            cookie = Some(login(&host).await);
        }
        let held = cookie.as_deref();
        if !acknowledged.is_empty() {
            let keys = acknowledged.join(",");
            assert_eq!(ask(&host, &format!("/await?keys={keys}"), held).await, "there", "round {round}: {keys}");
            assert_eq!(ask(&host, "/clear", held).await, "cleared");
        }
        if round == 100 {
            return;
        }
        let (told, mut heard) = tokio::sync::watch::channel(Vec::new());
        let (address, mine) = (host.address(), cookie.clone());
        let setting = tokio::spawn(async move {
            // Within what a session may hold.
            for number in 0..100 {
                let name = format!("r{round}-{number}");
                let path = format!("/set?name={name}&ms={}&payload=session", number % 5 * 20);
                let Some(answer) = try_get(address, &path, mine.as_deref()).await else { return };
                assert_eq!(answer, "set");
                told.send_modify(|names: &mut Vec<String>| names.push(name));
            }
        });
        heard.wait_for(|names| names.len() as u64 > round % 9).await.unwrap();
        host.signal(Signal::KILL);
        host.wait();
        // Whoever sets meets a connection that breaks, no more.
        tokio::time::timeout(Duration::from_secs(10), setting).await.unwrap().unwrap();
        acknowledged = heard.borrow().clone();
    }
}

/// The body of an answer that came whole.
async fn try_get(address: std::net::SocketAddr, path: &str, cookie: Option<&str>) -> Option<String> {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    let cookie = cookie.unwrap_or_default();
    let head = format!("GET {path} HTTP/1.1\r\nhost: a\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    (head.starts_with("HTTP/1.1 200") && !body.is_empty()).then(|| body.to_owned())
}

/// The store as it is found, a day after the manifest's alarm was last due.
#[tokio::test(flavor = "multi_thread")]
async fn alarm_of_the_manifest_that_was_missed_rings_once_at_start_and_ends_with_its_version() {
    let cron = "[[alarms]]\nname = \"daily\"\ncron = \"0 3 * * *\"\nhandler = \"h\"\n";
    let (app, data) = (App::new(&manifest("alarms", cron)), TempDir::new().unwrap());
    let settings = || Settings { data: Some(data.path()), ..Settings::new(Way::Keep) };
    let host = Host::start_with(&app, settings());
    let listed = async |host: &Host| String::from_utf8(host.command_to(&["alarms"]).await.stdout).unwrap();
    assert_eq!(ask(&host, "/list?of=app", None).await, "", "no guest's");
    assert_eq!(ask(&host, "/cancel?of=app&name=daily", None).await, "false");
    while !listed(&host).await.contains("daily") {}
    host.signal(Signal::TERM);
    assert!(host.wait().success());
    let file = rusqlite::Connection::open(data.path().join("apps/a/alarms.db")).unwrap();
    assert_eq!(file.execute("UPDATE alarms SET due = due - 86400000000000, next = due - 86400000000000", []), Ok(1));
    drop(file);
    let host = Host::start_with(&app, settings());
    host.wait_for_log("rang: alarms daily 1");
    while !listed(&host).await.contains("03:00") {}
    assert_eq!(host.log().matches("rang: alarms daily").count(), 1);
    app.write(&manifest("alarms", ""));
    assert!(host.deploy(&app, &[]).await.status.success());
    while listed(&host).await.contains("daily") {}
}
