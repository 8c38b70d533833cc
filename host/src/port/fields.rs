//! The fields of a handshake's head, kept for as long as its websocket lives.
//!
//! A browser sends most of them alike with each request: five hundred bytes of a websocket that idles for days. So
//! names, and the values of fields that tell of the client's program rather than of its user, are held once for all who send
//! the same; what is a websocket's own is a text beside it.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use http::header::{HeaderMap, HeaderName};

use super::head::text;
use crate::limits::{ALIKE_BYTES_MAX, ALIKE_MAX};

/// What the heads of live websockets have alike. Bounded by [`ALIKE_MAX`]: what finds no room is held by its websocket alone.
#[derive(Debug, Default)]
pub struct Alike {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    texts: HashSet<Arc<str>>,
    /// Texts that found no room since it was last looked for those that nobody holds.
    missed: usize,
}

/// Names and values. Of a field that is alike the first text has `name:value`, of another `name`, a line each; the
/// values of the others are the lines of the second.
#[derive(Debug)]
pub(super) struct FieldList {
    alike: Arc<str>,
    own: Box<str>,
}

impl Alike {
    fn share(&self, text: &str) -> Arc<str> {
        if text.len() > ALIKE_BYTES_MAX {
            return text.into();
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).share(text)
    }
}

impl Known {
    fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text = Arc::<str>::from(text);
        if self.texts.len() >= ALIKE_MAX {
            // Not each time: who finds nothing to forget would look through all of them for each handshake.
            if self.missed.is_multiple_of(ALIKE_MAX / 4) {
                self.texts.retain(|text| Arc::strong_count(text) > 1);
            }
            self.missed += 1;
        }
        if self.texts.len() < ALIKE_MAX {
            self.texts.insert(text.clone());
        }
        if self.texts.len() <= ALIKE_MAX / 4 * 3 {
            self.missed = 0;
        }
        text
    }
}

impl FieldList {
    /// A copy of the fields, in their order; what is alike is found in, or put into, the table.
    pub(super) fn new(map: &HeaderMap, alike: &Alike) -> Self {
        let (mut shared, mut own) = (String::new(), String::new());
        for (name, value) in map {
            shared.push_str(name.as_str());
            if is_alike(name) {
                shared.push(':');
                shared.push_str(&text(value));
            } else {
                own.push_str(&text(value));
                own.push('\n');
            }
            shared.push('\n');
        }
        Self { alike: alike.share(&shared), own: own.into() }
    }

    /// Names, in lower case, and values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        // No name has a colon, no value a line feed (RFC 9110 §5.1, §5.5; the type of both keeps to it).
        let mut own = self.own.split('\n');
        self.alike.split_terminator('\n').filter_map(move |line| match line.split_once(':') {
            Some(field) => Some(field),
            None => Some((line, own.next()?)),
        })
    }
}

/// Whether the values of a field are shared: no secrets, no ids, few that differ.
fn is_alike(name: &HeaderName) -> bool {
    match name.as_str() {
        "accept"
        | "accept-encoding"
        | "accept-language"
        | "cache-control"
        | "connection"
        | "dnt"
        | "host"
        | "origin"
        | "pragma"
        | "priority"
        | "sec-gpc"
        | "sec-websocket-extensions"
        | "sec-websocket-version"
        | "upgrade"
        | "user-agent" => true,
        // What a browser says of the page and of itself (Fetch Metadata, Client Hints).
        name => name.starts_with("sec-fetch-") || name.starts_with("sec-ch-"),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn map(fields: &[(&str, &[u8])]) -> HeaderMap {
        let field = |(name, value): &(&str, &[u8])| {
            (name.parse::<HeaderName>().unwrap(), HeaderValue::from_bytes(value).unwrap())
        };
        fields.iter().map(field).collect()
    }

    #[test]
    fn kept_fields_equal_the_parsed() {
        let map = map(&[
            ("host", b"x:80"),
            ("cookie", b""),
            ("x-a", b"caf\xe9"),
            ("x-a", b"2"),
            ("dnt", b""),
            ("x-b", b"a:b"),
        ]);
        let list = FieldList::new(&map, &Alike::default());
        let fields: Vec<_> = list.iter().collect();
        assert_eq!(
            fields,
            [("host", "x:80"), ("cookie", ""), ("x-a", "café"), ("x-a", "2"), ("dnt", ""), ("x-b", "a:b")]
        );
    }

    proptest! {
        #[test]
        fn any_fields_are_kept_as_they_came(
            fields in prop::collection::vec(("host|dnt|sec-ch-ua|cookie|x-[a-z]{1,3}", "[\\t -~\u{80}-\u{ff}]{0,9}"), 0..9),
        ) {
            let fields: Vec<_> = fields.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
            let map = map(&fields);
            let list = FieldList::new(&map, &Alike::default());
            let kept: Vec<_> = list.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            let parsed: Vec<_> = map.iter().map(|(name, value)| (name.to_string(), text(value))).collect();
            prop_assert_eq!(kept, parsed);
        }
    }

    #[test]
    fn fields_of_two_of_one_browser_are_held_once_and_what_is_their_own_is_not() {
        let table = Alike::default();
        let of = |cookie: &[u8]| FieldList::new(&map(&[("user-agent", b"a browser"), ("cookie", cookie)]), &table);
        let (one, other) = (of(b"id=1"), of(b"id=2"));
        assert!(Arc::ptr_eq(&one.alike, &other.alike));
        assert!(!one.alike.contains("id="));
        assert_eq!(&*other.own, "id=2\n");
    }

    #[test]
    fn table_that_is_full_forgets_what_nobody_holds_and_shares_no_more_than_its_bound() {
        let table = Alike::default();
        let of = |agent: usize| FieldList::new(&map(&[("user-agent", agent.to_string().as_bytes())]), &table);
        let held: Vec<_> = (0..ALIKE_MAX + 9).map(of).collect();
        assert_eq!(table.known.lock().unwrap().texts.len(), ALIKE_MAX);
        drop(held);
        let _kept: Vec<_> = (0..ALIKE_MAX).map(|agent| of(2 * ALIKE_MAX + agent)).collect();
        let (one, other) = (of(0), of(0));
        assert!(Arc::ptr_eq(&one.alike, &other.alike), "there was room again");
        assert!(table.known.lock().unwrap().texts.len() <= ALIKE_MAX);
    }

    #[test]
    fn text_past_the_bound_of_one_is_not_shared() {
        let table = Alike::default();
        let agent = vec![b'a'; ALIKE_BYTES_MAX];
        let list = FieldList::new(&map(&[("user-agent", &agent)]), &table);
        assert_eq!(list.iter().next().unwrap().1.len(), ALIKE_BYTES_MAX);
        assert!(table.known.lock().unwrap().texts.is_empty());
    }
}
