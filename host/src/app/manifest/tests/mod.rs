//! Manifests, good and bad, and the words for each fault.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at a surprise")]

mod faults;
mod reference;

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::instance::Isolation;
use crate::limits;
use crate::outbound::{Grant, Network};
use crate::outbox::Overflow;
use crate::port::websocket::AutoResponse;

const MINIMAL: &str = r#"[app]
name = "chat"
[[routes]]
path = "/rooms/{room}"
handler = "chat"
[handlers.chat]
component = "chat.wasm"
"#;

const FULL: &str = r#"
[app]
name = "chat-2"
allowed_origins = ["https://X.example:443", "http://localhost:3000"]
require_origin = true
drain_s = 5

[[routes]]
path = "/rooms/{room}"
handler = "chat"

[[routes]]
path = "/{rest...}"
handler = "site"

[handlers.chat]
component = "../target/wasm32-wasip2/release/chat.wasm"
build = "cargo build --release --target wasm32-wasip2"
export = "websocket-events"
isolation = "shared"
overflow = "drop-oldest"
deflate = true
auto_response = { request = "ping", response = "pong" }
resume_s = 60
autosave = "event"

[handlers.chat.limits]
message_bytes_max = 16_777_216
cpu_ms = 100
deadline_ms = 0x7d0
memory_bytes_max = 1048576
outbox_bytes_max = 1
outbox_messages_max = 65536
outbound_ms = 60_000

[handlers.chat.config]
greeting = "hello"
"any key" = ""

[handlers.chat.grants]
env = ["HOME", "_A1"]
outbound = ["api.example.com", "*.example.org", "http://127.0.0.1:8080"]
outbound_private = ["http://db.internal:9000"]

[handlers.site]
component = "/opt/site.wasm"
export = "http-handler"

[session]
cookie = "__Secure-sid"
domain = "x.example"
path = "/app"
secure = "always"
http_only = false
same_site = "none"
max_age_s = 3600
idle_s = 60
absolute_s = 600
store = "memory"
save_every_request = true
"#;

fn parse(text: &str) -> Result<Manifest, ManifestError> {
    Manifest::parse(text, Path::new("apps/chat/sessile.toml"))
}

/// The lines of the error of a manifest at `sessile.toml`.
fn errors(text: &str) -> Vec<String> {
    let error = Manifest::parse(text, Path::new("sessile.toml")).unwrap_err();
    error.to_string().lines().map(str::to_owned).collect()
}

/// The only error.
fn error(text: &str) -> String {
    let mut errors = errors(text);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    errors.remove(0)
}

/// The minimal manifest with more lines at its end, which is `[handlers.chat]`, from line 8.
fn error_with(more: &str) -> String {
    error(&format!("{MINIMAL}{more}\n"))
}

#[test]
fn minimal_manifest_has_the_defaults() {
    let manifest = parse(MINIMAL).unwrap();
    let app = AppSettings {
        name: "chat".into(),
        allowed_origins: Vec::new(),
        require_origin: false,
        hosts: Vec::new(),
        prefix: String::new(),
        health: None,
        drain: limits::SWAP_DRAIN,
    };
    assert_eq!(manifest.app, app);
    assert_eq!(manifest.session, SessionSettings::default());
    assert_eq!(manifest.session.max_age, Some(limits::SESSION_MAX_AGE));
    assert_eq!(manifest.routes[0].pattern.as_str(), "/rooms/{room}");
    assert_eq!(manifest.routes[0].to, RouteTarget::Handler("chat".into()));
    assert_eq!(manifest.cors, None);
    assert_eq!(manifest.pace, PaceSettings::default());
    assert_eq!(manifest.rollback, RollbackSettings::default());
    let handler = &manifest.handlers["chat"];
    assert_eq!(handler.component, Path::new("apps/chat/chat.wasm"));
    assert_eq!((&handler.build, handler.export), (&None, None));
    assert_eq!(handler.isolation, Isolation::Connection);
    assert_eq!((handler.overflow, handler.autosave), (Overflow::Wait, Autosave::Never));
    assert_eq!((&handler.auto_response, handler.deflate, handler.resume), (&None, false, None));
    assert_eq!(handler.limits, HandlerLimits::default());
    assert_eq!((handler.limits.cpu, handler.limits.deadline), (limits::CPU, None));
    assert!(handler.config.is_empty() && handler.grants == Grants::default());
}

#[test]
fn full_manifest_is_read_whole() {
    let manifest = parse(FULL).unwrap();
    assert!(manifest.app.require_origin);
    assert_eq!(manifest.app.drain, Duration::from_secs(5));
    let origins: Vec<_> = manifest.app.allowed_origins.iter().map(Origin::to_string).collect();
    assert_eq!(origins, ["https://x.example", "http://localhost:3000"]);
    assert!(manifest.app.origins(false).require);
    assert_eq!(manifest.app.origins(false).allowed, manifest.app.allowed_origins);
    assert_eq!((manifest.routes.len(), manifest.handlers.len()), (2, 2));
    let chat = &manifest.handlers["chat"];
    let component = "apps/chat/../target/wasm32-wasip2/release/chat.wasm";
    assert_eq!(chat.component, Path::new(component));
    assert_eq!(chat.build.as_deref(), Some("cargo build --release --target wasm32-wasip2"));
    assert_eq!(chat.export, Some(Export::WebsocketEvents));
    assert_eq!(chat.isolation, Isolation::Shared);
    assert_eq!((chat.overflow, chat.autosave), (Overflow::DropOldest, Autosave::Event));
    assert_eq!(chat.resume, Some(Duration::from_secs(60)));
    let auto_response = AutoResponse { request: "ping".into(), response: "pong".into() };
    assert_eq!((&chat.auto_response, chat.deflate), (&Some(auto_response), true));
    let limits = HandlerLimits {
        message_bytes_max: 16 * 1024 * 1024,
        cpu: Duration::from_millis(100),
        deadline: Some(Duration::from_secs(2)),
        memory_bytes_max: 1024 * 1024,
        outbox_bytes_max: 1,
        outbox_messages_max: 65_536,
        outbound: Duration::from_secs(60),
        messages_per_s: None,
        in_flight_max: limits::IN_FLIGHT_MAX,
    };
    assert_eq!(chat.limits, limits);
    assert_eq!(chat.config["greeting"], "hello");
    assert_eq!(chat.config["any key"], "");
    assert_eq!(chat.grants.env, ["HOME", "_A1"]);
    let public = ["https://api.example.com:443", "https://*.example.org", "http://127.0.0.1:8080"];
    let mut grants: Vec<_> = public.map(|text| Grant::parse(text, Network::Public).unwrap()).into();
    grants.push(Grant::parse("http://db.internal:9000", Network::Private).unwrap());
    assert_eq!(chat.grants.outbound, grants);
    let site = &manifest.handlers["site"];
    assert_eq!((site.component.as_path(), site.export), (Path::new("/opt/site.wasm"), Some(Export::HttpHandler)));
    let session = SessionSettings {
        cookie: Some("__Secure-sid".into()),
        domain: Some("x.example".into()),
        path: "/app".into(),
        secure: Secure::Always,
        http_only: false,
        same_site: SameSite::None,
        max_age: Some(Duration::from_secs(3600)),
        idle: Duration::from_secs(60),
        absolute: Duration::from_secs(600),
        store: Store::Memory,
        save_every_request: true,
    };
    assert_eq!(manifest.session, session);
}

#[test]
fn session_age_of_zero_ends_with_the_browser() {
    let manifest = parse(&format!("{MINIMAL}[session]\nmax_age_s = 0\n")).unwrap();
    assert_eq!(manifest.session.max_age, None);
}

proptest! {
    #[test]
    fn parse_never_panics(text in "\\PC{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn damaged_manifest_never_panics(
        at in 0..FULL.len(),
        cut in 0_usize..12,
        insert in "[\\PC\n\"\\[\\]=.0-9]{0,6}",
    ) {
        let (before, after) = FULL.split_at_checked(at).unwrap();
        let after = after.get(cut..).unwrap_or_default();
        let damaged = format!("{before}{insert}{after}");
        if let Err(error) = parse(&damaged) {
            prop_assert!(!error.faults.is_empty());
            prop_assert!(error.to_string().starts_with("apps/chat/sessile.toml:"));
        }
    }
}
