//! The command line: exit codes, and errors that name the thing and the way out.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Output;

use sessile_tests::{App, Host, Settings, Way, get};
use tempfile::TempDir;

const GOOD: &str = "[app]\nname = \"v\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n\
                    [handlers.v]\ncomponent = \"{components}/version_a.wasm\"\n";

fn serve(app: &App, more: &[&str]) -> Output {
    let data = TempDir::new().unwrap();
    let dir = app.path().to_str().unwrap();
    let mut args = vec!["serve", dir];
    args.extend(more);
    for (option, default) in [("--listen", "127.0.0.1:0"), ("--data", data.path().to_str().unwrap())] {
        if !more.contains(&option) {
            args.extend([option, default]);
        }
    }
    Host::run(&args)
}

fn refused(app: &App, more: &[&str], named: &[&str]) {
    let output = serve(app, more);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(output.stdout.is_empty(), "something was started");
    for named in named {
        assert!(said.contains(named), "{named:?} is not in: {said}");
    }
}

#[test]
fn manifest_that_is_wrong_is_refused_with_its_place() {
    let app = App::new(&GOOD.replace("handler = \"v\"", "handler = \"w\""));
    refused(&app, &[], &["sessile.toml:5:", "unknown handler \"w\"", "did you mean 'v'"]);
    let app = App::new(&GOOD.replace("component", "komponent"));
    refused(&app, &[], &["sessile.toml:7:", "unknown key 'komponent'", "'component'"]);
    let app = App::new(&format!("{GOOD}isolation = \"everyone\"\n"));
    refused(&app, &[], &["sessile.toml:8:", "everyone", "connection"]);
    let folder = TempDir::new().unwrap();
    let output = Host::run(&["serve", folder.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("sessile.toml"));
}

#[test]
fn component_that_cannot_serve_is_named_with_what_is_available() {
    let app = App::new(&GOOD.replace("version_a", "stranger"));
    refused(&app, &[], &["handler 'v'", "stranger:thing/api", "available are sessile:handler@0.1.0"]);
    let app = App::new(&GOOD.replace("version_a", "mute"));
    refused(
        &app,
        &[],
        &[
            "exports no handler",
            "websocket-handler, websocket-events, http-handler and alarm-handler",
            "wasi:http/handler@0.3.0",
        ],
    );
    let app = App::new(&GOOD.replace("version_a", "faults"));
    refused(&app, &[], &["exports websocket-handler and websocket-events", "export = "]);
    let app = App::new(&format!("{GOOD}export = \"http-handler\"\n"));
    refused(&app, &[], &["http-handler", "does not export it"]);
    let app = App::new(GOOD);
    std::fs::write(app.path().join("text.wasm"), "not wasm").unwrap();
    app.write(&GOOD.replace("{components}/version_a.wasm", "text.wasm"));
    refused(&app, &[], &["text.wasm", "not a WebAssembly component"]);
    std::fs::write(app.path().join("text.wasm"), b"\0asm\x01\0\0\0").unwrap();
    refused(&app, &[], &["text.wasm", "a core module; `sessile build` makes a component of it"]);
}

#[tokio::test]
async fn port_in_use_is_named_with_the_way_out() {
    let (app, host) = (App::new(GOOD), Host::start(&App::new(GOOD), Way::Keep));
    let address = host.address().to_string();
    refused(&app, &["--listen", &address], &["cannot listen on", &address, "--listen"]);
}

#[tokio::test]
async fn data_folder_in_use_is_refused() {
    let app = App::new(GOOD);
    let host = Host::start(&app, Way::Keep);
    let data = host.data().to_str().unwrap();
    refused(&app, &["--data", data], &["another host is using it", "--data"]);
}

#[test]
fn deploy_without_a_host_says_so() {
    let app = App::new(GOOD);
    let output = Host::run(&["deploy", app.path().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("no host is running"), "{said}");
}

#[test]
fn help_shows_examples() {
    let output = Host::run(&["--help"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("sessile up examples/chat"), "{said}");
}

#[tokio::test]
async fn sessions_are_listed_shown_deleted_exported_and_imported_beside_the_host() {
    let app = App::faults(Way::Keep);
    let host = Host::start(&app, Way::Keep);
    let data = host.data().to_str().unwrap().to_owned();
    let sessions = |more: &[&str]| {
        let args = [&["sessions", app.path().to_str().unwrap(), "--data", &data], more].concat();
        let output = Host::run(&args);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), said)
    };
    assert_eq!(sessions(&["list"]), (Some(0), "no sessions\n".into(), String::new()));
    let cookie = get(host.address(), "/http/session/set?k=a&v=1", None).await.cookie();
    let (_, listed, _) = sessions(&["list"]);
    let key = listed.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    // Rounded down, once a second has passed.
    let ends = |hours| listed.lines().nth(1).unwrap().ends_with(hours);
    assert!(listed.starts_with("KEY") && (ends("24 h") || ends("23 h")), "{listed}");
    let json: serde_json::Value = serde_json::from_str(sessions(&["list", "--json"]).1.trim()).unwrap();
    assert_eq!((json["key"].as_str(), json["version"].as_u64()), (Some(key.as_str()), Some(1)));
    let (_, shown, _) = sessions(&["show", &key]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["values"], serde_json::json!({ "a": "1" }));
    let (_, backup, _) = sessions(&["export"]);
    assert_eq!(backup.lines().count(), 1);
    let (code, _, said) = sessions(&["show", "zz"]);
    assert!(code == Some(2) && said.contains("sessile sessions list"), "{said}");
    assert_eq!(sessions(&["delete", &key]).0, Some(0));
    assert_eq!(get(host.address(), "/http/session/new", cookie.as_deref()).await.text(), "true");

    let other = TempDir::new().unwrap();
    let elsewhere = Host::start_with(&app, Settings { data: Some(other.path()), ..Settings::new(Way::Keep) });
    let import = ["sessions", app.path().to_str().unwrap(), "--data", other.path().to_str().unwrap(), "import"];
    let imported = Host::run_with_input(&import, &backup);
    assert_eq!(String::from_utf8(imported.stdout).unwrap(), "1 sessions put back\n");
    assert_eq!(get(elsewhere.address(), "/http/session/get?k=a", cookie.as_deref()).await.text(), "\"1\"");
    let nowhere = Host::run(&["sessions", app.path().to_str().unwrap(), "list"]);
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("--data"), "{nowhere:?}");
}
