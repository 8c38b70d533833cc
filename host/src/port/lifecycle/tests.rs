//! The machine against RFC 6455 and random calls.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use proptest::prelude::*;

use super::*;

fn connected() -> Lifecycle {
    let mut life = Lifecycle::new();
    life.connect().unwrap();
    life
}

fn open() -> Lifecycle {
    let mut life = connected();
    life.accept().unwrap();
    life
}

/// Closed by us with 4000, our frame on the wire.
fn closed_by_us() -> Lifecycle {
    let mut life = open();
    assert_eq!(life.close(4000, "bye").unwrap(), Closing::Frame);
    life.close_sent().unwrap();
    life
}

fn event(life: &mut Lifecycle) -> (u16, String) {
    let close = life.take_close_event().unwrap();
    assert_eq!(life.take_close_event(), None);
    assert_eq!(life.end(), Some(&close));
    (close.code, close.reason)
}

#[test]
fn lifecycle_is_small() {
    assert!(size_of::<Lifecycle>() <= 32);
}

#[test]
fn handler_that_accepts_makes_it_open() {
    let mut life = Lifecycle::new();
    assert_eq!(life.state(), State::Connecting);
    assert_eq!(life.accept(), Err(IllegalTransition { state: State::Connecting, call: Call::Accept }));
    life.connect().unwrap();
    life.accept().unwrap();
    assert_eq!(life.state(), State::Open);
    assert_eq!(life.take_close_event(), None);
    let again = life.accept().unwrap_err();
    assert_eq!(again.to_string(), "accept is illegal while the websocket is open");
}

#[test]
fn peer_close_first_gives_its_code_and_owes_an_answer() {
    let mut life = open();
    assert_eq!(life.peer_closed(Some(4001), "away").unwrap(), Answer::Owed);
    assert_eq!(life.state(), State::Closing);
    assert!(life.send().is_err());
    assert!(life.close(1000, "").is_err());
    assert_eq!(event(&mut life), (4001, "away".into()));
    life.close_sent().unwrap();
    assert_eq!(life.state(), State::Closed);
    life.connection_lost();
    assert_eq!(life.take_close_event(), None);
}

#[test]
fn peer_close_without_a_code_gives_1005() {
    let mut life = open();
    life.peer_closed(None, "").unwrap();
    assert_eq!(event(&mut life), (1005, String::new()));
}

#[test]
fn our_close_echoed_gives_our_code() {
    let mut life = closed_by_us();
    assert_eq!(life.state(), State::Closing);
    assert_eq!(life.take_close_event(), None);
    assert_eq!(life.peer_closed(Some(4000), "bye").unwrap(), Answer::Given);
    assert_eq!(life.state(), State::Closed);
    assert_eq!(event(&mut life), (4000, "bye".into()));
}

#[test]
fn our_close_answered_without_a_code_keeps_ours() {
    let mut life = closed_by_us();
    life.peer_closed(None, "").unwrap();
    assert_eq!(event(&mut life), (4000, "bye".into()));
}

#[test]
fn our_close_timed_out_or_cut_keeps_ours() {
    let mut life = closed_by_us();
    life.close_timed_out().unwrap();
    assert_eq!(life.state(), State::Closed);
    assert_eq!(event(&mut life), (4000, "bye".into()));

    let mut life = closed_by_us();
    life.connection_lost();
    assert_eq!(event(&mut life), (4000, "bye".into()));
}

#[test]
fn close_that_never_left_keeps_ours_on_timeout_but_not_on_loss() {
    let mut life = open();
    life.close(1013, "").unwrap();
    life.close_timed_out().unwrap();
    assert_eq!(event(&mut life), (1013, String::new()));

    let mut life = open();
    life.close(1013, "").unwrap();
    life.connection_lost();
    assert_eq!(event(&mut life), (1006, String::new()));
}

#[test]
fn closes_that_cross_give_the_peer_code() {
    let mut life = closed_by_us();
    life.peer_closed(Some(1001), "").unwrap();
    assert_eq!(event(&mut life), (1001, String::new()));

    let mut life = open();
    life.close(4000, "").unwrap();
    assert_eq!(life.peer_closed(None, "").unwrap(), Answer::Owed);
    assert_eq!(life.state(), State::Closing);
    life.close_sent().unwrap();
    assert_eq!(life.state(), State::Closed);
    assert_eq!(event(&mut life), (1005, String::new()));
}

#[test]
fn peer_that_vanishes_gives_1006() {
    for mut life in [connected(), open()] {
        life.connection_lost();
        assert_eq!(life.state(), State::Closed);
        assert!(life.accept().is_err());
        assert_eq!(event(&mut life), (1006, String::new()));
    }
}

#[test]
fn close_before_accept_rejects() {
    let mut life = connected();
    assert_eq!(life.close(1000, "").unwrap(), Closing::Reject);
    assert_eq!(life.application(), ApplicationState::Response);
    assert_eq!(life.state(), State::Closing);
    assert!(life.close_timed_out().is_err());
    assert!(life.receive().is_err());
    life.response_sent().unwrap();
    assert_eq!(life.state(), State::Closed);
    assert_eq!(life.peer(), PeerState::Disconnected);
    assert_eq!(event(&mut life), (1006, String::new()));
}

#[test]
fn websocket_unknown_to_a_handler_has_no_close_event() {
    let mut life = Lifecycle::new();
    life.reject().unwrap();
    life.response_sent().unwrap();
    assert_eq!(life.take_close_event(), None);

    let mut life = Lifecycle::new();
    life.connection_lost();
    assert_eq!(life.take_close_event(), None);
    assert!(life.connect().is_err());
}

#[test]
fn close_codes_that_may_be_sent_are_the_listed_ones() {
    let valid = |code| open().close(code, "").is_ok();
    let edges = [1000, 1003, 1007, 1013, 3000, 4999];
    assert!(edges.into_iter().all(valid));
    let refused = [0, 999, 1004, 1005, 1006, 1014, 1015, 2999, 5000, u16::MAX];
    assert!(!refused.into_iter().any(valid));
    assert_eq!(connected().close(1005, ""), Err(CloseError::InvalidCode(1005)));
}

#[test]
fn close_reason_is_bounded_in_bytes() {
    assert!(open().close(1000, &"x".repeat(123)).is_ok());
    let long = open().close(1000, &"é".repeat(62)).unwrap_err();
    assert_eq!(long.to_string(), "close reason of 124 bytes exceeds the limit of 123");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Connect,
    Accept,
    Reject,
    ResponseSent,
    Send,
    Close,
    CloseSent,
    CloseTimedOut,
    PeerClosed,
    ConnectionLost,
    TakeCloseEvent,
}

fn step() -> impl Strategy<Value = Step> {
    use Step::*;
    prop_oneof![
        3 => Just(Connect),
        3 => Just(Accept),
        1 => Just(Reject),
        1 => Just(ResponseSent),
        2 => Just(Send),
        2 => Just(Close),
        2 => Just(CloseSent),
        1 => Just(CloseTimedOut),
        2 => Just(PeerClosed),
        1 => Just(ConnectionLost),
        2 => Just(TakeCloseEvent),
    ]
}

fn run(life: &mut Lifecycle, step: Step, code: u16) -> bool {
    match step {
        Step::Connect => life.connect().is_ok(),
        Step::Accept => life.accept().is_ok(),
        Step::Reject => life.reject().is_ok(),
        Step::ResponseSent => life.response_sent().is_ok(),
        Step::Send => life.send().is_ok(),
        Step::Close => life.close(code, "").is_ok(),
        Step::CloseSent => life.close_sent().is_ok(),
        Step::CloseTimedOut => life.close_timed_out().is_ok(),
        Step::PeerClosed => life.peer_closed(Some(code), "").is_ok(),
        Step::ConnectionLost => {
            life.connection_lost();
            true
        }
        Step::TakeCloseEvent => life.take_close_event().is_some(),
    }
}

fn rank(life: &Lifecycle) -> (u8, u8) {
    (life.peer() as u8, life.application() as u8)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn any_calls_keep_the_promises(
        steps in prop::collection::vec((step(), 990_u16..5010), 0..40)
    ) {
        let mut life = Lifecycle::new();
        let (mut events, mut accepts, mut closing, mut seen) = (0, 0, false, false);
        let mut decided: Option<Close> = None;
        for (step, code) in steps {
            let (state, before) = (life.state(), rank(&life));
            let end = life.end().cloned();
            let legal = run(&mut life, step, code);

            prop_assert!(life.state() >= state);
            let after = rank(&life);
            prop_assert!(after.0 >= before.0 && after.1 >= before.1);
            if !legal {
                prop_assert_eq!((life.state(), after), (state, before));
                prop_assert_eq!(life.end(), end.as_ref());
            }
            match step {
                Step::Send if legal => prop_assert!(accepts == 1 && !closing),
                Step::Accept if legal => accepts += 1,
                Step::Connect if legal => seen = true,
                Step::TakeCloseEvent if legal => events += 1,
                Step::Close | Step::PeerClosed | Step::ConnectionLost | Step::Reject => {
                    closing |= legal;
                }
                _ => {}
            }
            if let Some(decided) = &decided {
                prop_assert_eq!(life.end(), Some(decided));
            }
            decided = life.end().cloned();
        }
        prop_assert!(accepts <= 1 && events <= 1);

        life.connection_lost();
        prop_assert_eq!(life.state(), State::Closed);
        events += usize::from(life.take_close_event().is_some());
        prop_assert_eq!(events, usize::from(seen));
    }
}
