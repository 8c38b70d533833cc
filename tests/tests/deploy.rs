//! Deploys into a running host: what is refused and why, what is on disk when, and what comes back after a kill.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Output;
use std::time::Duration;

use hyper::Request;
use rustix::process::Signal;
use serde_json::Value;
use sessile_tests::{App, Host, Settings, Socket, Way, get, request};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

/// An app whose websockets answer with the version's letter.
fn lettered(letter: &str) -> String {
    format!(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n\
         [handlers.v]\ncomponent = \"{{components}}/version_{letter}.wasm\"\n"
    )
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

/// The versions that a host keeps, from the newest, as numbers with whether they are current.
async fn versions(host: &Host) -> Vec<(u64, bool)> {
    let listed = host.command_to(&["versions", "v", "--json"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    let lines = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines.map(|line| (line["version"].as_u64().unwrap(), line["current"].as_bool().unwrap())).collect()
}

async fn letter(host: &Host) -> String {
    let answer = Socket::open(host.address(), "/ws").await.ask("x").await;
    answer.split(':').next().unwrap().to_owned()
}

#[tokio::test]
async fn host_that_is_restarted_serves_the_version_that_was_current() {
    let (app, data) = (App::new(&lettered("a")), TempDir::new().unwrap());
    let settings = || Settings { data: Some(data.path()), ..Settings::new(Way::Keep) };
    let host = Host::start_with(&app, settings());
    app.write(&lettered("b"));
    assert!(host.deploy(&app, &["--note", "the letter b"]).await.status.success());
    assert_eq!((letter(&host).await, versions(&host).await), ("b".into(), vec![(2, true), (1, false)]));
    let back = host.command_to(&["rollback"]).await;
    assert_eq!(String::from_utf8_lossy(&back.stdout), "v: version 1 is live (was 2)\n");
    assert_eq!(letter(&host).await, "a");
    let none = host.command_to(&["rollback", "v"]).await;
    assert_eq!(none.status.code(), Some(1));
    assert!(said(&none).contains("no version before 1"), "{}", said(&none));
    host.signal(Signal::KILL);
    host.wait();
    // The folder holds what version 2 is made of, from which somebody has gone back.
    let host = Host::start_with(&app, settings());
    assert_eq!((letter(&host).await, versions(&host).await), ("a".into(), vec![(2, false), (1, true)]));
    let forth = host.command_to(&["rollback", "v", "--number", "2"]).await;
    assert!(forth.status.success(), "{}", said(&forth));
    drop(host);
    let host = Host::start_deployed(settings());
    assert_eq!(letter(&host).await, "b");
    let audit = std::fs::read_to_string(data.path().join("audit.jsonl")).unwrap();
    let audit: Vec<Value> = audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions = audit.iter().map(|line| (line["action"].as_str().unwrap(), line["version"].as_u64().unwrap()));
    assert_eq!(actions.collect::<Vec<_>>(), [("deploy", 1), ("deploy", 2), ("rollback", 1), ("rollback", 2)]);
}

#[tokio::test]
async fn host_keeps_five_versions_and_the_current_one() {
    let app = App::new(&lettered("a"));
    let host = Host::start(&app, Way::Keep);
    for number in 2..=8 {
        app.write(&format!("# {number}\n{}", lettered("b")));
        assert!(host.deploy(&app, &[]).await.status.success());
    }
    let kept: Vec<_> = versions(&host).await.into_iter().map(|(number, _)| number).collect();
    assert_eq!(kept, [8, 7, 6, 5, 4]);
    let gone = host.command_to(&["rollback", "--number", "2"]).await;
    assert!(said(&gone).contains("no version 2; kept are 4, 5, 6, 7, 8"), "{}", said(&gone));
}

/// A deploy alternates between two versions while its host is killed, at random moments of it.
#[tokio::test(flavor = "multi_thread")]
async fn host_killed_at_any_moment_of_a_deploy_comes_back_with_the_old_or_the_new_version() {
    let (app, data) = (App::new(&lettered("a")), TempDir::new().unwrap());
    let settings = || Settings { data: Some(data.path()), ..Settings::new(Way::Keep) };
    drop(Host::start_with(&app, settings()));
    let (mut moved, mut stayed) = (0, 0);
    for round in 0..50_u64 {
        let host = Host::start_deployed(settings());
        let old = letter(&host).await;
        let new = if old == "a" { "b" } else { "a" };
        app.write(&format!("# {round}\n{}", lettered(new)));
        let deploy = host.spawn_deploy(&app);
        // Any moment is a good one, and none is waited for: the host is killed wherever it is by then.
        let moment = Duration::from_micros(sessile::event::random_u64() % 60_000);
        tokio::time::sleep(moment).await;
        host.signal(Signal::KILL);
        host.wait();
        let told = tokio::task::spawn_blocking(move || deploy.wait_with_output().unwrap()).await.unwrap();
        let host = Host::start_deployed(settings());
        let now = letter(&host).await;
        let (current, kept) = (current_letter(&host).await, versions(&host).await);
        assert_eq!(current, now, "round {round}, killed after {moment:?}: {kept:?}");
        assert_eq!(kept.iter().filter(|(_, current)| *current).count(), 1, "round {round}: {kept:?}");
        assert!(now == new || !told.status.success(), "round {round}, killed after {moment:?}: acknowledged and lost");
        if now == new { moved += 1 } else { stayed += 1 }
    }
    eprintln!("{moved} deploys were whole at the kill, {stayed} had not happened");
}

/// What the current version's record says that it answers.
async fn current_letter(host: &Host) -> String {
    let listed = host.command_to(&["versions", "v", "--json"]).await;
    let listed = String::from_utf8(listed.stdout).unwrap();
    let lines = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let current = lines.into_iter().find(|line| line["current"] == true).unwrap();
    let digest = current["components"]["v"].as_str().unwrap().to_owned();
    let of = |letter: &str| digest == digest_of(&App::component(&format!("version_{letter}.wasm")));
    ["a", "b"].into_iter().find(|letter| of(letter)).unwrap().to_owned()
}

fn digest_of(file: &Path) -> String {
    sessile::app::digest::Digest::of(&std::fs::read(file).unwrap()).to_string()
}

#[tokio::test]
async fn version_that_reaches_more_is_refused_until_it_is_allowed() {
    let app = App::new(&lettered("a"));
    let host = Host::start(&app, Way::Keep);
    let granted = format!("{}[handlers.v.grants]\noutbound = [\"api.example.com\"]\nenv = [\"HOME\"]\n", lettered("a"));
    app.write(&granted);
    let refused = host.deploy(&app, &[]).await;
    assert_eq!(refused.status.code(), Some(1));
    for named in ["handler v: outbound https://api.example.com:443", "handler v: env HOME", "--allow-new-grants"] {
        assert!(said(&refused).contains(named), "{}", said(&refused));
    }
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!((socket.ask("1").await, versions(&host).await.len()), ("a:1".into(), 1));
    let allowed = host.deploy(&app, &["--allow-new-grants"]).await;
    assert!(allowed.status.success(), "{}", said(&allowed));
    // What it reaches already is not new.
    app.write(&granted.replace("\"HOME\"", ""));
    assert!(host.deploy(&app, &[]).await.status.success());
    // An interface that no component of the app has imported before.
    app.write(
        &lettered("a")
            .replace("version_a", "faults")
            .replace("[handlers.v]", "[handlers.v]\nexport = \"websocket-events\""),
    );
    let refused = host.deploy(&app, &[]).await;
    assert!(said(&refused).contains("interface sessile:handler/groups"), "{}", said(&refused));
    assert_eq!(socket.ask("2").await, "a:2");
}

#[tokio::test]
async fn version_that_cannot_serve_is_refused_and_the_running_one_serves_on() {
    let app = App::new(&lettered("a"));
    let host = Host::start(&app, Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    std::fs::write(app.path().join("text.wasm"), "not wasm").unwrap();
    std::fs::write(app.path().join("core.wasm"), b"\0asm\x01\0\0\0").unwrap();
    let later = "(component (import \"sessile:handler/log@0.2.0\" (instance (export \"log\" (func)))))";
    std::fs::write(app.path().join("later.wasm"), wat::parse_str(later).unwrap()).unwrap();
    let with = |component: &str| lettered("a").replace("{components}/version_a.wasm", component);
    let answers = |path: &str| {
        let http = "[[routes]]\npath = \"/http/{rest...}\"\nhandler = \"h\"\n[handlers.h]\n\
                    component = \"{components}/faults.wasm\"\nexport = \"http-handler\"\n";
        lettered("a").replace("name = \"v\"", &format!("name = \"v\"\nhealth = \"{path}\"")) + http
    };
    for (manifest, named) in [
        (with("text.wasm"), "not a WebAssembly component"),
        (with("core.wasm"), "not a WebAssembly component"),
        (with("{components}/stranger.wasm"), "stranger:thing/api"),
        (with("later.wasm"), "`sessile:handler/log@0.2.0`"),
        (with("later.wasm"), "available are sessile:handler@0.1.0"),
        (answers("/http/status/503"), "health path /http/status/503: it answered 503"),
        (answers("/http/panic"), "health path /http/panic: "),
        (answers("/nowhere"), "health path /nowhere: no route has it"),
        (answers("/ws"), "health path /ws: its route does not answer HTTP requests"),
        (lettered("a") + "[session]\nstore = \"memory\"\n", "restart the host to change the store"),
    ] {
        app.write(&manifest);
        let refused = host.deploy(&app, &["--allow-new-grants"]).await;
        assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
        assert!(said(&refused).contains(named), "{named}: {}", said(&refused));
        assert_eq!(socket.ask("x").await, "a:x");
    }
    assert_eq!(versions(&host).await, [(1, true)]);
    app.write(&answers("/http/status/200"));
    let allowed = host.deploy(&app, &["--allow-new-grants"]).await;
    assert!(allowed.status.success(), "{}", said(&allowed));
}

/// One request on the admin socket; its status and its body.
async fn admin(host: &Host, method: &str, path: &str, body: &[u8]) -> (u16, String) {
    let mut stream = UnixStream::connect(host.data().join("admin.sock")).await.unwrap();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn content_that_is_not_what_it_is_called_is_refused() {
    let host = Host::start(&App::new(&lettered("a")), Way::Keep);
    let named = format!("/v1/blobs/{}", sessile::app::digest::Digest::of(b"one thing"));
    let (status, body) = admin(&host, "PUT", &named, b"another").await;
    assert!(status == 400 && body.contains("altered on its way"), "{status} {body}");
    assert_eq!(admin(&host, "PUT", &named, b"one thing").await.0, 204);
    // More than a socket takes by itself: who is refused at the head gets to read so.
    let unread = vec![b'x'; 768 * 1024];
    assert_eq!(admin(&host, "PUT", "/v1/blobs/sha256:abc", &unread).await.0, 400);
    assert_eq!(admin(&host, "PUT", "/v1/nothing", &unread).await.0, 404);
}

#[tokio::test]
async fn order_that_no_folder_could_be_read_to_is_refused() {
    let host = Host::start(&App::new(&lettered("a")), Way::Keep);
    let digest = sessile::app::digest::Digest::of(b"page").to_string();
    assert_eq!(admin(&host, "PUT", &format!("/v1/blobs/{digest}"), b"page").await.0, 204);
    let files = "[app]\nname = \"w\"\nprefix = \"/w\"\n[[routes]]\npath = \"/{f...}\"\nfiles = \"public\"\n";
    let order = |manifest: &str, path: &str| {
        let files = serde_json::json!({ "/{f...}": { path: &digest } });
        serde_json::json!({ "contents": { "manifest": manifest, "components": {}, "files": files } }).to_string()
    };
    for (order, named) in [
        (order(files, "../../../escaped"), "not the path of a file within the app"),
        (order(files, "/etc/passwd"), "not the path of a file within the app"),
        (order("[app]\nname = \"../x\"\n", "a"), "allowed: 1 to 64 of a-z"),
        (order(&lettered("a"), "a"), "has no component of handler 'v'"),
        ("{\"contents\": 1}".into(), "invalid type"),
    ] {
        let (_, body) = admin(&host, "POST", "/v1/deploys", order.as_bytes()).await;
        assert!(body.contains(named), "{named}: {body}");
    }
    let (_, body) = admin(&host, "POST", "/v1/deploys", order(files, "a/b.txt").as_bytes()).await;
    assert!(body.contains("\"deployed\""), "{body}");
    assert_eq!(get(host.address(), "/w/a/b.txt", None).await.text(), "page");
}

#[tokio::test]
async fn apps_are_found_by_host_and_by_prefix_and_do_not_meet() {
    let counter = |more: &str| {
        let name = if more.is_empty() { "everywhere" } else { "elsewhere" };
        format!(
            "[app]\nname = \"{name}\"\n{more}\n[[routes]]\npath = \"/\"\nhandler = \"c\"\n[[routes]]\npath = \"/old\"\n\
             redirect = \"/\"\n[handlers.c]\ncomponent = \"{{components}}/counter.wasm\"\nexport = \"http-handler\"\n"
        )
    };
    let host = Host::start(&App::new(&counter("")), Way::Keep);
    let refused = host.deploy(&App::new(&counter("prefix = \"\"").replace("prefix = \"\"", "")), &[]).await;
    assert!(said(&refused).contains("is served at */ already"), "{}", said(&refused));
    let other = App::new(&counter("prefix = \"/shop\"\nhosts = [\"x.example\"]"));
    assert!(host.deploy(&other, &[]).await.status.success());
    let ask = async |name: &str, path: &str| {
        let asked = Request::get(path).header("host", name).body(Default::default()).unwrap();
        request(host.address(), asked).await
    };
    let (here, there) = (ask("y.example", "/").await, ask("X.example:80", "/shop").await);
    assert_eq!((here.text(), there.text()), ("1", "1"));
    let set = |answer: &sessile_tests::Answer| answer.headers["set-cookie"].to_str().unwrap().to_owned();
    assert!(set(&here).contains("Path=/;") && set(&there).contains("Path=/shop;"), "{} {}", set(&here), set(&there));
    assert_eq!(ask("x.example", "/shopping").await.status, 404, "another app's path");
    assert_eq!(ask("x.example", "/").await.text(), "1", "what nobody names is everywhere's");
    assert_eq!(ask("x.example", "/shop/old").await.headers["location"], "/shop/");
    let listed = said(&host.command_to(&["apps"]).await);
    assert!(listed.contains("x.example /shop") && listed.contains("every host"), "{listed}");
    let several = host.command_to(&["versions"]).await;
    assert!(said(&several).contains("name one of elsewhere, everywhere"), "{}", said(&several));
    assert!(host.command_to(&["undeploy", "elsewhere"]).await.status.success());
    assert_eq!(ask("x.example", "/shop").await.status, 404);
}

#[tokio::test]
async fn component_alone_is_an_app() {
    let app = App::new(&lettered("a"));
    let host = Host::start(&app, Way::Keep);
    assert!(host.command_to(&["undeploy", "v"]).await.status.success());
    let file = App::component("sample_hello.wasm");
    let deployed = host.command_to(&["deploy", file.to_str().unwrap(), "--json"]).await;
    let last = String::from_utf8(deployed.stdout).unwrap();
    assert_eq!(last.lines().last().unwrap(), "{\"app\":\"sample-hello\",\"version\":1,\"previous\":null}");
    assert_eq!(get(host.address(), "/any/path", None).await.status, 200);
}

#[tokio::test]
async fn second_deploy_at_once_is_refused_with_its_reason() {
    let app = App::faults(Way::Keep);
    let host = Host::start(&app, Way::Keep);
    app.edit("name = \"faults\"", "name = \"faults\"\nhealth = \"/http/slow/1000\"");
    let mut first = host.spawn_deploy(&app);
    // Once it has been checked its health is asked for, which takes a second.
    let mut steps = BufReader::new(first.stdout.take().unwrap()).lines();
    assert!(steps.any(|step| step.unwrap().starts_with("check")));
    let second = host.deploy(&app, &[]).await;
    assert!(!second.status.success());
    assert!(said(&second).contains("another deploy of 'faults' is under way"), "{}", said(&second));
    let back = host.command_to(&["rollback"]).await;
    assert!(said(&back).contains("another deploy of 'faults' is under way"), "{}", said(&back));
    assert!(steps.any(|step| step.unwrap().contains("version 2 is live")));
    assert!(first.wait().unwrap().success());
}

/// What a host runs for a component, with bounds that a bomb meets at once.
#[test]
fn compile_bomb_ends_its_compiler_by_cpu_or_memory() {
    let (folder, bomb) = (TempDir::new().unwrap(), bomb());
    let file = folder.path().join("bomb.cwasm");
    let file = file.to_str().unwrap();
    let run = |cpu: &str, memory: &str| {
        Host::run_with_bytes(&["compile-component", file, "--cpu-s", cpu, "--memory-bytes", memory], &bomb)
    };
    let by_cpu = run("1", "4294967296").status;
    let by_memory = run("60", "268435456").status;
    assert!(!by_cpu.success() && !by_memory.success(), "{by_cpu} {by_memory}");
    assert!(by_cpu.signal().is_some(), "{by_cpu}");
    assert!(!Path::new(file).exists());
}

/// A component whose one function is a long sum: megabytes of code for a compiler that is not linear.
fn bomb() -> Vec<u8> {
    let mut text = String::from("(component (core module (func (export \"f\") (param i32) (result i32) local.get 0\n");
    for number in 0..400_000 {
        text.push_str(&format!("local.get 0 i32.const {number} i32.mul i32.add local.tee 0\n"));
    }
    text.push_str(")))");
    wat::parse_str(&text).unwrap()
}

/// A version that traps on every message, under websockets that know better: each is answered by the version before,
/// and the third trap takes the version back.
#[tokio::test(flavor = "multi_thread")]
async fn version_that_traps_on_its_first_message_is_rolled_back_by_itself() {
    let with = |component: &str| {
        lettered("a")
            .replace("version_a", component)
            .replace("[handlers.v]", "[handlers.v]\nexport = \"websocket-events\"")
    };
    let app = App::new(&with("version_a"));
    let host = Host::start(&app, Way::Keep);
    let mut sockets = Vec::new();
    for _ in 0..10 {
        sockets.push(Socket::open(host.address(), "/ws").await);
    }
    app.write(&with("swap_trap"));
    let deployed = host.deploy(&app, &["--allow-new-grants"]).await;
    assert!(deployed.status.success(), "{}", said(&deployed));
    for socket in &mut sockets {
        assert_eq!(socket.ask("1").await, "a:1");
    }
    host.wait_for_log("rolled back app=\"v\" from=2 version=1 by=\"host\"");
    assert_eq!(versions(&host).await, [(2, false), (1, true)]);
    for socket in &mut sockets {
        assert_eq!(socket.ask("2").await, "a:2");
    }
    let audit = std::fs::read_to_string(host.data().join("audit.jsonl")).unwrap();
    assert!(audit.lines().last().unwrap().contains("\"by\":\"host\",\"app\":\"v\",\"action\":\"rollback\""), "{audit}");
}

/// `sessile dev`, with a build that copies the component that a source names.
#[tokio::test]
async fn dev_puts_what_is_saved_under_the_open_websocket_and_keeps_what_does_not_build() {
    let build = "build = \"cp {components}/version_$(cat source).wasm out.wasm\"\n";
    let app = App::new(
        &lettered("a")
            .replace("{components}/version_a.wasm", "out.wasm")
            .replace("[handlers.v]\n", &format!("[handlers.v]\n{build}")),
    );
    let save = |text: &str| std::fs::write(app.path().join("source"), text).unwrap();
    save("a");
    let host = Host::start_with(&app, Settings { command: "dev", ..Settings::new(Way::Keep) });
    host.wait_for_log("watching ");
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!(socket.ask("1").await, "a:1");
    save("none");
    host.wait_for_log("the version before serves on");
    assert_eq!(socket.ask("2").await, "a:2");
    save("b");
    host.wait_for_log("v: version 2 is live");
    assert_eq!(socket.ask("3").await, "b:3");
    std::fs::create_dir(app.path().join("more")).unwrap();
    host.wait_for_log("nothing that is served has changed");
    // A page that another port of this machine serves may connect here, and nowhere else.
    let from = [("origin", "http://localhost:5173")];
    assert!(Socket::open_with(host.address(), "/ws", &from).await.is_ok());
}

/// A data folder on a disk of 8 MiB, which only the host sees: its own mount namespace.
#[tokio::test]
async fn deploy_on_a_full_disk_is_refused_and_the_running_version_serves_on() {
    let (app, data, scripts) = (App::new(&lettered("a")), TempDir::new().unwrap(), TempDir::new().unwrap());
    let mounted = format!("mount -t tmpfs -o size=8m none {} && exec", data.path().display());
    let probe = std::process::Command::new("unshare").args(["-rm", "sh", "-c", &format!("{mounted} true")]).output();
    if !probe.is_ok_and(|probe| probe.status.success()) {
        writeln!(std::io::stderr(), "SKIPPED the full disk: no mount namespace can be had here").unwrap();
        return;
    }
    let script = scripts.path().join("on-a-small-disk");
    let program = Host::program();
    let text = format!("#!/bin/sh\nexec unshare -rm sh -c '{mounted} {} \"$@\"' sh \"$@\"\n", program.display());
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let settings = Settings { data: Some(data.path()), program: Some(script), ..Settings::new(Way::Keep) };
    let host = Host::start_with(&app, settings);
    let seen = format!("/proc/{}/root{}", host.pid(), data.path().display());
    let deploy = |app: &App| Host::run(&["deploy", app.path().to_str().unwrap(), "--to", &seen]);
    let mut socket = Socket::open(host.address(), "/ws").await;
    let public = app.path().join("public");
    std::fs::create_dir(&public).unwrap();
    for number in 0..3 {
        std::fs::write(public.join(format!("{number}.bin")), vec![number; 3 * 1024 * 1024]).unwrap();
    }
    app.write(
        &lettered("b").replace("[[routes]]", "[[routes]]\npath = \"/{file...}\"\nfiles = \"public\"\n[[routes]]"),
    );
    let full = deploy(&app);
    assert_eq!(full.status.code(), Some(1), "{}", said(&full));
    assert!(said(&full).contains("No space left on device"), "{}", said(&full));
    assert_eq!(socket.ask("1").await, "a:1");
    app.write(&lettered("b"));
    let fits = deploy(&app);
    assert!(fits.status.success(), "{}", said(&fits));
    assert_eq!(socket.ask("2").await, "b:2");
}
