//! What a guest is told of the request: FEATURES A1 to A4.

use std::time::SystemTime;

use sessile_tests::exchange_bytes;

use super::guest::{Guest, STYLES};
use super::{Outcome, rows};

rows! {
    a01_handshake_info,
    a01_handshake_as_a_mapping,
    a02_url,
    a03_headers,
    a04_query,
    a04_cookies,
}

async fn a01_handshake_info(guest: &Guest) -> Outcome {
    let server = guest.host().address().to_string();
    for style in STYLES {
        let mut peer = guest.open(&format!("{style}/a%20b?q=1")).await;
        let path = format!("{style}/a%20b");
        let told = [
            ("method", "GET"),
            ("scheme", "ws"),
            ("path", path.as_str()),
            ("query", "q=1"),
            ("http-version", "1.1"),
            ("server", server.as_str()),
            ("param room", "a b"),
            ("param roo", "(none)"),
        ];
        peer.hold(&told).await?;
        let client = peer.ask("client").await?;
        assert!(client.starts_with("127.0.0.1:") && client != server, "{client}");
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
        let started: u128 = peer.ask("started").await?.parse().unwrap();
        assert!(started <= now && now - started < 60_000, "{started}");
    }
    let told = guest.ask("method\nscheme\npath\nparam what\nquery", None).await?;
    assert_eq!(told, "POST\nhttp\n/http/command\ncommand\n(none)");
    Ok(())
}

async fn a01_handshake_as_a_mapping(guest: &Guest) -> Outcome {
    for style in STYLES {
        let path = format!("{style}/mapping");
        let told = [("scope path", path.as_str()), ("scope scheme", "ws"), ("scope nothing", "(none)")];
        guest.open(&path).await.hold(&told).await?;
    }
    Ok(())
}

async fn a02_url(guest: &Guest) -> Outcome {
    for (host, name, port) in [("x.example:8080", "x.example", "8080"), ("[::1]", "::1", "(none)")] {
        let mut peer = guest.open_with("/ws/url?q=1", &[("host", host)]).await;
        let url = format!("ws://{host}/ws/url?q=1");
        let told = [("url", url.as_str()), ("url-hostname", name), ("host", name), ("url-port", port)];
        peer.hold(&told).await?;
    }
    Ok(())
}

async fn a03_headers(guest: &Guest) -> Outcome {
    let mut peer = guest.open_with("/loop/headers", &[("x-test", "tést")]).await;
    peer.hold(&[("header X-Test", "tést"), ("header x-none", "(none)")]).await?;
    let commands = "header X-TEST\nheaders x-test\nheader-names";
    let request = format!(
        "POST /http/command HTTP/1.1\r\nHost: x\r\nX-Test: a\r\nY: 1\r\nx-tEST: b\r\nConnection: close\r\n\
         Content-Length: {}\r\n\r\n{commands}",
        commands.len()
    );
    let answer = exchange_bytes(guest.host().address(), request.as_bytes()).await;
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    if body.lines().any(|line| line == "unsupported") {
        return Err(super::Unsupported);
    }
    assert_eq!(body, "a\na|b\nhost|x-test|x-test|y|connection|content-length");
    Ok(())
}

async fn a04_query(guest: &Guest) -> Outcome {
    let mut peer = guest.open("/ws/query?q=x+y&q=%C3%A9%26&empty").await;
    let told = [
        ("query-param q", "é&"),
        ("query-params q", "x y|é&"),
        ("query-param empty", ""),
        ("query-param none", "(none)"),
    ];
    peer.hold(&told).await
}

async fn a04_cookies(guest: &Guest) -> Outcome {
    let mut peer = guest.open_with("/ws/cookies", &[("cookie", "a=1; b=2; a=3")]).await;
    peer.hold(&[("cookie a", "3"), ("cookies a", "1|3"), ("cookie b", "2"), ("cookie none", "(none)")]).await
}
