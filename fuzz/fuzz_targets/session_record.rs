//! A stored session, and what two holders do to it: any text in the store, any changes in any order.
//!
//! Holds that nothing panics, that values are stored and loaded as the same, that a holder sees what its save makes,
//! and that neither holder's save loses the other's keys.
//!
//! The first line is the stored text. Then on each line a holder (upper or lower case) and what it does: `s` sets `KEY=JSON`, `r` removes,
//! `c` clears, `e` sets the life of its own in so many seconds, `w` saves; `v` is the stored version, `t` the time.

#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use sessile_fuzz::lines::{lines, pair, text};
use sessile_fuzz::session::{Lifetimes, Overlay, Record, Save, SessionId, Timestamp, decode, encode, over};
use sessile_fuzz::{json, limits};

const LIFETIMES: Lifetimes = Lifetimes { idle: limits::SESSION_IDLE, absolute: limits::SESSION_ABSOLUTE };

fuzz_target!(|input: &[u8]| {
    let (stored, rest) = pair(input, b'\n');
    let Some(values) = std::str::from_utf8(stored).ok().and_then(decode) else { return };
    let again = encode(&values).and_then(|text| decode(&text));
    assert_eq!(again.as_ref(), Some(&values), "encoded and decoded");
    let mut record = Record { values, expires: Timestamp(u64::MAX), ..Record::default() };
    let mut now = Timestamp(0);
    let mut holders = [Overlay::default(), Overlay::default()];
    for (what, words) in lines(rest) {
        let holder = &mut holders[usize::from(what.is_ascii_uppercase())];
        match what.to_ascii_lowercase() {
            b's' => {
                let (key, value) = pair(words, b'=');
                // As the session's binding does, before the overlay is asked.
                if json::check(value).is_ok() {
                    let _refused = holder.set(&record, &text(key), Bytes::copy_from_slice(value));
                }
            }
            b'r' => drop(holder.remove(&record, &text(words))),
            b'c' => holder.clear(&record),
            b'e' => holder.set_expiry(number(words).map(Duration::from_secs)),
            b'v' => record.version = number(words).unwrap_or_default(),
            b't' => now = Timestamp(number(words).unwrap_or_default()),
            b'w' => save(&mut record, holder, now),
            _ => {}
        }
    }
});

/// Saves what a holder changed, as every store does.
fn save(record: &mut Record, holder: &mut Overlay, now: Timestamp) {
    if record.has_expired(now) {
        *record = Record { expires: Timestamp(u64::MAX), ..Record::default() };
    }
    let seen = seen(holder, record);
    let changes = holder.take();
    let save = Save { key: key(), changes, if_version: Some(record.version), now, lifetimes: LIFETIMES };
    match over(&save, Some(record.clone())) {
        Ok(saved) => {
            assert_eq!(saved.values, seen, "a holder sees another session than it saves");
            assert!(saved.version >= record.version && saved.values.len() <= limits::SESSION_KEYS_MAX);
            let loaded = encode(&saved.values).and_then(|text| decode(&text));
            assert_eq!(loaded.map(trimmed), Some(trimmed(saved.values.clone())), "saved and loaded");
            *record = Record { expires: Timestamp(u64::MAX), ..saved };
        }
        // The other holder filled it meanwhile, or the store's text was over a limit.
        Err(_) => holder.put_back(save.changes),
    }
}

fn seen(holder: &Overlay, record: &Record) -> BTreeMap<String, Bytes> {
    let keys = holder.keys(record).into_iter();
    keys.map(|key| {
        let value = holder.get(record, &key).expect("a key that is listed is there");
        (key, value)
    })
    .collect()
}

/// Blanks around a value are no part of it.
fn trimmed(values: BTreeMap<String, Bytes>) -> BTreeMap<String, Vec<u8>> {
    values.into_iter().map(|(key, value)| (key, value.trim_ascii().to_vec())).collect()
}

fn number(words: &[u8]) -> Option<u64> {
    text(words).trim().parse().ok()
}

fn key() -> sessile_fuzz::session::SessionKey {
    SessionId::parse(&"0".repeat(64)).expect("64 digits").key()
}
