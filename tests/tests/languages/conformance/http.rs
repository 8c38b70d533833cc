//! HTTP: FEATURES, table D.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};

use super::guest::{Guest, is_refusal};
use super::{Outcome, Unsupported, rows};

rows! {
    d01_streamed_response,
    d01_chunks_leave_as_they_come,
    d01_unfinished_body_is_seen_as_cut,
    d01_wrong_order_is_refused,
    d02_whole_response,
    d03_raw_response,
    d04_cancel,
    d04_peer_that_leaves_a_stream_is_no_failure,
    d06_json,
    d06_form,
    d06_whole_body_has_a_limit,
    d08_awaiting_chunk_waits,
    d10_server_sent_events,
    d10_long_poll,
}

async fn d01_streamed_response(guest: &Guest) -> Outcome {
    let answer = guest.post("stream", "", None).await?;
    assert_eq!((answer.status.as_u16(), answer.text()), (201, "one two three"));
    assert_eq!(answer.headers["x-guest"], "1");
    Ok(())
}

/// A part of the request's body is sent when the one before has come back.
async fn d01_chunks_leave_as_they_come(guest: &Guest) -> Outcome {
    let mut stream = TcpStream::connect(guest.host().address()).await.unwrap();
    let head = "POST /http/echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    for part in ["first", "second"] {
        stream.write_all(format!("{:x}\r\n{part}\r\n", part.len()).as_bytes()).await.unwrap();
        while !answer.contains(part) {
            let mut bytes = [0; 1024];
            let read = stream.read(&mut bytes).await.unwrap();
            answer.push_str(std::str::from_utf8(&bytes[..read]).unwrap());
            if answer.contains("unsupported") {
                return Err(Unsupported);
            }
            assert!(read > 0, "{answer}");
        }
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.ends_with("\r\n0\r\n\r\n"), "{answer}");
    Ok(())
}

/// All that comes of an exchange; what is cut has no last chunk.
async fn is_cut(guest: &Guest, what: &str) -> Outcome {
    let request = format!("GET /http/{what} HTTP/1.1\r\nhost: x\r\n\r\n");
    let mut stream = TcpStream::connect(guest.host().address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // It may be reset.
    let _ended = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8(answer).unwrap();
    if answer.ends_with("unsupported") {
        return Err(Unsupported);
    }
    assert!(!answer.contains("0\r\n\r\n") && (answer.is_empty() || answer.starts_with("HTTP/1.1 200 OK")), "{answer}");
    Ok(())
}

async fn d01_unfinished_body_is_seen_as_cut(guest: &Guest) -> Outcome {
    is_cut(guest, "unfinished").await
}

async fn d01_wrong_order_is_refused(guest: &Guest) -> Outcome {
    let answer = guest.post("order", "", None).await?;
    assert!(is_refusal(answer.text(), "wrong-order"), "{answer:?}");
    Ok(())
}

async fn d02_whole_response(guest: &Guest) -> Outcome {
    let answer = guest.post("command?418", "path", None).await?;
    assert_eq!((answer.status.as_u16(), answer.text()), (418, "/http/command"));
    let answer = guest.post("no-body", "", None).await?;
    assert_eq!((answer.status.as_u16(), answer.text()), (204, ""));
    let answer = guest.post("nothing", "", None).await?;
    assert_eq!(answer.status, 500);
    Ok(())
}

async fn d03_raw_response(guest: &Guest) -> Outcome {
    let answer = guest.post("raw", "", None).await?;
    assert_eq!((answer.status.as_u16(), answer.text()), (202, "raw"));
    assert_eq!(
        (&answer.headers["x-guest"], &answer.headers["connection"]),
        (&"1".parse().unwrap(), &"close".parse().unwrap())
    );
    let split = guest.post("raw-split", "", None).await?;
    assert!(split.status == 422 && is_refusal(split.text(), "invalid-head"), "{split:?}");
    Ok(())
}

async fn d04_cancel(guest: &Guest) -> Outcome {
    is_cut(guest, "cancel").await
}

/// In its middle: the handler ends, and nothing of it is in the log.
async fn d04_peer_that_leaves_a_stream_is_no_failure(guest: &Guest) -> Outcome {
    let before = guest.log_until("before one leaves").await?.len();
    let socket = TcpSocket::new_v4().unwrap();
    // So that the kernel's buffers do not take all of it.
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(guest.host().address()).await.unwrap();
    stream.write_all(b"GET /http/flood HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).await.unwrap();
    if &status != b"HTTP/1.1 200" {
        return Err(Unsupported);
    }
    let used = guest.cpu_micros().await;
    drop(stream);
    let ends = async { while guest.cpu_micros().await == used {} };
    tokio::time::timeout(Duration::from_secs(30), ends).await.unwrap();
    let log = guest.log_until("after one has left").await?;
    let of_it = log[before..].lines().take_while(|line| !line.contains("after one has left"));
    let told: Vec<_> = of_it.filter(|line| line.contains(" WARN ") || line.contains(" ERROR ")).collect();
    assert!(told.is_empty(), "{told:?}");
    Ok(())
}

async fn d06_json(guest: &Guest) -> Outcome {
    let answer = guest.post("json", "{ \"a\" : [1, \"é\"] }", None).await?;
    assert_eq!((answer.status.as_u16(), answer.text()), (200, "{\"a\":[1,\"é\"]}"));
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("application/json"), "{answer:?}");
    let answer = guest.post("json", "[1, ?]", None).await?;
    assert!(answer.status == 400 && is_refusal(answer.text(), "bad-json"), "{answer:?}");
    Ok(())
}

async fn d06_form(guest: &Guest) -> Outcome {
    let answer = guest.post("form", "a=x+y&b=2&a=%C3%A9%26", None).await?;
    assert_eq!(answer.text(), "x y|é&");
    Ok(())
}

async fn d06_whole_body_has_a_limit(guest: &Guest) -> Outcome {
    for (length, status, told) in [(0, 200, "0"), (1000, 200, "1000"), (1001, 413, ""), (200_000, 413, "")] {
        let answer = guest.post("limit", vec![b'x'; length], None).await?;
        let is_told = answer.text() == told || is_refusal(answer.text(), "too-large");
        assert!(answer.status == status && is_told, "{length}: {answer:?}");
    }
    Ok(())
}

async fn d08_awaiting_chunk_waits(guest: &Guest) -> Outcome {
    let answer = guest.post("flood", "", None).await?;
    assert_eq!(answer.body.unwrap().len(), 200 * 60_000);
    Ok(())
}

async fn d10_server_sent_events(guest: &Guest) -> Outcome {
    let answer = guest.post("events", "", None).await?;
    assert!(answer.headers["content-type"].to_str().unwrap().starts_with("text/event-stream"), "{answer:?}");
    let fields = |event: &str| {
        let mut fields: Vec<_> = event.lines().map(|line| line.replace(": ", ":")).collect();
        fields.sort();
        fields.join("|")
    };
    let events: Vec<_> = answer.text().split("\n\n").filter(|event| !event.is_empty()).map(fields).collect();
    assert_eq!(events, ["data:one", "data:lines|data:two|event:tick|id:2"]);
    Ok(())
}

async fn d10_long_poll(guest: &Guest) -> Outcome {
    let cookie = guest.command("session set a 1", None).await?.cookie().unwrap();
    let poll = guest.post("poll", "", Some(&cookie));
    let news = guest.command("sleep 50\nsession set news \"é\"", Some(&cookie));
    let (poll, news) = tokio::join!(poll, news);
    assert_eq!((poll?.text(), news?.text()), ("\"é\"", "ok\nok"));
    Ok(())
}
