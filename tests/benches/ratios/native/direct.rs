//! A group of which nothing is left but the system calls: the publisher writes to each socket.

use std::sync::{Arc, Mutex};

use tokio::net::TcpStream;

use crate::load::frames::{self, TEXT};

/// Who is in it.
#[derive(Clone, Default)]
pub(super) struct Group(Arc<Mutex<Vec<Arc<TcpStream>>>>);

/// One websocket, which is told `join` and `publish GROUP TEXT` as the guest of the tests is.
pub(super) async fn member(mut stream: TcpStream, group: Group) {
    if tokio_tungstenite::accept_async_with_config(&mut stream, Some(super::small())).await.is_err() {
        return;
    }
    let (stream, mut read) = (Arc::new(stream), Vec::new());
    while stream.readable().await.is_ok() {
        let mut part = [0; 16 * 1024];
        match stream.try_read(&mut part) {
            Ok(0) => return,
            Ok(length) => read.extend_from_slice(&part[..length]),
            Err(_) => continue,
        }
        while let Some(told) = take(&mut read) {
            let answer = match told.strip_prefix("publish g ") {
                Some(text) => group.write(text),
                None => {
                    group.0.lock().expect("nobody panics with it").push(stream.clone());
                    "joined".to_owned()
                }
            };
            send(&stream, &frames::answered(TEXT, answer.as_bytes()));
        }
    }
}

impl Group {
    fn write(&self, text: &str) -> String {
        let frame = frames::answered(TEXT, text.as_bytes());
        let members = self.0.lock().expect("nobody panics with it");
        members.iter().for_each(|member| send(member, &frame));
        format!("published {} 0", members.len())
    }
}

/// Nothing is full here: the load reads, and waits until it has all.
fn send(stream: &TcpStream, frame: &[u8]) {
    // One that has gone is told nothing.
    let _gone = stream.try_write(frame);
}

/// The text of the first frame, unmasked, if all of it is there; shorter than 64 KiB.
fn take(read: &mut Vec<u8>) -> Option<String> {
    let (head, length) = match read[..] {
        [_, 0xfe, high, low, ..] => (8, usize::from(u16::from_be_bytes([high, low]))),
        [_, short, ..] if short != 0xfe => (6, usize::from(short & 0x7f)),
        _ => return None,
    };
    if read.len() < head + length {
        return None;
    }
    let frame: Vec<u8> = read.drain(..head + length).collect();
    let (head, payload) = frame.split_at(head);
    let mask = &head[head.len() - 4..];
    let text = payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask).collect();
    String::from_utf8(text).ok()
}
