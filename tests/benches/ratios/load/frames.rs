//! Frames as a client sends them and as a server does, and the handshake, as bytes.

use std::net::SocketAddr;

/// What Chromium sends with a handshake.
const CHROMIUM: &str = "Pragma: no-cache\r\nCache-Control: no-cache\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n\
    Accept-Encoding: gzip, deflate, br, zstd\r\nAccept-Language: en-US,en;q=0.9\r\n\
    Cookie: theme=dark; consent=yes; visitor=4f9c2d1e-7b8a-4c3d-9e6f-1a2b3c4d5e6f\r\n\
    Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";

pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;

/// Who asks for a websocket.
#[derive(Clone, Copy)]
pub(crate) enum Headers {
    /// What must be there.
    Least,
    /// What Chromium sends.
    Chromium,
}

pub(crate) fn handshake(address: SocketAddr, path: &str, headers: Headers) -> Vec<u8> {
    let more = match headers {
        Headers::Least => "",
        Headers::Chromium => CHROMIUM,
    };
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: http://{address}\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    )
    .into_bytes()
}

/// A frame as a client sends it, masked.
pub(crate) fn asked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = vec![first];
    put_length(&mut frame, payload.len(), 0x80);
    frame.extend(mask);
    frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

/// The same as a server sends it.
pub(crate) fn answered(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    put_length(&mut frame, payload.len(), 0);
    frame.extend(payload);
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

/// What a server sends, taken apart as it comes.
#[derive(Default)]
pub(crate) struct Reader {
    rest: Vec<u8>,
}

/// What has come whole.
pub(crate) struct Heard {
    pub(crate) messages: usize,
    pub(crate) pings: usize,
}

impl Reader {
    pub(crate) fn hear(&mut self, bytes: &[u8]) -> Heard {
        self.rest.extend_from_slice(bytes);
        let (mut heard, mut at) = (Heard { messages: 0, pings: 0 }, 0);
        while let Some(length) = whole(&self.rest[at..]) {
            match self.rest[at] {
                PING => heard.pings += 1,
                TEXT | BINARY => heard.messages += 1,
                other => panic!("a frame that begins with {other:#x}"),
            }
            at += length;
        }
        self.rest.drain(..at);
        heard
    }
}

/// The length of the frame at the beginning, if all of it is there.
fn whole(bytes: &[u8]) -> Option<usize> {
    let length = match bytes {
        [_, 126, high, low, ..] => 4 + usize::from(u16::from_be_bytes([*high, *low])),
        [_, short @ ..=125, ..] => 2 + usize::from(*short),
        [_, 127, ..] => panic!("a frame of 64 KiB or more"),
        _ => return None,
    };
    (bytes.len() >= length).then_some(length)
}
