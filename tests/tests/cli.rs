//! The command line: exit codes, and errors that name the thing and the way out.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::process::Output;

use sessile_tests::{App, Host, Way};
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
    refused(&app, &[], &["exports no handler", "websocket-handler, websocket-events and http-handler"]);
    let app = App::new(&GOOD.replace("version_a", "faults"));
    refused(&app, &[], &["exports websocket-handler and websocket-events", "export = "]);
    let app = App::new(&format!("{GOOD}export = \"http-handler\"\n"));
    refused(&app, &[], &["http-handler", "does not export it"]);
    let app = App::new(GOOD);
    std::fs::write(app.path().join("text.wasm"), "not wasm").unwrap();
    app.write(&GOOD.replace("{components}/version_a.wasm", "text.wasm"));
    refused(&app, &[], &["text.wasm", "not a WebAssembly component"]);
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
fn reload_without_a_host_says_so() {
    let app = App::new(GOOD);
    let output = Host::run(&["reload", app.path().to_str().unwrap()]);
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
