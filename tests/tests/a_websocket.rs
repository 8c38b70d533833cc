//! FEATURES, table A: every row from a guest over a real socket. docs/compatibility.md is made from
//! the names of these tests.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use serde_json::{Value, json};
use sessile_tests::{App, Host, RawSocket, Socket, Way, each_way, exchange_bytes, get, walk_python};
use tokio_tungstenite::tungstenite::{Bytes, Message};

each_way!(
    a01_handshake_info_is_a_mapping,
    a02_url_has_its_parts_and_falls_back_on_a_malformed_host,
    a03_headers_are_a_multi_dict_in_any_case,
    a04_query_and_cookies_list_all_and_the_last_wins,
    a05_accept_chooses_an_offered_subprotocol_once,
    a06_reject_gives_403_or_a_whole_response_and_accept_then_close_a_code,
    a07_text_bytes_and_json_are_sent_in_their_frames,
    a08_wrong_kind_and_bad_json_are_typed_errors,
    a09_disconnect_comes_once_with_code_and_reason,
    a10_close_takes_valid_codes_and_short_reasons,
    a11_raw_events_keep_both_states,
    a11_every_call_in_every_state_works_or_names_state_and_call,
    a12_context_says_who_and_where,
    a13_guest_pings_and_knows_the_round_trip,
    a14_overflow_drops_the_oldest_or_closes,
    a15_iteration_ends_with_the_close_code,
    a16_deflate_is_agreed_on_where_the_manifest_has_it,
    a16_deflate_passes_messages_of_another_library,
    a16_deflate_bomb_is_closed_with_1009,
    a17_auto_response_wakes_no_guest,
);

const STYLES: [&str; 2] = ["/ws", "/loop"];

async fn faults(way: Way) -> Host {
    Host::start(&App::faults(way), way)
}

async fn ask_json(socket: &mut Socket, question: &str) -> Value {
    serde_json::from_str(&socket.ask(question).await).unwrap()
}

/// A websocket that hears what is published in a group.
async fn listener(host: &Host, group: &str) -> Socket {
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!(socket.ask(&format!("join {group}")).await, "joined");
    socket
}

async fn a01_handshake_info_is_a_mapping(way: Way) {
    let host = faults(way).await;
    for path in STYLES {
        let mut socket = Socket::open(host.address(), &format!("{path}?a=1&b=%20")).await;
        let scope = ask_json(&mut socket, "scope").await;
        let expected = [
            ("type", json!("websocket")),
            ("method", json!("GET")),
            ("scheme", json!("ws")),
            ("http_version", json!("1.1")),
            ("path", json!(path)),
            ("query_string", json!("a=1&b=%20")),
            ("server", json!(host.address().to_string())),
        ];
        for (key, value) in expected {
            assert_eq!(scope[key], value, "{key}");
        }
        assert!(scope["client"].as_str().unwrap().starts_with("127.0.0.1:"));
        assert!(scope["started_at"].as_f64().unwrap() > 1.7e9);
        assert!(scope["headers"].as_array().unwrap().contains(&json!(["sec-websocket-version", "13"])));
    }
    let answer = get(host.address(), "/http/head", None).await;
    assert!(answer.text().contains("\"rest\":\"head\""), "{}", answer.text());
}

async fn a02_url_has_its_parts_and_falls_back_on_a_malformed_host(way: Way) {
    let host = faults(way).await;
    for (sent, shown) in [("x.example:8080", "x.example:8080"), ("[::1]", "[::1]")] {
        let mut socket = Socket::open_with(host.address(), "/ws?q=1", &[("host", sent)]).await.unwrap();
        assert_eq!(ask_json(&mut socket, "context").await["url"], format!("ws://{shown}/ws?q=1"));
    }
    // A malformed Host gets 400 (RFC 9112 §3.2); an empty one is legal, and says nothing.
    let (status, _) = Socket::denied(host.address(), "/ws", &[("host", "not~a\"host")]).await;
    assert_eq!(status, 400);
    let head = "GET /http/head?q=1 HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n";
    let answer = exchange_bytes(host.address(), head.as_bytes()).await;
    assert!(answer.contains(&format!("\"url\":\"http://{}/http/head?q=1\"", host.address())), "{answer}");
}

async fn a03_headers_are_a_multi_dict_in_any_case(way: Way) {
    let host = faults(way).await;
    let sent = [("x-test", "1"), ("x-other", "2")];
    let mut socket = Socket::open_with(host.address(), "/loop", &sent).await.unwrap();
    let context = ask_json(&mut socket, "context").await;
    assert_eq!((&context["header"], &context["headers"]), (&json!("1"), &json!(["1"])));
    assert_eq!(context["none"], Value::Null);
    let head = "GET /http/head HTTP/1.1\r\nHost: x\r\nX-Test: a\r\nY: 1\r\nx-tEST: b\r\nConnection: close\r\n\r\n";
    let answer = exchange_bytes(host.address(), head.as_bytes()).await;
    assert!(answer.contains("\"x\":[\"a\",\"b\"]"), "{answer}");
    assert!(answer.contains("\"order\":[\"host\",\"x-test\",\"x-test\",\"y\",\"connection\"]"), "{answer}");
}

async fn a04_query_and_cookies_list_all_and_the_last_wins(way: Way) {
    let host = faults(way).await;
    let cookies = [("cookie", "a=1; b=2; a=3")];
    let mut socket = Socket::open_with(host.address(), "/ws?q=x+y&q=%C3%A9%26", &cookies).await.unwrap();
    let context = ask_json(&mut socket, "context").await;
    assert_eq!((&context["query"], &context["queries"]), (&json!("é&"), &json!(["x y", "é&"])));
    assert_eq!((&context["cookie"], &context["cookies"]), (&json!("3"), &json!(["1", "3"])));
}

async fn a05_accept_chooses_an_offered_subprotocol_once(way: Way) {
    let host = faults(way).await;
    let offer = [("sec-websocket-protocol", "a, b")];
    for path in STYLES {
        let chosen = format!("{path}?subprotocol=b&header=1");
        let mut socket = Socket::open_with(host.address(), &chosen, &offer).await.unwrap();
        assert_eq!(socket.response.status(), 101);
        assert_eq!(socket.response.headers()["sec-websocket-protocol"], "b");
        assert_eq!(socket.response.headers()["x-guest"], "1");
        assert_eq!(ask_json(&mut socket, "context").await["subprotocol"], "b");
        assert_eq!(socket.ask("again").await, "error: accept is illegal while the websocket is open");
        let (status, _) = Socket::denied(host.address(), &format!("{path}?subprotocol=c"), &offer).await;
        assert_eq!(status, 500, "a subprotocol that was not offered is the handler's error");
    }
    host.wait_for_log("subprotocol \"c\" was not offered");
}

async fn a06_reject_gives_403_or_a_whole_response_and_accept_then_close_a_code(way: Way) {
    let host = faults(way).await;
    for path in STYLES {
        let (status, _) = Socket::denied(host.address(), &format!("{path}?open=close"), &[]).await;
        assert_eq!(status, 403);
        let denied = Socket::denied(host.address(), &format!("{path}?open=reject"), &[]).await;
        assert_eq!(denied, (418, "no coffee".into()));
        let mut socket = Socket::open(host.address(), path).await;
        socket.send("close 4003 forbidden").await;
        assert_eq!(socket.closed().await, (4003, "forbidden".into()));
    }
}

async fn a07_text_bytes_and_json_are_sent_in_their_frames(way: Way) {
    let host = faults(way).await;
    for path in STYLES {
        let mut socket = Socket::open(host.address(), path).await;
        assert_eq!(socket.ask("grüße").await, "grüße");
        socket.send(vec![0, 255]).await;
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(vec![0, 255].into()));
        assert_eq!(socket.ask("json { \"a b\" : [ 1.50 , \"x  y\" ] }").await, "{\"a b\":[1.50,\"x  y\"]}");
        socket.send("json-binary [ 1, 2 ]").await;
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(Bytes::from_static(b"[1,2]")));
    }
}

async fn a08_wrong_kind_and_bad_json_are_typed_errors(way: Way) {
    let host = faults(way).await;
    let mut socket = Socket::open(host.address(), "/loop").await;
    for (expect, sent, answer) in [
        ("expect-text", Message::from("hello"), "hello"),
        ("expect-text", Message::from(vec![1]), "error: the message is not text"),
        ("expect-bytes", Message::from(vec![1, 2, 3]), "3"),
        ("expect-bytes", Message::from("hello"), "error: the message is not binary"),
        ("expect-json", Message::from("{\"a\": 1}"), "{\"a\": 1}"),
        ("expect-json", Message::from("{\"a\": ?}"), "error: bad JSON at line 1 column 7: expected value"),
        ("expect-json", Message::from(vec![b'1']), "error: the message is not text"),
        ("expect-json-binary", Message::from(b"[1]".to_vec()), "[1]"),
        (
            "expect-json-binary",
            Message::from(b"\"\xff\"".to_vec()),
            "error: bad JSON at line 1 column 2: invalid UTF-8",
        ),
        ("expect-json-binary", Message::from("1"), "error: the message is not binary"),
    ] {
        socket.send(expect).await;
        socket.send(sent).await;
        assert_eq!(socket.text().await, answer, "{expect}");
    }
    assert_eq!(socket.ask("still here").await, "still here", "none of it closes");
}

async fn a09_disconnect_comes_once_with_code_and_reason(way: Way) {
    let host = faults(way).await;
    for path in STYLES {
        let mut group = listener(&host, "ends").await;
        let told = |code: u16, reason: &str| json!({ "code": code, "reason": reason }).to_string();
        Socket::open(host.address(), &format!("{path}?closes=ends")).await.close(4321, "done").await;
        assert_eq!(group.text().await, told(4321, "done"));
        Socket::open(host.address(), &format!("{path}?closes=ends")).await.close_without_code().await;
        assert_eq!(group.text().await, told(1005, ""));
        drop(Socket::open(host.address(), &format!("{path}?closes=ends")).await);
        assert_eq!(group.text().await, told(1006, ""));
        assert_eq!(group.ask("nothing more").await, "nothing more");
    }
    let mut group = listener(&host, "ends").await;
    let mut socket = Socket::open(host.address(), "/ws?closes=ends").await;
    socket.send("panic").await;
    let reason = socket.closed().await.1;
    let event: Value = serde_json::from_str(&group.text().await).unwrap();
    assert_eq!((event["code"].as_u64(), event["reason"].as_str()), (Some(1011), Some(reason.as_str())));
}

async fn a10_close_takes_valid_codes_and_short_reasons(way: Way) {
    let host = faults(way).await;
    for path in STYLES {
        for code in [1000, 1001, 1003, 1007, 1013, 3000, 4999] {
            let mut socket = Socket::open(host.address(), path).await;
            socket.send(format!("close {code} why")).await;
            assert_eq!(socket.closed().await, (code, "why".into()));
        }
        let mut socket = Socket::open(host.address(), path).await;
        for code in [0, 999, 1004, 1005, 1006, 1014, 1015, 2999, 5000] {
            assert_eq!(socket.ask(&format!("close {code} x")).await, format!("close code {code} may not be sent"));
        }
        let long = "x".repeat(124);
        assert_eq!(socket.ask(&format!("close 1000 {long}")).await, "124 exceeds the limit of 123");
        socket.send(format!("close 1000 {}", "x".repeat(123))).await;
        assert_eq!(socket.closed().await, (1000, "x".repeat(123)));
    }
}

async fn a11_raw_events_keep_both_states(way: Way) {
    let host = faults(way).await;
    let mut group = listener(&host, "raw").await;
    let offer = [("sec-websocket-protocol", "first, second")];
    let mut socket = Socket::open_with(host.address(), "/loop?raw=echo&report=raw", &offer).await.unwrap();
    assert_eq!(socket.response.headers()["sec-websocket-protocol"], "first");
    assert_eq!(group.text().await, "connect (Connected, Connecting)");
    assert_eq!(group.text().await, "accepted (Connected, Connected)");
    assert_eq!(socket.ask("hello").await, "hello");
    socket.close(4001, "").await;
    assert_eq!(group.text().await, "disconnect 4001 (Disconnected, Disconnected)");
    assert_eq!(group.text().await, "the websocket has ended with 4001 (Disconnected, Disconnected)");
    let denied = Socket::denied(host.address(), "/loop?raw=deny&report=raw", &[]).await;
    assert_eq!(denied, (418, "no coffee".into()));
    assert_eq!(group.text().await, "started (Connected, Response)");
    assert_eq!(group.text().await, "denied (Disconnected, Disconnected)");
}

/// State, call, what it comes to.
async fn a11_every_call_in_every_state_works_or_names_state_and_call(way: Way) {
    let host = faults(way).await;
    let mut group = listener(&host, "table").await;
    let calls =
        ["accept", "reject", "send", "try-send", "send-json", "receive", "close", "ping", "raw-message", "raw-body"];
    for call in calls {
        let name = match call {
            "try-send" | "send-json" | "raw-message" => "send",
            "raw-body" => "response body",
            call => call,
        };
        let illegal = |state: &str| format!("error: {name} is illegal while the websocket is {state}");
        let path = |state: &str| format!("/loop?table={state}&call={call}&report=table");

        let answered = matches!(call, "accept" | "reject" | "close");
        let opened = Socket::open_with(host.address(), &path("connecting"), &[]).await;
        assert_eq!(opened.is_ok(), call == "accept", "{call}: {:?}", opened.err());
        let expected = if answered { "ok".to_owned() } else { illegal("connecting") };
        assert_eq!(group.text().await, expected, "{call} while connecting");

        Socket::denied(host.address(), &path("denied"), &[]).await;
        assert_eq!(group.text().await, "error: the websocket has ended with 1006", "{call} after a denial");

        let mut socket = Socket::open(host.address(), &path("open")).await;
        socket.send("a message").await;
        let peer = tokio::spawn(async move { socket.closed().await });
        let legal = matches!(name, "send" | "receive" | "close" | "ping");
        let expected = if legal { "ok".to_owned() } else { illegal("open") };
        assert_eq!(group.text().await, expected, "{call} while open");
        peer.await.unwrap();

        let mut socket = Socket::open(host.address(), "/ws").await;
        socket.send(format!("closing call={call}&report=table")).await;
        let expected = match call {
            "receive" => "error: receive is for loop style; in event style messages come to on_message".to_owned(),
            _ => illegal("closing"),
        };
        assert_eq!(group.text().await, expected, "{call} while closing");
        socket.closed().await;

        Socket::open(host.address(), &path("closed")).await.close(4002, "").await;
        assert_eq!(group.text().await, "error: the websocket has ended with 4002", "{call} when closed, loop style");

        let path = format!("/ws?table=closed&call={call}&report=table");
        Socket::open(host.address(), &path).await.close(4002, "").await;
        let expected = match call {
            "receive" => "error: receive is for loop style; in event style messages come to on_message",
            _ => "error: the websocket has ended with 4002",
        };
        assert_eq!(group.text().await, expected, "{call} when closed, event style");
    }
}

async fn a12_context_says_who_and_where(way: Way) {
    let host = faults(way).await;
    let origin = format!("http://{}", host.address());
    let mut ids = std::collections::HashSet::new();
    for path in STYLES {
        let headers = [("origin", origin.as_str()), ("sec-websocket-protocol", "p, q")];
        let path = format!("{path}?subprotocol=q");
        let mut socket = Socket::open_with(host.address(), &path, &headers).await.unwrap();
        let context = ask_json(&mut socket, "context").await;
        assert_eq!((&context["state"], &context["origin"]), (&json!("open"), &json!(origin)));
        assert_eq!((&context["subprotocol"], &context["offered"]), (&json!("q"), &json!(["p", "q"])));
        assert_eq!((&context["host"], &context["local"]), (&json!("127.0.0.1"), &json!(true)));
        assert_eq!((&context["server"], &context["started"]), (&json!(host.address().to_string()), &json!(true)));
        ids.insert(context["id"].as_str().unwrap().to_owned());
    }
    assert_eq!(ids.len(), 2, "ids are unique");
    let login = get(host.address(), "/http/session/set?k=user&v=Ada", None).await.cookie().unwrap();
    for path in STYLES {
        let mut socket = Socket::open_with(host.address(), path, &[("cookie", &login)]).await.unwrap();
        assert_eq!(socket.ask("session user").await, "Ada");
    }
}

async fn a13_guest_pings_and_knows_the_round_trip(way: Way) {
    let host = faults(way).await;
    for path in STYLES {
        let mut socket = Socket::open(host.address(), path).await;
        assert_eq!(socket.ask("round-trip").await, "None");
        assert_eq!(socket.ask("ping").await, "true");
        assert_eq!(socket.ask("round-trip").await, "Some(true)");
    }
}

async fn a14_overflow_drops_the_oldest_or_closes(way: Way) {
    let small = "limits = { outbox_messages_max = 4 }\noverflow = \"drop-oldest\"";
    let host = Host::start(&App::faults_with(way, small), way);
    for path in STYLES {
        let mut socket = Socket::open(host.address(), path).await;
        // The handler runs to its end before its outbox is written, so of 100 the last 4 are left.
        socket.send("flood 100").await;
        let mut numbers = Vec::new();
        while numbers.last() != Some(&99) {
            numbers.push(socket.text().await.parse::<u32>().unwrap());
        }
        let dropped: usize = socket.ask("dropped").await.parse().unwrap();
        assert!(
            dropped > 0 && numbers.len() + dropped == 100,
            "{path}: {} came, {dropped} were dropped",
            numbers.len()
        );
        assert!(numbers.is_sorted());
    }
    let host = Host::start(&App::faults_with(way, &small.replace("drop-oldest", "close")), way);
    for path in STYLES {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send("stuff 10").await;
        assert_eq!(socket.closed().await, (1013, "the peer is too slow".into()), "{path}");
    }
}

async fn a15_iteration_ends_with_the_close_code(way: Way) {
    let host = faults(way).await;
    let mut group = listener(&host, "ends").await;
    let mut socket = Socket::open(host.address(), "/loop?closes=ends").await;
    for word in ["one", "two"] {
        assert_eq!(socket.ask(word).await, word);
    }
    socket.close(4444, "over").await;
    assert_eq!(group.text().await, json!({ "code": 4444, "reason": "over" }).to_string());
}

const DEFLATE: [(&str, &str); 1] = [("sec-websocket-extensions", "permessage-deflate; client_max_window_bits")];

fn deflating(way: Way) -> Host {
    Host::start(&App::faults_with(way, "deflate = true"), way)
}

async fn a16_deflate_is_agreed_on_where_the_manifest_has_it(way: Way) {
    let (without, with) = (faults(way).await, deflating(way));
    let header = "sec-websocket-extensions";
    for path in STYLES {
        let (mut bytes, head) = RawSocket::open(without.address(), path, &DEFLATE).await;
        assert!(!head.to_lowercase().contains(header), "{head}");
        bytes.send(0x81, &json_text()).await;
        assert_eq!(bytes.next().await, (0x81, json_text()), "it is not compressed");
        bytes.send(0xc1, &HELLO).await;
        assert_eq!(bytes.next().await, (0x88, [&1002_u16.to_be_bytes()[..], b"reserved bits are set"].concat()));

        let socket = Socket::open_with(with.address(), path, &DEFLATE).await.unwrap();
        let agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        assert_eq!(socket.response.headers()[header], agreed);
        let offer =
            [(header, "permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9")];
        let socket = Socket::open_with(with.address(), path, &offer).await.unwrap();
        assert_eq!(socket.response.headers()[header], format!("{agreed}; server_max_window_bits=9"));
        for declined in ["", "permessage-deflate; server_max_window_bits=8", "permessage-deflate; unknown=1"] {
            let mut socket = Socket::open_with(with.address(), path, &[(header, declined)]).await.unwrap();
            assert!(!socket.response.headers().contains_key(header), "{declined}");
            assert_eq!(socket.ask("plain").await, "plain");
        }
        let (status, _) = Socket::denied(with.address(), path, &[(header, "permessage-deflate; =")]).await;
        assert_eq!(status, 400);

        let (mut bytes, _) = RawSocket::open(with.address(), path, &DEFLATE).await;
        bytes.send(0xc1, &HELLO).await;
        assert_eq!(bytes.next().await, (0x81, b"Hello".to_vec()), "what is short is not compressed");
        bytes.send(0x81, &json_text()).await;
        let (first, payload) = bytes.next().await;
        assert_eq!(first, 0xc1);
        assert!(payload.len() < json_text().len() / 4, "{} bytes", payload.len());
        bytes.send(0xc1, &payload).await;
        assert_eq!(bytes.next().await, (0xc1, payload), "ours can be read by ourselves");
        bytes.send(0xc9, b"").await;
        assert_eq!(bytes.next().await.1[..2], 1002_u16.to_be_bytes(), "control frames are never compressed");
    }
}

/// §7.2.3.1 of RFC 7692: "Hello".
const HELLO: [u8; 7] = [0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];

fn json_text() -> Vec<u8> {
    "{\"name\": \"value\"} ".repeat(50).into_bytes()
}

async fn a16_deflate_passes_messages_of_another_library(way: Way) {
    let host = deflating(way);
    walk_python("deflate.py", &[format!("ws://{}", host.address())]);
}

async fn a16_deflate_bomb_is_closed_with_1009(way: Way) {
    let host = deflating(way);
    let bomb = bomb(36_000);
    assert!(bomb.len() < 60_000, "{} bytes are 36,000 times 258", bomb.len());
    for path in STYLES {
        let (mut bytes, _) = RawSocket::open(host.address(), path, &DEFLATE).await;
        bytes.send(0xc2, &bomb).await;
        let reason = b"message inflates beyond the limit of 65536 bytes";
        assert_eq!(bytes.next().await, (0x88, [&1009_u16.to_be_bytes()[..], reason].concat()));
        assert!(bytes.is_ended().await);

        let (mut bytes, _) = RawSocket::open(host.address(), path, &DEFLATE).await;
        bytes.send(0xc2, &[0xff; 20]).await;
        assert_eq!(bytes.next().await, (0x88, [&1007_u16.to_be_bytes()[..], b"compressed data is corrupt"].concat()));
        let mut other = Socket::open(host.address(), path).await;
        assert_eq!(other.ask("still here").await, "still here");
    }
}

/// A zero and so many copies of 258, as one block with the fixed codes of RFC 1951 §3.2.6, in 13 bits each.
fn bomb(copies: usize) -> Vec<u8> {
    let (head, zero, end) = ([0, 1, 0], [0, 0, 1, 1, 0, 0, 0, 0], [0; 7 + 3]);
    let copy = [1, 1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0];
    let bits: Vec<u8> = head.into_iter().chain(zero).chain(copy.repeat(copies)).chain(end).collect();
    bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect()
}

async fn a17_auto_response_wakes_no_guest(way: Way) {
    let keys = "auto_response = { request = \"ping\", response = \"pong\" }";
    let host = Host::start(&App::faults_with(way, keys), way);
    for path in STYLES {
        let mut socket = Socket::open(host.address(), path).await;
        for _ in 0..3 {
            assert_eq!(socket.ask("ping").await, "pong");
        }
        assert_eq!(socket.ask("events").await, "1", "the guest has seen this one alone");
        socket.send(b"ping".to_vec()).await;
        assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(Bytes::from_static(b"ping")));
    }
}
