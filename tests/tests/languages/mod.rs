//! Handlers in other languages than Rust: by hand, with their SDKs, as `sessile new` begins them; and what `sessile build` makes of core modules.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod build;
mod conformance;
mod go;
mod js;
mod python;
mod sdk;
mod tour;
mod two;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use sessile_tests::{App, Host, Settings, Socket, Way, missing};
use tokio_tungstenite::tungstenite::Message;

use crate::tools::{echo_is_served, room_is_served, visits_are_served};

/// What `sessile doctor` asks of a machine that builds C.
const TOOLS: [&str; 4] = ["clang", "wasm-ld", "wasi-libc", "compiler-rt"];

/// Whether C can be built here; says what is skipped where it cannot.
fn has_c(skipped: &str) -> bool {
    has(&TOOLS, skipped)
}

fn has(tools: &'static [&'static str], skipped: &str) -> bool {
    let Some(missing) = missing(tools) else { return true };
    let mut out = std::io::stderr().lock();
    writeln!(out, "SKIPPED {skipped}: {missing} is missing").unwrap();
    false
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Exit code, stdout, stderr.
fn build(app: &App) -> (Option<i32>, String, String) {
    let output = Host::run(&["build", app.path().to_str().unwrap()]);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn built(app: App) -> App {
    let (code, out, errors) = build(&app);
    assert_eq!((code, errors.as_str()), (Some(0), ""), "{out}");
    app
}

fn made(name: &str, style: &str) -> App {
    built(App::made(name, &["--lang", "c", "--style", style]))
}

/// A folder of the repository with a manifest and one source, elsewhere.
fn copied(folder: &str, source: &str) -> App {
    let folder = root().join(folder);
    let manifest = fs::read_to_string(folder.join("sessile.toml")).unwrap();
    let sdk = root().join("guest-sdk/c").canonicalize().unwrap();
    let app = App::new(&manifest.replace("{sdk}", sdk.to_str().unwrap()));
    fs::copy(folder.join(source), app.path().join(source)).unwrap();
    app
}

fn edit(app: &App, source: &str, old: &str, new: &str) {
    let path = app.path().join(source);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "no {old} in {source}");
    fs::write(path, text.replace(old, new)).unwrap();
}

// ---- C by hand, and the projects of `new` --------------------------------------------------

#[tokio::test]
async fn c_by_hand_is_built_and_served() {
    if !has_c("C by hand") {
        return;
    }
    let app = built(copied("examples/c-by-hand", "echo.c"));
    for way in [Way::Keep, Way::Amnesia] {
        let host = Host::start(&app, way);
        let mut socket = Socket::open(host.address(), "/ws").await;
        for message in [Message::text("héllo"), Message::text(""), Message::binary(vec![0; 60_000])] {
            socket.send(message.clone()).await;
            assert!(socket.next().await.unwrap().unwrap() == message);
        }
        assert_eq!(socket.close(4321, "bye").await.0, 4321);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn new_project_in_c_of_each_style_is_built_and_served() {
    if !has_c("projects in C") {
        return;
    }
    // What the same project in Rust is asked.
    room_is_served(&made("new-room", "events")).await;
    echo_is_served(&made("new-echo", "loop")).await;
    visits_are_served(&made("new-visits", "http")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_project_in_zig_of_each_style_is_built_and_served() {
    if !has(&["zig"], "projects in Zig") {
        return;
    }
    let made = |name: &str, style: &str| built(App::made(name, &["--lang", "zig", "--style", style]));
    room_is_served(&made("new-room", "events")).await;
    visits_are_served(&made("new-visits", "http")).await;
    let app = made("new-echo", "loop");
    echo_is_served(&app).await;
    let app = echo_is_taken_over(app, "src/main.zig", "%u: %s", "%u, new: %s").await;
    edit(&app, "src/main.zig", "try check(c.sessile_accept(ws));", "try check(c.sessile_accept(wz));");
    let (code, _, errors) = build(&app);
    assert!(code == Some(2) && errors.contains("src/main.zig:12:"), "{errors}");
}

#[tokio::test]
async fn deploy_of_new_c_takes_over_an_open_loop() {
    if !has_c("a handover in C") {
        return;
    }
    echo_is_taken_over(made("new-echo", "loop"), "src/main.c", "%u: %s", "%u, new: %s").await;
}

/// Edits an echo that counts, and deploys it: the loop of the new code begins anew on the open websocket.
async fn echo_is_taken_over(app: App, source: &str, old: &str, new: &str) -> App {
    let host = Host::start(&app, Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!([socket.ask("a").await, socket.ask("b").await], ["1: a", "2: b"]);
    edit(&app, source, old, new);
    let app = built(app);
    let deployed = host.deploy(&app, &[]).await;
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    assert_eq!(socket.ask("c").await, "1, new: c");
    app
}

#[tokio::test]
async fn dev_puts_saved_c_under_the_open_websocket_and_keeps_what_does_not_compile() {
    if !has_c("`sessile dev` of C") {
        return;
    }
    let app = App::made("room", &["--lang", "c"]);
    // Where the output lies beside the sources, as may be, it begins no build of its own.
    app.edit("build/room.wasm", "src/room.wasm");
    let host = Host::start_with(&app, Settings { command: "dev", ..Settings::new(Way::Keep) });
    host.wait_for_log("watching ");
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert!(socket.text().await.starts_with("welcome"));
    edit(&app, "src/main.c", "%s: %s", "%s says %s");
    host.wait_for_log("version 2 is live");
    assert_eq!(socket.ask("hi").await, "somebody says hi");
    edit(&app, "src/main.c", "SESSILE_TRY(sessile_accept(ws));", "SESSILE_TRY(sessile_accept(wz));");
    let log = host.wait_for_log("the version before serves on");
    assert!(log.contains("src/main.c:16:") && log.contains("undeclared identifier 'wz'"), "{log}");
    assert_eq!(socket.ask("ho").await, "somebody says ho");
    assert!(!log.contains("changed: src/room.wasm"), "{log}");
}
