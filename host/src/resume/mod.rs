//! Resumption of a websocket over another connection (docs/resume.md): what is counted, what is acknowledged, who may come back.
//!
//! Pure: knows neither sockets nor tasks, and `now` is an argument. What is sent waits in the outbox, which holds it until it is
//! acknowledged; here are the numbers on both sides of that. The task of the websocket does what it says.

pub mod frame;
pub mod offer;
#[cfg(test)]
mod simulation;
pub mod token;

use std::time::{Duration, Instant};

use crate::event::Message;
use crate::limits;
use crate::outbox::{Missing, Outbox};

/// What one websocket that resumes has counted.
#[derive(Debug)]
pub struct Resume {
    /// For which it waits for a peer that is away.
    patience: Duration,
    /// Messages to the peer, the last of which has this number.
    sent: u64,
    /// Messages of the peer so far.
    received: u64,
    /// Of those, the first ones that are done with.
    handled: u64,
    /// Of those, the ones that the peer has been told of.
    told: u64,
    /// Messages that the host has answered by itself since a message waited for the guest.
    answered: u64,
    /// When it is to be looked whether there is something to tell.
    tell_at: Option<Instant>,
    /// Since when the peer is away.
    away: Option<Instant>,
}

/// The peer acknowledges what it was never sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message {acknowledged} is acknowledged, and {sent} were sent")]
pub struct NeverSent {
    /// What the peer says.
    pub acknowledged: u64,
    /// What there is.
    pub sent: u64,
}

impl Resume {
    /// A websocket whose peer may be away for so long.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let (tell_at, away) = (None, None);
        Self { patience, sent: 0, received: 0, handled: 0, told: 0, answered: 0, tell_at, away }
    }

    /// Messages of the peer so far: it sends the next ones after it has come back.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    /// A message of the peer is here.
    pub fn receive(&mut self, now: Instant) {
        self.received += 1;
        self.tell_at.get_or_insert(now + limits::RESUME_ACKNOWLEDGE);
    }

    /// The host has answered the message that is here by itself.
    pub fn answer(&mut self) {
        self.answered += 1;
    }

    /// So many messages of the peer are not done with: they wait for the guest, or it has them in hand.
    pub fn settle(&mut self, unhandled: usize) {
        if unhandled == 0 {
            self.answered = 0;
        }
        // Those that were answered may be before those that wait, or after.
        let handled = self.received.saturating_sub(unhandled as u64 + self.answered);
        self.handled = self.handled.max(handled);
    }

    /// The number of the last message that is done with, where the peer is to be told now.
    pub fn tell(&mut self, now: Instant) -> Option<u64> {
        let (due, many) = (self.tell_at.is_some_and(|at| at <= now), self.handled - self.told);
        if self.away.is_some() || !due && many < limits::RESUME_ACKNOWLEDGE_MESSAGES {
            return None;
        }
        self.told = self.handled;
        self.tell_at = (self.told < self.received).then_some(now + limits::RESUME_ACKNOWLEDGE);
        (many > 0).then_some(self.told)
    }

    /// When [`Self::tell`] has to be asked at the latest; never while nothing has come.
    #[must_use]
    pub fn tell_at(&self) -> Option<Instant> {
        self.tell_at.filter(|_| self.away.is_none())
    }

    /// A message of the outbox has been given to the connection.
    pub fn send(&mut self) {
        self.sent += 1;
    }

    /// The peer has all messages up to this number. Whether that is news.
    ///
    /// # Errors
    /// [`NeverSent`], and nothing has changed.
    pub fn acknowledge(&mut self, number: u64, outbox: &Outbox) -> Result<bool, NeverSent> {
        let left = self.sent.checked_sub(number).ok_or(NeverSent { acknowledged: number, sent: self.sent })?;
        let news = left < outbox.unacknowledged();
        outbox.acknowledge(left);
        Ok(news)
    }

    /// The connection is lost.
    pub fn leave(&mut self, outbox: &Outbox, now: Instant) {
        outbox.leave();
        self.away.get_or_insert(now);
    }

    /// Whether a peer that has these messages lacks none but those that are held.
    #[must_use]
    pub fn may_come_back(&self, number: u64, outbox: &Outbox) -> bool {
        self.sent.checked_sub(number).is_some_and(|left| left <= outbox.unacknowledged())
    }

    /// The peer has come back over another connection, and has all messages up to this number.
    ///
    /// # Errors
    /// [`Missing`], and nothing has changed: something that it lacks is held no more, or it has what it was never sent.
    pub fn come_back(&mut self, number: u64, outbox: &Outbox, now: Instant) -> Result<(), Missing> {
        outbox.come_back(self.sent.checked_sub(number).ok_or(Missing)?)?;
        // The rest gets the numbers that it had.
        self.sent = number;
        self.away = None;
        // What it was told last may have been lost.
        self.told = 0;
        self.tell_at = (self.received > 0).then_some(now + limits::RESUME_ACKNOWLEDGE);
        Ok(())
    }

    /// Until when it waits for its peer, if that is away.
    #[must_use]
    pub fn gone_at(&self) -> Option<Instant> {
        self.away.map(|since| since + self.patience)
    }
}

/// The first frame of the host on each connection.
#[must_use]
pub fn welcome(token: &token::Token, resumed: bool, received: u64) -> Message {
    Message::Text(format!(r#"{{"token":"{token}","resumed":{resumed},"received":{received}}}"#).into())
}
