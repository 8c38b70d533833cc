//! A session's saved record, the merge of changes into it, and its end: pure, the clock an argument.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use crate::limits::{SESSION_BYTES_MAX, SESSION_KEY_BYTES_MAX, SESSION_KEYS_MAX, SESSION_VALUE_BYTES_MAX};

/// Of how many uses within a session's life one is noted: each note is a write.
const USES_NOTED: u32 = 16;

/// What is saved of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Counts saves; 0 for one that never was.
    pub version: u64,
    /// JSON by key.
    pub values: BTreeMap<String, Bytes>,
    /// Its own life without use, in place of the app's [`Lifetimes`].
    pub expiry: Option<Duration>,
    /// When it was saved first.
    pub created: Timestamp,
    /// When it was used last, as far as that was noted.
    pub seen: Timestamp,
    /// When it ends.
    pub expires: Timestamp,
}

/// Seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(pub u64);

/// How long sessions last. Manifest keys `idle_s` and `absolute_s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// Without use.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

/// What one exchange or websocket did to a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether every key that is saved at the time of the merge goes first.
    pub cleared: bool,
    /// A value to set, or none to remove.
    pub keys: BTreeMap<String, Option<Bytes>>,
    /// A life of its own; within it, none is the app's.
    pub expiry: Option<Option<Duration>>,
}

/// A session over one of its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("session {what} of {actual} exceeds the limit of {limit}")]
pub struct TooLarge {
    /// `key`, `value`, `keys` or `session`.
    pub what: &'static str,
    /// Bytes (or keys) there were.
    pub actual: usize,
    /// Bytes (or keys) allowed.
    pub limit: usize,
}

impl Record {
    /// The record with these changes: key by key, so that writers of different keys never lose each
    /// other's.
    ///
    /// # Errors
    /// [`TooLarge`]; nothing is changed.
    pub fn merged(&self, changes: &Changes) -> Result<Self, TooLarge> {
        let mut values = if changes.cleared { BTreeMap::new() } else { self.values.clone() };
        for (key, value) in &changes.keys {
            match value {
                Some(value) => values.insert(key.clone(), value.clone()),
                None => values.remove(key),
            };
        }
        check_all(&values)?;
        let expiry = changes.expiry.unwrap_or(self.expiry);
        // A stored version is whatever the store says, so that even the last one is followed.
        Ok(Self { version: self.version.saturating_add(1), values, expiry, ..*self })
    }

    /// The record as it is after a use at this time.
    #[must_use]
    pub fn used(mut self, now: Timestamp, lifetimes: Lifetimes) -> Self {
        if self.created == Timestamp::default() {
            self.created = now;
        }
        self.seen = now;
        self.expires = match self.expiry {
            Some(own) => now.after(own),
            None => now.after(lifetimes.idle).min(self.created.after(lifetimes.absolute)),
        };
        self
    }

    /// Whether a use at this time is worth noting: not each of them is.
    pub fn is_stale(&self, now: Timestamp, lifetimes: Lifetimes) -> bool {
        let life = self.expiry.unwrap_or(lifetimes.idle);
        now > self.seen.after(life / USES_NOTED)
    }

    /// Whether it has ended.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        now >= self.expires
    }
}

impl Timestamp {
    /// The system's clock.
    pub fn now() -> Self {
        Self(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs())
    }

    /// So much later, in whole seconds.
    #[must_use]
    pub fn after(self, span: Duration) -> Self {
        Self(self.0.saturating_add(span.as_secs()))
    }
}

impl Changes {
    /// Whether there are any.
    pub fn is_empty(&self) -> bool {
        !self.cleared && self.keys.is_empty() && self.expiry.is_none()
    }

    /// These changes, then later ones.
    pub fn followed_by(mut self, later: Self) -> Self {
        let expiry = later.expiry.or(self.expiry);
        if later.cleared {
            return Self { expiry, ..later };
        }
        self.keys.extend(later.keys);
        Self { expiry, ..self }
    }
}

/// One key and its value.
///
/// # Errors
/// [`TooLarge`]; an empty key has 0 of 1 to 128 bytes.
pub(super) fn check_entry(key: &str, value: &[u8]) -> Result<(), TooLarge> {
    if key.is_empty() {
        return Err(TooLarge { what: "key", actual: 0, limit: SESSION_KEY_BYTES_MAX });
    }
    within("key", key.len(), SESSION_KEY_BYTES_MAX)?;
    within("value", value.len(), SESSION_VALUE_BYTES_MAX)
}

fn check_all(values: &BTreeMap<String, Bytes>) -> Result<(), TooLarge> {
    within("keys", values.len(), SESSION_KEYS_MAX)?;
    let bytes = values.iter().map(|(key, value)| key.len() + value.len()).sum();
    within("session", bytes, SESSION_BYTES_MAX)
}

fn within(what: &'static str, actual: usize, limit: usize) -> Result<(), TooLarge> {
    if actual > limit { Err(TooLarge { what, actual, limit }) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(key: &str, value: &'static str) -> Changes {
        Changes { keys: [(key.to_owned(), Some(Bytes::from(value)))].into(), ..Changes::default() }
    }

    #[test]
    fn merge_of_different_keys_keeps_both() {
        let record = Record::default().merged(&set("a", "1")).unwrap().merged(&set("b", "2")).unwrap();
        assert_eq!((record.version, record.values.len()), (2, 2));
    }

    #[test]
    fn merge_of_a_clear_drops_what_others_saved_and_keeps_what_follows() {
        let record = Record::default().merged(&set("a", "1")).unwrap();
        let changes = Changes { cleared: true, ..set("b", "2") };
        let record = record.merged(&changes).unwrap();
        assert_eq!(record.values.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn merge_over_the_last_version_stays_there() {
        let record = Record { version: u64::MAX, ..Record::default() };
        assert_eq!(record.merged(&set("a", "1")).unwrap().version, u64::MAX);
    }

    #[test]
    fn merge_over_a_limit_is_refused() {
        let keys = (0..=SESSION_KEYS_MAX).map(|i| (i.to_string(), Some(Bytes::new()))).collect();
        let error = Record::default().merged(&Changes { keys, ..Changes::default() }).unwrap_err();
        assert_eq!(error.to_string(), "session keys of 129 exceeds the limit of 128");
        let big = Bytes::from(vec![b' '; SESSION_VALUE_BYTES_MAX]);
        let keys = (0..5).map(|i| (i.to_string(), Some(big.clone()))).collect();
        assert_eq!(Record::default().merged(&Changes { keys, ..Changes::default() }).unwrap_err().what, "session");
    }

    #[test]
    fn record_ends_idle_or_absolute_or_by_its_own_life() {
        let lifetimes = Lifetimes { idle: Duration::from_secs(100), absolute: Duration::from_secs(250) };
        let saved = Record::default().merged(&set("a", "1")).unwrap().used(Timestamp(1000), lifetimes);
        assert_eq!((saved.created, saved.expires), (Timestamp(1000), Timestamp(1100)));
        assert!(!saved.has_expired(Timestamp(1099)) && saved.has_expired(Timestamp(1100)));
        assert!(!saved.is_stale(Timestamp(1006), lifetimes) && saved.is_stale(Timestamp(1007), lifetimes));
        let used = saved.merged(&set("b", "2")).unwrap().used(Timestamp(1200), lifetimes);
        assert_eq!(
            (used.created, used.expires),
            (Timestamp(1000), Timestamp(1250)),
            "no use outlives the absolute end"
        );
        let own = Changes { expiry: Some(Some(Duration::from_secs(5000))), ..Changes::default() };
        let own = used.merged(&own).unwrap().used(Timestamp(1300), lifetimes);
        assert_eq!(own.expires, Timestamp(6300));
        let back = Changes { expiry: Some(None), ..Changes::default() };
        assert_eq!(own.merged(&back).unwrap().used(Timestamp(1200), lifetimes).expires, Timestamp(1250));
    }

    fn step() -> impl Strategy<Value = (usize, u8, Option<u8>)> {
        (0_usize..2, 0_u8..6, proptest::option::of(0_u8..10))
    }

    proptest! {
        /// Two writers change keys and save at any time. Keys that only one of them writes are, after
        /// its save, what it wrote last: the other's saves never touch them.
        #[test]
        fn merge_never_loses_the_other_writers_keys(steps in prop::collection::vec(step(), 1..60)) {
            let mut record = Record::default();
            let mut overlays = [Changes::default(), Changes::default()];
            let mut model: BTreeMap<String, Bytes> = BTreeMap::new();
            for (writer, key, value) in steps {
                if key == 5 {
                    let changes = std::mem::take(&mut overlays[writer]);
                    for (key, value) in &changes.keys {
                        match value {
                            Some(value) => model.insert(key.clone(), value.clone()),
                            None => model.remove(key),
                        };
                    }
                    record = record.merged(&changes).unwrap();
                    prop_assert_eq!(&record.values, &model);
                } else {
                    let value = value.map(|value| Bytes::from(value.to_string()));
                    overlays[writer].keys.insert(format!("{writer}-{key}"), value);
                }
            }
        }
    }
}
