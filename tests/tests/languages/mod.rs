//! Handlers in all languages: by hand, with their SDKs, as `sessile new` begins them and `sessile dev` follows; and what
//! `sessile build` makes of core modules.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

/// A test for each language of the table, and for TypeScript: `languages!(each_language module test)`, of a test that is
/// told the language and its tools.
macro_rules! each_language {
    ($module:ident $test:ident $($folder:ident { $($field:ident: $value:expr,)* })*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $folder() {
                super::$test(stringify!($folder), sessile_tests::Language::of(stringify!($folder)).tools).await;
            })*

            #[tokio::test(flavor = "multi_thread")]
            async fn ts() {
                super::$test("ts", &["node", "npm"]).await;
            }
        }
    };
}

mod build;
mod conformance;
mod dev;
mod go;
mod js;
mod python;
mod sdk;
mod tour;
mod two;

use std::fs;
use std::io::Write as _;
use std::path::Path;

use sessile_tests::{App, Host, Socket, Way, missing};
use tokio_tungstenite::tungstenite::Message;

use crate::tools::{echo_is_served, visits_are_served};

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

/// As an editor saves it: whoever watches sees no half of it.
fn edit(app: &App, source: &str, old: &str, new: &str) {
    let path = app.path().join(source);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(old), "no {old} in {source}");
    let beside = app.path().join(".edited");
    fs::write(&beside, text.replace(old, new)).unwrap();
    fs::rename(beside, path).unwrap();
}

/// Of a guest with a `publication-handler` on `/ws`. It joins the group `watched`, with the metadata `"Ada"`, and publishes there what
/// its peer says. What is published it sends as `GROUP OFFSET TEXT`, and who comes as `METADATA of TOTAL`; of the text `fail` it
/// fails.
async fn publications_are_told(app: App) {
    app.edit("[app]", "[groups.\"watched\"]\nhistory = true\npresence = true\n[app]");
    for way in [Way::Keep, Way::Amnesia] {
        let host = Host::start(&app, way);
        let mut ada = Socket::open(host.address(), "/ws").await;
        assert_eq!(ada.text().await, "\"Ada\" of 1");
        let mut other = Socket::open(host.address(), "/ws").await;
        for socket in [&mut ada, &mut other] {
            assert_eq!(socket.text().await, "\"Ada\" of 2");
        }
        for (offset, text) in [(1, "hällo"), (2, "again")] {
            other.send(text).await;
            for socket in [&mut ada, &mut other] {
                assert_eq!(socket.text().await, format!("watched {offset} {text}"));
            }
        }
        ada.send("fail").await;
        for socket in [&mut ada, &mut other] {
            assert_eq!(socket.closed().await.0, 1011);
        }
        host.wait_for_log("told to fail");
    }
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
async fn new_project_in_c_of_loop_and_http_style_is_built_and_served() {
    if !has_c("projects in C") {
        return;
    }
    // What the same project in Rust is asked.
    echo_is_served(&made("new-echo", "loop")).await;
    visits_are_served(&made("new-visits", "http")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn new_project_in_zig_of_loop_and_http_style_is_built_and_served() {
    if !has(&["zig"], "projects in Zig") {
        return;
    }
    let made = |name: &str, style: &str| built(App::made(name, &["--lang", "zig", "--style", style]));
    visits_are_served(&made("new-visits", "http")).await;
    let app = made("new-echo", "loop");
    echo_is_served(&app).await;
    echo_is_taken_over(app, "src/main.zig", "%u: %s", "%u, new: %s").await;
}

#[tokio::test]
async fn deploy_of_new_c_takes_over_an_open_loop() {
    if !has_c("a handover in C") {
        return;
    }
    echo_is_taken_over(made("new-echo", "loop"), "src/main.c", "%u: %s", "%u, new: %s").await;
}

/// Edits an echo that counts, and deploys it: the loop of the new code begins anew on the open websocket.
async fn echo_is_taken_over(app: App, source: &str, old: &str, new: &str) {
    let host = Host::start(&app, Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!([socket.ask("a").await, socket.ask("b").await], ["1: a", "2: b"]);
    edit(&app, source, old, new);
    let app = built(app);
    let deployed = host.deploy(&app, &[]).await;
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    assert_eq!(socket.ask("c").await, "1, new: c");
}
