//! The layers of the host: no module imports one above it (ARCHITECTURE.md).

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fs;
use std::path::{Path, PathBuf};

/// From the outside in, as `host/src/lib.rs` lists them.
const LAYERS: [&str; 31] = [
    "cli",
    "server",
    "admin",
    "oci",
    "deploy",
    "listener",
    "http",
    "tls",
    "websocket",
    "dispatch",
    "app",
    "instance",
    "bindings",
    "outbound",
    "port",
    "histories",
    "group",
    "alarm",
    "session",
    "sqlite",
    "resume",
    "outbox",
    "meter",
    "usage",
    "feed",
    "traces",
    "failure",
    "event",
    "json",
    "limits",
    "rate",
];

/// Libraries that are named in these layers only.
const LIBRARIES: [(&str, &[&str]); 19] = [
    ("hyper", &["admin", "http", "outbound"]),
    ("oci_client", &["oci"]),
    ("reqwest", &["oci", "server"]),
    ("tower_http", &["http"]),
    ("tokio_rustls", &["tls", "outbound", "cli"]),
    // The peer of unit tests, and of `sessile connect`.
    ("tokio_tungstenite", &["websocket", "cli"]),
    ("flate2", &["websocket"]),
    ("wasmtime", &["instance", "bindings"]),
    // What runs a script at build time.
    ("wasmtime_wizer", &["instance"]),
    ("wit_dylib", &["cli"]),
    ("wasmtime_wasi_http", &["instance", "bindings"]),
    ("rusqlite", &["alarm", "histories", "session", "sqlite"]),
    // Who signs, and who verifies, with its unit tests.
    ("minisign", &["app", "cli"]),
    ("minisign_verify", &["app"]),
    ("prometheus_client", &["admin"]),
    ("clap", &["cli"]),
    // What makes components of modules; and of worlds, in unit tests.
    ("wit_component", &["cli", "instance"]),
    ("wit_parser", &["cli", "instance"]),
    ("wasi_preview1_component_adapter_provider", &["cli"]),
];

#[test]
fn module_imports_only_what_is_below_it() {
    let mut upward = Vec::new();
    for (layer, file, text) in sources() {
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")) {
            for name in line.split("crate::").skip(1).flat_map(named) {
                if let Some(other) = rank(name).filter(|other| *other < layer) {
                    upward.push(format!(
                        "{}:{}: {} imports {}",
                        file.display(),
                        number + 1,
                        LAYERS[layer],
                        LAYERS[other]
                    ));
                }
            }
        }
    }
    assert!(upward.is_empty(), "{}", upward.join("\n"));
}

#[test]
fn library_is_named_in_its_layers_only() {
    let mut strays = Vec::new();
    for (layer, file, text) in sources() {
        for (library, homes) in LIBRARIES {
            let named =
                text.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{library}::")));
            if named && !homes.contains(&LAYERS[layer]) {
                strays.push(format!("{}: names {library}", file.display()));
            }
        }
    }
    assert!(strays.is_empty(), "{}", strays.join("\n"));
}

#[test]
fn every_module_has_its_layer() {
    let lib = fs::read_to_string(source().join("lib.rs")).unwrap();
    let declared: Vec<_> = lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    let mut listed = LAYERS.to_vec();
    listed.sort_unstable();
    let mut declared_sorted = declared.clone();
    declared_sorted.sort_unstable();
    assert_eq!(declared_sorted, listed);
}

/// The modules that follow a `crate::`: one, or those in braces.
fn named(after: &str) -> Vec<&str> {
    let names = match after.strip_prefix('{') {
        Some(list) => list.split('}').next().unwrap_or_default(),
        None => after,
    };
    let several = after.starts_with('{');
    let parts = if several { names.split(',').collect() } else { vec![names] };
    parts
        .into_iter()
        .map(|part| part.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
        .collect()
}

fn rank(name: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| *layer == name)
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src")
}

/// Every file with its layer; the crate's root has none.
fn sources() -> Vec<(usize, PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![source()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(source()).unwrap().with_extension("");
            let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
            if let Some(layer) = rank(first) {
                found.push((layer, path.clone(), fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() > LAYERS.len(), "the sources were not found");
    found
}
