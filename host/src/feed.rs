//! What happens on a host, told to whoever follows as it happens: plain data over a bounded ring.
//!
//! Owns the words of the events and the bound on followers. While nobody follows, telling is one relaxed load and
//! nothing is made. Who reads too slowly loses the oldest events and learns how many; nobody ever waits for a follower.
//! Leads to the spans of a host that exports them, by the same load.

use std::fmt::Display;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use crate::limits;
use crate::traces::Spans;

/// In `watched`, beside the number of followers: spans are exported.
const TRACED: usize = 1 << (usize::BITS - 1);

/// Where events are told.
#[derive(Debug)]
pub struct Feed {
    watched: AtomicUsize,
    told: broadcast::Sender<Arc<Told>>,
    spans: OnceLock<Spans>,
}

/// Who tells: a handler of a version.
#[derive(Debug)]
pub struct Source {
    /// Where.
    pub feed: Arc<Feed>,
    /// Its app.
    pub app: Arc<str>,
    /// Its version's number.
    pub version: u64,
    /// Its name in the manifest.
    pub handler: Arc<str>,
}

/// Somebody who follows, from now until its drop.
pub struct Follower {
    feed: Arc<Feed>,
    told: broadcast::Receiver<Arc<Told>>,
}

/// What a follower gets next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed {
    /// An event.
    Told(Arc<Told>),
    /// So many events that it was too slow for.
    Missed(u64),
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Milliseconds since 1970.
    pub at_ms: u64,
    /// The app.
    pub app: String,
    /// The version's number.
    pub version: u64,
    /// The handler, where one is concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handler: Option<String>,
    /// The websocket or exchange, where one is concerned: 16 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum What {
    /// A websocket was accepted.
    Opened {
        /// The request's path.
        path: String,
        /// The remote end, past trusted proxies.
        peer: String,
    },
    /// A websocket that was opened has ended.
    Closed {
        /// The close code.
        code: u16,
        /// The close reason, from whoever closed first.
        reason: String,
        /// Messages of the peer.
        received: u64,
        /// Messages to the peer.
        sent: u64,
        /// Since its handshake, in milliseconds.
        age_ms: u64,
    },
    /// Messages were delivered to a guest.
    Delivered {
        /// How many.
        messages: usize,
        /// Bytes of their payloads.
        bytes: usize,
        /// Wall clock of the call, in microseconds. None in loop style, where they wait for `receive`.
        micros: Option<u64>,
    },
    /// No instance is kept for an event-style websocket any more.
    Hibernated {
        /// Why, in the words of a listing.
        why: String,
    },
    /// An event-style websocket that none was kept for has one.
    Woken {
        /// What happened to it.
        why: String,
    },
    /// An alarm has rung, and its handler returned well.
    Rang {
        /// Its name.
        alarm: String,
        /// Which of its calls that was, from 1.
        attempt: u32,
        /// Wall clock of the call, in microseconds.
        micros: u64,
    },
    /// A guest has logged a line, or printed one.
    Log {
        /// `trace`, `debug`, `info`, `warn`, `error`.
        level: String,
        /// The line.
        text: String,
    },
    /// A handler did not do its work.
    Failed {
        /// The report's id, which the peer sees too.
        report: String,
        /// What the host's log says of it.
        fault: String,
    },
    /// A version has become the current one for the first time.
    Deployed {
        /// The one before, if any.
        previous: Option<u64>,
        /// Who deployed it.
        by: String,
    },
    /// A version serves a share beside the current one.
    Canary {
        /// Of websockets and sessions, in percent.
        percent: u8,
        /// Who wanted it so.
        by: String,
    },
    /// The canary has become the current version.
    Promoted {
        /// The one before.
        from: u64,
        /// Who wanted it so.
        by: String,
    },
    /// The canary serves no more.
    Aborted {
        /// Who wanted it so; `host`, where it trapped or was slow.
        by: String,
    },
    /// A kept version has become the current one again.
    RolledBack {
        /// The one before.
        from: u64,
        /// Who wanted it so; `host`, where the version trapped.
        by: String,
    },
    /// The app is served no more.
    Undeployed {
        /// Who wanted it so.
        by: String,
    },
}

impl Default for Feed {
    fn default() -> Self {
        let told = broadcast::Sender::new(limits::TAIL_EVENTS_MAX);
        Self { watched: AtomicUsize::new(0), told, spans: OnceLock::new() }
    }
}

impl Feed {
    /// Whether anybody follows: what is made for the feed alone need not be made otherwise.
    pub fn is_followed(&self) -> bool {
        self.watched.load(Relaxed) & !TRACED != 0
    }

    /// Where spans go; none while they are not exported.
    pub fn spans(&self) -> Option<&Spans> {
        if self.watched.load(Relaxed) & TRACED == 0 { None } else { self.spans.get() }
    }

    /// From now on spans go there; said once.
    pub fn trace(&self, spans: Spans) {
        if self.spans.set(spans).is_ok() {
            self.watched.fetch_or(TRACED, Relaxed);
        }
    }

    /// Begins to follow; none where [`TAILS_MAX`](limits::TAILS_MAX) do already.
    pub fn follow(self: &Arc<Self>) -> Option<Follower> {
        let more = |watched| (watched & !TRACED < limits::TAILS_MAX).then_some(watched + 1);
        self.watched.fetch_update(Relaxed, Relaxed, more).ok()?;
        Some(Follower { feed: self.clone(), told: self.told.subscribe() })
    }

    /// Tells what happened to an app.
    pub fn tell(&self, app: &str, version: u64, what: impl FnOnce() -> What) {
        if self.is_followed() {
            self.send(Told { at_ms: now_ms(), app: app.to_owned(), version, handler: None, id: None, what: what() });
        }
    }

    fn send(&self, told: Told) {
        // Refused where the last follower has just left.
        let _heard = self.told.send(Arc::new(told));
    }
}

impl Source {
    /// Tells what happened to a websocket or an exchange, or to none in particular.
    pub fn tell(&self, id: Option<&dyn Display>, what: impl FnOnce() -> What) {
        if self.feed.is_followed() {
            self.feed.send(Told {
                at_ms: now_ms(),
                app: self.app.to_string(),
                version: self.version,
                handler: Some(self.handler.to_string()),
                id: id.map(ToString::to_string),
                what: what(),
            });
        }
    }
}

impl Follower {
    /// The next event, or how many were missed before it.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> Followed {
        match self.told.recv().await {
            Ok(told) => Followed::Told(told),
            Err(RecvError::Lagged(missed)) => Followed::Missed(missed),
            // Never: the feed, which is held, has the other end.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.feed.watched.fetch_sub(1, Relaxed);
    }
}

impl What {
    /// A failure; its text is cut after [`TAIL_TEXT_BYTES_MAX`](limits::TAIL_TEXT_BYTES_MAX).
    pub fn failed(report: impl Display, fault: impl Display) -> Self {
        let mut fault = fault.to_string();
        fault.truncate(fault.floor_char_boundary(limits::TAIL_TEXT_BYTES_MAX));
        Self::Failed { report: report.to_string(), fault }
    }
}

/// Whole milliseconds; what does not fit is as good as for ever.
pub fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn now_ms() -> u64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(number: usize) -> What {
        What::Log { level: "info".into(), text: number.to_string() }
    }

    fn text(followed: Followed) -> String {
        match followed {
            Followed::Told(told) => match &told.what {
                What::Log { text, .. } => text.clone(),
                other => panic!("{other:?}"),
            },
            Followed::Missed(missed) => format!("missed {missed}"),
        }
    }

    #[tokio::test]
    async fn feed_that_nobody_follows_makes_nothing() {
        let feed = Arc::<Feed>::default();
        feed.tell("a", 1, || panic!("made for nobody"));
        let mut follower = feed.follow().unwrap();
        feed.tell("a", 1, || logged(1));
        assert_eq!(text(follower.next().await), "1");
        drop(follower);
        feed.tell("a", 1, || panic!("made for nobody"));
    }

    #[tokio::test]
    async fn feed_that_is_traced_is_followed_by_nobody_for_that() {
        let feed = Arc::<Feed>::default();
        assert!(feed.spans().is_none());
        feed.trace(Spans::new().0);
        assert!(feed.spans().is_some() && !feed.is_followed());
        let followers: Vec<_> = (0..limits::TAILS_MAX).map(|_| feed.follow().unwrap()).collect();
        assert!(feed.follow().is_none() && feed.is_followed());
        drop(followers);
        assert!(feed.spans().is_some() && !feed.is_followed());
    }

    #[tokio::test]
    async fn follower_that_is_too_slow_is_told_how_many_it_missed() {
        let feed = Arc::<Feed>::default();
        let mut follower = feed.follow().unwrap();
        for number in 0..limits::TAIL_EVENTS_MAX + 3 {
            feed.tell("a", 1, || logged(number));
        }
        assert_eq!(text(follower.next().await), "missed 3");
        assert_eq!(text(follower.next().await), "3");
    }

    #[test]
    fn follow_past_the_bound_is_refused_until_one_leaves() {
        let feed = Arc::<Feed>::default();
        let mut followers: Vec<_> = (0..limits::TAILS_MAX).map(|_| feed.follow().unwrap()).collect();
        assert!(feed.follow().is_none());
        followers.pop();
        assert!(feed.follow().is_some());
    }

    #[test]
    fn event_as_json_reads_back() {
        let what = What::Closed { code: 1001, reason: "bye".into(), received: 1, sent: 2, age_ms: 3 };
        let (handler, id) = (Some("h".into()), Some("00000000000000ab".into()));
        let told = Told { at_ms: 1, app: "a".into(), version: 2, handler, id, what };
        let json = serde_json::to_string(&told).unwrap();
        assert!(json.contains("\"event\":\"closed\",\"code\":1001"), "{json}");
        assert_eq!(serde_json::from_str::<Told>(&json).unwrap(), told);
    }

    #[test]
    fn failure_without_end_is_cut() {
        let What::Failed { fault, .. } = What::failed(1, "é".repeat(limits::TAIL_TEXT_BYTES_MAX)) else { panic!() };
        assert!(fault.len() <= limits::TAIL_TEXT_BYTES_MAX);
    }
}
