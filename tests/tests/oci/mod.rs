//! Apps in registries: pushed, pulled, deployed from there; and what a registry says that is not believed.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod door;
mod wrong;

use std::net::SocketAddr;
use std::path::Path;
use std::process::Output;

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};
use sessile::app::digest::Digest;
use sessile_tests::{Answer, App, Door, Host, Registry, Settings, Socket, Way, get, request};
use tempfile::TempDir;

const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// An app whose websockets answer with the version's letter, and that has some files.
fn lettered(letter: &str) -> String {
    format!(
        "[app]\nname = \"v\"\n[[routes]]\npath = \"/ws\"\nhandler = \"v\"\n[[routes]]\npath = \"/files/{{f...}}\"\nfiles = \"public\"\n\
         [[routes]]\npath = \"/one\"\nfiles = \"public/one.txt\"\n[handlers.v]\ncomponent = \"out/version_{letter}.wasm\"\n"
    )
}

/// The same app as a folder that has all of it.
fn folder(letter: &str) -> App {
    let app = App::new(&lettered(letter));
    let (out, public) = (app.path().join("out"), app.path().join("public/deep"));
    std::fs::create_dir(&out).unwrap();
    std::fs::create_dir_all(&public).unwrap();
    let name = format!("version_{letter}.wasm");
    std::fs::copy(App::component(&name), out.join(name)).unwrap();
    std::fs::write(app.path().join("public/one.txt"), format!("one of {letter}")).unwrap();
    std::fs::write(public.join("ä b.txt"), "deep").unwrap();
    std::fs::write(public.join("empty"), "").unwrap();
    app
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn said(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("{out}{err}")
}

async fn run(args: &[&str]) -> Output {
    Host::run_with_env(args, &[]).await
}

async fn letter(host: &Host) -> String {
    let answer = Socket::open(host.address(), "/ws").await.ask("x").await;
    answer.split(':').next().unwrap().to_owned()
}

/// Pushes; the digest of what is there now.
async fn push(from: &Path, to: &str) -> String {
    let pushed = run(&["push", text(from), to, "--json"]).await;
    assert!(pushed.status.success(), "{}", said(&pushed));
    let pushed: Value = serde_json::from_slice(&pushed.stdout).unwrap();
    assert_eq!(pushed["reference"], format!("{to}@{}", pushed["digest"].as_str().unwrap()));
    pushed["digest"].as_str().unwrap().to_owned()
}

/// What a command says that is refused, and with which code.
async fn refused(host: &Host, args: &[&str]) -> String {
    let refused = host.command_to(args).await;
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    said(&refused)
}

async fn ask(address: SocketAddr, path: &str) -> Answer {
    let asked = Request::get(path).header("host", address.to_string());
    let asked = asked.header("accept", "application/vnd.oci.image.manifest.v1+json");
    request(address, asked.body(Full::<Bytes>::default()).unwrap()).await
}

#[tokio::test]
async fn app_that_was_pushed_is_deployed_from_the_registry() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let host = Host::start(&folder("a"), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!(socket.ask("1").await, "a:1");
    let reference = registry.reference("acme/v:1.2");
    let app = folder("b");
    // More than is sent in one piece.
    std::fs::write(app.path().join("public/large"), vec![b'x'; 9 << 20]).unwrap();
    let digest = push(app.path(), &reference).await;
    let deployed = host.command_to(&["deploy", &reference]).await;
    assert!(deployed.status.success(), "{}", said(&deployed));
    assert_eq!((socket.ask("2").await, letter(&host).await), ("b:2".into(), "b".into()));
    assert_eq!(get(host.address(), "/files/deep/%C3%A4%20b.txt", None).await.text(), "deep");
    assert_eq!(get(host.address(), "/files/deep/empty", None).await.text(), "");
    assert_eq!(get(host.address(), "/files/large", None).await.text(), "x".repeat(9 << 20));
    assert_eq!(get(host.address(), "/one", None).await.text(), "one of b");
    let exactly = registry.reference(&format!("acme/v@{digest}"));
    let deployed = host.command_to(&["deploy", &exactly, "--note", "by its digest"]).await;
    assert!(deployed.status.success(), "{}", said(&deployed));
    let versions = said(&host.command_to(&["versions", "v"]).await);
    assert!(versions.contains(&format!("{reference}@{digest}")) && versions.contains("by its digest"), "{versions}");
}

#[tokio::test]
async fn same_contents_have_the_same_digest_wherever_they_are() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let (one, other) = (folder("a"), folder("a"));
    let digest = push(one.path(), &registry.reference("x/one:1")).await;
    assert_eq!(push(other.path(), &registry.reference("y/other:2")).await, digest);
    assert_eq!(push(one.path(), &registry.reference("x/one:1")).await, digest);
    std::fs::write(other.path().join("public/one.txt"), "another").unwrap();
    assert_ne!(push(other.path(), &registry.reference("y/other:2")).await, digest);
    let stored = ask(registry.address(), &format!("/v2/x/one/manifests/{digest}")).await;
    assert_eq!(Digest::of(stored.body.as_ref().unwrap()).to_string(), digest);
}

#[tokio::test]
async fn pulled_app_is_served_from_its_folder_and_pushed_again_is_the_same() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let reference = registry.reference("v");
    let digest = push(folder("b").path(), &format!("{reference}:latest")).await;
    let parent = TempDir::new().unwrap();
    let into = parent.path().join("some/where");
    let pulled = run(&["pull", &reference, "--into", text(&into), "--json"]).await;
    assert!(pulled.status.success(), "{}", said(&pulled));
    let pulled: Value = serde_json::from_slice(&pulled.stdout).unwrap();
    let expected = json!({
        "reference": format!("{reference}:latest@{digest}"), "digest": digest, "app": "v", "into": text(&into)});
    assert_eq!(pulled, expected);
    let data = TempDir::new().unwrap();
    let serving = ["serve", text(&into), "--listen", "127.0.0.1:0", "--data", text(data.path())];
    let mut child = Host::spawn(&serving);
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.take().unwrap()), &mut first).unwrap();
    let address: SocketAddr = first.trim().strip_prefix("listening on http://").unwrap().parse().unwrap();
    assert!(Socket::open(address, "/ws").await.ask("x").await.starts_with("b:"));
    assert_eq!(get(address, "/files/one.txt", None).await.text(), "one of b");
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(push(&into, &registry.reference("again:1")).await, digest);
    let occupied = run(&["pull", &reference, "--into", text(&into)]).await;
    assert_eq!(occupied.status.code(), Some(1));
    assert!(said(&occupied).contains("there already, and not empty"), "{}", said(&occupied));
    let gone = run(&["pull", &registry.reference("v:nowhere"), "--into", text(&parent.path().join("no"))]).await;
    assert!(said(&gone).contains("has no such artifact") && !parent.path().join("no").exists(), "{}", said(&gone));
}

#[tokio::test]
async fn component_outside_of_its_folder_is_deployed_but_not_pulled() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let app = folder("b");
    app.edit("out/version_b.wasm", text(&App::component("version_b")));
    let (host, reference) = (Host::start(&folder("a"), Way::Keep), registry.reference("v:1"));
    let pushed = run(&["push", text(app.path()), &reference]).await;
    assert!(
        pushed.status.success() && said(&pushed).contains("outside of the app's folder: of v"),
        "{}",
        said(&pushed)
    );
    let deployed = host.command_to(&["deploy", &reference]).await;
    assert!(deployed.status.success() && letter(&host).await == "b", "{}", said(&deployed));
    let into = TempDir::new().unwrap();
    let pulled = run(&["pull", &reference, "--into", text(into.path())]).await;
    assert_eq!(pulled.status.code(), Some(1));
    assert!(said(&pulled).contains("the component of handler 'v' is \"/"), "{}", said(&pulled));
    assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn component_alone_is_pushed_as_others_read_it_and_deployed() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let app = folder("a");
    let host = Host::start(&app, Way::Keep);
    assert!(host.command_to(&["undeploy", "v"]).await.status.success());
    let file = App::component("sample_hello.wasm");
    let digest = push(&file, &registry.reference("wasm/hello:1")).await;
    let image = ask(registry.address(), &format!("/v2/wasm/hello/manifests/{digest}")).await;
    let image: Value = serde_json::from_str(image.text()).unwrap();
    let layers = image["layers"].as_array().unwrap();
    assert_eq!((layers.len(), image["config"]["mediaType"].as_str()), (1, Some(CONFIG)));
    assert_eq!(layers[0]["mediaType"], "application/wasm");
    assert_eq!(layers[0]["digest"], Digest::of(&std::fs::read(&file).unwrap()).to_string());
    let config = format!("/v2/wasm/hello/blobs/{}", image["config"]["digest"].as_str().unwrap());
    let config: Value = serde_json::from_str(ask(registry.address(), &config).await.text()).unwrap();
    assert_eq!(
        config["component"]["exports"][0].as_str().unwrap().split('@').next(),
        Some("wasi:http/incoming-handler")
    );
    let deployed = host.command_to(&["deploy", &registry.reference("wasm/hello:1"), "--json"]).await;
    let last = String::from_utf8(deployed.stdout).unwrap();
    assert_eq!(last.lines().last().unwrap(), "{\"app\":\"sample-hello\",\"version\":1,\"previous\":null}");
    assert_eq!(get(host.address(), "/any/path", None).await.status, 200);
    let into = TempDir::new().unwrap();
    let pulled = run(&["pull", &registry.reference("wasm/hello:1"), "--into", text(into.path())]).await;
    assert!(pulled.status.success(), "{}", said(&pulled));
    assert_eq!(std::fs::read(into.path().join("sample_hello.wasm")).unwrap(), std::fs::read(&file).unwrap());
    assert!(into.path().join("sessile.toml").exists());
}

/// A key in a folder of its own.
struct Keys(TempDir);

impl Keys {
    fn new() -> Self {
        let keys = Self(TempDir::new().unwrap());
        assert!(Host::run(&["key", "new", text(&keys.0.path().join("k"))]).status.success());
        keys
    }

    fn trusting(&self) -> Vec<String> {
        vec!["--trusted-key".to_owned(), text(&self.0.path().join("k.pub")).to_owned()]
    }

    fn sign(&self, from: &Path) {
        let signed = Host::run(&["sign", text(from), "--key", text(&self.0.path().join("k"))]);
        assert!(signed.status.success(), "{}", said(&signed));
    }
}

#[tokio::test]
async fn signature_travels_with_the_app_and_counts_for_it_alone() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let (keys, first, app) = (Keys::new(), folder("a"), folder("b"));
    keys.sign(first.path());
    let host = Host::start_with(&first, Settings { args: keys.trusting(), ..Settings::new(Way::Keep) });
    push(app.path(), &registry.reference("v:unsigned")).await;
    keys.sign(app.path());
    push(app.path(), &registry.reference("v:signed")).await;
    std::fs::write(app.path().join("public/one.txt"), "altered").unwrap();
    push(app.path(), &registry.reference("v:altered")).await;
    for (tag, named) in [("unsigned", "unsigned"), ("altered", "its contents are not what was signed")] {
        let refused = refused(&host, &["deploy", &registry.reference(&format!("v:{tag}"))]).await;
        assert!(refused.contains(named) && letter(&host).await == "a", "{refused}");
    }
    let into = TempDir::new().unwrap();
    assert!(run(&["pull", &registry.reference("v:signed"), "--into", text(into.path())]).await.status.success());
    for from in [registry.reference("v:signed"), text(into.path()).to_owned()] {
        let deployed = host.command_to(&["deploy", &from]).await;
        assert!(deployed.status.success() && letter(&host).await == "b", "{}", said(&deployed));
    }
    // One component, whose signature is beside it.
    let file = into.path().join("hello.wasm");
    std::fs::copy(App::component("sample_hello"), &file).unwrap();
    keys.sign(&file);
    push(&file, &registry.reference("other-name:1")).await;
    assert!(host.command_to(&["undeploy", "v"]).await.status.success());
    let deployed = host.command_to(&["deploy", &registry.reference("other-name:1")]).await;
    assert!(deployed.status.success() && said(&deployed).contains("hello: version 1"), "{}", said(&deployed));
}

fn layer(media_type: &str, title: &str, bytes: &[u8], size: u64) -> Value {
    let annotations = json!({"org.opencontainers.image.title": title});
    json!({"mediaType": media_type, "digest": Digest::of(bytes), "size": size, "annotations": annotations})
}

fn image(config: &str, layers: &Value) -> Vec<u8> {
    let config = json!({"mediaType": config, "digest": Digest::of(b"{}"), "size": 2});
    json!({"schemaVersion": 2, "config": config, "layers": layers}).to_string().into_bytes()
}
