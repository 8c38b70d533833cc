//! Peers that break HTTP or strain it: the corpus of `tests/abuse/http1.toml`, and floods of HTTP/2 frames.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use sessile_tests::{App, Host, Way, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CANARY: &str = "GET /http/status/299 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
/// Far more than any answer here takes, and less than the host's own deadlines.
const PATIENCE: Duration = Duration::from_secs(8);

#[derive(Deserialize)]
struct Corpus {
    case: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    why: String,
    send: String,
    answers: Vec<u16>,
}

impl Case {
    /// What is sent; `{text*n}` stands for n times the text.
    fn bytes(&self) -> Vec<u8> {
        let mut text = String::new();
        let mut rest = self.send.as_str();
        while let Some((before, after)) = rest.split_once('{') {
            let (repeated, after) = after.split_once('}').unwrap();
            let (unit, count) = repeated.rsplit_once('*').unwrap();
            text = text + before + &unit.repeat(count.parse().unwrap());
            rest = after;
        }
        (text + rest + CANARY).into_bytes()
    }
}

/// The statuses that come back until the connection ends; none if it does not.
async fn answers(address: SocketAddr, bytes: Vec<u8>) -> Option<Vec<u16>> {
    let exchanged = async {
        let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
        // The host may end it before all is sent; what it answered is then still to be read.
        let sending = tokio::spawn(async move {
            let _ended = write.write_all(&bytes).await;
            write
        });
        let mut all = Vec::new();
        let mut part = [0; 4096];
        while let Ok(len @ 1..) = read.read(&mut part).await {
            all.extend_from_slice(&part[..len]);
        }
        // Our end: until then the host waits for more.
        drop(sending.await);
        all
    };
    let all = tokio::time::timeout(PATIENCE, exchanged).await.ok()?;
    let text = String::from_utf8_lossy(&all).into_owned();
    Some(text.split("HTTP/1.").skip(1).map(|answer| answer[2..5].parse().unwrap()).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn corpus_is_answered_as_rfc_9112_says() {
    let corpus: Corpus = toml::from_str(include_str!("../abuse/http1.toml")).unwrap();
    assert!(corpus.case.len() > 60);
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let mut wrong = Vec::new();
    for case in &corpus.case {
        let answers = answers(host.address(), case.bytes()).await;
        if answers.as_ref() != Some(&case.answers) {
            wrong.push(format!("{} ({}): {answers:?}, not {:?}", case.name, case.why, case.answers));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn body_that_is_refused_is_taken_so_that_the_answer_is_not_reset() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let head = "POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n";
    for _ in 0..20 {
        let mut stream = TcpStream::connect(host.address()).await.unwrap();
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = vec![0; 12];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(answer, b"HTTP/1.1 404");
        // The host has ended its side by now.
        stream.read_to_end(&mut answer).await.expect("the end, and no reset");
        stream.write_all(&[0; 1_000_000]).await.expect("the body is taken");
        assert_eq!(stream.read(&mut [0]).await.expect("still no reset"), 0);
    }
}

/// Frames of HTTP/2 (RFC 9113 §4.1), as a peer that means harm writes them.
struct Flood {
    bytes: Vec<u8>,
}

const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const RST_STREAM: u8 = 0x3;
const SETTINGS: u8 = 0x4;
const PING: u8 = 0x6;
const GOAWAY: u8 = 0x7;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;
const END_HEADERS: u8 = 0x4;

impl Flood {
    fn new() -> Self {
        let flood = Self { bytes: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec() };
        flood.frame(SETTINGS, 0, 0, &[])
    }

    fn frame(mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Self {
        let len = u32::try_from(payload.len()).unwrap().to_be_bytes();
        self.bytes.extend_from_slice(&len[1..]);
        self.bytes.extend_from_slice(&[kind, flags]);
        self.bytes.extend_from_slice(&stream.to_be_bytes());
        self.bytes.extend_from_slice(payload);
        self
    }

    /// A request's head, in the static table's words (RFC 7541, appendix A); GET or POST.
    fn request(method: u8, path: &str) -> Vec<u8> {
        let mut block = vec![0x80 | method, 0x86, 0x04, u8::try_from(path.len()).unwrap()];
        block.extend_from_slice(path.as_bytes());
        block.extend_from_slice(b"\x01\x01x");
        block
    }

    /// Sends all that the host takes; the code of its GOAWAY, or none if it just ended.
    async fn goes_away(self, address: SocketAddr) -> Option<u32> {
        let exchanged = async {
            let (mut read, mut write) = TcpStream::connect(address).await.unwrap().into_split();
            let sending = tokio::spawn(async move {
                let _ended = write.write_all(&self.bytes).await;
                write
            });
            let (mut header, mut code) = ([0; 9], None);
            while read.read_exact(&mut header).await.is_ok() {
                let len = u32::from_be_bytes([0, header[0], header[1], header[2]]) as usize;
                let mut payload = vec![0; len];
                if read.read_exact(&mut payload).await.is_err() {
                    break;
                }
                if header[3] == GOAWAY {
                    code = Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
                }
            }
            drop(sending.await);
            code
        };
        tokio::time::timeout(PATIENCE, exchanged).await.expect("the host ends the connection")
    }
}

const GET: u8 = 2;
const POST: u8 = 3;
const ENHANCE_YOUR_CALM: Option<u32> = Some(0xb);

#[tokio::test(flavor = "multi_thread")]
async fn floods_of_http_2_end_their_connection_and_no_other() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let address = host.address();

    // CVE-2023-44487: requests that are reset as soon as they are sent.
    let slow = Flood::request(GET, "/fresh/slow/500");
    let resets = (0..2000).map(|n| 2 * n + 1).fold(Flood::new(), |flood, stream| {
        let flood = flood.frame(HEADERS, END_HEADERS | END_STREAM, stream, &slow);
        flood.frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())
    });
    assert_eq!(resets.goes_away(address).await, ENHANCE_YOUR_CALM, "rapid reset");

    // CVE-2024-27316: a head that never ends.
    let head = Flood::new().frame(HEADERS, 0, 1, &slow);
    let endless = (0..100_000).fold(head, |flood, _| flood.frame(CONTINUATION, 0, 1, &[]));
    assert_eq!(endless.goes_away(address).await, ENHANCE_YOUR_CALM, "CONTINUATION, empty");
    let field = b"\x00\x01x\x7e".iter().copied().chain([b'a'; 126]).collect::<Vec<_>>();
    let head = Flood::new().frame(HEADERS, 0, 1, &slow);
    let large = (0..10_000).fold(head, |flood, _| flood.frame(CONTINUATION, 0, 1, &field));
    assert_eq!(large.goes_away(address).await, ENHANCE_YOUR_CALM, "CONTINUATION, full");

    // CVE-2019-9518: a body of nothing.
    let post = Flood::new().frame(HEADERS, END_HEADERS, 1, &Flood::request(POST, "/fresh/whole/text"));
    let empty = (0..100_000).fold(post, |flood, _| flood.frame(DATA, 0, 1, &[]));
    assert_eq!(empty.goes_away(address).await, ENHANCE_YOUR_CALM, "DATA, empty");

    assert_eq!(get(address, "/http/status/201", None).await.status, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_and_settings_that_nobody_reads_fill_no_memory() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    assert_eq!(get(host.address(), "/http/status/201", None).await.status, 201);
    let before = host.resident_bytes();
    let flood =
        (0..200_000).fold(Flood::new(), |flood, _| flood.frame(PING, 0, 0, b"12345678").frame(SETTINGS, 0, 0, &[]));
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    // None of the answers is read, so the host stops to read what asks for them.
    let sent = tokio::time::timeout(Duration::from_secs(2), stream.write_all(&flood.bytes)).await;
    let grown = host.resident_bytes().saturating_sub(before);
    assert!(grown < 4 << 20, "{grown} bytes more, all sent: {}", sent.is_ok());
    assert_eq!(get(host.address(), "/http/status/201", None).await.status, 201);
}
