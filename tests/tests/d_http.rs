//! FEATURES, table D: every row from a guest, over real connections. docs/compatibility.md is made from the
//! names of these tests.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use sessile::limits;
use sessile_tests::{Answer, App, Host, Way, each_way, exchange_bytes, get, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::metrics::counted;

each_way!(
    d01_body_is_streamed_and_ended_in_order_or_seen_as_cut,
    d02_answer_is_one_call_with_or_without_a_body,
    d03_raw_response_is_parsed_and_framed_anew,
    d04_cancelled_response_is_seen_as_aborted,
    d05_dispose_ends_the_connection_after_the_answer,
    d06_request_has_head_and_body_by_parts_or_whole,
    d07_pipelined_requests_are_answered_in_order,
    d08_chunks_wait_for_a_slow_peer,
    d10_events_and_long_poll_reach_a_browser,
    d12_files_have_tags_and_ranges_and_stay_in_their_folder,
    d12_redirects_lead_elsewhere_in_this_host,
    d12_cors_lets_named_origins_read,
    peer_that_leaves_within_its_body_is_no_failure,
);

async fn faults(way: Way) -> Host {
    Host::start(&App::faults(way), way)
}

async fn post(host: &Host, path: &str, kind: &str, body: impl Into<Bytes>) -> Answer {
    let post = Request::post(path).header("host", "x").header("content-type", kind).body(Full::new(body.into()));
    request(host.address(), post.unwrap()).await
}

fn ask(path: &str, end: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n{end}\r\n")
}

async fn d01_body_is_streamed_and_ended_in_order_or_seen_as_cut(way: Way) {
    let host = faults(way).await;
    let body: Vec<u8> = (0..3_000_000_u32).map(|byte| byte as u8).collect();
    let answer = post(&host, "/http/echo", "application/octet-stream", body.clone()).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.unwrap() == body);
    for path in ["/http/abort", "/http/short"] {
        let answer = get(host.address(), path, None).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.is_err(), "{path}: {:?}", answer.body);
    }
    assert_eq!(get(host.address(), "/http/twice", None).await.text(), "once");
    host.wait_for_log(r#"WrongOrder("finished")"#);
}

async fn d02_answer_is_one_call_with_or_without_a_body(way: Way) {
    let host = faults(way).await;
    let with = get(host.address(), "/http/status/418", None).await;
    assert_eq!(
        (with.status.as_u16(), with.text(), &with.headers["content-length"]),
        (418, "418", &"3".parse().unwrap())
    );
    let without = get(host.address(), "/http/poll?limit=0", None).await;
    assert_eq!((without.status.as_u16(), without.text()), (204, ""));
    assert!(without.headers.get("content-length").is_none());
    let split = get(host.address(), "/http/split", None).await;
    assert_eq!((split.status.as_u16(), split.headers.get("set-cookie")), (500, None));
}

async fn d03_raw_response_is_parsed_and_framed_anew(way: Way) {
    let host = faults(way).await;
    let raw = "HTTP/1.1 203 Said So\r\nX-A: 1\r\nx-a: 2\r\nConnection: close\r\n\r\nHTTP/1.1 200 OK\r\n\r\n";
    let answer = post(&host, "/http/raw", "text/plain", raw).await;
    assert_eq!((answer.status.as_u16(), answer.text()), (203, "HTTP/1.1 200 OK\r\n\r\n"));
    assert_eq!(answer.headers.get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(answer.headers.get("connection"), None);
    for bad in ["HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nfour", "HTTP/1.1 200 OK\r\n", "nonsense\r\n\r\n"] {
        assert_eq!(post(&host, "/http/raw", "text/plain", bad).await.status, 422, "{bad:?}");
    }
    let raw = "HTTP/1.1 200 OK\r\n\r\nlast";
    let close = format!("POST /http/raw?close=1 HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{raw}", raw.len());
    let all = exchange_bytes(host.address(), (close + &ask("/http/status/201", "")).as_bytes()).await;
    assert!(all.ends_with("last") && all.matches("HTTP/1.1").count() == 1, "{all}");
}

async fn d04_cancelled_response_is_seen_as_aborted(way: Way) {
    let host = faults(way).await;
    let streaming = get(host.address(), "/http/cancel/streaming", None).await;
    assert_eq!(streaming.status, 200);
    assert!(streaming.body.is_err(), "{:?}", streaming.body);
    let unanswered = exchange_bytes(host.address(), ask("/http/cancel/unanswered", "").as_bytes()).await;
    assert_eq!(unanswered, "", "the connection ends in its place");
    host.wait_for_log(r#"after cancel: Some(WrongOrder("finished"))"#);
    assert_eq!(get(host.address(), "/http/cancel/answered", None).await.text(), "answered");
    host.wait_for_log(r#"cancelled too late: Some(WrongOrder("finished"))"#);
}

async fn d05_dispose_ends_the_connection_after_the_answer(way: Way) {
    let host = faults(way).await;
    // It does not ask for the end of the connection; that it is read to its end shows who did.
    let all = exchange_bytes(host.address(), ask("/http/dispose/answered", "").as_bytes()).await;
    assert!(all.starts_with("HTTP/1.1 200") && all.ends_with("the last"), "{all}");
    let none = exchange_bytes(host.address(), ask("/http/dispose/unanswered", "").as_bytes()).await;
    assert_eq!(none, "");
}

async fn d06_request_has_head_and_body_by_parts_or_whole(way: Way) {
    let host = faults(way).await;
    let get = Request::get("/http/head/a%20b?q=1&q=x+y")
        .header("host", "shop.example:81")
        .header("x-test", "one")
        .header("X-TEST", "two")
        .body(Default::default())
        .unwrap();
    let answer = request(host.address(), get).await;
    let mut head: serde_json::Value = serde_json::from_str(answer.text()).unwrap();
    assert!(head["peer"].take().as_str().unwrap().starts_with("127.0.0.1:"));
    let wanted = serde_json::json!({
        "method": "GET", "path": "/http/head/a%20b", "query": "x y", "rest": "head/a b",
        "url": "http://shop.example:81/http/head/a%20b?q=1&q=x+y", "x": ["one", "two"],
        "order": ["host", "x-test", "x-test"], "version": "1.1", "host": "shop.example", "peer": null,
    });
    assert_eq!(head, wanted);
    let form = "application/x-www-form-urlencoded";
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\nx\r\ny\r\n--b--\r\n";
    for (how, kind, body, wanted) in [
        ("text", "text/plain", "h\u{e9}", (200, "h\u{e9}")),
        ("bytes", "text/plain", "12345", (200, "5")),
        ("bytes", "text/plain", &"x".repeat(1001), (400, "1001 exceeds the limit of 1000")),
        ("json", "application/json", "{ \"a\": 1 }", (200, "{\"a\":1}")),
        ("json", "application/json", "{", (400, "bad JSON at line 1 column 1: EOF while parsing an object")),
        ("form", form, "a=1&b=x+y%21", (200, "a=1;b=x y!;")),
        ("multipart", "multipart/form-data; boundary=b", multipart, (200, "f/Some(\"n\")=x\r\ny;")),
        (
            "multipart",
            "multipart/form-data; boundary=c",
            multipart,
            (400, "bad form: the boundary does not occur in the body"),
        ),
    ] {
        let answer = post(&host, &format!("/http/whole/{how}"), kind, body.to_owned()).await;
        assert_eq!((answer.status.as_u16(), answer.text()), wanted, "{how}");
    }
    let chunked = "POST /http/whole/text HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n\
                   3\r\nabc\r\n1;x=y\r\nd\r\n0\r\n\r\n";
    assert!(exchange_bytes(host.address(), chunked.as_bytes()).await.ends_with("abcd"));
}

async fn d07_pipelined_requests_are_answered_in_order(way: Way) {
    let host = faults(way).await;
    let pipelined =
        ask("/http/slow/50", "") + &ask("/http/status/201", "") + &ask("/http/status/202", "Connection: close\r\n");
    let answers = exchange_bytes(host.address(), pipelined.as_bytes()).await;
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "201", "202"], "{answers}");
}

async fn d08_chunks_wait_for_a_slow_peer(way: Way) {
    let host = faults(way).await;
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(ask("/http/flood/64", "Connection: close\r\n").as_bytes()).await.unwrap();
    let mut begun = [0; 100_000];
    stream.read_exact(&mut begun).await.unwrap();
    // The kernel's buffers take a few MiB; while others are served, the guest waits for this peer.
    let mut log = host.wait_for_log("flooded 0 MiB");
    for _ in 0..100 {
        assert_eq!(get(host.address(), "/http/status/200", None).await.status, 200);
        log = host.wait_for_log("flooded 0 MiB");
    }
    assert!(!log.contains("flooded 32 MiB"), "the host takes what the peer does not");
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    host.wait_for_log("flooded all");
    assert!(rest.len() > 63 << 20, "{}", rest.len());
}

#[tokio::test]
async fn d09_connection_that_sends_too_little_is_closed() {
    let host = faults(Way::Keep).await;
    let begun = std::time::Instant::now();
    let half = ask("/http/status/200", "");
    let body = "POST /fresh/whole/text HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nbegun";
    let (nothing, half, body) = tokio::join!(
        exchange_bytes(host.address(), b""),
        exchange_bytes(host.address(), &half.as_bytes()[..half.len() - 2]),
        exchange_bytes(host.address(), body.as_bytes()),
    );
    assert_eq!((nothing.as_str(), half.as_str()), ("", ""));
    assert!(body.starts_with("HTTP/1.1 400") && body.ends_with("timed out"), "{body}");
    let shortest = limits::FIRST_BYTE.min(limits::HEAD).min(limits::BODY_GRACE);
    assert!(begun.elapsed() >= shortest / 2, "none was refused at once");
}

async fn d10_events_and_long_poll_reach_a_browser(way: Way) {
    let host = faults(way).await;
    let again = Request::get("/http/events").header("host", "x").header("last-event-id", "4");
    let answer = request(host.address(), again.body(Default::default()).unwrap()).await;
    assert_eq!(answer.headers["content-type"], "text/event-stream");
    let event = |number: u8| format!("id: {number}\ndata: number {number}\ndata: of many\n\n");
    assert_eq!(answer.text(), format!(":\n\n{}{}{}", event(5), event(6), event(7)));
    let cookie = get(host.address(), "/http/session/set?k=a&v=1", None).await.cookie().unwrap();
    let (waited, set) = tokio::join!(
        get(host.address(), "/http/poll?limit=20000", Some(&cookie)),
        get(host.address(), "/http/session/set?k=news&v=good", Some(&cookie)),
    );
    assert_eq!((waited.text(), set.status.as_u16()), ("good", 200));
    assert_eq!(get(host.address(), "/http/session/get?k=told", Some(&cookie)).await.text(), "\"good\"");
}

/// An app whose routes are files, an address elsewhere, and a guest, read by pages of two origins.
fn site(way: Way) -> App {
    let app = App::faults(way);
    app.edit(
        "[[routes]]\npath = \"/http/{rest...}\"",
        "[cors]\norigins = [\"https://app.example\"]\nmethods = [\"GET\", \"PUT\"]\nheaders = [\"x-a\"]\n\
         credentials = true\n\n\
         [[routes]]\npath = \"/files/{name...}\"\nfiles = \"public\"\n\n\
         [[routes]]\npath = \"/about\"\nfiles = \"public/about.txt\"\n\n\
         [[routes]]\npath = \"/old/{rest...}\"\nredirect = \"/http/{rest}\"\nstatus = 307\n\n\
         [[routes]]\npath = \"/http/{rest...}\"",
    );
    let public = app.path().join("public");
    std::fs::create_dir_all(public.join("sub")).unwrap();
    for (name, text) in [("about.txt", "0123456789"), ("sub/index.html", "<p>index"), (".secret", "no")] {
        std::fs::write(public.join(name), text).unwrap();
    }
    std::os::unix::fs::symlink("/etc/passwd", public.join("passwd")).unwrap();
    std::os::unix::fs::symlink("about.txt", public.join("link.txt")).unwrap();
    app
}

async fn ask_with(host: &Host, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = Request::builder().method(method).uri(path).header("host", "x");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    sessile_tests::request(host.address(), request.body(Default::default()).unwrap()).await
}

async fn d12_files_have_tags_and_ranges_and_stay_in_their_folder(way: Way) {
    let app = site(way);
    let host = Host::start(&app, way);
    let whole = ask_with(&host, "GET", "/files/about.txt", &[]).await;
    assert_eq!((whole.status.as_u16(), whole.text()), (200, "0123456789"));
    assert_eq!(
        (&whole.headers["content-type"], &whole.headers["content-length"]),
        (&"text/plain".parse().unwrap(), &"10".parse().unwrap())
    );
    let tag = whole.headers["etag"].to_str().unwrap();
    for (headers, status, text) in [
        (vec![("if-none-match", tag)], 304, ""),
        (vec![("if-none-match", "\"other\"")], 200, "0123456789"),
        (vec![("range", "bytes=2-4")], 206, "234"),
        (vec![("range", "bytes=-3")], 206, "789"),
        (vec![("range", "bytes=2-4"), ("if-range", tag)], 206, "234"),
        (vec![("range", "bytes=2-4"), ("if-range", "\"other\"")], 200, "0123456789"),
        (vec![("range", "bytes=0-1,4-5")], 200, "0123456789"),
        (vec![("range", "bytes=10-")], 416, ""),
    ] {
        let answer = ask_with(&host, "GET", "/files/about.txt", &headers).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (status, text), "{headers:?}");
    }
    assert_eq!(ask_with(&host, "GET", "/about", &[]).await.text(), "0123456789");
    assert_eq!(ask_with(&host, "GET", "/files/link.txt", &[]).await.text(), "0123456789");
    assert_eq!(ask_with(&host, "GET", "/files/sub/", &[]).await.text(), "<p>index");
    let folder = ask_with(&host, "GET", "/files/sub?a=1", &[]).await;
    assert_eq!((folder.status.as_u16(), folder.headers["location"].to_str().unwrap()), (308, "/files/sub/?a=1"));
    let head = ask_with(&host, "HEAD", "/files/about.txt", &[]).await;
    assert_eq!((head.status.as_u16(), head.text(), head.headers["content-length"].to_str().unwrap()), (200, "", "10"));
    let put = ask_with(&host, "PUT", "/files/about.txt", &[]).await;
    assert_eq!((put.status.as_u16(), put.headers["allow"].to_str().unwrap()), (405, "GET, HEAD"));
    for outside in [
        "/files/",
        "/files/none",
        "/files/.secret",
        "/files/passwd",
        "/files/../sessile.toml",
        "/files/%2e%2e/sessile.toml",
        "/files/..%2Fsessile.toml",
        "/files/%2Fetc%2Fpasswd",
        "/files/about.txt/",
        "/files/sub/%00",
        "/files/sub%5C..",
    ] {
        assert_eq!(ask_with(&host, "GET", outside, &[]).await.status, 404, "{outside}");
    }
}

async fn d12_redirects_lead_elsewhere_in_this_host(way: Way) {
    let app = site(way);
    let host = Host::start(&app, way);
    for (path, location) in [
        ("/old/status/201?a=1", "/http/status/201?a=1"),
        ("/old/a%20b", "/http/a%20b"),
        ("/old//evil.example", "/http//evil.example"),
    ] {
        let answer = ask_with(&host, "GET", path, &[]).await;
        assert_eq!((answer.status.as_u16(), answer.headers["location"].to_str().unwrap()), (307, location));
    }
}

async fn d12_cors_lets_named_origins_read(way: Way) {
    let app = site(way);
    let host = Host::start(&app, way);
    let ours = ("origin", "https://app.example");
    for path in ["/http/status/200", "/about", "/none"] {
        let allowed = ask_with(&host, "GET", path, &[ours]).await;
        assert_eq!(allowed.headers["access-control-allow-origin"], "https://app.example", "{path}");
        assert_eq!(allowed.headers["access-control-allow-credentials"], "true");
        let foreign = ask_with(&host, "GET", path, &[("origin", "https://elsewhere.example")]).await;
        assert_eq!(
            (foreign.headers.get("access-control-allow-origin"), &foreign.headers["vary"]),
            (None, &"origin".parse().unwrap())
        );
    }
    let asked = [ours, ("access-control-request-method", "PUT")];
    let preflight = ask_with(&host, "OPTIONS", "/http/status/200", &asked).await;
    assert_eq!((preflight.status.as_u16(), preflight.text()), (204, ""), "no guest is asked");
    assert_eq!(preflight.headers["access-control-allow-methods"], "GET, PUT");
    assert_eq!(
        (&preflight.headers["access-control-allow-headers"], &preflight.headers["access-control-max-age"]),
        (&"x-a".parse().unwrap(), &"600".parse().unwrap())
    );
    let plain = Host::start(&App::faults(way), way);
    let none = ask_with(&plain, "GET", "/http/status/200", &[ours]).await;
    assert_eq!((none.headers.get("access-control-allow-origin"), none.headers.get("vary")), (None, None));
}

async fn peer_that_leaves_within_its_body_is_no_failure(way: Way) {
    let host = faults(way).await;
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(b"POST /http/raw HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\nbegun").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "");
    counted(&host, "http_server_request_duration_seconds_count{app=\"faults\"}", 1.0).await;
    let log = host.log();
    assert!(!log.contains(" WARN ") && !log.contains(" ERROR "), "{log}");
}

#[tokio::test]
async fn problems_are_html_for_browsers_and_json_for_programs() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let browser = Request::get("/none").header("host", "x").header("accept", "text/html,*/*");
    let browser = request(host.address(), browser.body(Default::default()).unwrap()).await;
    assert!(browser.text().starts_with("<!doctype html>"), "{}", browser.text());
    let program = get(host.address(), "/none", None).await;
    let problem: serde_json::Value = serde_json::from_str(program.text()).unwrap();
    assert_eq!(
        (problem["status"].as_u64(), program.headers["content-type"].to_str().unwrap()),
        (Some(404), "application/problem+json")
    );
}

#[tokio::test]
async fn target_over_the_limit_is_414() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let answer = get(host.address(), &format!("/{}", "x".repeat(9000)), None).await;
    assert_eq!(answer.status, 414);
}
