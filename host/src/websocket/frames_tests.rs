//! Frames over a connection in memory, with tungstenite or bare bytes as the peer.

#![allow(clippy::unwrap_used, reason = "a test stops at a surprise")]

use std::future::poll_fn;
use std::task::Waker;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::*;

const KIB: usize = 1024;

/// Frames and their peer, with room for so many bytes between them.
fn pair(room: usize) -> (Frames, DuplexStream) {
    let (io, peer) = duplex(room);
    (Frames::new(Box::new(io), b"", 64 * KIB, None), peer)
}

/// A short frame of a peer, its key all zero.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let short = u8::try_from(payload.len()).ok().filter(|length| *length < 126).unwrap();
    [&[first, 0x80 | short, 0, 0, 0, 0], payload].concat()
}

async fn next(frames: &mut Frames) -> Incoming {
    poll_fn(|cx| frames.poll_next(cx)).await
}

async fn flush(frames: &mut Frames) {
    poll_fn(|cx| frames.poll_flush(cx)).await.unwrap();
}

fn is_pending<T>(poll: impl FnOnce(&mut Context<'_>) -> Poll<T>) -> bool {
    poll(&mut Context::from_waker(Waker::noop())).is_pending()
}

async fn text(frames: &mut Frames) -> String {
    match next(frames).await {
        Incoming::Message(Message::Text(text)) => text.into(),
        other => panic!("not a text: {other:?}"),
    }
}

fn binary(length: usize) -> Message {
    Message::Binary(vec![7; length].into())
}

#[tokio::test]
async fn rest_keeps_what_waits_to_be_written() {
    let (mut frames, mut peer) = pair(KIB);
    frames.start(binary(3)).unwrap();
    frames.rest();
    flush(&mut frames).await;
    frames.rest();
    let mut written = [0; 5];
    peer.read_exact(&mut written).await.unwrap();
    assert_eq!(written, [0x82, 3, 7, 7, 7]);
}

#[tokio::test]
async fn messages_of_one_read_come_one_by_one_and_leave_no_buffer() {
    let (io, mut peer) = duplex(KIB);
    let early = frame(0x81, b"early");
    let mut frames = Frames::new(Box::new(io), &early, 64 * KIB, None);
    peer.write_all(&[frame(0x81, b"a"), frame(0x81, b"b"), frame(0x01, b"c")].concat()).await.unwrap();
    for expected in ["early", "a", "b"] {
        assert_eq!(text(&mut frames).await, expected);
    }
    assert!(is_pending(|cx| frames.poll_next(cx)));
    assert!(frames.ahead.is_none());
    peer.write_all(&frame(0x80, b"d")).await.unwrap();
    assert_eq!(text(&mut frames).await, "cd");
}

#[tokio::test]
async fn large_message_arrives_whole_however_the_connection_cuts_it() {
    for room in [100, 4 * KIB, 40 * KIB, 100 * KIB] {
        let (mut frames, mut peer) = pair(room);
        let payload: Vec<u8> = (0..64 * KIB).map(|index| index as u8).collect();
        let head = [&[0x82, 0xff][..], &(payload.len() as u64).to_be_bytes(), &[0; 4]].concat();
        let sent = [&head[..], &payload, &frame(0x81, b"after")].concat();
        let sending = tokio::spawn(async move {
            peer.write_all(&sent).await.unwrap();
            peer
        });
        let Incoming::Message(Message::Binary(message)) = next(&mut frames).await else { panic!("no message") };
        assert!(message == payload, "room for {room}");
        assert_eq!(text(&mut frames).await, "after");
        drop(sending.await.unwrap());
        assert!(matches!(next(&mut frames).await, Incoming::End));
    }
}

#[tokio::test]
async fn ping_is_answered_with_the_next_flush() {
    let (mut frames, mut peer) = pair(KIB);
    peer.write_all(&[frame(0x89, b"one"), frame(0x89, b"two")].concat()).await.unwrap();
    assert!(matches!(next(&mut frames).await, Incoming::Ping));
    assert!(matches!(next(&mut frames).await, Incoming::Ping));
    flush(&mut frames).await;
    let mut pongs = [0; 10];
    peer.read_exact(&mut pongs).await.unwrap();
    assert_eq!(&pongs, b"\x8a\x03one\x8a\x03two");
}

#[tokio::test]
async fn close_of_the_peer_is_answered_once_and_ends_the_connection() {
    let (mut frames, mut peer) = pair(KIB);
    peer.write_all(&[frame(0x88, b"\x0f\xa1bye"), frame(0x81, b"after")].concat()).await.unwrap();
    let Incoming::Close(Some(close)) = next(&mut frames).await else { panic!("no close") };
    assert_eq!(close, Close::new(4001, "bye"));
    assert!(frames.start(binary(1)).is_err(), "nothing follows a close frame");
    assert!(frames.start_close(&close).is_err());
    assert!(matches!(next(&mut frames).await, Incoming::End), "the answer has left, what follows is not read");
    drop(frames);
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, b"\x88\x05\x0f\xa1bye");
}

#[tokio::test]
async fn close_of_ours_is_not_answered_again() {
    let (mut frames, mut peer) = pair(KIB);
    frames.start_close(&Close::new(1000, "")).unwrap();
    flush(&mut frames).await;
    peer.write_all(&[frame(0x81, b"late"), frame(0x89, b""), frame(0x88, b"\x03\xe8")].concat()).await.unwrap();
    assert_eq!(text(&mut frames).await, "late");
    assert!(matches!(next(&mut frames).await, Incoming::Ping));
    assert!(matches!(next(&mut frames).await, Incoming::Close(Some(_))));
    assert!(matches!(next(&mut frames).await, Incoming::End));
    drop(frames);
    let mut all = Vec::new();
    peer.read_to_end(&mut all).await.unwrap();
    assert_eq!(all, b"\x88\x02\x03\xe8");
}

#[tokio::test]
async fn violation_ends_our_side_after_the_close_and_discards_what_comes() {
    let (mut frames, mut peer) = pair(KIB);
    peer.write_all(&frame(0x83, b"")).await.unwrap();
    let Incoming::Violation(close) = next(&mut frames).await else { panic!("no violation") };
    assert_eq!((close.code, close.reason.as_str()), (1002, "opcode 3 is reserved"));
    peer.write_all(&frame(0x81, b"discarded")).await.unwrap();
    assert!(is_pending(|cx| frames.poll_next(cx)));
    frames.start_close(&close).unwrap();
    flush(&mut frames).await;
    let mut answer = Vec::new();
    peer.read_to_end(&mut answer).await.unwrap();
    assert_eq!(answer, [&b"\x88\x16\x03\xea"[..], b"opcode 3 is reserved"].concat());
    drop(peer);
    assert!(matches!(next(&mut frames).await, Incoming::End));
}

#[tokio::test]
async fn peer_that_reads_nothing_is_felt() {
    let (mut frames, mut peer) = pair(KIB);
    let mut started = 0;
    while !is_pending(|cx| frames.poll_ready(cx)) {
        frames.start(binary(KIB)).unwrap();
        started += 1;
    }
    assert!((16..=18).contains(&started), "{started} are the buffer's and the connection's");
    let read = peer.read(&mut [0; 2 * KIB]).await.unwrap();
    assert!(read > 0);
    assert!(!is_pending(|cx| frames.poll_ready(cx)), "there is room again");
    drop(peer);
    assert!(poll_fn(|cx| frames.poll_flush(cx)).await.is_err());
}

#[tokio::test]
async fn tungstenite_is_echoed() {
    use futures_util::{SinkExt, StreamExt};
    use tokio_tungstenite::WebSocketStream;
    use tokio_tungstenite::tungstenite::{Message as Wire, protocol::Role};

    let (mut frames, peer) = pair(3 * KIB);
    let echoing = tokio::spawn(async move {
        while let Incoming::Message(message) = next(&mut frames).await {
            poll_fn(|cx| frames.poll_ready(cx)).await.unwrap();
            frames.start(message).unwrap();
            flush(&mut frames).await;
        }
        assert!(matches!(next(&mut frames).await, Incoming::End));
    });
    let (mut sink, mut stream) = WebSocketStream::from_raw_socket(peer, Role::Client, None).await.split();
    let messages: Vec<_> =
        (0..40).map(|index| Wire::Binary(Bytes::from(vec![index; usize::from(index) * 1500]))).collect();
    let sent = messages.clone();
    let sending = tokio::spawn(async move {
        for message in sent {
            sink.send(message).await.unwrap();
        }
        sink.close().await.unwrap();
    });
    for message in messages {
        assert_eq!(stream.next().await.unwrap().unwrap(), message);
    }
    assert!(matches!(stream.next().await, Some(Ok(Wire::Close(None)))));
    sending.await.unwrap();
    echoing.await.unwrap();
}
