//! Whether an instance serves a websocket now, and why it does or does not.
//!
//! Owns the words, which a guest, `sessile connections` and `sessile tail` all have from here. Written by who has the
//! instance: a call of an event-style handler, and what drops the one that was kept.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use super::{Style, WebsocketPort};

/// Whether an instance serves a websocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activity {
    /// One does.
    Awake(&'static str),
    /// It gets one when something happens to it.
    Hibernating(&'static str),
}

/// Why no instance is kept for an event-style websocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Asleep {
    /// Nothing has happened to it yet.
    New,
    /// Nothing has happened for [`WARM`](crate::limits::WARM).
    Idle,
    /// Others needed the room.
    Evicted,
    /// It has only opened, and many others have.
    Crowded,
    /// Its handler's isolation is `event`.
    Event,
    /// Its handler's isolation is `shared`.
    Shared,
    /// The host keeps none.
    Amnesia,
    /// Its last call did not end in order.
    Failed,
    /// Its last call was the one for its end.
    Ended,
}

/// Beside the reasons to sleep.
const IN_CALL: u8 = 100;
const WARM: u8 = 101;
/// In the call that it opens with, and nobody was told that it has opened.
const OPENING: u8 = 102;

/// Where the instance of an event-style websocket is.
#[derive(Debug)]
pub(super) struct Place(AtomicU8);

impl Default for Place {
    fn default() -> Self {
        Self(AtomicU8::new(Asleep::New as u8))
    }
}

impl Asleep {
    const ALL: [Self; 9] = [
        Self::New,
        Self::Idle,
        Self::Evicted,
        Self::Crowded,
        Self::Event,
        Self::Shared,
        Self::Amnesia,
        Self::Failed,
        Self::Ended,
    ];

    /// In words.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::New => "nothing has happened to it yet",
            Self::Idle => "idle for 5 s",
            Self::Evicted => "others needed the room of its instance",
            Self::Crowded => "many have just opened: none is kept before the first message",
            Self::Event => "isolation = \"event\" keeps no instance",
            Self::Shared => "isolation = \"shared\" keeps no instance for it alone",
            Self::Amnesia => "--amnesia keeps no instance",
            Self::Failed => "its last call failed",
            Self::Ended => "it has ended",
        }
    }
}

impl WebsocketPort {
    /// Whether an instance serves it now, and why.
    pub fn activity(&self) -> Activity {
        if let Style::Loop(_) = self.style {
            return Activity::Awake("loop style: its instance lives as long as it");
        }
        match self.place.0.load(Relaxed) {
            IN_CALL | OPENING => Activity::Awake("in a call"),
            WARM => Activity::Awake("warm, used a moment ago"),
            asleep => {
                let asleep = Asleep::ALL.into_iter().find(|why| *why as u8 == asleep);
                Activity::Hibernating(asleep.unwrap_or(Asleep::New).why())
            }
        }
    }

    /// A call of its event-style handler begins, on the instance that was kept for it or another; whether that wakes it.
    /// To be called by who has taken the kept one, so that nobody drops that meanwhile.
    pub fn awakes(&self) -> bool {
        let before = self.place.0.load(Relaxed);
        let new = before == Asleep::New as u8;
        self.place.0.store(if new { OPENING } else { IN_CALL }, Relaxed);
        !new && before != WARM
    }

    /// It is told that it has opened; why it hibernates by now, if it does.
    pub fn opened(&self) -> Option<&'static str> {
        match self.place.0.compare_exchange(OPENING, IN_CALL, Relaxed, Relaxed) {
            Ok(_) => None,
            Err(_) => match self.activity() {
                Activity::Hibernating(why) => Some(why),
                Activity::Awake(_) => None,
            },
        }
    }

    /// Its instance is about to be kept for it.
    pub fn keeps_warm(&self) {
        self.place.0.store(WARM, Relaxed);
    }

    /// No instance is kept for it; whether that is to be told: it is not before it has opened, nor at its end. To be called
    /// before another can be kept.
    pub fn hibernates(&self, asleep: Asleep) -> bool {
        let before = self.place.0.swap(asleep as u8, Relaxed);
        before != OPENING && asleep != Asleep::Ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    #[test]
    fn words_name_the_limit_and_are_told_apart() {
        assert_eq!(Asleep::Idle.why(), format!("idle for {} s", limits::WARM.as_secs()));
        let words: std::collections::BTreeSet<_> = Asleep::ALL.iter().map(|asleep| asleep.why()).collect();
        assert_eq!(words.len(), Asleep::ALL.len());
        assert!(Asleep::ALL.iter().all(|asleep| (*asleep as u8) < IN_CALL));
    }
}
