//! What a registry gives that is wrong: refused, and the running version serves on.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sessile::app::digest::Digest;
use sessile_tests::{App, Door, Host, Registry, Socket, Way, fake, get};
use tempfile::TempDir;

use super::{CONFIG, folder, image, layer, lettered, push, refused, run, said, text};

#[tokio::test]
async fn registry_that_is_down_or_altered_leaves_the_running_version() {
    let Some(registry) = Registry::start(Door::Open) else { return };
    let host = Host::start(&folder("a"), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    let app = folder("b");
    push(app.path(), &registry.reference("v:1")).await;
    let component = Digest::of(&std::fs::read(app.path().join("out/version_b.wasm")).unwrap()).to_string();
    registry.alter(&component, &std::fs::read(App::component("version_a")).unwrap());
    let lie = refused(&host, &["deploy", &registry.reference("v:1")]).await;
    assert!(lie.contains(&component) && lie.contains("altered in it or on the way"), "{lie}");
    let reference = registry.reference("v:1");
    drop(registry);
    for args in [vec!["deploy", &reference], vec!["push", text(app.path()), &reference]] {
        let down = run(&args).await;
        assert_eq!(down.status.code(), Some(1), "{}", said(&down));
        assert!(said(&down).contains("is the registry there, and up?"), "{}", said(&down));
    }
    assert_eq!(socket.ask("x").await, "a:x");
}

/// Artifacts by tag, each of which is refused with these words.
fn wrong() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let wasm = std::fs::read(App::component("version_b")).unwrap();
    let (size, toml) = (wasm.len() as u64, lettered("b").into_bytes());
    let app = |layer: Value| {
        let manifest =
            self::layer("application/vnd.sessile.manifest.v1+toml", "sessile.toml", &toml, toml.len() as u64);
        image(CONFIG, &json!([manifest, layer]))
    };
    let file = "application/vnd.sessile.file.v1";
    let docker = "application/vnd.oci.image.config.v1+json";
    let short = layer("application/wasm", "x.wasm", &wasm, size - 1);
    vec![
        (
            "docker",
            image(docker, &json!([])),
            "no WebAssembly artifact: its config is of type 'application/vnd.oci.image.config",
        ),
        ("html", b"<html>".to_vec(), "no manifest of an artifact"),
        ("up", app(layer(file, "../../etc/x", b"x", 1)), "\"../../etc/x\" is not the path of a file within the app"),
        ("root", app(layer(file, "/etc/x", b"x", 1)), "\"/etc/x\" is not the path of a file within the app"),
        ("less", app(layer(file, "x", b"x", 1)), "it has no component of handler 'v', \"out/version_b.wasm\""),
        ("huge", app(layer(file, "x", b"x", 1 << 40)), "x of 1099511627776 bytes exceeds the limit of 67108864"),
        (
            "lying",
            image(CONFIG, &json!([layer("application/wasm", "x.wasm", b"other", 5)])),
            "altered in it or on the way",
        ),
        ("more", image(CONFIG, &json!([short])), "has more than the"),
        ("gone", image(CONFIG, &json!([layer("application/wasm", "x.wasm", b"gone", 4)])), "has no such content"),
        ("many", vec![b' '; 4 * 1024 * 1024 + 1], "its manifest has more than the 4194304 bytes"),
    ]
}

#[tokio::test]
async fn artifact_that_is_wrong_is_refused_and_the_running_version_serves_on() {
    let host = Host::start(&folder("a"), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    let wasm = std::fs::read(App::component("version_b")).unwrap();
    let mut answers = BTreeMap::from([
        (format!("/v2/x/blobs/{}", Digest::of(&wasm)), wasm),
        (format!("/v2/x/blobs/{}", Digest::of(b"other")), b"OTHER".to_vec()),
        (format!("/v2/x/blobs/{}", Digest::of(lettered("b").as_bytes())), lettered("b").into_bytes()),
    ]);
    let exact = Digest::of(b"some manifest");
    answers.insert(format!("/v2/x/manifests/{exact}"), image(CONFIG, &json!([])));
    answers.extend(wrong().into_iter().map(|(tag, image, _)| (format!("/v2/x/manifests/{tag}"), image)));
    let address = fake::holding(answers).await;
    for (tag, _, named) in wrong() {
        let into = TempDir::new().unwrap();
        let reference = format!("oci://{address}/x:{tag}");
        let deployed = refused(&host, &["deploy", &reference]).await;
        assert!(deployed.contains(named) && deployed.contains(&format!("{address}/x:{tag}")), "{tag}: {deployed}");
        let pulled = run(&["pull", &reference, "--into", text(into.path())]).await;
        assert!(said(&pulled).contains(named) && pulled.status.code() == Some(1), "{tag}: {}", said(&pulled));
        assert_eq!(std::fs::read_dir(into.path()).unwrap().count(), 0, "{tag}");
        assert_eq!(socket.ask("x").await, "a:x");
    }
    let lie = refused(&host, &["deploy", &format!("oci://{address}/x@{exact}")]).await;
    assert!(lie.contains(&exact.to_string()) && lie.contains("altered in it"), "{lie}");
}

#[tokio::test]
async fn component_that_wkg_pushed_is_deployed_under_its_repository_s_name() {
    let app = folder("a");
    let host = Host::start(&app, Way::Keep);
    assert!(host.command_to(&["undeploy", "v"]).await.status.success());
    let wasm = std::fs::read(App::component("sample_hello")).unwrap();
    let layers = json!([{"mediaType": "application/wasm", "digest": Digest::of(&wasm), "size": wasm.len()}]);
    let answers = BTreeMap::from([
        ("/v2/wasm/world/manifests/0.1.0".to_owned(), image(CONFIG, &layers)),
        (format!("/v2/wasm/world/blobs/{}", Digest::of(&wasm)), wasm),
    ]);
    let address = fake::holding(answers).await;
    let deployed = host.command_to(&["deploy", &format!("oci://{address}/wasm/world:0.1.0")]).await;
    assert!(deployed.status.success() && said(&deployed).contains("world: version 1 is live"), "{}", said(&deployed));
    assert_eq!(get(host.address(), "/", None).await.status, 200);
}
