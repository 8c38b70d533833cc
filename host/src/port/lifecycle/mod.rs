//! A websocket's life as a state machine: which call is legal when, and the one close at its end.
//!
//! Owns the states of both sides and the close. Does no I/O and reads no clock: the caller reports
//! what happened on the wire, and does there what an answer says. Knows nothing of messages.
//!
//! Two sides move separately, as in ASGI: the peer, and the application (the handler, or the host
//! in its name). [`State`] is derived from the two.
//!
//! **Which close the handler sees.** RFC 6455 §7.1.5 takes the code of the first close frame
//! received, 1005 where it has none, 1006 where no frame came. That is followed, with one addition:
//! once we have closed, the lack of a better code does not hide ours.
//!
//! | what happened | code |
//! |---|---|
//! | the peer's frame has a code (its own close, its echo, or both sides at once) | that code |
//! | the peer's frame has none, ours had not left | 1005 |
//! | the peer's frame has none, ours had left, so it is the answer to ours | ours |
//! | we closed and gave up waiting for the peer | ours |
//! | our frame had left, then the connection ended | ours |
//! | the connection ended before any close frame, or before accept | 1006 |
//! | the handshake was rejected: there never was a close frame | 1006 |

mod calls;
#[cfg(test)]
mod tests;

pub use self::calls::{Answer, ApplicationState, Call, CloseError, Closing, IllegalTransition, PeerState};

use crate::event::{Close, State};
use crate::limits::CLOSE_REASON_BYTES_MAX;

/// The status that refuses a handshake when a handler closes before it accepts.
pub const REJECT_STATUS: u16 = 403;

/// Our close frame.
#[derive(Debug)]
enum Ours {
    None,
    Queued(Box<Close>),
    Sent(Box<Close>),
}

/// Whether the handler is still to hear of the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Notice {
    /// It has never heard of the websocket, so it must not hear of its end.
    Unseen,
    Due,
    Taken,
}

/// One websocket's state. Small, since an idle websocket holds one.
#[derive(Debug)]
pub struct Lifecycle {
    peer: PeerState,
    application: ApplicationState,
    notice: Notice,
    ours: Ours,
    end: Option<Box<Close>>,
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::new()
    }
}

impl Lifecycle {
    /// A websocket whose handshake has come and is known to no handler yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            peer: PeerState::Connecting,
            application: ApplicationState::Connecting,
            notice: Notice::Unseen,
            ours: Ours::None,
            end: None,
        }
    }

    /// How far the peer has come.
    #[must_use]
    pub fn peer(&self) -> PeerState {
        self.peer
    }

    /// How far the application has come.
    #[must_use]
    pub fn application(&self) -> ApplicationState {
        self.application
    }

    /// Both sides in one word, as the WIT has it.
    #[must_use]
    pub fn state(&self) -> State {
        use ApplicationState as App;
        match (self.peer, self.application) {
            (PeerState::Disconnected, App::Disconnected) if !self.close_frame_waits() => State::Closed,
            (PeerState::Disconnected, _) | (_, App::Response | App::Disconnected) => State::Closing,
            (_, App::Connected) => State::Open,
            (_, App::Connecting) => State::Connecting,
        }
    }

    /// Why the websocket ends, once that is decided; stays readable, for every later `receive`.
    #[must_use]
    pub fn end(&self) -> Option<&Close> {
        self.end.as_deref()
    }

    /// The close event of the handler: `Some` exactly once, from the moment the code is decided,
    /// and never if the handler had not heard of the websocket ([`connect`](Self::connect)).
    pub fn take_close_event(&mut self) -> Option<Close> {
        let end = self.end.as_deref()?;
        if self.notice != Notice::Due {
            return None;
        }
        self.notice = Notice::Taken;
        Some(end.clone())
    }

    /// A handler is told of the websocket; from here on it is owed a close event.
    ///
    /// # Errors
    /// [`IllegalTransition`] the second time, or after the end.
    pub fn connect(&mut self) -> Result<(), IllegalTransition> {
        self.require(self.peer == PeerState::Connecting && self.undecided(), Call::Connect)?;
        self.peer = PeerState::Connected;
        self.notice = Notice::Due;
        Ok(())
    }

    /// The handshake is answered with 101.
    ///
    /// # Errors
    /// [`IllegalTransition`] before `connect`, the second time, after a rejection or the end.
    pub fn accept(&mut self) -> Result<(), IllegalTransition> {
        self.require(self.peer == PeerState::Connected && self.undecided(), Call::Accept)?;
        self.application = ApplicationState::Connected;
        Ok(())
    }

    /// The handshake is answered with another status, by the handler or by the host (then also
    /// before `connect`). The answer may take time: report its end with `response_sent`.
    ///
    /// # Errors
    /// [`IllegalTransition`] once the handshake is answered, or after the end.
    pub fn reject(&mut self) -> Result<(), IllegalTransition> {
        self.require(self.undecided(), Call::Reject)?;
        self.application = ApplicationState::Response;
        self.decide(Close::abnormal());
        Ok(())
    }

    /// The answer that rejects the handshake is out.
    ///
    /// # Errors
    /// [`IllegalTransition`] where none was begun, or it has already ended.
    pub fn response_sent(&mut self) -> Result<(), IllegalTransition> {
        let responding = self.application == ApplicationState::Response;
        self.require(responding, Call::ResponseSent)?;
        self.disconnect();
        Ok(())
    }

    /// A message may be queued for the peer.
    ///
    /// # Errors
    /// [`IllegalTransition`] unless the websocket is open: nothing follows a close frame, in
    /// either direction (RFC 6455 §5.5.1).
    pub fn send(&self) -> Result<(), IllegalTransition> {
        self.require(self.state() == State::Open, Call::Send)
    }

    /// A ping may be sent.
    ///
    /// # Errors
    /// [`IllegalTransition`] unless the websocket is open.
    pub fn ping(&self) -> Result<(), IllegalTransition> {
        self.require(self.state() == State::Open, Call::Ping)
    }

    /// The handler may wait for a message, or be told of the [`end`](Self::end).
    ///
    /// # Errors
    /// [`IllegalTransition`] before `accept`, and while a rejection is being sent.
    pub fn receive(&self) -> Result<(), IllegalTransition> {
        use ApplicationState as App;
        let answered = matches!(self.application, App::Connected | App::Disconnected);
        self.require(answered, Call::Receive)
    }

    /// The application closes, the first time only. Before `accept` this rejects the handshake.
    ///
    /// # Errors
    /// [`CloseError`] for a code or reason that may not be sent, before `accept` too, and once
    /// either side has closed.
    pub fn close(&mut self, code: u16, reason: &str) -> Result<Closing, CloseError> {
        let close = checked(code, reason)?;
        if self.undecided() {
            self.reject()?;
            return Ok(Closing::Reject);
        }
        self.require(self.state() == State::Open, Call::Close)?;
        self.application = ApplicationState::Disconnected;
        self.ours = Ours::Queued(Box::new(close));
        Ok(Closing::Frame)
    }

    /// Our close frame, or our answer to the peer's, is on the wire.
    ///
    /// # Errors
    /// [`IllegalTransition`] where none was owed, or it has already been sent.
    pub fn close_sent(&mut self) -> Result<(), IllegalTransition> {
        self.require(self.close_frame_waits() || self.answer_owed(), Call::CloseSent)?;
        self.ours = match std::mem::replace(&mut self.ours, Ours::None) {
            Ours::Queued(close) | Ours::Sent(close) => Ours::Sent(close),
            Ours::None => Ours::None,
        };
        self.application = ApplicationState::Disconnected;
        Ok(())
    }

    /// The wait for the peer's answer, or for our own frame to leave, is over: the connection is
    /// cut.
    ///
    /// # Errors
    /// [`IllegalTransition`] unless the websocket is closing after an `accept`.
    pub fn close_timed_out(&mut self) -> Result<(), IllegalTransition> {
        let closing = self.state() == State::Closing;
        let accepted = self.application != ApplicationState::Response;
        self.require(closing && accepted, Call::CloseTimedOut)?;
        if let Some(ours) = self.take_ours() {
            self.decide(ours);
        }
        self.disconnect();
        Ok(())
    }

    /// The peer's close frame has come; `code` is what it carried.
    ///
    /// # Errors
    /// [`IllegalTransition`] before `accept`, the second time, or after the end.
    pub fn peer_closed(&mut self, code: Option<u16>, reason: &str) -> Result<Answer, IllegalTransition> {
        self.require(self.frames_may_come(), Call::PeerClosed)?;
        self.peer = PeerState::Disconnected;
        let ours_left = matches!(self.ours, Ours::Sent(_));
        let close = match code {
            Some(code) => Close::new(code, reason),
            None if ours_left => self.take_ours().unwrap_or_else(Close::abnormal),
            None => Close::new(Close::NO_CODE, ""),
        };
        self.decide(close);
        Ok(if ours_left { Answer::Given } else { Answer::Owed })
    }

    /// The connection has ended, whatever came before. After an orderly end this changes nothing.
    pub fn connection_lost(&mut self) {
        let close = match std::mem::replace(&mut self.ours, Ours::None) {
            Ours::Sent(close) => *close,
            Ours::Queued(_) | Ours::None => Close::abnormal(),
        };
        self.decide(close);
        self.disconnect();
    }

    /// Nobody has answered the handshake, and the peer still waits.
    fn undecided(&self) -> bool {
        self.application == ApplicationState::Connecting && self.peer != PeerState::Disconnected
    }

    fn close_frame_waits(&self) -> bool {
        matches!(self.ours, Ours::Queued(_))
    }

    /// The peer closed first and we have not closed at all.
    fn answer_owed(&self) -> bool {
        self.peer == PeerState::Disconnected && self.application == ApplicationState::Connected
    }

    /// Accepted, and no close frame of the peer so far.
    fn frames_may_come(&self) -> bool {
        let accepted = matches!(self.application, ApplicationState::Connected | ApplicationState::Disconnected);
        self.peer == PeerState::Connected && accepted
    }

    fn take_ours(&mut self) -> Option<Close> {
        match std::mem::replace(&mut self.ours, Ours::None) {
            Ours::Queued(close) | Ours::Sent(close) => Some(*close),
            Ours::None => None,
        }
    }

    /// The first decision stands (RFC 6455 §7.1.5: the *first* close frame).
    fn decide(&mut self, close: Close) {
        self.end.get_or_insert_with(|| Box::new(close));
    }

    fn disconnect(&mut self) {
        self.peer = PeerState::Disconnected;
        self.application = ApplicationState::Disconnected;
    }

    fn require(&self, legal: bool, call: Call) -> Result<(), IllegalTransition> {
        if legal {
            return Ok(());
        }
        Err(IllegalTransition { state: self.state(), call })
    }
}

/// A close that may be sent. 1004-1006 and 1015 are reserved for what no frame carries, 1014 is for
/// gateways, the rest below 3000 is unassigned (RFC 6455 §7.4.1 and §7.4.2).
///
/// # Errors
/// `InvalidCode`, `ReasonTooLong`.
pub fn checked(code: u16, reason: &str) -> Result<Close, CloseError> {
    if !matches!(code, 1000..=1003 | 1007..=1013 | 3000..=4999) {
        return Err(CloseError::InvalidCode(code));
    }
    if reason.len() > CLOSE_REASON_BYTES_MAX {
        let (actual, limit) = (reason.len(), CLOSE_REASON_BYTES_MAX);
        return Err(CloseError::ReasonTooLong { actual, limit });
    }
    Ok(Close::new(code, reason))
}
