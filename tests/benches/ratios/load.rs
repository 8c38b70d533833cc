//! The load: frames and requests made by hand, so that it stays cheaper than what it measures.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What Chromium sends with a handshake.
const CHROMIUM: &str = "Pragma: no-cache\r\nCache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n\
    Cookie: theme=dark; consent=yes; visitor=4f9c2d1e-7b8a-4c3d-9e6f-1a2b3c4d5e6f\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

/// Connections that each ask and wait for the answer, again and again.
pub(crate) struct Load {
    connections: Vec<Connection>,
}

/// What a connection asks.
#[derive(Clone, Copy)]
pub(crate) enum What {
    /// GET, for hello.
    Http,
    /// A binary message of so many bytes, for itself.
    Echo(usize),
    /// A text, for a text.
    Ask(&'static str, &'static str),
}

struct Connection {
    stream: TcpStream,
    question: Vec<u8>,
    answer: Vec<u8>,
    /// The answer as it must be; of HTTP the end, since the date differs.
    wanted: Vec<u8>,
}

impl Load {
    pub(crate) async fn open(address: SocketAddr, path: &str, what: What, connections: usize) -> Self {
        let open = (0..connections).map(|index| async move {
            match what {
                What::Http => Connection::http(address, path).await,
                What::Echo(bytes) => {
                    let payload: Vec<u8> = (0..bytes).map(|byte| (byte + index) as u8).collect();
                    Connection::websocket(address, path, frame(0x82, &payload), payload).await
                }
                What::Ask(text, answer) => {
                    Connection::websocket(address, path, frame(0x81, text.as_bytes()), answer.into()).await
                }
            }
        });
        Self { connections: join_all(open).await }
    }

    /// Runs for so long; returns how many answers came, each checked.
    pub(crate) async fn run(&mut self, span: Duration) -> u64 {
        let end = Instant::now() + span;
        join_all(self.connections.iter_mut().map(|connection| connection.run(end))).await.into_iter().sum()
    }
}

impl Connection {
    /// `answer` is the payload that must come back.
    async fn websocket(address: SocketAddr, path: &str, question: Vec<u8>, answer: Vec<u8>) -> Self {
        let stream = handshake(address, path, "").await;
        let mut wanted = vec![question[0]];
        put_length(&mut wanted, answer.len(), 0);
        wanted.extend(answer);
        Self { stream, question, answer: vec![0; wanted.len()], wanted }
    }

    async fn http(address: SocketAddr, path: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.set_nodelay(true).expect("nodelay");
        let question = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
        stream.write_all(&question).await.expect("a request");
        let mut answer = vec![0; 4096];
        let length = stream.read(&mut answer).await.expect("a response");
        answer.truncate(length);
        assert!(answer.starts_with(b"HTTP/1.1 200") && answer.ends_with(b"\r\n\r\nhello"));
        Self { stream, question, answer, wanted: b"\r\n\r\nhello".to_vec() }
    }

    async fn run(&mut self, end: Instant) -> u64 {
        let mut answers = 0;
        while Instant::now() < end {
            self.stream.write_all(&self.question).await.expect("the question is sent");
            self.stream.read_exact(&mut self.answer).await.expect("the answer comes");
            assert!(self.answer.ends_with(&self.wanted), "a wrong answer");
            answers += 1;
        }
        answers
    }
}

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    put_length(&mut frame, payload.len(), 0x80);
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

fn put_length(frame: &mut Vec<u8>, length: usize, masked: u8) {
    if length < 126 {
        frame.push(masked | length as u8);
    } else {
        frame.push(masked | 126);
        frame.extend((length as u16).to_be_bytes());
    }
}

/// Websockets that are opened and then do nothing.
pub(crate) async fn idle(address: SocketAddr, path: &str, count: usize) -> Vec<TcpStream> {
    let mut held = Vec::with_capacity(count);
    while held.len() < count {
        let some = (0..50).map(|_| handshake(address, path, CHROMIUM));
        held.extend(join_all(some).await);
    }
    held
}

async fn handshake(address: SocketAddr, path: &str, more: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("a connection");
    stream.set_nodelay(true).expect("nodelay");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://{address}\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("a handshake");
    let mut response = Vec::new();
    while !response.ends_with(b"\r\n\r\n") {
        response.push(stream.read_u8().await.expect("a response"));
    }
    assert!(response.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&response));
    stream
}
