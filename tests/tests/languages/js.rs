//! Handlers in JavaScript and TypeScript: as `sessile new` begins them, and what these languages alone have.

use std::fs;
use std::io::Write as _;
use std::process::Command;

use sessile_tests::{App, Host, Socket, Way, get};

use super::{build, built, edit, has, publications_are_told, root};
use crate::tools::{echo_is_served, visits_are_served};

fn made(name: &str, style: &str) -> App {
    built(App::made(name, &["--lang", "js", "--style", style]))
}

#[tokio::test(flavor = "multi_thread")]
async fn new_project_in_js_of_loop_and_http_style_is_built_and_served() {
    visits_are_served(&made("new-visits", "http")).await;
    let app = made("new-echo", "loop");
    echo_is_served(&app).await;
    let host = Host::start(&app, Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!([socket.ask("a").await, socket.ask("b").await], ["1: a", "2: b"]);
    let (_, out, _) = build(&app);
    assert!(out.contains("nothing to do, no source is newer"), "{out}");
    edit(&app, "src/main.js", "`${count}: ", "`${count}, new: ");
    let deployed = host.deploy(&built(app), &[]).await;
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    assert_eq!(socket.ask("c").await, "1, new: c", "the loop of the new code has begun anew");
}

#[test]
fn build_of_js_that_is_wrong_shows_the_words_of_the_language_with_file_and_line() {
    let app = App::made("echo", &["--lang", "js", "--style", "loop"]);
    let source = fs::read_to_string(app.path().join("src/main.js")).unwrap();
    for (old, new, said) in [
        ("let count = 0;", "let count 0;", "error: src/main.js: expecting ';'\n    at src/main.js:11:"),
        (
            "export default {",
            "none.x;\nexport default {",
            "error: src/main.js: none is not defined\n    at <anonymous> (src/main.js:7:",
        ),
        ("async loop(ws)", "async lop(ws)", "error: src/main.js: the script exports none of the handlers message, "),
        (
            "export default {",
            "import 'left-pad';\nexport default {",
            "'left-pad', which is neither 'sessile' nor a file",
        ),
        ("export default {", "import './x.js';\nexport default {", "src/x.js: No such file"),
        (
            "export default {",
            "import { x } from 'sessile';\nexport default {",
            "Could not find export 'x' in module 'sessile:index.js'",
        ),
    ] {
        edit(&app, "src/main.js", old, new);
        let (code, _, errors) = build(&app);
        assert!(code == Some(2) && errors.contains(said), "{said:?} is not in: {errors}");
        assert!(errors.trim_end().ends_with("error: handler 'echo': its build failed with exit status: 2"), "{errors}");
        fs::write(app.path().join("src/main.js"), &source).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn shared_handler_of_a_websocket_and_http_gives_each_call_an_instance_of_its_kind() {
    let app = App::new(
        "[app]\nname = \"both\"\n[[routes]]\npath = \"/\"\nhandler = \"both\"\n[handlers.both]\nisolation = \"shared\"\n\
         component = \"both.wasm\"\nbuild = \"$SESSILE componentize both.js -o both.wasm\"\n",
    );
    let script = "export default { message: (ws, text) => ws.send(text), fetch: () => new Response('page') };";
    fs::write(app.path().join("both.js"), script).unwrap();
    let host = Host::start(&built(app), Way::Keep);
    let mut socket = Socket::open(host.address(), "/").await;
    for _ in 0..3 {
        assert_eq!(socket.ask("text").await, "text");
        assert_eq!(get(host.address(), "/", None).await.text(), "page");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn publications_come_to_a_handler_in_js_that_exports_one() {
    let app = App::new(
        "[app]\nname = \"watcher\"\n[[routes]]\npath = \"/ws\"\nhandler = \"ws\"\n[handlers.ws]\n\
         component = \"watcher.wasm\"\nbuild = \"$SESSILE componentize watcher.js -o watcher.wasm\"\n",
    );
    let script = r#"
        import { groups } from "sessile";

        export default {
          open: (ws) => ws.join("watched", { metadata: "Ada" }),
          message: (ws, text) => groups.publish("watched", text),
          async publication(ws, { group, position, message, presence }) {
            if (message === "fail") throw new Error("told to fail");
            if (presence === undefined) return ws.send(`${group} ${position.offset} ${message}`);
            await ws.send(`${presence.joined.map(({ metadata }) => JSON.stringify(metadata))} of ${presence.total}`);
          },
        };"#;
    fs::write(app.path().join("watcher.js"), script).unwrap();
    publications_are_told(built(app)).await;
}

/// The probe, on a route in each style.
fn probe() -> App {
    let handler = |name: &str, export: &str| {
        format!(
            "[[routes]]\npath = \"/{name}\"\nhandler = \"{name}\"\n[handlers.{name}]\ncomponent = \"probe.wasm\"\nexport = \"{export}\"\n"
        )
    };
    let command = "build = \"$SESSILE componentize probe.js -o probe.wasm\"\n";
    let app = App::new(&format!(
        "[app]\nname = \"probe\"\n{}{command}{}",
        handler("ws", "websocket-events"),
        handler("loop", "websocket-handler")
    ));
    fs::copy(root().join("tests/guests/probe.js"), app.path().join("probe.js")).unwrap();
    let (code, _, errors) = build(&app);
    assert_eq!((code, errors.as_str()), (Some(0), "Info built here\n"));
    app
}

#[tokio::test(flavor = "multi_thread")]
async fn guest_in_js_behaves_as_a_handler_of_the_web() {
    let app = probe();
    for way in [Way::Keep, Way::Amnesia] {
        let host = Host::start(&app, way);
        for path in ["/ws", "/loop"] {
            exceptions_are_told(&host, path).await;
            let mut socket = Socket::open(host.address(), path).await;
            assert_eq!(socket.ask("wrong-types").await, "TypeError,TypeError,TypeError,TypeError,TypeError");
            assert_eq!(socket.ask("half").await, "a\u{fffd}b");
            assert_eq!(socket.ask("timers").await, "first,second,tick,tick");
            assert_eq!(socket.ask("timer-throws").await, "still here");
            assert_eq!(socket.ask("left-behind").await, "not awaited");
            assert_eq!(socket.ask("web").await, "http://user@example.org:8080/b?x=%C3%A9#y é€😀 true YWI=");
            instances_are_random(&host, path).await;
        }
        let mut socket = Socket::open(host.address(), "/loop").await;
        assert_eq!([socket.ask("both").await, socket.text().await], ["tick"; 2]);
        socket.send("enough").await;
        while socket.text().await != "enough" {}
    }
}

async fn exceptions_are_told(host: &Host, path: &str) {
    for (told, head, frame) in [
        ("throw", "TypeError: cannot read property 'field' of undefined", "at deep (probe.js:10:"),
        ("throw-late", "TypeError: cannot read property 'field' of undefined", "at told (probe.js:20:"),
        ("throw-words of its own", "Uncaught of its own", ""),
        ("refused", "HostError: accept is illegal while the websocket is open", "at told (probe.js:24:"),
        ("wrong-type", "TypeError: a message is number; wanted is a string or bytes", "at told (probe.js:26:"),
    ] {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send(told).await;
        assert_eq!(socket.closed().await.0, 1011, "{told}");
        host.wait_for_log(head);
        let log = host.wait_for_log(frame);
        assert!(!log.contains("trapped") && !log.contains("(sessile:"), "{told}: {log}");
    }
}

/// What was random when it was built is the same in all; nothing else is.
async fn instances_are_random(host: &Host, path: &str) {
    let mut said = Vec::new();
    for _ in 0..2 {
        said.push(Socket::open(host.address(), path).await.ask("random").await);
    }
    let words: Vec<Vec<&str>> = said.iter().map(|text| text.split(' ').collect()).collect();
    let same: Vec<_> = (0..3).map(|at| words[0][at] == words[1][at]).collect();
    assert_eq!(same, [true, false, false], "{said:?}");
}

/// Whether a project in TypeScript has its packages, now; says what is skipped where it cannot.
pub(super) fn has_packages(app: &App, skipped: &str) -> bool {
    let installed = Command::new("npm").args(["install", "--no-audit", "--no-fund"]).current_dir(app.path()).output();
    let has = installed.is_ok_and(|output| output.status.success());
    if !has {
        writeln!(std::io::stderr().lock(), "SKIPPED {skipped}: npm cannot get esbuild and tsc").unwrap();
    }
    has
}

#[tokio::test(flavor = "multi_thread")]
async fn new_project_in_ts_is_checked_built_and_served() {
    if !has(&["node", "npm"], "projects in TypeScript") {
        return;
    }
    let app = App::made("new-visits", &["--lang", "ts", "--style", "http"]);
    if !has_packages(&app, "projects in TypeScript") {
        return;
    }
    let (code, out, errors) = build(&app);
    assert_eq!(code, Some(0), "{out}{errors}");
    visits_are_served(&app).await;
    for style in ["events", "loop"] {
        let other = App::made("other", &["--lang", "ts", "--style", style]);
        fs::copy(other.path().join("src/main.ts"), app.path().join("src/main.ts")).unwrap();
        let tsc = Command::new("node_modules/.bin/tsc").current_dir(app.path()).output().unwrap();
        assert!(tsc.status.success(), "{style}: {}", String::from_utf8_lossy(&tsc.stdout));
    }
    edit(&app, "src/main.ts", "let count = 0;", "let count: string = 0;");
    let (code, out, errors) = build(&app);
    assert!(code == Some(2) && out.contains("src/main.ts(12,9): error TS2322: "), "{out}{errors}");
}
