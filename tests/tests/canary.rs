//! A version beside the current one: whom it serves, and how it ends.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Output;

use futures_util::future::join_all;
use serde_json::Value;
use sessile_tests::{App, Host, Settings, Socket, Way, get};
use tempfile::TempDir;

/// A bound that a busy machine does not pass.
const P99: &str = "p99_percent = 10000";
/// Websockets that a share is counted over.
const MANY: usize = 200;

/// A version whose websockets and page say which it is.
fn manifest(letter: &str) -> String {
    let handler = |name, export| {
        format!("[handlers.{name}]\ncomponent = \"{{components}}/swap_{letter}.wasm\"\nexport = \"{export}\"\n")
    };
    format!(
        "[app]\nname = \"c\"\n[rollback]\n{P99}\n[[routes]]\npath = \"/ws\"\nhandler = \"events\"\n\
         [[routes]]\npath = \"/loop\"\nhandler = \"looped\"\n[[routes]]\npath = \"/page\"\nfiles = \"page\"\n{}{}",
        handler("events", "websocket-events"),
        handler("looped", "websocket-handler")
    )
}

/// The version of this letter, to be deployed.
fn write(app: &App, letter: &str) {
    app.write(&manifest(letter));
    std::fs::write(app.path().join("page"), letter).unwrap();
}

fn app() -> App {
    let app = App::new(&manifest("a"));
    write(&app, "a");
    app
}

/// Deploys version b beside version a.
async fn canary(app: &App, host: &Host, share: &str) {
    write(app, "b");
    succeed(&host.deploy(app, &["--canary", share]).await);
}

#[track_caller]
fn succeed(output: &Output) {
    assert!(output.status.success(), "{}", said(output));
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

async fn fleet(host: &Host, path: &str) -> Vec<Socket> {
    join_all((0..MANY).map(|_| Socket::open(host.address(), path))).await
}

/// Which of them version b answers.
async fn by_canary(sockets: &mut [Socket], text: &str) -> Vec<bool> {
    join_all(sockets.iter_mut().map(|socket| async { socket.ask(text).await.starts_with("b:") })).await
}

fn count(of: &[bool]) -> usize {
    of.iter().filter(|one| **one).count()
}

async fn listed(host: &Host) -> Value {
    let apps = host.command_to(&["apps", "--json"]).await;
    let apps = String::from_utf8(apps.stdout).unwrap();
    let mut apps = apps.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    apps.find(|app| app["app"] == "c").unwrap()
}

async fn current(host: &Host) -> u64 {
    listed(host).await["version"].as_u64().unwrap()
}

#[tokio::test]
async fn canary_serves_its_share_of_live_and_new_websockets_until_it_is_promoted() {
    let app = app();
    let host = Host::start(&app, Way::Keep);
    for path in ["/ws", "/loop"] {
        let mut sockets = fleet(&host, path).await;
        assert_eq!(count(&by_canary(&mut sockets, "x").await), 0);
        canary(&app, &host, "30%").await;
        let first = by_canary(&mut sockets, "x").await;
        assert!((25..95).contains(&count(&first)), "{path}: {}", count(&first));
        assert_eq!(by_canary(&mut sockets, "x").await, first, "{path}: each stays where it is");
        let mut new = fleet(&host, path).await;
        let among_new = count(&by_canary(&mut new, "x").await);
        assert!((25..95).contains(&among_new), "{path}: {among_new}");
        let app_info = listed(&host).await;
        assert_eq!(app_info["canary"]["share"], 30, "{app_info}");
        let wider = host.command_to(&["promote", "c", "--share", "60%"]).await;
        assert!(said(&wider).contains("is live for 60%"), "{}", said(&wider));
        let more = by_canary(&mut sockets, "x").await;
        assert!(first.iter().zip(&more).all(|(before, now)| *now || !*before), "who is served by it stays there");
        assert!((85..155).contains(&count(&more)), "{path}: {}", count(&more));
        let (before, beside) = (current(&host).await, listed(&host).await["canary"]["version"].as_u64().unwrap());
        succeed(&host.command_to(&["promote"]).await);
        assert_eq!(count(&by_canary(&mut sockets, "x").await), MANY);
        assert_eq!((current(&host).await, before < beside), (beside, true));
        // The next path begins with version a again.
        write(&app, "a");
        succeed(&host.deploy(&app, &[]).await);
    }
    let audit = std::fs::read_to_string(host.data().join("audit.jsonl")).unwrap();
    for action in
        ["\"action\":\"canary\",\"version\":2,\"share\":30}", "\"action\":\"promote\",\"from\":1,\"version\":2}"]
    {
        assert!(audit.contains(action), "{audit}");
    }
}

#[tokio::test]
async fn websockets_of_an_aborted_canary_go_back_with_what_they_hold() {
    let app = app();
    let host = Host::start(&app, Way::Keep);
    let mut sockets = fleet(&host, "/ws").await;
    let mut loops = fleet(&host, "/loop").await;
    canary(&app, &host, "50%").await;
    let events = by_canary(&mut sockets, "x").await;
    let looped = by_canary(&mut loops, "x").await;
    assert!(count(&events) > 0 && count(&looped) > 0);
    let aborted = host.command_to(&["abort", "c"]).await;
    assert_eq!(said(&aborted), "c: version 1 is live alone (version 2 was the canary)\n");
    for (socket, moved) in sockets.iter_mut().zip(&events) {
        assert_eq!(socket.ask("trail").await, if *moved { "a:a>b1>a2" } else { "a:a" });
    }
    for (socket, moved) in loops.iter_mut().zip(&looped) {
        assert_eq!(socket.ask("trail").await, if *moved { "a:>a>b>a" } else { "a:>a" });
    }
    assert_eq!(listed(&host).await.get("canary"), None);
}

#[tokio::test]
async fn session_is_served_by_one_version_over_http_and_websocket() {
    let app = app();
    let host = Host::start(&app, Way::Keep);
    canary(&app, &host, "50%").await;
    let mut letters = Vec::new();
    for number in 0..16 {
        // An id as a browser presents it, whether or not the host knows it.
        let cookie = format!("sessile={number:064x}");
        let page = get(host.address(), "/page", Some(&cookie)).await.text().to_owned();
        for path in ["/ws", "/ws", "/loop"] {
            let mut socket = Socket::open_with(host.address(), path, &[("cookie", &cookie)]).await.unwrap();
            assert_eq!(socket.ask("x").await, format!("{page}:x"));
        }
        letters.push(page);
    }
    assert!(letters.iter().any(|letter| letter == "a") && letters.iter().any(|letter| letter == "b"), "{letters:?}");
    // Without a session, all from one address.
    let first = get(host.address(), "/page", None).await.text().to_owned();
    for _ in 0..20 {
        assert_eq!(get(host.address(), "/page", None).await.text(), first);
    }
}

/// A version with the one handler of this component.
fn only(component: &str) -> String {
    format!(
        "[app]\nname = \"c\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n\
         [handlers.v]\nexport = \"websocket-events\"\ncomponent = \"{{components}}/{component}.wasm\"\n"
    )
}

fn audit(host: &Host) -> String {
    std::fs::read_to_string(host.data().join("audit.jsonl")).unwrap()
}

#[tokio::test]
async fn canary_that_traps_is_aborted_by_itself_and_its_messages_are_answered() {
    let app = App::new(&only("version_a"));
    let host = Host::start(&app, Way::Keep);
    let mut sockets = fleet(&host, "/ws").await;
    app.write(&only("swap_trap"));
    succeed(&host.deploy(&app, &["--allow-new-grants", "--canary", "50%"]).await);
    for socket in &mut sockets {
        assert_eq!(socket.ask("1").await, "a:1");
    }
    host.wait_for_log("the canary was aborted app=\"c\" version=2 current=1 by=\"host\"");
    for socket in &mut sockets {
        assert_eq!(socket.ask("2").await, "a:2");
    }
    assert_eq!(current(&host).await, 1);
    let audit = audit(&host);
    assert!(audit.lines().last().unwrap().contains("\"by\":\"host\",\"app\":\"c\",\"action\":\"abort\""), "{audit}");
}

/// A canary is compared with the version that is current; where that goes, it goes too, and first.
#[tokio::test]
async fn rollback_by_itself_beside_a_canary_ends_the_canary_first() {
    let app = App::new(&only("version_a"));
    let host = Host::start(&app, Way::Keep);
    let mut sockets = fleet(&host, "/ws").await;
    app.write(&only("swap_trap"));
    succeed(&host.deploy(&app, &["--allow-new-grants"]).await);
    app.write(&only("version_b"));
    succeed(&host.deploy(&app, &["--allow-new-grants", "--canary", "50%"]).await);
    for socket in &mut sockets {
        let answer = socket.ask("1").await;
        assert!(["a:1", "b:1"].contains(&answer.as_str()), "{answer}");
    }
    host.wait_for_log("rolled back app=\"c\" from=2 version=1 by=\"host\"");
    for socket in &mut sockets {
        assert_eq!(socket.ask("2").await, "a:2");
    }
    let audit = audit(&host);
    let last: Vec<_> = audit.lines().rev().take(2).collect();
    assert!(last[1].contains("\"action\":\"abort\",\"version\":3"), "{audit}");
    assert!(last[0].contains("\"action\":\"rollback\",\"from\":2,\"version\":1"), "{audit}");
}

#[tokio::test]
async fn canary_whose_p99_is_past_the_bound_is_aborted_by_itself() {
    let app = app();
    let host = Host::start(&app, Way::Keep);
    let mut sockets = fleet(&host, "/ws").await;
    write(&app, "b");
    app.edit(P99, "p99_percent = 150");
    succeed(&host.deploy(&app, &["--canary", "50%"]).await);
    // Bounded: three times 200 calls of each version are enough.
    for _ in 0..20 {
        by_canary(&mut sockets, "work").await;
        if listed(&host).await.get("canary").is_none() {
            break;
        }
    }
    host.wait_for_log("the canary was aborted app=\"c\" version=2 current=1 by=\"host\"");
    assert_eq!(count(&by_canary(&mut sockets, "x").await), 0);
}

#[tokio::test]
async fn change_that_a_canary_does_not_allow_is_refused_with_the_way_out() {
    let (app, data) = (app(), TempDir::new().unwrap());
    let settings = || Settings { data: Some(data.path()), ..Settings::new(Way::Keep) };
    let other = manifest("a").replace("name = \"c\"", "name = \"other\"\nprefix = \"/other\"");
    let first = App::new(&other);
    std::fs::write(first.path().join("page"), "other").unwrap();
    let host = Host::start_with(&first, settings());
    let refused = |output: Output, why: &str| {
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains(why), "{}", said(&output));
    };
    refused(host.deploy(&app, &["--canary", "10%"]).await, "'c' is not served yet");
    succeed(&host.deploy(&app, &[]).await);
    refused(host.command_to(&["promote", "c"]).await, "'c' has no canary");
    refused(host.command_to(&["abort", "c"]).await, "'c' has no canary");
    app.write(&manifest("b").replace("name = \"c\"", "name = \"c\"\nprefix = \"/b\""));
    refused(host.deploy(&app, &["--canary", "10%"]).await, "deploy without --canary");
    canary(&app, &host, "99").await;
    let decide = "version 2 of 'c' is a canary; `sessile promote c` or `sessile abort c` first";
    refused(host.deploy(&app, &[]).await, decide);
    refused(host.deploy(&app, &["--canary", "20%"]).await, decide);
    refused(host.command_to(&["rollback", "c"]).await, decide);
    for share in ["0%", "100%", "x"] {
        let wrong = host.deploy(&app, &["--canary", share]).await;
        assert_eq!(wrong.status.code(), Some(2));
        assert!(said(&wrong).contains("1% to 99%"), "{}", said(&wrong));
    }
    // A restart ends it; its version is kept.
    drop(host);
    let host = Host::start_deployed(settings());
    assert_eq!((current(&host).await, listed(&host).await.get("canary").is_none()), (1, true));
    succeed(&host.command_to(&["rollback", "c", "--number", "2"]).await);
    assert_eq!(Socket::open(host.address(), "/ws").await.ask("x").await, "b:x");
}
