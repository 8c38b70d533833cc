//! The command line's tools that need no host: a project begun, a component inspected, a websocket from the terminal, a
//! machine examined, a shell that completes.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Output};

use serde_json::{Value, json};
use sessile_tests::{App, Certificate, Host, Settings, Socket, Way, get};
use tempfile::TempDir;

/// Exit code, stdout, stderr.
fn said(output: Output) -> (Option<i32>, String, String) {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn run(args: &[&str]) -> (Option<i32>, String, String) {
    said(Host::run(args))
}

// ---- new -----------------------------------------------------------------------------------

fn made(name: &str, style: &str) -> App {
    let app = App::made(name, &["--style", style]);
    // As whoever begins with it would have it, not as this repository would.
    let source = app.path().join("src/lib.rs");
    let formatted = Command::new("rustfmt").args(["--check", "--edition", "2024"]).arg(&source).output().unwrap();
    assert!(formatted.status.success(), "{}", String::from_utf8_lossy(&formatted.stdout));
    app
}

fn built(name: &str, style: &str) -> App {
    let app = made(name, style);
    let (code, _, errors) = run(&["build", app.path().to_str().unwrap()]);
    assert_eq!(code, Some(0), "{errors}");
    app
}

/// One test, since cargo builds one at a time anyway. A room is served in `languages::dev`.
#[tokio::test(flavor = "multi_thread")]
async fn new_project_of_loop_and_http_style_is_built_and_served() {
    made("new-room", "events");
    echo_is_served(&built("new-echo", "loop")).await;
    visits_are_served(&built("new-visits", "http")).await;
}

pub(crate) async fn echo_is_served(app: &App) {
    let host = Host::start(app, Way::Keep);
    assert_eq!(get(host.address(), "/", None).await.status, 200);
    let (mut one, mut two) = (Socket::open(host.address(), "/ws").await, Socket::open(host.address(), "/ws").await);
    assert_eq!(one.ask("a").await, "1: a");
    assert_eq!(one.ask("b").await, "2: b");
    assert_eq!(two.ask("c").await, "1: c");
}

pub(crate) async fn visits_are_served(app: &App) {
    let host = Host::start(app, Way::Keep);
    let first = get(host.address(), "/", None).await;
    assert_eq!(first.text(), "Hello, and welcome!\n");
    let second = get(host.address(), "/", first.cookie().as_deref()).await;
    assert!(second.text().contains("visit 2"), "{second:?}");
}

#[test]
fn new_refuses_a_folder_that_holds_something() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("chat");
    let path = path.to_str().unwrap();
    std::fs::write(path, "a file").unwrap();
    let (code, out, errors) = run(&["new", path]);
    assert!((code, out.as_str()) == (Some(2), "") && errors.contains("choose another name"), "{errors}");
    std::fs::remove_file(path).unwrap();
    std::fs::create_dir(path).unwrap();
    let (code, out, errors) = run(&["new", path, "--style", "http"]);
    assert!(code == Some(0) && out.ends_with(&format!("next: sessile up {path}\n")), "{out}{errors}");
    let manifest = std::fs::read(folder.path().join("chat/sessile.toml")).unwrap();
    let (code, _, errors) = run(&["new", path]);
    assert!(code == Some(2) && errors.contains("is not empty; choose another name"), "{errors}");
    assert_eq!(std::fs::read(folder.path().join("chat/sessile.toml")).unwrap(), manifest);
}

#[test]
fn new_refuses_a_name_that_no_app_may_have_with_one_that_it_may() {
    let folder = TempDir::new().unwrap();
    for (name, better) in [("My App", "my-app"), ("chat_room", "chat-room"), ("Ж", "my-app")] {
        let (code, out, errors) = run(&["new", folder.path().join(name).to_str().unwrap()]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
        let suggested = format!("try sessile new {}", folder.path().join(better).display());
        assert!(errors.contains("1 to 64 of a-z, 0-9 and '-'") && errors.contains(&suggested), "{errors}");
    }
    assert!(folder.path().read_dir().unwrap().next().is_none(), "something was made");
}

// ---- inspect -------------------------------------------------------------------------------

fn inspected(component: &str) -> (Option<i32>, Value) {
    let (code, out, errors) = run(&["inspect", App::component(component).to_str().unwrap(), "--json"]);
    (code, serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{errors}")))
}

#[test]
fn inspect_names_the_handlers_of_each_kind_of_component() {
    for (component, handlers) in [
        ("echo", &["http-handler", "websocket-events", "websocket-handler"][..]),
        ("faults_concurrent", &["http-handler", "websocket-events", "websocket-handler"]),
        ("sample_hello", &["wasi:http/incoming-handler"]),
        ("sample_hello_3", &["wasi:http/handler"]),
    ] {
        let (code, report) = inspected(component);
        let mut found: Vec<_> = report["handlers"].as_array().unwrap().iter().map(|one| &one["export"]).collect();
        found.sort_by_key(|export| export.to_string());
        assert_eq!((code, json!(found)), (Some(0), json!(handlers)), "{report:#}");
        assert_eq!((&report["servable"], &report["refusal"]), (&json!(true), &Value::Null), "{component}");
        let bytes = std::fs::read(App::component(component)).unwrap();
        assert_eq!(report["bytes"], json!(bytes.len()), "{component}");
        assert_eq!(report["sha256"].as_str().unwrap().len(), 64, "{component}");
        assert!(report["producers"]["language"].to_string().contains("Rust"), "{report:#}");
    }
    let wants = |component| inspected(component).1["wants"].to_string();
    assert!(wants("errand").contains("grants.outbound") && !wants("echo").contains("grants.outbound"));
    let (_, text, _) = run(&["inspect", App::component("echo").to_str().unwrap()]);
    assert!(text.contains("websockets, event style") && text.ends_with("this host can serve it\n"), "{text}");
}

#[test]
fn inspect_says_why_a_component_cannot_be_served() {
    for (component, reason) in [("stranger", "stranger:thing/api"), ("mute", "exports no handler")] {
        let (code, report) = inspected(component);
        assert_eq!((code, &report["servable"]), (Some(1), &json!(false)), "{report:#}");
        assert!(report["refusal"].as_str().unwrap().contains(reason), "{report:#}");
    }
}

#[test]
fn inspect_of_what_is_no_component_is_refused() {
    let folder = TempDir::new().unwrap();
    for (name, bytes, reason) in [
        ("core.wasm", &b"\0asm\x01\0\0\0"[..], "a core module, not a component"),
        ("text.wasm", b"(component)", "not WebAssembly"),
        ("empty.wasm", b"", "empty"),
        ("cut.wasm", b"\0asm\x0d\0\x01\0\x07\xff", "damaged"),
    ] {
        let file = folder.path().join(name);
        std::fs::write(&file, bytes).unwrap();
        let (code, out, errors) = run(&["inspect", file.to_str().unwrap(), "--json"]);
        assert_eq!((code, out.as_str()), (Some(2), ""), "{errors}");
        assert!(errors.contains(name) && errors.contains(reason), "{errors}");
    }
    let (code, _, errors) = run(&["inspect", folder.path().join("none.wasm").to_str().unwrap()]);
    assert!(code == Some(2) && errors.contains("none.wasm"), "{errors}");
}

// ---- connect -------------------------------------------------------------------------------

/// `sessile connect` with its pipes.
struct Terminal {
    child: Child,
    out: BufReader<ChildStdout>,
}

impl Terminal {
    fn connect(url: &str, more: &[&str]) -> Self {
        let mut child = Host::spawn(&[&["connect", url], more].concat());
        let out = BufReader::new(child.stdout.take().unwrap());
        Self { child, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn ask(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
        self.line()
    }

    /// Ends stdin; exit code, the rest of stdout, stderr.
    fn end(mut self) -> (Option<i32>, String, String) {
        drop(self.child.stdin.take());
        let rest = std::io::read_to_string(self.out).unwrap();
        let (code, _, errors) = said(self.child.wait_with_output().unwrap());
        (code, rest, errors)
    }
}

#[test]
fn connect_sends_lines_prints_messages_and_closes_normally() {
    let host = Host::start(&App::example("echo"), Way::Keep);
    for path in ["/ws", "/loop"] {
        let mut terminal = Terminal::connect(&format!("http://{}{path}", host.address()), &[]);
        assert_eq!(terminal.ask("hello"), "hello");
        assert_eq!(terminal.ask("héllo \u{1b}[2J"), "héllo \u{1b}[2J");
        let (code, rest, errors) = terminal.end();
        assert_eq!((code, rest.as_str(), errors.as_str()), (Some(0), "", "closed with 1000\n"));
    }
    host.wait_for_log("code=1000");
}

/// The last line and the end come together: nothing that is answered to it may be lost.
#[test]
fn connect_on_a_pipe_waits_for_the_answers_before_it_closes() {
    let host = Host::start(&App::example("echo"), Way::Keep);
    let url = format!("ws://{}/ws", host.address());
    let lines: String = (0..1000).map(|number| format!("{number}\n")).collect();
    let (code, out, errors) = said(Host::run_with_input(&["connect", &url, "--linger", "3"], &lines));
    assert_eq!((code, errors.as_str()), (Some(0), "closed with 1000\n"));
    assert!(out == lines, "{} of 1000 lines came back", out.lines().count());
}

#[test]
fn connect_over_tls_trusts_the_authority_that_it_is_given() {
    let certificate = Certificate::default();
    let settings = Settings { args: certificate.args(), ..Settings::new(Way::Keep) };
    let host = Host::start_with(&App::example("echo"), settings);
    let url = format!("wss://{}/ws", host.address());
    let ca = certificate.file();
    let mut terminal = Terminal::connect(&url, &["--ca", ca.to_str().unwrap()]);
    assert_eq!(terminal.ask("hello"), "hello");
    assert_eq!(terminal.end().0, Some(0));
    let (code, _, errors) = Terminal::connect(&url, &[]).end();
    assert!(code == Some(1) && errors.contains("TLS with 127.0.0.1") && errors.contains("--ca FILE"), "{errors}");
    let (code, _, errors) = Terminal::connect(&url, &["--ca", "nowhere.pem"]).end();
    assert!(code == Some(2) && errors.contains("--ca nowhere.pem"), "{errors}");
}

#[test]
fn connect_as_json_tells_all_that_happens() {
    let host = Host::start(&App::example("echo"), Way::Keep);
    let mut terminal = Terminal::connect(&format!("ws://{}/ws", host.address()), &["--json"]);
    assert_eq!(terminal.line(), r#"{"subprotocol":null,"type":"open"}"#);
    assert_eq!(terminal.ask("two \"words\""), r#"{"data":"two \"words\"","type":"text"}"#);
    let (code, rest, errors) = terminal.end();
    assert_eq!((code, errors.as_str()), (Some(0), ""));
    assert_eq!(rest, "{\"code\":1000,\"reason\":\"\",\"type\":\"close\"}\n");
}

#[test]
fn connect_sends_headers_and_offers_subprotocols() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let url = format!("ws://{}/ws?subprotocol=b", host.address());
    let more = ["--subprotocol", "a", "--subprotocol", "b", "--header", "X-Test: 1", "--header", "x-test:2", "--json"];
    let mut terminal = Terminal::connect(&url, &more);
    assert_eq!(terminal.line(), r#"{"subprotocol":"b","type":"open"}"#);
    let context: Value = serde_json::from_str(&terminal.ask("context")).unwrap();
    let context: Value = serde_json::from_str(context["data"].as_str().unwrap()).unwrap();
    assert_eq!((&context["offered"], &context["headers"]), (&json!(["a", "b"]), &json!(["1", "2"])));
    let (code, _, errors) = Terminal::connect(&url, &["--header", "Origin: http://evil.example"]).end();
    assert!(code == Some(1) && errors.contains("refused with 403 Forbidden"), "{errors}");
}

#[test]
fn connect_prints_binary_messages_in_hex() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mut terminal = Terminal::connect(&format!("ws://{}/ws", host.address()), &[]);
    assert_eq!(terminal.ask("json-binary [1]"), "0x5b315d");
}

#[test]
fn connect_that_is_refused_or_closed_otherwise_fails() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let url = format!("ws://{}", host.address());
    let (code, out, errors) = Terminal::connect(&format!("{url}/nowhere"), &[]).end();
    assert!((code, out.as_str()) == (Some(1), "") && errors.contains("refused with 404 Not Found"), "{errors}");
    let mut terminal = Terminal::connect(&format!("{url}/ws"), &[]);
    assert_eq!(terminal.ask(&"x".repeat(64 * 1024 + 1)), "");
    let (code, _, errors) = terminal.end();
    assert_eq!(
        (code, errors.as_str()),
        (Some(1), "closed with 1009: message of 65537 bytes exceeds the limit of 65536\n")
    );
    drop(host);
    let (code, _, errors) = Terminal::connect(&url, &[]).end();
    assert!(code == Some(1) && errors.contains("is a host listening there?"), "{errors}");
}

#[test]
fn connect_sends_no_line_that_is_no_text() {
    let host = Host::start(&App::example("echo"), Way::Keep);
    let mut terminal = Terminal::connect(&format!("ws://{}/ws", host.address()), &[]);
    terminal.child.stdin.as_mut().unwrap().write_all(b"\xff\n").unwrap();
    let (code, rest, errors) = terminal.end();
    assert!((code, rest.as_str()) == (Some(1), "") && errors.contains("sent as text, which is UTF-8"), "{errors}");
}

#[test]
fn connect_that_is_told_nonsense_tries_nothing() {
    for (args, advice) in [
        (&["localhost:8000/ws"][..], "did you mean ws://localhost:8000/ws?"),
        (&["ws://x/", "--header", "Cookie"], "a header is like"),
        (&["ws://x/", "--subprotocol", "a, b"], "repeat the option"),
    ] {
        let (code, _, errors) = run(&[&["connect"], args].concat());
        assert!(code == Some(2) && errors.contains(advice), "{errors}");
    }
}

// ---- doctor, completions, help -------------------------------------------------------------

#[test]
fn doctor_says_of_each_check_how_it_is_and_what_would_help() {
    let folder = TempDir::new().unwrap();
    let folder = folder.path().to_str().unwrap();
    let (code, out, errors) = run(&["doctor", folder, "--json"]);
    let findings: Value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{errors}"));
    let checks = findings["checks"].as_array().unwrap();
    let names: Vec<_> = checks.iter().filter_map(|check| check["name"].as_str()).collect();
    for name in ["kernel", "open files", "address space", "data folder", "cargo", "rustc", "wasm target"] {
        assert!(names.contains(&name), "{name} is not in {names:?}");
    }
    assert!(checks.iter().all(|check| (check["status"] == "ok") == check["fix"].is_null()), "{findings:#}");
    let failed = checks.iter().any(|check| check["status"] == "fail");
    assert_eq!((code, findings["can_serve"].as_bool()), (Some(i32::from(failed)), Some(!failed)));
    let (_, text, _) = run(&["doctor", folder]);
    assert!(text.lines().count() > names.len() && text.contains("this machine can"), "{text}");
}

/// What cannot hold a data folder cannot serve, whoever runs it: a folder cannot be in a file.
#[test]
fn doctor_fails_where_the_host_could_not_serve() {
    let (code, out, _) = run(&["doctor", "/proc/self/fdinfo"]);
    assert!(code == Some(1) && out.contains("fail  data folder") && out.contains("--data DIR"), "{out}");
}

#[test]
fn completions_are_scripts_that_their_shells_take() {
    for shell in ["bash", "zsh", "fish"] {
        let (code, script, errors) = run(&["completions", shell]);
        assert_eq!((code, errors.as_str()), (Some(0), ""));
        assert!(script.contains("--subprotocol") || script.contains("subprotocol"), "{script}");
        let file = TempDir::new().unwrap();
        let path = file.path().join("script");
        std::fs::write(&path, script).unwrap();
        match Command::new(shell).arg("-n").arg(&path).output() {
            Ok(parsed) => assert!(parsed.status.success(), "{}", String::from_utf8_lossy(&parsed.stderr)),
            Err(error) => {
                let mut out = std::io::stderr().lock();
                writeln!(out, "SKIPPED the parse of completions by {shell}: {error}").unwrap();
            }
        }
    }
}

#[test]
fn help_of_each_tool_has_an_example() {
    for tool in ["new", "inspect", "connect", "doctor"] {
        let (code, help, _) = run(&[tool, "--help"]);
        assert!(code == Some(0) && help.contains(&format!("Examples:\n  sessile {tool}")), "{help}");
    }
    let (_, help, _) = run(&["completions", "--help"]);
    assert!(help.contains("bash-completion/completions/sessile"), "{help}");
}
