//! The SDK of C, by a guest that does what it is told.

use std::fs;

use hyper::Request;
use sessile_tests::{App, Host, Socket, Way, bindings, get, request};
use tokio_tungstenite::tungstenite::Message;

use super::{built, copied, edit, has_c};

fn probe() -> App {
    built(copied("tests/guests/c", "probe.c"))
}

#[test]
fn bindings_in_c_are_those_of_the_wit() {
    for (name, bytes) in bindings::generated() {
        let committed = fs::read(bindings::folder().join(&name)).unwrap_or_default();
        let is_same = committed == bytes;
        assert!(
            is_same,
            "guest-sdk/c/bindings/{name} is not that of wit/: cargo run -p sessile-tests --bin write-bindings"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sdk_of_c_does_what_its_header_says() {
    if !has_c("the SDK of C") {
        return;
    }
    let app = probe();
    for way in [Way::Keep, Way::Amnesia] {
        let host = Host::start(&app, way);
        requests_are_answered(&host).await;
        let more: [(&'static str, &str); 1] = [("x-test", "tést")];
        let mut socket = Socket::open_with(host.address(), "/ws/a%20b?q=1", &more).await.unwrap();
        assert_eq!(socket.response.headers()["x-probe"], "1");
        heads_are_told(&mut socket).await;
        messages_are_exchanged(&mut socket).await;
        refusals_are_told(&mut socket).await;
        sessions_are_kept(&host, &mut socket).await;
        let mut looped = Socket::open(host.address(), "/loop").await;
        loop_receives(&host, &mut looped).await;
        failures_are_told(&host).await;
    }
}

async fn requests_are_answered(host: &Host) {
    let post = |length: usize| {
        let body = bytes::Bytes::from(vec![b'x'; length]);
        Request::post("/http/echo").header("host", "x").body(http_body_util::Full::new(body)).unwrap()
    };
    for length in [0, 1, 99_999] {
        let answer = request(host.address(), post(length)).await;
        assert_eq!((answer.status.as_u16(), answer.text().len()), (200, length));
    }
    let answer = request(host.address(), post(100_001)).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (413, "the request's body exceeds the limit of 100000"));
    let streamed = get(host.address(), "/http/stream", None).await;
    assert_eq!((streamed.status.as_u16(), streamed.text()), (201, "one two"));
    assert_eq!(get(host.address(), "/http/twice", None).await.text(), "once");
    host.wait_for_log("not now: the response is complete");
    for path in ["/http/fail", "/http/nothing"] {
        assert_eq!(get(host.address(), path, None).await.status, 500, "{path}");
    }
    host.wait_for_log("told to fail");
}

async fn heads_are_told(socket: &mut Socket) {
    for (asked, told) in [
        ("method", "GET"),
        ("path", "/ws/a%20b"),
        ("query", "q=1"),
        ("param room", "a b"),
        ("param roo", "(none)"),
        ("header X-Test", "tést"),
        ("header x-none", "(none)"),
    ] {
        assert_eq!(socket.ask(asked).await, told, "{asked}");
    }
}

async fn messages_are_exchanged(socket: &mut Socket) {
    assert_eq!(socket.ask("echo héllo").await, "héllo");
    assert_eq!(socket.ask("echo").await, "");
    for bytes in [vec![], vec![0, 1, 255], vec![7; 100_000]] {
        socket.send(Message::binary(bytes.clone())).await;
        assert!(socket.next().await.unwrap().unwrap() == Message::binary(bytes));
    }
    socket.send("json { \"a\" : [1, 2] }").await;
    assert_eq!([socket.text().await, socket.text().await], ["{\"a\":[1,2]}", "ok"]);
    assert_eq!(socket.ask("publish all hear").await, "all hear");
    assert_eq!(socket.ask("leave").await, "ok");
    assert_eq!(socket.ask("sleep").await, "slept");
    assert_eq!(socket.ask("log this").await, "logged");
    assert_eq!(socket.ask("attach a b").await, "ok");
    assert_eq!(socket.ask("attachment").await, "a b");
}

async fn refusals_are_told(socket: &mut Socket) {
    let told = socket.ask("json {1}").await;
    assert!(told.contains("not JSON: ") && told.contains("at line 1 column"), "{told}");
    for (asked, told) in [
        ("accept", "accept is not for a websocket that is open"),
        ("receive", "receive is for loop style; in event style messages come to on_message"),
        ("close 1005", "a close code that may not be sent: 1005"),
    ] {
        let said = socket.ask(asked).await;
        assert!(said.ends_with(told), "{asked}: {said}");
    }
    let large = "x".repeat(16 * 1024 + 1);
    let said = socket.ask(&format!("attach {large}")).await;
    assert!(said.ends_with("size of 16385 exceeds the limit of 16384"), "{said}");
}

/// What one language writes the other reads, whatever is in it.
async fn sessions_are_kept(host: &Host, socket: &mut Socket) {
    let cookie = socket.cookie().unwrap();
    let in_rust = async |path: &str| get(host.address(), path, Some(&cookie)).await.text().to_owned();
    for (text, json) in [
        ("Ada", r#""Ada""#),
        ("", r#""""#),
        (r#"a "b" \ c"#, r#""a \"b\" \\ c""#),
        ("é€😀", r#""é€😀""#),
        ("tab\tand\u{1}", r#""tab\tand\u0001""#),
    ] {
        assert_eq!(socket.ask(&format!("session set {text}")).await, "ok");
        assert_eq!(in_rust("/rust/session/get?k=k").await, json);
        socket.send("session get").await;
        assert_eq!([socket.text().await, socket.text().await], [text, "ok"]);
    }
    assert_eq!(in_rust("/rust/session/set?k=k&v=of%20Rust%20%22%5C%0A%F0%9F%98%80").await, "set");
    socket.send("session get").await;
    assert_eq!([socket.text().await, socket.text().await], ["of Rust \"\\\n😀", "ok"]);
    for (json, told) in [
        (r#""\u0041\ud83d\ude00\/\u00e9""#, ["A😀/é", "ok"]),
        ("-12", ["9: the session's k is no text", ""]),
        (r#""\u0000""#, ["9: the session's k is no text", ""]),
        (r#""\ud83d""#, ["9: the session's k is no text", ""]),
    ] {
        assert_eq!(socket.ask(&format!("session raw {json}")).await, "ok");
        assert_eq!(socket.ask("session get").await, told[0], "{json}");
        if !told[1].is_empty() {
            assert_eq!(socket.text().await, told[1]);
        }
    }
    for (json, told) in [("-12", "-12"), ("9223372036854775807", "9223372036854775807")] {
        assert_eq!(socket.ask(&format!("session raw {json}")).await, "ok");
        socket.send("session int").await;
        assert_eq!([socket.text().await, socket.text().await], [told, "ok"]);
    }
    for json in ["1.5", "9223372036854775808", "[]"] {
        assert_eq!(socket.ask(&format!("session raw {json}")).await, "ok");
        assert!(socket.ask("session int").await.contains("no whole number"), "{json}");
    }
    assert!(socket.ask("session raw {").await.contains("not JSON"));
    assert!(socket.ask("session over").await.contains("another has saved the session: version "));
    assert!(socket.ask("session cycle").await.contains("cannot reach the peer"));
    assert_eq!(socket.ask("session remove").await, "ok");
    socket.send("session get").await;
    assert_eq!([socket.text().await, socket.text().await], ["(none)", "ok"]);
}

async fn loop_receives(host: &Host, socket: &mut Socket) {
    assert_eq!(socket.ask("echo a").await, "a");
    assert_eq!(socket.ask("ping").await, "pong");
    socket.send("next json").await;
    assert_eq!(socket.ask("[1, 2]").await, "[1, 2]");
    socket.send("next json").await;
    assert!(socket.ask("{").await.contains("not JSON"));
    socket.send("next json").await;
    socket.send(Message::binary("[]")).await;
    assert!(socket.text().await.contains("the other kind"));
    socket.send("close 4000").await;
    assert_eq!(socket.closed().await, (4000, "told to".to_owned()));
    let another = Socket::open(host.address(), "/loop").await;
    assert_eq!(another.close(4002, "").await.0, 4002);
    host.wait_for_log("loop closed with 4002");
}

async fn failures_are_told(host: &Host) {
    let denied = Socket::denied(host.address(), "/ws/a?refuse", &[]).await;
    assert_eq!(denied, (403, "not you".to_owned()));
    let offered: [(&'static str, &str); 1] = [("sec-websocket-protocol", "a, b")];
    let chosen = Socket::open_with(host.address(), "/ws/a?subprotocol", &offered).await.unwrap();
    assert_eq!(chosen.response.headers()["sec-websocket-protocol"], "b");
    assert_eq!(chosen.close(4001, "so long").await.0, 4001);
    host.wait_for_log("probe closed with 4001 so long");
    for path in ["/ws/a", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send(format!("fail on {path}").as_str()).await;
        let (code, reason) = socket.closed().await;
        assert!(code == 1011 && !reason.contains("told"), "{code} {reason}");
        host.wait_for_log(&format!("told to: on {path}"));
        // Words too long are cut, and not within a character.
        let mut socket = Socket::open(host.address(), path).await;
        let words = format!("{}{}", path.len(), "\u{e9}".repeat(2000));
        socket.send(format!("fail {words}").as_str()).await;
        assert_eq!(socket.closed().await.0, 1011);
        host.wait_for_log(&format!("told to: {}", words.chars().take(300).collect::<String>()));
    }
}

/// One instance of 1 MiB takes 40 MiB, and as many errors with words: it would trap if either were kept.
#[tokio::test]
async fn sdk_of_c_keeps_nothing_of_what_it_was_given() {
    if !has_c("leaks of the SDK of C") {
        return;
    }
    let host = Host::start(&probe(), Way::Keep);
    for path in ["/ws/a", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        let text = format!("echo {}", "x".repeat(80_000));
        for _ in 0..500 {
            assert_eq!(socket.ask(&text).await.len(), 80_000);
        }
        let wrong = format!("json \"{}", "y".repeat(80_000));
        for _ in 0..100 {
            assert!(socket.ask(&wrong).await.contains("not JSON"));
        }
    }
}

#[tokio::test]
async fn upgrade_in_c_is_called_when_a_version_takes_over() {
    if !has_c("on-upgrade in C") {
        return;
    }
    let app = probe();
    let host = Host::start(&app, Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws/a").await;
    assert_eq!(socket.ask("attachment").await, "");
    edit(&app, "probe.c", "\"ok\"", "\"well\"");
    let deployed = host.deploy(&built(app), &[]).await;
    assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    assert_eq!(socket.ask("attachment").await, "upgraded");
}
