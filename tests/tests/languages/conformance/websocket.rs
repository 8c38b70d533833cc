//! What a guest does with a websocket: FEATURES A5 to A17.

use std::collections::HashSet;
use std::pin::pin;

use futures_util::FutureExt;
use serde_json::Value;
use sessile_tests::RawSocket;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use super::guest::{Guest, STYLES, is_refusal};
use super::{Outcome, rows};

/// The first byte of a text in one frame.
const TEXT: u8 = 0x81;

rows! {
    a05_accept_with_subprotocol_and_headers,
    a05_accept_refuses_what_was_not_offered_and_bad_headers,
    a06_deny,
    a07_send_text_and_bytes,
    a07_send_json,
    a08_receive_text_and_bytes,
    a08_receive_json,
    a08_bad_json_has_its_position,
    a08_receive_with_a_timeout,
    a09_close_event_once,
    a09_close_event_after_a_crash,
    a09_receive_after_the_end_tells_it,
    a10_close,
    a11_wrong_state_names_call_and_state,
    a11_raw_events,
    a11_raw_denial,
    a12_id_and_state,
    a12_origin_and_security,
    a12_user,
    a13_ping,
    a13_round_trip,
    a14_awaiting_send_waits,
    a14_try_send,
    a14_outbox_is_told,
    a15_iteration_ends_with_the_close,
    a17_auto_response,
}

const OFFER: [(&str, &str); 1] = [("sec-websocket-protocol", "a, b")];

async fn a05_accept_with_subprotocol_and_headers(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peer = guest.open_with(&format!("{style}/accept?subprotocol"), &OFFER).await;
        peer.hold(&[("subprotocol", "b"), ("offered", "a|b")]).await?;
        assert_eq!((peer.header("sec-websocket-protocol"), peer.header("x-guest")), (Some("b"), Some("1")));
        let mut plain = guest.open(&format!("{style}/accept")).await;
        plain.hold(&[("subprotocol", "(none)"), ("offered", "")]).await?;
    }
    guest.open("/ws/accept?undecided").await.hold(&[("state", "open")]).await
}

async fn a05_accept_refuses_what_was_not_offered_and_bad_headers(guest: &Guest) -> Outcome {
    for style in STYLES {
        for case in ["not-offered", "invalid-head"] {
            let (status, body, _) = guest.denied(&format!("{style}/refuse?{case}"), &OFFER).await?;
            assert!(status == 400 && is_refusal(&body, case), "{case}: {status} {body}");
        }
    }
    Ok(())
}

async fn a06_deny(guest: &Guest) -> Outcome {
    for style in STYLES {
        assert_eq!(guest.denied(&format!("{style}/deny?close"), &[]).await?.0, 403);
        let denied = guest.denied(&format!("{style}/deny?reject"), &[]).await?;
        assert_eq!(denied, (418, "no coffee".to_owned(), Some("1".to_owned())));
    }
    Ok(())
}

async fn a07_send_text_and_bytes(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peer = guest.open(&format!("{style}/send")).await;
        peer.hold(&[("text grüße €😀", "grüße €😀"), ("text ", "")]).await?;
        for bytes in [vec![], vec![0, 1, 255], vec![7; 60_000]] {
            peer.send(bytes.clone()).await;
            assert!(peer.next().await? == Message::binary(bytes));
        }
        peer.send("bytes é").await;
        assert_eq!(peer.next().await?, Message::Binary(Bytes::from("é")));
    }
    Ok(())
}

async fn a07_send_json(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peer = guest.open(&format!("{style}/json")).await;
        assert_eq!(peer.ask("json { \"a b\" : [ 1 , \"x  é\" ] }").await?, "{\"a b\":[1,\"x  é\"]}");
        peer.send("json-binary [ 1, null ]").await;
        assert_eq!(peer.next().await?, Message::Binary(Bytes::from_static(b"[1,null]")));
        peer.refused("json {1}", "bad-json").await?;
    }
    Ok(())
}

/// In loop style; event style has none of it, and says so.
async fn a08_receive_text_and_bytes(guest: &Guest) -> Outcome {
    let mut peer = guest.open("/loop/receive").await;
    for (call, message, told) in [
        ("receive-text", Message::text("hällo"), "hällo"),
        ("receive-text", Message::binary(vec![1]), "wrong-kind"),
        ("receive-bytes", Message::binary(vec![1, 2, 3]), "3"),
        ("receive-bytes", Message::text("hello"), "wrong-kind"),
    ] {
        peer.send(call).await;
        peer.send(message).await;
        let answer = peer.text().await?;
        assert!(answer == told || is_refusal(&answer, told), "{call}: {answer}");
    }
    let mut peer = guest.open("/ws/receive").await;
    for call in ["receive-text", "receive-bytes"] {
        peer.refused(call, "wrong-style").await?;
    }
    Ok(())
}

async fn a08_receive_json(guest: &Guest) -> Outcome {
    let mut peer = guest.open("/loop/receive").await;
    for (call, message, told) in [
        ("receive-json", Message::text("{\"a\": 1}"), "{\"a\":1}"),
        ("receive-json", Message::text("{\"a\": ?}"), "bad-json"),
        ("receive-json", Message::binary(b"1".to_vec()), "wrong-kind"),
        ("receive-json-binary", Message::binary(b"[1]".to_vec()), "[1]"),
        ("receive-json-binary", Message::binary(b"\"\xff\"".to_vec()), "bad-json"),
        ("receive-json-binary", Message::text("1"), "wrong-kind"),
    ] {
        peer.send(call).await;
        peer.send(message).await;
        let answer = peer.text().await?;
        assert!(answer == told || is_refusal(&answer, told), "{call}: {answer}");
    }
    guest.open("/ws/receive").await.refused("receive-json", "wrong-style").await
}

async fn a08_bad_json_has_its_position(guest: &Guest) -> Outcome {
    let mut peer = guest.open("/loop/receive").await;
    peer.send("receive-json").await;
    let answer = peer.ask("{\n \"é\": ?}").await?;
    assert!(is_refusal(&answer, "bad-json"), "{answer}");
    match answer.split(' ').nth(2) {
        None => Err(super::Unsupported),
        // The column is in bytes; where the language's own library has parsed it, in characters.
        Some(position) => {
            assert!(["2:7", "2:8"].contains(&position), "{position}");
            Ok(())
        }
    }
}

async fn a08_receive_with_a_timeout(guest: &Guest) -> Outcome {
    let mut peer = guest.open("/loop/receive").await;
    peer.refused("receive 20", "timed-out").await?;
    peer.send("receive 20000").await;
    peer.hold(&[("in time", "in time"), ("text still open", "still open")]).await?;
    guest.open("/ws/receive").await.refused("receive 20", "wrong-style").await
}

async fn a09_close_event_once(guest: &Guest) -> Outcome {
    for style in STYLES {
        let (path, mut group) = (format!("{style}/ends"), guest.listener("ends").await?);
        // In loop style another follows, which is another row's.
        let mut told = async |line: &str| -> Outcome {
            assert_eq!(group.text().await?, line, "{path}");
            if path.starts_with("/loop") {
                group.text().await?;
            }
            Ok(())
        };
        guest.open(&path).await.close(4321, "döne").await;
        told("closed 4321 döne").await?;
        guest.open(&path).await.close_without_code().await;
        told("closed 1005 ").await?;
        drop(guest.open(&path).await);
        told("closed 1006 ").await?;
        group.hold(&[("text nothing more", "nothing more")]).await?;
    }
    Ok(())
}

async fn a09_close_event_after_a_crash(guest: &Guest) -> Outcome {
    for fault in ["crash", "spin", "fail for good"] {
        let mut group = guest.listener("crashes").await?;
        let mut peer = guest.open("/ws/crashes").await;
        peer.send(fault).await;
        let (code, reason) = peer.closed().await;
        assert_eq!((code, group.text().await?), (1011, format!("closed 1011 {reason}")), "{fault}");
    }
    Ok(())
}

async fn a09_receive_after_the_end_tells_it(guest: &Guest) -> Outcome {
    let mut group = guest.listener("again").await?;
    guest.open("/loop/again").await.close(4322, "").await;
    assert_eq!([group.text().await?, group.text().await?], ["closed 4322 ", "again 4322"]);
    Ok(())
}

async fn a10_close(guest: &Guest) -> Outcome {
    for style in STYLES {
        for code in [1000, 1001, 1003, 1007, 1013, 3000, 4999] {
            let mut peer = guest.open(&format!("{style}/close")).await;
            peer.send(format!("close {code} why not")).await;
            assert_eq!(peer.closed().await, (code, "why not".to_owned()));
        }
        let mut peer = guest.open(&format!("{style}/close")).await;
        for code in [0, 999, 1004, 1005, 1006, 1014, 1015, 2999, 5000] {
            peer.refused(&format!("close {code} x"), "invalid-code").await?;
        }
        peer.refused(&format!("close 1000 {}", "x".repeat(124)), "reason-too-long").await?;
        peer.send(format!("close 1000 {}", "x".repeat(123))).await;
        assert_eq!(peer.closed().await, (1000, "x".repeat(123)));
    }
    Ok(())
}

async fn a11_wrong_state_names_call_and_state(guest: &Guest) -> Outcome {
    let mut is_named = true;
    for style in STYLES {
        let mut early = guest.open(&format!("{style}/early?early")).await;
        for (answer, named) in [
            (early.text().await?, "error wrong-state send connecting"),
            (early.ask("accept").await?, "error wrong-state accept open"),
        ] {
            assert!(answer == named || answer == "error wrong-state", "{answer}");
            is_named &= answer == named;
        }
    }
    if is_named { Ok(()) } else { Err(super::Unsupported) }
}

async fn a11_raw_events(guest: &Guest) -> Outcome {
    let mut group = guest.listener("raw").await?;
    let mut peer = guest.open("/loop/raw?raw").await;
    peer.hold(&[("states", "connected connected"), ("hello", "hello")]).await?;
    assert_eq!(peer.header("x-guest"), Some("1"));
    peer.refused("accept", "wrong-state").await?;
    peer.send(vec![0, 255]).await;
    assert_eq!(peer.next().await?, Message::binary(vec![0, 255]));
    peer.close(4001, "raw").await;
    assert_eq!(group.text().await?, "closed 4001 raw");
    Ok(())
}

async fn a11_raw_denial(guest: &Guest) -> Outcome {
    let denied = guest.denied("/loop/raw?raw-deny", &[]).await?;
    assert_eq!(denied, (418, "no coffee".to_owned(), Some("1".to_owned())));
    Ok(())
}

async fn a12_id_and_state(guest: &Guest) -> Outcome {
    let mut ids = HashSet::new();
    for style in STYLES {
        for _ in 0..2 {
            let mut peer = guest.open(&format!("{style}/context")).await;
            peer.hold(&[("state", "open")]).await?;
            ids.insert(peer.ask("id").await?);
        }
    }
    assert_eq!(ids.len(), 4, "{ids:?}");
    Ok(())
}

async fn a12_origin_and_security(guest: &Guest) -> Outcome {
    let origin = format!("http://{}", guest.host().address());
    for style in STYLES {
        let mut peer = guest.open_with(&format!("{style}/context"), &[("origin", &origin)]).await;
        peer.hold(&[("origin", &origin), ("is-local", "true"), ("is-secure", "false")]).await?;
    }
    guest.open("/ws/context").await.hold(&[("origin", "(none)")]).await
}

async fn a12_user(guest: &Guest) -> Outcome {
    let login = guest.command("session set user \"Ada\"", None).await?.cookie().unwrap();
    for style in STYLES {
        let mut peer = guest.open_with(&format!("{style}/user"), &[("cookie", &login)]).await;
        peer.hold(&[("session user", "Ada")]).await?;
    }
    Ok(())
}

async fn a13_ping(guest: &Guest) -> Outcome {
    for style in STYLES {
        guest.open(&format!("{style}/ping")).await.hold(&[("ping", "ok")]).await?;
    }
    Ok(())
}

async fn a13_round_trip(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peer = guest.open(&format!("{style}/ping")).await;
        peer.hold(&[("round-trip", "(none)"), ("ping", "ok")]).await?;
        let took: u64 = peer.ask("round-trip").await?.parse().unwrap();
        assert!(took > 0);
    }
    Ok(())
}

async fn a14_awaiting_send_waits(guest: &Guest) -> Outcome {
    for path in ["/small/flood", "/loop/flood"] {
        let mut peer = guest.open(path).await;
        peer.send("flood 200").await;
        for number in 0..200 {
            assert_eq!(peer.text().await?, number.to_string(), "{path}");
        }
    }
    Ok(())
}

async fn a14_try_send(guest: &Guest) -> Outcome {
    let mut group = guest.listener("tried").await?;
    guest.open("/small/none").await.hold(&[("try-send 0", "queued 0 full 0 gone 0")]).await?;
    let mut peer = RawSocket::open_narrow(guest.host().address(), "/small/try").await;
    peer.send(TEXT, b"try-send 200").await;
    peer.send(TEXT, b"publish tried all").await;
    // Nothing is read before four wait in the outbox and no more leave, so the guest's own answer waits too; or before all were tried.
    let mut tried = pin!(group.text());
    let mut left = Value::Null;
    while tried.as_mut().now_or_never().is_none() {
        let told = guest.connection("/small/try").await;
        let full = told["outbox_bytes"].as_u64() >= Some(4 * 60_000);
        if full && told["sent"] == left {
            break;
        }
        left = told["sent"].clone();
    }
    let mut came = 0;
    let told = loop {
        let (first, text) = peer.next().await;
        assert_eq!(first, TEXT);
        if text.len() < 60_000 {
            break String::from_utf8(text).unwrap();
        }
        came += 1;
    };
    assert!(came > 0 && came < 200, "{told}");
    assert_eq!(told, format!("queued {came} full {} gone 0", 200 - came));
    Ok(())
}

async fn a14_outbox_is_told(guest: &Guest) -> Outcome {
    for style in STYLES {
        guest.open(&format!("{style}/outbox")).await.hold(&[("dropped", "0"), ("buffered", "0")]).await?;
    }
    Ok(())
}

async fn a15_iteration_ends_with_the_close(guest: &Guest) -> Outcome {
    let mut group = guest.listener("iteration").await?;
    let mut peer = guest.open("/loop/iteration").await;
    peer.hold(&[("count", "1"), ("text a", "a"), ("count", "3")]).await?;
    peer.close(4444, "over").await;
    assert_eq!(group.text().await?, "closed 4444 over");
    Ok(())
}

/// By the manifest; the guest answers what it does not know with `unsupported`.
async fn a17_auto_response(guest: &Guest) -> Outcome {
    let mut peer = guest.open("/auto/response").await;
    peer.hold(&[("are you there", "yes"), ("text a", "a"), ("are you there", "yes")]).await
}
