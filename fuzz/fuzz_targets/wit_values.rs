//! What a guest passes to the host: any statuses, fields, JSON, close codes and reasons, raw events and responses, in
//! any order.
//!
//! Holds that nothing panics, that no head leaves which speaks for the connection or splits, that no close leaves which
//! RFC 6455 does not allow, and that JSON without its blanks is the same JSON.
//!
//! Each line is a call: its letter, then its words; fields are `name:value` between `|`.

#![no_main]

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use http::{HeaderMap, Request};
use libfuzzer_sys::fuzz_target;
use sessile_fuzz::event::{Close, Kind, Lot, Message};
use sessile_fuzz::group::Groups;
use sessile_fuzz::lines::{fields, lines, pair, text};
use sessile_fuzz::outbox::{Bounds, Held, Outboxes, Overflow};
use sessile_fuzz::port::answer;
use sessile_fuzz::port::exchange::{self, ExchangeParts, ExchangePort, Patience};
use sessile_fuzz::port::fields::Alike;
use sessile_fuzz::port::head::{Ends, Head};
use sessile_fuzz::port::inbox::Inbox;
use sessile_fuzz::port::websocket::{self, Attachment, Outgoing, Rules, Style, WebsocketParts, WebsocketPort};
use sessile_fuzz::session::{Lifetimes, LiveSessions, MemoryDb, SessionBinding};
use sessile_fuzz::{json, limits};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));

fuzz_target!(|input: &[u8]| {
    // For the timers of calls that wait; none of them is driven.
    let _entered = RUNTIME.enter();
    let (websocket, exchange) = (websocket(), exchange());
    for (what, words) in lines(input) {
        on_websocket(&websocket, what, words);
        on_exchange(&exchange, what, words);
        on_session(&websocket, what, words);
        if what == b'J' {
            without_blanks(words);
        }
    }
    answered(&websocket);
    if let Some(close) = websocket.end() {
        assert!(close.reason.len() <= limits::CLOSE_REASON_BYTES_MAX);
    }
    // A response is the whole input: it has line ends of its own.
    let exchange = self::exchange();
    once(exchange.send_raw(input, false));
    replied(&exchange);
});

fn on_websocket(port: &WebsocketPort, what: u8, words: &[u8]) {
    let (first, rest) = pair(words, b' ');
    match what {
        b'a' => drop(port.accept((!first.is_empty()).then(|| text(first)), &fields(rest))),
        b'd' => drop(port.reject(number(first), &fields(rest), rest.to_vec())),
        b'A' => event(port, Outgoing::Accept((!first.is_empty()).then(|| text(first)), fields(rest))),
        b'M' => event(port, Outgoing::Message(Message::Text(text(words).into()))),
        b'C' => event(port, Outgoing::Close(Close::new(number(first), text(rest)))),
        b'S' => event(port, Outgoing::ResponseStart(number(first), fields(rest))),
        b'B' => event(port, Outgoing::ResponseBody(rest.to_vec(), first == b"more")),
        b'c' => {
            let (code, reason) = (number(first), text(rest));
            let allowed = matches!(code, 1000..=1003 | 1007..=1013 | 3000..=4999) && reason.len() <= 123;
            if let Some(Ok(())) = once(port.close(code, reason)) {
                assert!(allowed, "{code} was taken");
            }
        }
        b'j' => drop(once(port.send_json(text(words), Kind::Text))),
        b'm' => drop(port.try_send(Message::Binary(words.to_vec().into()))),
        b'r' => drop(once(port.receive_json(Kind::Text, Some(Duration::ZERO)))),
        b'R' => drop(once(port.receive_event(Some(Duration::ZERO)))),
        b'p' => drop(once(port.ping())),
        b't' => drop(Attachment::new(words.to_vec()).map(|attachment| port.attach(attachment))),
        // The codec has held it to what a control frame carries.
        b'x' if text(rest).len() <= limits::CLOSE_REASON_BYTES_MAX => {
            port.peer_closed((!first.is_empty()).then(|| number(first)), &text(rest));
        }
        b'z' => drop(port.ended()),
        _ => {}
    }
}

fn on_exchange(port: &ExchangePort, what: u8, words: &[u8]) {
    let (first, rest) = pair(words, b' ');
    match what {
        b'h' => drop(once(port.send(number(first), fields(rest), rest.to_vec()))),
        b's' => drop(once(port.send_start(number(first), fields(rest)))),
        b'k' => drop(once(port.send_chunk(words.to_vec()))),
        b'f' => drop(once(port.send_finished())),
        b'q' => drop(port.send_cancel()),
        b'o' => drop(once(port.read(number(first).into()))),
        b'O' => port.dispose(),
        b'v' => replied(port),
        _ => {}
    }
}

fn on_session(port: &WebsocketPort, what: u8, words: &[u8]) {
    let (key, value) = pair(words, b'=');
    match what {
        b'1' => drop(once(port.session.open())),
        b'2' => drop(port.session.set(&text(key), value.to_vec().into())),
        b'3' => drop(port.session.remove(&text(key))),
        b'4' => drop(port.session.clear()),
        b'5' => drop(port.session.set_expiry(text(words).parse().ok().map(Duration::from_nanos))),
        b'6' => drop(once(port.session.save(text(words).parse().ok()))),
        b'7' => drop(once(port.session.cycle_id())),
        b'8' => drop(once(port.session.flush())),
        b'9' => drop((port.session.keys(), port.session.version(), port.session.is_new(), port.session.discard())),
        _ => {}
    }
}

fn event(port: &WebsocketPort, event: Outgoing) {
    drop(once(port.send_event(event)));
}

/// JSON without its blanks is JSON, has none left, and is the same value.
fn without_blanks(words: &[u8]) {
    let checked = json::check(words);
    let Ok(text) = std::str::from_utf8(words) else { return assert!(checked.is_err(), "not UTF-8") };
    let compact = json::compact(text.to_owned());
    assert_eq!(compact.is_ok(), checked.is_ok());
    let Ok(compact) = compact else { return };
    assert_eq!(json::compact(compact.clone()).as_ref(), Ok(&compact), "blanks were left");
    let value = |text| serde_json::from_str::<serde_json::Value>(text).ok();
    assert_eq!(value(&compact), value(text), "another value");
}

fn answered(port: &WebsocketPort) {
    match port.poll_answer(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(websocket::Answer::Accept(head)) => sendable(&head),
        Poll::Ready(websocket::Answer::Reject(status, head, body)) => {
            assert!(status.is_client_error() || status.is_server_error());
            assert!(body.len() <= limits::DENIAL_BYTES_MAX || !body.is_empty());
            sendable(&head);
        }
        Poll::Pending => {}
    }
}

fn replied(port: &ExchangePort) {
    let Some(answer) = port.take_answer() else { return };
    let (status, head) = match &answer {
        exchange::Answer::Whole(response) => (response.status(), response.headers()),
        exchange::Answer::Streamed(response) => (response.status(), response.headers()),
        exchange::Answer::Standard(_) | exchange::Answer::Cancelled => return,
    };
    assert!((200..=599).contains(&status.as_u16()), "{status}");
    sendable(head);
}

/// Nothing that is the host's to say, nothing that splits.
fn sendable(head: &HeaderMap) {
    for (name, value) in head {
        assert!(!answer::is_reserved(name), "{name}");
        assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name} splits");
    }
}

/// What a call answers at once; none if it waits: then it is dropped, as when a guest is.
fn once<F: Future>(call: F) -> Option<F::Output> {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}

fn number(words: &[u8]) -> u16 {
    text(words).parse().unwrap_or_default()
}

fn websocket() -> WebsocketPort {
    let rules = Rules {
        route: "/".into(),
        handler: "fuzz".into(),
        cookies: Arc::default(),
        message_bytes_max: 1024,
        outbox: Arc::new(Bounds {
            bytes_max: 4096,
            messages_max: 16,
            overflow: Overflow::Wait,
            held: Held::UntilWritten,
        }),
        resume: None,
        auto_response: None,
        patience: websocket::Patience { message: limits::MESSAGE, stall: limits::STALL },
    };
    let port = WebsocketPort::new(WebsocketParts {
        head: Head::of_websocket(&parts(), ends(), Vec::new(), &Alike::default()),
        rules: Arc::new(rules),
        version: 1,
        lot: Lot::default(),
        style: Style::Loop(Box::new(Inbox::new(1))),
        session: session(),
        groups: Arc::<Groups>::default(),
        sees_publications: false,
        offered: ["a".to_owned(), "b".to_owned()].into(),
        outboxes: Arc::new(Outboxes::new(limits::MIB)),
        resume: None,
    });
    port.connect();
    port
}

fn exchange() -> ExchangePort {
    ExchangePort::new(ExchangeParts {
        head: Head::of_exchange(parts(), ends(), Vec::new()),
        body: None,
        session: session(),
        cookies: Arc::default(),
        secure: false,
        connection: tokio_util::sync::CancellationToken::new(),
        patience: Patience { body: limits::HEAD, stall: limits::HEAD },
        used: Arc::default(),
    })
}

fn session() -> SessionBinding {
    let lifetimes = Lifetimes { idle: limits::SESSION_IDLE, absolute: limits::SESSION_ABSOLUTE };
    SessionBinding::new(Arc::new(MemoryDb::default()), Arc::<LiveSessions>::default(), Arc::new(lifetimes), None)
}

fn parts() -> http::request::Parts {
    Request::builder().uri("/x?y").header("host", "a.example").body(()).expect("a request").into_parts().0
}

fn ends() -> Ends {
    let address = "127.0.0.1:80".parse().expect("an address");
    Ends { peer: address, local: address, secure: false }
}
