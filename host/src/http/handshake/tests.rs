//! Handshakes, good and with one fault each.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test stops at a surprise")]

use http::Request;
use proptest::prelude::*;

use super::*;

const GOOD: [(&str, &str); 5] = [
    ("host", "x.example"),
    ("upgrade", "websocket"),
    ("connection", "Upgrade"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("sec-websocket-version", "13"),
];

fn head(headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::get("/chat").body(()).unwrap();
    for (name, value) in headers {
        let name: HeaderName = name.parse().unwrap();
        request.headers_mut().append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    request.into_parts().0
}

/// A good head where these replace all headers of their names; `(none)` removes.
fn head_with(changes: &[(&str, &str)]) -> Parts {
    let kept = GOOD.iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    let added = changes.iter().filter(|(_, value)| *value != "(none)");
    head(&kept.chain(added).copied().collect::<Vec<_>>())
}

fn checked(head: &Parts) -> Result<Handshake, Refusal> {
    check(head, false, &OriginRule::default())
}

fn refusal(changes: &[(&str, &str)]) -> (u16, String) {
    let refusal = checked(&head_with(changes)).unwrap_err();
    (refusal.status.as_u16(), refusal.reason)
}

#[test]
fn handshake_of_the_rfc_gives_its_accept_key() {
    let good = head(&GOOD);
    assert!(is_websocket(&good));
    let handshake = checked(&good).unwrap();
    assert_eq!(handshake.accept_key.as_deref(), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(handshake.subprotocols.is_empty());
}

#[test]
fn handshake_with_what_is_allowed_is_taken() {
    let table: [&[(&str, &str)]; 9] = [
        &[("upgrade", "WebSocket")],
        &[("upgrade", "h2c, WEBSOCKET")],
        &[("upgrade", "h2c"), ("upgrade", "websocket")],
        &[("connection", "keep-alive, upgrade")],
        &[("connection", "keep-alive"), ("connection", ",UPGRADE,")],
        &[("sec-websocket-key", "AQIDBAUGBwgJCgsMDQ4PEC==")],
        &[("content-length", "0")],
        &[("host", "[::1]:8080")],
        &[("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")],
    ];
    for changes in table {
        assert!(checked(&head_with(changes)).is_ok(), "{changes:?}");
    }
}

#[test]
fn fault_in_the_head_is_refused_with_400() {
    let table: [(&[(&str, &str)], &str); 20] = [
        (&[("host", "(none)")], "Host is missing"),
        (&[("host", "a"), ("host", "a")], "Host occurs more than once"),
        (&[("host", "a/b")], "Host is \"a/b\", not a host and port"),
        (&[("host", "a@b")], "Host is \"a@b\", not a host and port"),
        (&[("host", "")], "Host is \"\", not a host and port"),
        (&[("upgrade", "(none)")], "Upgrade does not name websocket"),
        (&[("upgrade", "websockets")], "Upgrade does not name websocket"),
        (&[("connection", "(none)")], "Connection does not name Upgrade"),
        (&[("connection", "keep-alive")], "Connection does not name Upgrade"),
        (&[("sec-websocket-key", "(none)")], "Sec-WebSocket-Key is missing"),
        (&[("sec-websocket-key", "")], "Sec-WebSocket-Key is not 16 bytes in base64"),
        (&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ")], "Sec-WebSocket-Key is not 16 bytes in base64"),
        (&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25j*Q==")], "Sec-WebSocket-Key is not 16 bytes in base64"),
        (&[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZWU=")], "Sec-WebSocket-Key is not 16 bytes in base64"),
        (
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")],
            "Sec-WebSocket-Key occurs more than once",
        ),
        (&[("sec-websocket-protocol", "chat, ch at")], "subprotocol \"ch at\" is not a token"),
        (&[("sec-websocket-protocol", "chat,,b")], "subprotocol \"\" is not a token"),
        (&[("sec-websocket-protocol", "a, b"), ("sec-websocket-protocol", "a")], "subprotocol \"a\" occurs twice"),
        (&[("content-length", "5")], "a handshake has no body"),
        (&[("transfer-encoding", "chunked")], "a handshake has no body"),
    ];
    for (changes, reason) in table {
        assert_eq!(refusal(changes), (400, reason.to_owned()), "{changes:?}");
    }
}

#[test]
fn method_or_version_of_http_that_is_another_is_refused() {
    let mut post = head(&GOOD);
    post.method = Method::POST;
    assert!(is_websocket(&post));
    let refusal = checked(&post).unwrap_err();
    assert_eq!(refusal.to_string(), "handshake refused with 400: method is \"POST\", not GET");

    let mut old = head(&GOOD);
    old.version = Version::HTTP_10;
    assert!(!is_websocket(&old));
    assert_eq!(checked(&old).unwrap_err().reason, "version is HTTP/1.0, not HTTP/1.1");
}

#[test]
fn other_websocket_version_is_told_ours() {
    let table: [&[(&str, &str)]; 5] = [
        &[("sec-websocket-version", "(none)")],
        &[("sec-websocket-version", "8")],
        &[("sec-websocket-version", "013")],
        &[("sec-websocket-version", "13, 8")],
        &[("sec-websocket-version", "13"), ("sec-websocket-version", "13")],
    ];
    for changes in table {
        let refusal = checked(&head_with(changes)).unwrap_err();
        assert_eq!(refusal.status, StatusCode::UPGRADE_REQUIRED);
        let headers: HeaderMap = refusal.headers.into_iter().collect();
        assert_eq!(headers["sec-websocket-version"], "13");
        assert_eq!(headers["upgrade"], "websocket");
    }
}

#[test]
fn subprotocols_keep_their_order() {
    let offered = [("sec-websocket-protocol", "b, a"), ("sec-websocket-protocol", "A ,c")];
    let handshake = checked(&head_with(&offered)).unwrap();
    assert_eq!(handshake.subprotocols, ["b", "a", "A", "c"]);
}

#[test]
fn request_without_upgrade_is_none() {
    assert!(!is_websocket(&head_with(&[("upgrade", "(none)")])));
    assert!(!is_websocket(&head_with(&[("upgrade", "h2c")])));
    assert!(is_websocket(&head_with(&[("connection", "(none)")])));
}

fn origin_status(host: &str, origins: &[&str], secure: bool, rule: &OriginRule) -> u16 {
    let mut changes = vec![("host", host)];
    changes.extend(origins.iter().map(|origin| ("origin", *origin)));
    match check(&head_with(&changes), secure, rule) {
        Ok(_) => 101,
        Err(refusal) => refusal.status.as_u16(),
    }
}

#[test]
fn origin_of_the_request_itself_is_taken() {
    let table = [
        ("x.example", "http://x.example", false),
        ("x.example:80", "http://x.example", false),
        ("X.Example", "http://x.example:80", false),
        ("x.example", "https://x.example", true),
        ("x.example:443", "https://x.example", true),
        ("x.example:8443", "https://x.example:8443", true),
        ("[::1]:3000", "http://[0::1]:3000", false),
    ];
    for (host, origin, secure) in table {
        assert_eq!(origin_status(host, &[origin], secure, &OriginRule::default()), 101, "{origin}");
    }
}

#[test]
fn origin_of_another_site_is_refused_with_403() {
    let table: [(&[&str], bool); 14] = [
        (&["https://evil.example"], false),
        (&["https://x.example"], false),
        (&["http://x.example"], true),
        (&["http://x.example:8080"], false),
        (&["http://x.example.evil"], false),
        (&["http://evil.example/x.example"], false),
        (&["http://evil.example@x.example"], false),
        (&["http://x.example@evil.example"], false),
        (&["null"], false),
        (&[""], false),
        (&["x.example"], false),
        (&["http://x.example http://x.example"], false),
        (&["http://x.example", "http://x.example"], false),
        (&["http://\u{e9}.example"], false),
    ];
    for (origins, secure) in table {
        let status = origin_status("x.example", origins, secure, &OriginRule::default());
        assert_eq!(status, 403, "{origins:?}");
    }
}

#[test]
fn origin_on_the_list_is_taken() {
    let allowed = vec!["https://app.example".parse().unwrap()];
    let rule = OriginRule { allowed, ..OriginRule::default() };
    assert_eq!(origin_status("x.example", &["https://App.example:443"], false, &rule), 101);
    assert_eq!(origin_status("x.example", &["http://app.example"], false, &rule), 403);
    assert_eq!(origin_status("x.example", &["http://x.example"], false, &rule), 101);
    assert_eq!(origin_status("x.example", &["null"], false, &rule), 403);
    assert_eq!(origin_status("x.example", &["http://localhost:5173"], false, &rule), 403);

    let dev = OriginRule { allow_loopback: true, ..OriginRule::default() };
    assert_eq!(origin_status("127.0.0.1:8080", &["http://localhost:5173"], false, &dev), 101);
    assert_eq!(origin_status("127.0.0.1:8080", &["http://localhost.evil"], false, &dev), 403);
}

#[test]
fn origin_that_is_absent_is_taken_unless_required() {
    assert_eq!(origin_status("x.example", &[], false, &OriginRule::default()), 101);
    let rule = OriginRule { require: true, ..OriginRule::default() };
    assert_eq!(origin_status("x.example", &[], false, &rule), 403);
    assert_eq!(origin_status("x.example", &["http://x.example"], false, &rule), 101);
}

#[test]
fn extended_connect_needs_no_key() {
    let mut head = head(&[("host", "x.example"), ("sec-websocket-version", "13"), ("origin", "http://x.example")]);
    (head.method, head.version) = (Method::CONNECT, Version::HTTP_2);
    assert!(!is_websocket(&head));
    head.extensions.insert(Protocol::from_static("connect-udp"));
    assert!(!is_websocket(&head));
    head.extensions.insert(Protocol::from_static("websocket"));
    assert!(is_websocket(&head));
    assert_eq!(checked(&head), Ok(Handshake { accept_key: None, subprotocols: Vec::new() }));
    head.headers.insert("origin", HeaderValue::from_static("http://y.example"));
    assert_eq!(checked(&head).unwrap_err().status, StatusCode::FORBIDDEN);
    head.headers.remove("sec-websocket-version");
    assert_eq!(checked(&head).unwrap_err().status, StatusCode::UPGRADE_REQUIRED);
}

#[test]
fn reason_quotes_no_more_than_a_line() {
    let long = format!("http://{}\u{e9}", "x".repeat(5000));
    let (status, reason) = refusal(&[("origin", &long)]);
    assert_eq!(status, 403);
    assert!(reason.len() < 200, "{reason}");
}

proptest! {
    #[test]
    fn any_header_values_never_panic(
        name in prop::sample::select(vec![
            "host", "upgrade", "connection", "sec-websocket-key", "sec-websocket-version",
            "sec-websocket-protocol", "origin",
        ]),
        value in prop::collection::vec(prop_oneof![32_u8..127, 128_u8..=255], 0..60),
    ) {
        let mut head = head(&GOOD);
        head.headers.insert(name, HeaderValue::from_bytes(&value).unwrap());
        let _ = is_websocket(&head);
        if let Err(refusal) = checked(&head) {
            prop_assert!(refusal.status.is_client_error());
        }
    }
}
