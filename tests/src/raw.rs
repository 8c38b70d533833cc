//! A websocket of bare frames, for what tungstenite would not send or would refuse.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// An opened websocket.
pub struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    /// Opens one; returns the response's head too.
    pub async fn open(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (Self, String) {
        let stream = TcpStream::connect(address).await.expect("the host accepts");
        Self::open_on(stream, address, path, headers).await
    }

    /// Opens one over a connection that takes little before it is read.
    pub async fn open_narrow(address: SocketAddr, path: &str) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a small buffer");
        let stream = socket.connect(address).await.expect("the host accepts");
        Self::open_on(stream, address, path, &[]).await.0
    }

    /// The connection, for what is no frame.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    async fn open_on(
        mut stream: TcpStream,
        address: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (Self, String) {
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
        );
        let opened = async {
            stream.write_all(request.as_bytes()).await.expect("the handshake is sent");
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await.expect("the host answers"));
            }
            (Self { stream }, String::from_utf8(head).expect("a head"))
        };
        let (socket, head) = timeout(PATIENCE, opened).await.expect("a handshake in time");
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        (socket, head)
    }

    /// Sends a frame with this first byte, masked with zeros.
    pub async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ ..126 => frame.push(0x80 | length as u8),
            length => {
                frame.push(0x80 | 126);
                frame.extend(u16::try_from(length).expect("a payload below 64 KiB").to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        timeout(PATIENCE, self.stream.write_all(&frame)).await.expect("in time").expect("the frame is sent");
    }

    /// The next frame's first byte and payload.
    pub async fn next(&mut self) -> (u8, Vec<u8>) {
        let read = async {
            let (first, short) = (self.stream.read_u8().await?, self.stream.read_u8().await?);
            let length = match short {
                126 => u64::from(self.stream.read_u16().await?),
                127 => self.stream.read_u64().await?,
                short => u64::from(short),
            };
            let mut payload = vec![0; length as usize];
            self.stream.read_exact(&mut payload).await?;
            Ok::<_, std::io::Error>((first, payload))
        };
        timeout(PATIENCE, read).await.expect("a frame in time").expect("a frame")
    }

    /// Whether nothing more comes.
    pub async fn is_ended(&mut self) -> bool {
        let read = timeout(PATIENCE, self.stream.read(&mut [0])).await.expect("the end in time");
        matches!(read, Ok(0) | Err(_))
    }
}
