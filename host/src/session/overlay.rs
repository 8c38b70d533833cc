//! Unsaved changes over the record that was loaded: what a handler reads and writes. Pure.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::record::{Changes, Record, TooLarge, check_entry};

/// A record as its holder sees it.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    changes: Changes,
}

impl Overlay {
    /// A key's value.
    pub fn get(&self, record: &Record, key: &str) -> Option<Bytes> {
        match self.changes.keys.get(key) {
            Some(changed) => changed.clone(),
            None if self.changes.cleared => None,
            None => record.values.get(key).cloned(),
        }
    }

    /// Sets a key, if the session with it stays within its limits.
    ///
    /// # Errors
    /// [`TooLarge`]; nothing is changed.
    pub fn set(&mut self, record: &Record, key: &str, value: Bytes) -> Result<(), TooLarge> {
        check_entry(key, &value)?;
        let before = self.changes.keys.insert(key.to_owned(), Some(value));
        if let Err(error) = record.merged(&self.changes) {
            match before {
                Some(before) => self.changes.keys.insert(key.to_owned(), before),
                None => self.changes.keys.remove(key),
            };
            return Err(error);
        }
        Ok(())
    }

    /// Removes a key; says whether it was there. One that was not is no change.
    pub fn remove(&mut self, record: &Record, key: &str) -> bool {
        let there = self.get(record, key).is_some();
        if there {
            self.changes.keys.insert(key.to_owned(), None);
        }
        there
    }

    /// All keys, sorted.
    pub fn keys(&self, record: &Record) -> Vec<String> {
        let saved = record.values.keys().filter(|_| !self.changes.cleared);
        let mut keys: BTreeSet<&String> = saved.collect();
        for (key, value) in &self.changes.keys {
            match value {
                Some(_) => keys.insert(key),
                None => keys.remove(key),
            };
        }
        keys.into_iter().cloned().collect()
    }

    /// Removes every key. An empty session is not changed by it.
    pub fn clear(&mut self, record: &Record) {
        if self.keys(record).is_empty() {
            return;
        }
        let expiry = self.changes.expiry;
        self.changes = Changes { cleared: true, expiry, ..Changes::default() };
    }

    /// Gives the session a life of its own without use; none for the app's.
    pub fn set_expiry(&mut self, expiry: Option<Duration>) {
        self.changes.expiry = Some(expiry);
    }

    /// Whether there is anything to save.
    pub fn is_modified(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Takes the changes, to save them.
    pub fn take(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Puts back changes that could not be saved, beneath those made meanwhile.
    pub fn put_back(&mut self, unsaved: Changes) {
        self.changes = unsaved.followed_by(std::mem::take(&mut self.changes));
    }
}

/// A record that was never saved.
pub(super) fn unsaved() -> Arc<Record> {
    Arc::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(keys: &[(&str, &'static str)]) -> Record {
        let values = keys.iter().map(|(key, value)| ((*key).to_owned(), Bytes::from(*value))).collect();
        Record { version: 1, values, ..Record::default() }
    }

    #[test]
    fn overlay_hides_and_adds_keys() {
        let record = record(&[("a", "1"), ("b", "2")]);
        let mut overlay = Overlay::default();
        assert!(overlay.remove(&record, "a") && !overlay.remove(&record, "a"));
        overlay.set(&record, "c", "3".into()).unwrap();
        assert_eq!(overlay.keys(&record), ["b", "c"]);
        assert_eq!((overlay.get(&record, "a"), overlay.get(&record, "c")), (None, Some("3".into())));
        overlay.clear(&record);
        overlay.set(&record, "d", "4".into()).unwrap();
        assert_eq!(overlay.keys(&record), ["d"]);
    }

    #[test]
    fn overlay_over_a_limit_stays_as_it_was() {
        let (record, mut overlay) = (record(&[]), Overlay::default());
        overlay.set(&record, "a", "1".into()).unwrap();
        let error = overlay.set(&record, "a", vec![b' '; 16 * 1024 + 1].into()).unwrap_err();
        assert_eq!(error.to_string(), "session value of 16385 exceeds the limit of 16384");
        assert_eq!(overlay.get(&record, "a"), Some("1".into()));
        assert!(overlay.set(&record, "", "1".into()).is_err());
    }

    #[test]
    fn changes_put_back_lie_beneath_later_ones() {
        let (record, mut overlay) = (record(&[]), Overlay::default());
        overlay.set(&record, "a", "1".into()).unwrap();
        overlay.set(&record, "b", "1".into()).unwrap();
        let taken = overlay.take();
        overlay.set(&record, "a", "2".into()).unwrap();
        overlay.put_back(taken);
        assert_eq!((overlay.get(&record, "a"), overlay.get(&record, "b")), (Some("2".into()), Some("1".into())));
    }
}
