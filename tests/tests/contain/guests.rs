//! Guests that ask too much of the host.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use sessile_tests::{App, Host, Socket, Way, exchange_bytes, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{MIB, Neighbours};

/// Linear memory of an instance here.
const MEMORY: u64 = 96 * MIB;

fn greedy() -> App {
    App::new(&format!(
        "[app]\nname = \"greedy\"\n\
         [[routes]]\npath = \"/ws\"\nhandler = \"events\"\n\
         [[routes]]\npath = \"/shared\"\nhandler = \"shared\"\n\
         [[routes]]\npath = \"/http/{{rest...}}\"\nhandler = \"http\"\n\
         [handlers.events]\ncomponent = \"{{components}}/greedy.wasm\"\nexport = \"websocket-events\"\n\
         limits = {{ memory_bytes_max = {MEMORY} }}\n\
         [handlers.shared]\ncomponent = \"{{components}}/greedy.wasm\"\nexport = \"websocket-events\"\n\
         isolation = \"shared\"\n\
         [handlers.http]\ncomponent = \"{{components}}/greedy.wasm\"\nexport = \"http-handler\"\n\
         limits = {{ memory_bytes_max = {MEMORY} }}\n"
    ))
}

/// What the log says of the fault under which a websocket was closed.
async fn fault(host: &Host, mut socket: Socket) -> String {
    let (code, reason) = socket.closed().await;
    assert_eq!(code, 1011, "{reason}");
    reported(host, reason.strip_prefix("report ").unwrap())
}

/// What the log says under the id of a report.
fn reported(host: &Host, id: &str) -> String {
    let report = format!("report={id}");
    let log = host.wait_for_log(&report);
    let before = &log[..log.find(&report).unwrap()];
    before[before.rfind(" WARN ").unwrap()..].to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn flood_of_any_call_ends_by_its_cpu_budget_and_alone() {
    let host = Host::start(&greedy(), Way::Keep);
    let neighbours = Neighbours::beside(&host, "/ws", 20).await;
    for call in [
        "state",
        "attach",
        "attachment",
        "try-send",
        "send-json",
        "publish",
        "join",
        "log",
        "session-set",
        "session-keys",
        "sleep",
        "clock",
        "random",
        "print",
    ] {
        let mut socket = Socket::open(host.address(), "/ws").await;
        socket.send(format!("flood {call}")).await;
        let fault = fault(&host, socket).await;
        assert!(fault.contains("used up its CPU budget"), "{call}: {fault}");
    }
    neighbours.are_well().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_of_nothing_end_by_the_cpu_budget_and_hold_no_memory() {
    let (greedy, errands) = (Host::start(&greedy(), Way::Keep), Host::start(&App::errands(), Way::Keep));
    for (host, path) in [(&greedy, "/http/flood/empty"), (&errands, "/errand/empty"), (&errands, "/errand-3/empty")] {
        let ask = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        // Once, so that what a host has only once does not count.
        exchange_bytes(host.address(), ask.as_bytes()).await;
        let before = host.resident_bytes();
        host.forget_peak();
        for _ in 0..3 {
            let answer = exchange_bytes(host.address(), ask.as_bytes()).await;
            assert!(!answer.ends_with("\r\n0\r\n\r\n"), "{path}: {answer}");
        }
        let grown = host.peak_bytes().saturating_sub(before);
        assert!(grown < 8 * MIB, "{path}: {} KiB", grown >> 10);
        host.wait_for_log("used up its CPU budget");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_that_are_never_dropped_end_their_guest() {
    let host = Host::start(&greedy(), Way::Keep);
    for what in ["pollables", "fields", "streams"] {
        let mut socket = Socket::open(host.address(), "/ws").await;
        socket.send(format!("leak {what}")).await;
        let fault = fault(&host, socket).await;
        assert!(fault.contains("trapped") && !fault.contains("CPU"), "{what}: {fault}");
    }
    // Those of earlier events count, and the next instance begins with none.
    let mut socket = Socket::open(host.address(), "/shared").await;
    let mut events = 0;
    loop {
        socket.send("leak-some pollables").await;
        match socket.next().await {
            Some(Ok(message)) if message.is_text() => events += 1,
            _ => break,
        }
    }
    assert!((5..10).contains(&events), "{events} times a hundred");
    let mut next = Socket::open(host.address(), "/shared").await;
    assert_eq!(next.ask("leak-some pollables").await, "leaked 100");
}

#[tokio::test(flavor = "multi_thread")]
async fn handles_of_the_component_model_are_bounded_too() {
    let host = Host::start(&App::errands(), Way::Keep);
    let before = host.resident_bytes();
    host.forget_peak();
    for route in ["errand-3", "shared-3"] {
        for what in ["leak-streams", "leak-futures", "leak-fields"] {
            let answer = get(host.address(), &format!("/{route}/{what}"), None).await;
            assert_eq!(answer.status, 500, "{what}: {}", answer.text());
            let (_, id) = answer.text().split_once("Report ").unwrap();
            let fault = reported(&host, id.split_once(' ').unwrap().0);
            assert!(fault.contains("trapped") && !fault.contains("CPU"), "{what}: {fault}");
        }
    }
    let grown = host.peak_bytes().saturating_sub(before);
    assert!(grown < 64 * MIB, "{} MiB", grown / MIB);
    assert_eq!(get(host.address(), "/errand-3/count", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn largest_list_in_any_call_takes_no_more_than_the_guest_has() {
    let host = Host::start(&greedy(), Way::Keep);
    let mut neighbour = Socket::open(host.address(), "/ws").await;
    let most = |host: &Host, before: u64, call: &str| {
        let grown = host.peak_bytes().saturating_sub(before);
        assert!(grown < MEMORY + 24 * MIB, "{call}: {} MiB more", grown / MIB);
    };
    for call in [
        "send",
        "try-send",
        "send-json",
        "attach",
        "accept",
        "accept-large",
        "accept-many",
        "reject",
        "reject-large",
        "reject-many",
        "close",
        "raw-send",
        "join",
        "leave",
        "publish-name",
        "publish",
        "session-get",
        "session-set-key",
        "session-set",
        "session-remove",
        "random",
        "insecure",
        "zeroes",
        "log",
        "print",
    ] {
        let before = host.resident_bytes();
        host.forget_peak();
        let mut socket = Socket::open(host.address(), "/ws").await;
        socket.send(format!("largest {call}")).await;
        match socket.next().await {
            Some(Ok(message)) if message.is_text() => {
                let text = message.into_text().unwrap();
                let bounded = text.starts_with("refused") || (text == "taken" && matches!(call, "log" | "print"));
                assert!(bounded, "{call}: {text}");
            }
            Some(Ok(message)) => assert!(message.is_close(), "{call}: {message:?}"),
            other => panic!("{call}: {other:?}"),
        }
        most(&host, before, call);
        assert_eq!(neighbour.ask(call).await, call);
    }
    for call in ["respond", "respond-large", "respond-many", "write", "raw"] {
        let before = host.resident_bytes();
        host.forget_peak();
        let ask = format!("GET /http/largest/{call} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        let answer = exchange_bytes(host.address(), ask.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 500") || answer.len() < 1000, "{call}: {:.200}", answer);
        most(&host, before, call);
        assert_eq!(neighbour.ask(call).await, call);
    }
}

/// A guest that never reads what it is sent: the peer waits, the host does not hold it.
#[tokio::test(flavor = "multi_thread")]
async fn body_that_the_guest_never_reads_stays_with_the_peer() {
    const BYTES: usize = 64 << 20;
    let host = Host::start(&App::errands(), Way::Keep);
    for path in ["/errand/sleep", "/errand-3/sleep"] {
        let before = host.resident_bytes();
        host.forget_peak();
        let (mut from, mut to) = TcpStream::connect(host.address()).await.unwrap().into_split();
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {BYTES}\r\n\r\n");
        to.write_all(head.as_bytes()).await.unwrap();
        let sending = tokio::spawn(async move {
            let (part, mut sent) = (vec![b'x'; 1 << 16], 0);
            while sent < BYTES && to.write_all(&part).await.is_ok() {
                sent += part.len();
            }
            sent
        });
        let mut status = [0; 12];
        from.read_exact(&mut status).await.unwrap();
        assert_eq!(&status, b"HTTP/1.1 504", "{path}: by its deadline");
        let grown = host.peak_bytes().saturating_sub(before);
        assert!(grown < 32 * MIB, "{path}: {} MiB", grown / MIB);
        drop(from);
        assert!(sending.await.unwrap() < BYTES, "{path}: all of it was taken");
        assert_eq!(get(host.address(), "/errand/forbidden", None).await.status, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guest_that_does_not_return_or_decide_in_time_is_cut() {
    let app = App::faults(Way::Keep);
    app.edit("[handlers.events]", "[handlers.events]\nlimits = { deadline_ms = 300 }");
    let host = Host::start(&app, Way::Keep);
    let neighbours = Neighbours::beside(&host, "/ws", 10).await;
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send("sleep 60000").await;
    assert!(fault(&host, socket).await.contains("within its deadline of 300 ms"));
    // A loop has no deadline, but one to answer the handshake by.
    for path in ["/ws", "/loop"] {
        let (status, page) = Socket::denied(host.address(), &format!("{path}?open=sleep"), &[]).await;
        assert_eq!(status, 504, "{path}: {page}");
        let fault = reported(&host, page.trim().strip_prefix("report ").unwrap());
        assert!(fault.contains("neither accepted nor rejected the handshake within 10000 ms"), "{path}: {fault}");
    }
    neighbours.are_well().await;
}
