//! What only the SDK of C has: bindings that are committed, words of errors, JSON, memory; and its own tests, and those of
//! the SDK of Zig upon it. The rest is `conformance`.

use std::fs;
use std::process::Command;

use hyper::Request;
use sessile_tests::{App, Host, Socket, Way, bindings, get, request};

use super::{built, copied, has, has_c, root};

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

/// What these words of a shell say, in a folder of the repository; what they make is in `$OUT`.
fn said(folder: &str, words: &str) -> String {
    let out = tempfile::tempdir().unwrap();
    let mut shell = Command::new("sh");
    shell.args(["-e", "-c", words]).current_dir(root().join(folder)).env("OUT", out.path());
    let output = shell.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    said.into_owned()
}

#[test]
fn sdk_of_c_passes_its_own_tests() {
    if !has_c("the unit tests of the SDK of C") {
        return;
    }
    let words = "clang -std=c11 -Wall -Wextra -Werror -Wno-unknown-attributes -ffunction-sections -Wl,--gc-sections -I. \
                 test*.c src/*.c -o $OUT/test; $OUT/test";
    assert_eq!(said("guest-sdk/c", words), "OK\n");
}

#[test]
fn sdk_of_zig_passes_its_own_tests() {
    if !has(&["zig"], "the unit tests of the SDK of Zig") {
        return;
    }
    let words = "${ZIG:-zig} translate-c -lc -I../c ../c/sessile.h > $OUT/sessile_c.zig; \
                 ${ZIG:-zig} test --cache-dir $OUT -lc -ffunction-sections --gc-sections -I../c ../c/src/host.c \
                 ../c/src/memory.c ../c/src/request.c ../c/src/status.c --dep sessile -Mroot=test.zig \
                 --dep sessile_c -Msessile=sessile.zig -Msessile_c=$OUT/sessile_c.zig";
    let said = said("guest-sdk/zig", words);
    assert!(said.contains("tests passed") && !said.contains("All 0"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn sdk_of_c_says_what_went_wrong() {
    if !has_c("the words of C's errors") {
        return;
    }
    let host = Host::start(&probe(), Way::Keep);
    let body = bytes::Bytes::from(vec![b'x'; 100_001]);
    let post = Request::post("/http/echo").header("host", "x").body(http_body_util::Full::new(body)).unwrap();
    let answer = request(host.address(), post).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (413, "the request's body exceeds the limit of 100000"));
    assert_eq!(get(host.address(), "/http/twice", None).await.text(), "once");
    host.wait_for_log("not now: the response is complete");
    refusals_are_told(&mut Socket::open(host.address(), "/ws/a").await).await;
    for path in ["/ws/a", "/loop"] {
        // Words too long are cut, and not within a character.
        let mut socket = Socket::open(host.address(), path).await;
        let words = format!("{}{}", path.len(), "\u{e9}".repeat(2000));
        socket.send(format!("fail {words}").as_str()).await;
        assert_eq!(socket.closed().await.0, 1011);
        host.wait_for_log(&format!("told to: {}", words.chars().take(300).collect::<String>()));
    }
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

#[tokio::test(flavor = "multi_thread")]
async fn sdk_of_c_reads_and_writes_texts_and_numbers_of_json() {
    if !has_c("JSON in C") {
        return;
    }
    let host = Host::start(&probe(), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws/a").await;
    sessions_are_kept(&host, &mut socket).await;
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

// ---- what is published to a group comes to the guest ---------------------------------------

/// Hears, in place of its peer, what is published to a group with a history and presence.
const HEARING: &str = r#"#include <string.h>

#include "sessile.h"

static sessile_status came(sessile_id ws) {
    static const char *const tags[] = {"early", "loud"};
    const sessile_membership how = {.metadata = "{\"name\": \"Ada\"}", .tags = tags, .tags_count = 2};
    return sessile_join_as(ws, "heard", &how, NULL);
}

static sessile_status said(sessile_id ws, const sessile_message *message) {
    (void)ws;
    return sessile_publish("heard", message);
}

static sessile_status heard(sessile_id ws, const sessile_told *told) {
    if (told->message != NULL) {
        if (strcmp(told->message->data, "fail") == 0) return sessile_fail("told to fail");
        return sessile_sendf(ws, "%s %u %s", told->group, (unsigned)told->position.offset, told->message->data);
    }
    const sessile_presence *is = told->presence;
    const char *name = is->joined_count > 0 ? is->joined->metadata : "nobody";
    const char *tag = is->joined_count > 0 ? is->joined->tags.items[1] : "";
    return sessile_sendf(ws, "+%zu -%zu =%u %s %s", is->joined_count, is->left_count, (unsigned)is->total, name, tag);
}

SESSILE_EVENTS(.on_open = came, .on_message = said)
SESSILE_PUBLICATIONS(heard)
"#;

/// The same, over that header.
const HEARING_IN_ZIG: &str = r#"const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;

const Hearing = struct {
    pub fn onOpen(ws: sessile.Id) sessile.Error!void {
        const tags = [_][*c]const u8{ "early", "loud" };
        const how: c.sessile_membership = .{ .metadata = "{\"name\": \"Ada\"}", .tags = &tags, .tags_count = tags.len };
        try check(c.sessile_join_as(ws, "heard", &how, null));
    }

    pub fn onMessage(_: sessile.Id, message: *const c.sessile_message) sessile.Error!void {
        try check(c.sessile_publish("heard", message));
    }

    pub fn onPublication(ws: sessile.Id, told: *const c.sessile_told) sessile.Error!void {
        if (told.message != null) {
            const text = told.message.*.data;
            if (std.mem.eql(u8, std.mem.span(text), "fail")) return sessile.fail("told to fail");
            const offset: c_uint = @intCast(told.position.offset);
            return check(c.sessile_sendf(ws, "%s %u %s", told.group, offset, text));
        }
        const is = told.presence.*;
        const one = is.joined_count > 0;
        const name: [*c]const u8 = if (one) is.joined[0].metadata else "nobody";
        const tag: [*c]const u8 = if (one) is.joined[0].tags.items[1] else "";
        const total: c_uint = @intCast(is.total);
        try check(c.sessile_sendf(ws, "+%zu -%zu =%u %s %s", is.joined_count, is.left_count, total, name, tag));
    }
};

comptime {
    sessile.events(Hearing);
    sessile.publications(Hearing);
}
"#;

/// An app in event style, as `new` begins it, with this source in place of its own; not yet built.
fn hearing(language: &str, source: &str, text: &str) -> App {
    let app = App::made("hearing", &["--lang", language]);
    fs::write(app.path().join(source), text).unwrap();
    app.edit("[handlers.room]", "[groups.heard]\nhistory = true\npresence = true\n\n[handlers.room]");
    app
}

pub(super) async fn publications_are_heard(language: &str, source: &str, text: &str) {
    let app = built(hearing(language, source, text));
    for way in [Way::Keep, Way::Amnesia] {
        let host = Host::start(&app, way);
        let mut one = Socket::open(host.address(), "/ws").await;
        assert_eq!(one.text().await, r#"+1 -0 =1 {"name":"Ada"} loud"#);
        assert_eq!(one.ask("a").await, "heard 1 a");
        let mut other = Socket::open(host.address(), "/ws").await;
        for socket in [&mut one, &mut other] {
            assert_eq!(socket.text().await, r#"+1 -0 =2 {"name":"Ada"} loud"#);
        }
        assert_eq!(one.ask("").await, "heard 2 ");
        assert_eq!(other.text().await, "heard 2 ");
        assert_eq!(other.close(1000, "").await.0, 1000);
        assert_eq!(one.text().await, "+0 -1 =1 nobody ");
        one.send("fail").await;
        assert_eq!(one.closed().await.0, 1011);
        host.wait_for_log("told to fail");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sdk_of_c_hears_publications_in_place_of_its_peer() {
    if has_c("publications that C hears") {
        publications_are_heard("c", "src/main.c", HEARING).await;
    }
}

/// As with what it was given: 20 MiB are told to an instance of 1 MiB.
#[tokio::test]
async fn sdk_of_c_keeps_nothing_of_what_it_was_told() {
    if !has_c("leaks of publications in C") {
        return;
    }
    let app = hearing("c", "src/main.c", HEARING);
    app.edit("[groups.heard]", "[handlers.room.limits]\nmemory_bytes_max = 1_048_576\n\n[groups.heard]");
    let host = Host::start(&built(app), Way::Keep);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert!(socket.text().await.starts_with("+1 "));
    for number in 1..=500 {
        let text = "x".repeat(40_000);
        assert_eq!(socket.ask(&text).await, format!("heard {number} {text}"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sdk_of_zig_hears_publications_in_place_of_its_peer() {
    if has(&["zig"], "publications that Zig hears") {
        publications_are_heard("zig", "src/main.zig", HEARING_IN_ZIG).await;
    }
}
