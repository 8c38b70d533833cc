//! `sessile dev` of a fresh project in each language: what is saved is put under the open websocket, what does not compile
//! is told in the language's words, and what a later start of the host serves is what was last put there.

use sessile_tests::{App, Host, Settings, Socket, Way, get};
use tempfile::TempDir;

use super::{edit, has, js};

/// How the room calls who has no name, what it is to call them, and no expression in any language.
const OLD: &str = "\"somebody\"";
const NEW: &str = "\"a stranger\"";
const WRONG: &str = "\"a stranger\" 1";

sessile_tests::languages!(each_language dev_follows_a_new_project_in is_followed);

/// Where the source of a new project is, and what its compiler says of [`WRONG`] in it.
fn source_and_words(language: &str) -> (&'static str, &'static str) {
    match language {
        "rust" => ("src/lib.rs", "found `1`\n  --> src/lib.rs:36:45\n"),
        "c" => ("src/main.c", "src/main.c:32:90: error: expected ':'"),
        "zig" => ("src/main.zig", "src/main.zig:35:66: error: expected ';' after statement"),
        "go" => ("main.go", "./main.go:49:23: syntax error: unexpected literal 1 at end of statement"),
        "js" => ("src/main.js", "error: src/main.js: expecting ';'\n    at src/main.js:30:57"),
        "ts" => ("src/main.ts", "src/main.ts(29,57): error TS1005: ',' expected."),
        "python" => ("src/app.py", "File \"src/app.py\", line 30\n    await sessile.publish(ROOM, "),
        other => panic!("what does the compiler of {other} say?"),
    }
}

async fn is_followed(language: &str, tools: &'static [&'static str]) {
    let skipped = format!("`sessile dev` in {language}");
    if !has(tools, &skipped) {
        return;
    }
    let (app, data) = (App::made("new-room", &["--lang", language]), TempDir::new().unwrap());
    if language == "ts" && !js::has_packages(&app, &skipped) {
        return;
    }
    if language == "c" {
        // Where the output lies beside the sources, as may be, it begins no build of its own.
        app.edit("build/new-room.wasm", "src/new-room.wasm");
    }
    let settings = |command, way| Settings { command, data: Some(data.path()), ..Settings::new(way) };
    changes_are_put_under_the_websocket(language, &app, &Host::start_with(&app, settings("dev", Way::Keep))).await;
    room_is_served(&Host::start_deployed(settings("serve", Way::Amnesia))).await;
}

async fn changes_are_put_under_the_websocket(language: &str, app: &App, host: &Host) {
    let (source, words) = source_and_words(language);
    let log = host.wait_for_log("watching ");
    assert!(!log.contains("warning"), "{log}");
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert!(socket.text().await.starts_with("welcome"));
    assert_eq!(socket.ask("hello").await, "somebody: hello");
    edit(app, source, OLD, NEW);
    socket.idle_until(host.wait_for_build("new-room: version 2 is live")).await;
    assert_eq!(socket.ask("hi").await, "a stranger: hi");
    edit(app, source, NEW, WRONG);
    socket.idle_until(host.wait_for_build("the version before serves on")).await;
    let log = host.wait_for_log(words);
    assert_eq!(socket.ask("ho").await, "a stranger: ho");
    // A save may be told in two pieces; what is built is none.
    let changed: Vec<_> = log.split("changed: ").skip(1).map(|rest| rest.lines().next().unwrap_or_default()).collect();
    assert!(changed.len() >= 2 && changed.iter().all(|path| *path == source), "{log}");
}

async fn room_is_served(host: &Host) {
    let page = get(host.address(), "/", None).await;
    assert!(page.status == 200 && page.text().contains("<title>new-room</title>"), "{page:?}");
    let mut ada = Socket::open(host.address(), "/ws").await;
    let mut other = Socket::open(host.address(), "/ws").await;
    assert!(ada.text().await.starts_with("welcome") && other.text().await.starts_with("welcome"));
    assert_eq!(ada.ask("/name Ada").await, "you are Ada");
    assert_eq!(ada.ask("hello").await, "Ada: hello");
    assert_eq!(other.text().await, "Ada: hello");
    assert_eq!(other.ask("hi").await, "a stranger: hi");
    let cookie = ada.cookie().unwrap();
    let mut again = Socket::open_with(host.address(), "/ws", &[("cookie", &cookie)]).await.unwrap();
    assert!(again.text().await.starts_with("welcome"));
    assert_eq!(again.ask("back").await, "Ada: back");
}
