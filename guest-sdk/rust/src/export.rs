//! What the export macros expand to: between the WIT's words and the handler's.

#![allow(missing_docs, unreachable_pub, reason = "for the macros of this crate alone")]

pub use websocket_handler::Outcome;

use crate::bindings::wit::types;
use crate::{
    Close, Error, Message, PublicationHandler, Request, Response, Result, WebSocket, WebsocketEvents, WebsocketUpgrade,
    concurrent,
};

macro_rules! world {
    ($module:ident, $world:literal) => {
        pub mod $module {
            wit_bindgen::generate!({
                path: "../../wit",
                world: $world,
                async: false,
                pub_export_macro: true,
                with: {
                    "sessile:handler/types@0.1.0": crate::bindings::wit::types,
                    "sessile:handler/websocket@0.1.0": crate::bindings::wit::websocket,
                    "sessile:handler/raw@0.1.0": crate::bindings::wit::raw,
                    "sessile:handler/http@0.1.0": crate::bindings::wit::http,
                    "sessile:handler/session@0.1.0": crate::bindings::wit::session,
                    "sessile:handler/groups@0.1.0": crate::bindings::wit::groups,
                    "sessile:handler/alarms@0.1.0": crate::bindings::wit::alarms,
                    "sessile:handler/time@0.1.0": crate::bindings::wit::time,
                    "sessile:handler/log@0.1.0": crate::bindings::wit::log,
                },
            });
        }
    };
}

world!(looped, "websocket-loop");
world!(events, "websocket-event");
world!(takeover, "websocket-takeover");
world!(publications, "websocket-publications");
world!(exchange, "http-exchange");
world!(ringing, "alarm");

pub use crate::bindings::wit::alarms::Alarm as WitAlarm;
pub use crate::bindings::wit::groups::Told as WitTold;
pub use events::exports::sessile::handler::websocket_events;
pub use exchange::exports::sessile::handler::http_handler;
pub use looped::exports::sessile::handler::websocket_handler;
pub use publications::exports::sessile::handler::publication_handler;
pub use ringing::exports::sessile::handler::alarm_handler;
pub use takeover::exports::sessile::handler::websocket_upgrade;
pub use types::{CloseInfo, Failure, Message as WitMessage};
/// Runs a handler that awaits, within an export that blocks.
pub use wit_bindgen::block_on;

fn failure(error: &Error) -> Failure {
    Failure { message: error.to_string() }
}

/// A handler's word for the host. That the peer has left is nobody's failure, wherever `?` met it.
fn verdict(result: Result<()>) -> std::result::Result<(), Failure> {
    match result {
        Ok(()) | Err(Error::Disconnected(_) | Error::PeerGone) => Ok(()),
        Err(error) => Err(failure(&error)),
    }
}

/// As `verdict`; a loop that met [`Error::Retire`] hands over.
pub fn loop_outcome(result: Result<()>) -> std::result::Result<Outcome, Failure> {
    match result {
        Err(Error::Retire) => Ok(Outcome::Handoff),
        other => verdict(other).map(|()| Outcome::Done),
    }
}

pub fn on_open<H: WebsocketEvents>(ws: u64) -> std::result::Result<(), Failure> {
    verdict(H::on_open(&WebSocket::new(ws)))
}

pub fn on_messages<H: WebsocketEvents>(ws: u64, messages: Vec<WitMessage>) -> std::result::Result<(), Failure> {
    let messages = messages.into_iter().map(Message::from).collect();
    verdict(H::on_messages(&WebSocket::new(ws), messages))
}

pub fn on_publications<H: PublicationHandler>(ws: u64, told: Vec<WitTold>) -> std::result::Result<(), Failure> {
    verdict(H::on_publications(&WebSocket::new(ws), told.into_iter().map(Into::into).collect()))
}

pub fn on_upgrade<H: WebsocketUpgrade>(ws: u64, from: u64) -> std::result::Result<(), Failure> {
    verdict(H::on_upgrade(&WebSocket::new(ws), from))
}

/// Strict: the handler knows that the peer has left, so a send here is its mistake.
pub fn on_close<H: WebsocketEvents>(ws: u64, close: CloseInfo) -> std::result::Result<(), Failure> {
    H::on_close(&WebSocket::new(ws), Close::from(close)).map_err(|error| failure(&error))
}

/// Strict: an alarm has no peer that could have left.
pub fn rang(result: Result<()>) -> std::result::Result<(), Failure> {
    result.map_err(|error| failure(&error))
}

/// Sends what a handler answered.
pub fn respond(ex: u64, answer: Result<Response>) -> std::result::Result<(), Failure> {
    verdict(answer.and_then(|response| Request::new(ex).respond(response)))
}

/// As `respond`, of a handler that awaits.
pub async fn respond_awaited(ex: u64, answer: Result<Response>) -> std::result::Result<(), Failure> {
    verdict(match answer {
        Ok(response) => concurrent::Request::new(ex).respond(response).await,
        Err(error) => Err(error),
    })
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    #[test]
    fn peer_that_left_is_a_normal_end() {
        let left = || Error::Disconnected(Close { code: 1001, reason: String::new() });
        assert!(matches!(loop_outcome(Err(left())), Ok(Outcome::Done)));
        assert!(verdict(Err(left())).is_ok() && verdict(Err(Error::PeerGone)).is_ok() && verdict(Ok(())).is_ok());
    }

    /// What calls nothing of the host has nothing to wait for.
    fn awaited(answer: Result<Response>) -> std::result::Result<(), Failure> {
        let call = std::pin::pin!(respond_awaited(7, answer));
        match call.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(told) => told,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn peer_that_left_an_exchange_is_a_normal_end() {
        assert!(respond(7, Err(Error::PeerGone)).is_ok());
        assert!(awaited(Err(Error::PeerGone)).is_ok());
        assert_eq!(respond(7, Err(Error::TimedOut)).unwrap_err().message, "timed out");
        assert_eq!(awaited(Err("no seat".into())).unwrap_err().message, "no seat");
    }

    #[test]
    fn loop_that_is_to_retire_hands_over_and_one_that_returns_does_not() {
        assert!(matches!(loop_outcome(Err(Error::Retire)), Ok(Outcome::Handoff)));
        assert!(matches!(loop_outcome(Ok(())), Ok(Outcome::Done)));
    }

    #[test]
    fn failure_carries_the_words_of_the_error() {
        let failed = loop_outcome(Err("no seat".into())).unwrap_err();
        assert_eq!(failed.message, "no seat");
        assert_eq!(verdict(Err(Error::TimedOut)).unwrap_err().message, "timed out");
    }
}
