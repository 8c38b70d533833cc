//! The moment in which a loop-style websocket goes from one handler to another: what of it begins anew.

use super::raw::Told;
use super::{Style, WebsocketPort};
use crate::port::inbox::Inbox;
use crate::port::lifecycle::ApplicationState;

/// Whether a handler meets a websocket that another has accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Begun {
    /// Its own `accept` counts.
    #[default]
    First,
    /// Its first `accept` is answered, and changes nothing.
    Again,
}

impl WebsocketPort {
    /// A version has become current that could take it over: a loop-style handler is told, once.
    pub fn retire(&self, version: u64) {
        if let Some(inbox) = self.inbox() {
            inbox.retire(version);
        }
    }

    /// Whether another handler may take over from the one that has returned: it was told to retire, and there is
    /// still something to serve.
    pub fn may_hand_over(&self) -> bool {
        let Some(inbox) = self.inbox() else { return false };
        let accepted = self.states().1 == ApplicationState::Connected;
        inbox.has_told_retire() && (accepted || !inbox.is_empty()) && !self.session.is_flushed()
    }

    /// The handler of a version takes over what another has accepted: the websocket looks new to it.
    pub fn begin_again(&self, version: u64) {
        if let Some(inbox) = self.inbox() {
            inbox.begin(version);
        }
        let mut life = self.life();
        life.begun = Begun::Again;
        life.told = Told::Nothing;
    }

    /// Whether a loop-style handler has received a message since it was begun.
    pub fn has_heard(&self) -> bool {
        self.inbox().is_some_and(|inbox| !inbox.is_unheard())
    }

    fn inbox(&self) -> Option<&Inbox> {
        match &self.style {
            Style::Loop(inbox) => Some(inbox),
            Style::Event => None,
        }
    }
}
