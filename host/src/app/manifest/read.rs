//! A table of the manifest as its reader sees it: typed values out, faults aside.
//!
//! A key that is asked for is thereby known; what nobody asked for is unknown at `finish`. Knows
//! TOML, not what the keys mean.

use std::fmt::Display;
use std::ops::{Range, RangeInclusive};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{FaultKind, Faults};
use super::words::{nearest, shown, shown_text};

/// One table, possibly absent: then every key is.
pub(super) struct Section<'t, 'i> {
    place: String,
    table: Option<&'t DeTable<'i>>,
    span: Range<usize>,
    known: Vec<&'static str>,
    faults: &'t Faults<'i>,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn root(table: &'t DeTable<'i>, faults: &'t Faults<'i>) -> Self {
        let place = "at the top level".to_owned();
        Self { place, table: Some(table), span: 0..0, known: Vec::new(), faults }
    }

    fn child(&self, place: String, table: Option<&'t DeTable<'i>>, span: Range<usize>) -> Self {
        Self { place, table, span, known: Vec::new(), faults: self.faults }
    }

    /// Where it stands in the text.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Where a key's value stands; the section itself where the key is absent.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        let value = self.table.and_then(|table| table.get(key));
        value.map_or_else(|| self.span(), Spanned::span)
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table?.get(key)
    }

    /// Refuses the value of a key.
    pub(super) fn refuse(&self, key: &str, rule: impl Display) {
        if let Some(value) = self.table.and_then(|table| table.get(key)) {
            self.refuse_value(key, value, rule, None);
        }
    }

    fn refuse_value(&self, key: &str, value: &Spanned<DeValue<'_>>, rule: impl Display, nearest: Option<String>) {
        let kind = FaultKind::BadValue {
            key: key.to_owned(),
            place: self.place.clone(),
            value: shown(value.get_ref()),
            rule: rule.to_string(),
            nearest,
        };
        self.faults.push(&value.span(), kind);
    }

    /// A string that `parse` takes; its error says what is allowed.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        key: &'static str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.value(key)?;
        let Some(text) = value.get_ref().as_str() else {
            self.refuse_value(key, value, "allowed: a string", None);
            return None;
        };
        parse(text).inspect_err(|rule| self.refuse_value(key, value, rule, None)).ok()
    }

    /// A string that `valid` takes.
    pub(super) fn text(&mut self, key: &'static str, rule: &str, valid: impl FnOnce(&str) -> bool) -> Option<String> {
        self.parsed(key, |text| if valid(text) { Ok(text.to_owned()) } else { Err(rule) })
    }

    /// As [`text`](Self::text), but it must be there.
    pub(super) fn required(
        &mut self,
        key: &'static str,
        rule: &str,
        valid: impl FnOnce(&str) -> bool,
    ) -> Option<String> {
        let text = self.text(key, rule, valid);
        self.require(key, rule);
        text
    }

    /// Says so where a key is absent.
    pub(super) fn require(&self, key: &str, rule: &str) {
        if self.table.is_some_and(|table| table.contains_key(key)) {
            return;
        }
        let (key, place, rule) = (key.to_owned(), self.place.clone(), rule.to_owned());
        self.faults.push(&self.span, FaultKind::MissingKey { key, place, rule });
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    pub(super) fn boolean(&mut self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        let boolean = value.get_ref().as_bool();
        if boolean.is_none() {
            self.refuse_value(key, value, "allowed: true, false", None);
        }
        boolean
    }

    pub(super) fn integer(&mut self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let value = self.value(key)?;
        let integer = value
            .get_ref()
            .as_integer()
            .and_then(|integer| u64::from_str_radix(integer.as_str(), integer.radix()).ok())
            .filter(|integer| range.contains(integer));
        if integer.is_none() {
            let (low, high) = range.into_inner();
            let rule = format!("allowed: an integer from {low} to {high}");
            self.refuse_value(key, value, rule, None);
        }
        integer
    }

    /// One of a few words. `planned` ones are refused as not supported yet.
    pub(super) fn choice<T: Copy>(&mut self, key: &'static str, choices: &[(&str, T)], planned: &[&str]) -> Option<T> {
        let value = self.value(key)?;
        let text = value.get_ref().as_str();
        if let Some((_, choice)) = choices.iter().find(|(word, _)| Some(*word) == text) {
            return Some(*choice);
        }
        let allowed: Vec<String> = choices.iter().map(|(word, _)| (*word).to_owned()).collect();
        match text {
            Some(text) if planned.contains(&text) => {
                let (key, place) = (key.to_owned(), self.place.clone());
                let kind = FaultKind::Unsupported { key, place, value: text.to_owned(), allowed };
                self.faults.push(&value.span(), kind);
            }
            _ => {
                let words = choices.iter().map(|(word, _)| *word);
                let nearest = text.and_then(|text| nearest(text, words));
                let rule = format!("allowed: {}", allowed.join(", "));
                self.refuse_value(key, value, rule, nearest);
            }
        }
        None
    }

    /// An array of strings that `parse` takes; absent is empty.
    pub(super) fn list<T, E: Display>(&mut self, key: &'static str, parse: impl Fn(&str) -> Result<T, E>) -> Vec<T> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let Some(array) = value.get_ref().as_array() else {
            self.refuse_value(key, value, "allowed: an array of strings", None);
            return Vec::new();
        };
        let item = |item: &Spanned<DeValue<'_>>| match item.get_ref().as_str().map(&parse) {
            Some(Ok(parsed)) => Some(parsed),
            Some(Err(rule)) => {
                self.refuse_value(key, item, rule, None);
                None
            }
            None => {
                self.refuse_value(key, item, "allowed: a string", None);
                None
            }
        };
        array.iter().filter_map(item).collect()
    }

    /// Every key of this table with its string.
    pub(super) fn strings(self) -> Vec<(String, String)> {
        let mut strings = Vec::new();
        for (key, value) in self.table.into_iter().flatten() {
            match value.get_ref().as_str() {
                Some(text) => strings.push((key.get_ref().to_string(), text.to_owned())),
                None => self.refuse_value(key.get_ref(), value, "allowed: a string", None),
            }
        }
        strings
    }

    /// The table `[key]` in this one; without keys where it is absent.
    pub(super) fn section(&mut self, key: &'static str) -> Self {
        let place = self.place_of(key);
        let Some(value) = self.value(key) else {
            return self.child(place, None, self.span());
        };
        let table = value.get_ref().as_table();
        if table.is_none() {
            self.refuse_value(key, value, "allowed: a table", None);
        }
        self.child(place, table, value.span())
    }

    /// The tables `[key.NAME]`.
    pub(super) fn named_sections(&mut self, key: &'static str) -> Vec<(String, Self)> {
        let parent = self.section(key);
        let mut sections = Vec::new();
        for (name, value) in parent.table.into_iter().flatten() {
            let place = parent.place_of(name.get_ref());
            match value.get_ref().as_table() {
                Some(table) => {
                    let section = self.child(place, Some(table), name.span());
                    sections.push((name.get_ref().to_string(), section));
                }
                None => parent.refuse_value(name.get_ref(), value, "allowed: a table", None),
            }
        }
        sections
    }

    /// The tables of `[[key]]`.
    pub(super) fn sections(&mut self, key: &'static str) -> Vec<Self> {
        let Some(value) = self.value(key) else {
            return Vec::new();
        };
        let rule = format!("allowed: tables, each under [[{key}]]");
        let Some(array) = value.get_ref().as_array() else {
            self.refuse_value(key, value, rule, None);
            return Vec::new();
        };
        let mut sections = Vec::new();
        for item in array.iter() {
            match item.get_ref().as_table() {
                Some(table) => {
                    sections.push(self.child(format!("in [[{key}]]"), Some(table), item.span()));
                }
                None => self.refuse_value(key, item, &rule, None),
            }
        }
        sections
    }

    fn place_of(&self, key: &str) -> String {
        match self.place.strip_suffix(']') {
            Some(place) => format!("{place}.{key}]"),
            None => format!("in [{key}]"),
        }
    }

    /// Refuses the name of this table itself.
    pub(super) fn refuse_name(&self, name: &str, rule: &str) {
        let kind = FaultKind::BadValue {
            key: "NAME".to_owned(),
            place: "in [handlers.NAME]".to_owned(),
            value: shown_text(name),
            rule: rule.to_owned(),
            nearest: None,
        };
        self.faults.push(&self.span, kind);
    }

    /// Refuses every key that nobody has asked for.
    pub(super) fn finish(self) {
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let name: &str = key.get_ref();
            if self.known.contains(&name) {
                continue;
            }
            let kind = FaultKind::UnknownKey {
                key: name.to_owned(),
                place: self.place.clone(),
                nearest: nearest(name, self.known.iter().copied()),
                allowed: self.known.iter().map(|key| (*key).to_owned()).collect(),
            };
            self.faults.push(&key.span(), kind);
        }
    }
}
