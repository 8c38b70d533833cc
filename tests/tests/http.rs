//! Exchanges: bodies, order, heads.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use hyper::Request;
use sessile_tests::{App, Host, Way, each_way, get, request};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

each_way!(
    body_streamed_through_a_guest_comes_back_whole,
    head_is_what_was_sent,
    body_that_is_not_finished_is_seen_as_cut,
    answer_given_twice_is_sent_once,
    requests_on_one_connection_are_answered_in_order,
);

async fn body_streamed_through_a_guest_comes_back_whole(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let body: Vec<u8> = (0..3_000_000_u32).map(|byte| byte as u8).collect();
    let post = Request::post("/http/echo").header("host", "x").body(body.clone().into()).unwrap();
    let answer = request(host.address(), post).await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.unwrap() == body);
}

async fn head_is_what_was_sent(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let get = Request::get("/http/head/a%20b?q=1&q=x+y")
        .header("host", "shop.example:81")
        .header("x-test", "one")
        .header("X-TEST", "two")
        .body(Default::default())
        .unwrap();
    let answer = request(host.address(), get).await;
    let head: serde_json::Value = serde_json::from_str(answer.text()).unwrap();
    let wanted = serde_json::json!({
        "method": "GET", "path": "/http/head/a%20b", "query": "x y", "rest": "head/a b",
        "url": "http://shop.example:81/http/head/a%20b?q=1&q=x+y", "x": ["one", "two"],
        "order": ["host", "x-test", "x-test"],
    });
    assert_eq!(head, wanted);
}

async fn body_that_is_not_finished_is_seen_as_cut(way: Way) {
    let host = Host::start(&App::faults(way), way);
    for path in ["/http/abort", "/http/short"] {
        let answer = get(host.address(), path, None).await;
        assert_eq!(answer.status, 200);
        assert!(answer.body.is_err(), "{path}: {:?}", answer.body);
    }
}

async fn answer_given_twice_is_sent_once(way: Way) {
    let host = Host::start(&App::faults(way), way);
    assert_eq!(get(host.address(), "/http/twice", None).await.text(), "once");
    host.wait_for_log(r#"WrongOrder("finished")"#);
}

async fn requests_on_one_connection_are_answered_in_order(way: Way) {
    let host = Host::start(&App::faults(way), way);
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let ask = |path: &str, end: &str| format!("GET {path} HTTP/1.1\r\nHost: x\r\n{end}\r\n");
    let pipelined =
        ask("/http/slow/50", "") + &ask("/http/status/201", "") + &ask("/http/status/202", "Connection: close\r\n");
    stream.write_all(pipelined.as_bytes()).await.unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    let statuses: Vec<_> = answers.split("HTTP/1.1 ").skip(1).map(|answer| &answer[..3]).collect();
    assert_eq!(statuses, ["200", "201", "202"], "{answers}");
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
