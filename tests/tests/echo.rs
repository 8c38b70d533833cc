//! `examples/echo`: HTTP, both WebSocket styles, and what a peer may do wrong.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use sessile::limits;
use sessile_tests::{App, Host, Socket, Way, both_ways, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

both_ways!(
    hello_comes_from_a_guest,
    echo_in_both_styles_returns_text_and_binary,
    echo_of_many_messages_keeps_their_order,
    close_of_the_peer_is_answered_with_its_code,
);

async fn hello_comes_from_a_guest(way: Way) {
    let host = Host::start(&App::example("echo"), way);
    for _ in 0..3 {
        let answer = get(host.address(), "/", None).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "hello"));
    }
    assert_eq!(get(host.address(), "/nowhere", None).await.status, 404);
    assert_eq!(get(host.address(), "/ws", None).await.status, 426);
    assert_eq!(get(host.address(), "/-/live", None).await.text(), "live\n");
    assert_eq!(get(host.address(), "/-/ready", None).await.text(), "ready\n");
}

async fn echo_in_both_styles_returns_text_and_binary(way: Way) {
    let host = Host::start(&App::example("echo"), way);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        let large = vec![7; 15 << 20];
        for message in
            [Message::text(""), Message::text("héllo"), Message::binary(vec![0, 255]), Message::binary(large)]
        {
            socket.send(message.clone()).await;
            assert!(socket.next().await.unwrap().unwrap() == message, "{path}");
        }
    }
}

async fn echo_of_many_messages_keeps_their_order(way: Way) {
    let host = Host::start(&App::example("echo"), way);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        for number in 0..500 {
            socket.send(number.to_string()).await;
        }
        for number in 0..500 {
            assert_eq!(socket.text().await, number.to_string());
        }
    }
}

async fn close_of_the_peer_is_answered_with_its_code(way: Way) {
    let host = Host::start(&App::example("echo"), way);
    for path in ["/ws", "/loop"] {
        let socket = Socket::open(host.address(), path).await;
        assert_eq!(socket.close(4321, "bye").await.0, 4321, "{path}");
    }
    host.wait_for_log("code=4321");
}

#[tokio::test]
async fn message_over_the_limit_closes_with_1009() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    for path in ["/ws", "/loop"] {
        let mut socket = Socket::open(host.address(), path).await;
        socket.send(Message::binary(vec![0; 64 * 1024])).await;
        assert!(matches!(socket.next().await, Some(Ok(Message::Binary(_)))));
        socket.send(Message::binary(vec![0; 64 * 1024 + 1])).await;
        assert_eq!(socket.closed().await, (1009, "message of 65537 bytes exceeds the limit of 65536".into()));
    }
}

#[tokio::test]
async fn frames_that_break_the_protocol_close_with_its_code() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mask = [0; 4];
    let faults: [(&str, u16, &[u8]); 4] = [
        ("text that is not UTF-8", 1007, &[0x81, 0x82, mask[0], mask[1], mask[2], mask[3], 0xc3, 0x28]),
        ("a frame without a mask", 1002, &[0x81, 0x01, b'x']),
        ("a reserved bit", 1002, &[0xc1, 0x80, 0, 0, 0, 0]),
        ("a continuation of nothing", 1002, &[0x80, 0x80, 0, 0, 0, 0]),
    ];
    for (fault, code, frame) in faults {
        let mut stream = handshake(&host).await;
        stream.write_all(frame).await.unwrap();
        let mut head = [0; 4];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!((head[0], u16::from_be_bytes([head[2], head[3]])), (0x88, code), "{fault}");
        // The host ends its side at once: it does not wait for the peer, whose answer it could not read.
        let ended = tokio::time::timeout(limits::CLOSE / 2, stream.read_to_end(&mut Vec::new())).await;
        assert!(matches!(ended, Ok(Ok(_))), "{fault}: {ended:?}");
    }
}

async fn handshake(host: &Host) -> TcpStream {
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    let request = "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.push(stream.read_u8().await.unwrap());
    }
    let response = String::from_utf8(response).unwrap();
    assert!(response.starts_with("HTTP/1.1 101") && response.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{response}");
    stream
}

#[tokio::test]
async fn origin_of_another_site_is_refused() {
    let host = Host::start(&App::example("echo"), Way::Keep);
    let own = format!("http://{}", host.address());
    Socket::open_with(host.address(), "/ws", &[("origin", &own)]).await.unwrap();
    for origin in ["http://evil.example", "null", "https://127.0.0.1", "nonsense"] {
        let (status, body) = Socket::denied(host.address(), "/ws", &[("origin", origin)]).await;
        assert_eq!(status, 403, "{origin}: {body}");
    }
}

#[tokio::test]
async fn handshake_that_is_wrong_is_refused_with_the_reason() {
    let host = Host::start(&App::example("echo"), Way::Keep);
    let address = host.address();
    for (name, value, status) in
        [("sec-websocket-version", "8", 426), ("sec-websocket-key", "short", 400), ("sec-websocket-protocol", ",", 400)]
    {
        let (answered, body) = Socket::denied(address, "/ws", &[(name, value)]).await;
        assert_eq!(answered, status, "{name}: {body}");
        assert!(body.contains("detail"), "{body}");
    }
}
