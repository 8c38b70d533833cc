//! What is wrong with a manifest, and where; worded for the person who wrote it.

use std::cell::RefCell;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// Faults printed of one manifest; the rest is counted.
const FAULTS_SHOWN_MAX: usize = 20;

/// A manifest that was refused. Prints one line a fault: `sessile.toml:12:1: unknown key 'isolaton' …`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ManifestError {
    /// The manifest, as the caller named it.
    pub file: PathBuf,
    /// In the order of the text; at least one.
    pub faults: Vec<Fault>,
}

impl ManifestError {
    pub(super) fn new(file: &Path, faults: Vec<Fault>) -> Self {
        Self { file: file.to_owned(), faults }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        for (index, fault) in self.faults.iter().take(FAULTS_SHOWN_MAX).enumerate() {
            let newline = if index == 0 { "" } else { "\n" };
            write!(f, "{newline}{file}:{}:{}: {}", fault.line, fault.column, fault.kind)?;
        }
        match self.faults.len().saturating_sub(FAULTS_SHOWN_MAX) {
            0 => Ok(()),
            more => write!(f, "\n{file}: and {more} more"),
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    /// What it is.
    pub kind: FaultKind,
}

/// What may be wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// The text exceeds [`MANIFEST_BYTES_MAX`](crate::limits::MANIFEST_BYTES_MAX).
    #[error("a manifest of {actual} bytes exceeds the limit of {limit}")]
    TooLarge {
        /// Bytes there were.
        actual: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// It is not TOML; the parser's words.
    #[error("not TOML: {0}")]
    Syntax(String),
    /// A key that means nothing here.
    #[error("unknown key '{}' {place};{} allowed: {}", .key.escape_debug(), did_you_mean(.nearest), .allowed.join(", "))]
    UnknownKey {
        /// The key.
        key: String,
        /// `in [app]`, `at the top level`.
        place: String,
        /// The allowed key that it looks like.
        nearest: Option<String>,
        /// All keys that may stand there.
        allowed: Vec<String>,
    },
    /// A key that must be there.
    #[error("missing key '{key}' {place}; {rule}")]
    MissingKey {
        /// The key.
        key: String,
        /// As in `UnknownKey`.
        place: String,
        /// What its value may be.
        rule: String,
    },
    /// A value that the key does not take.
    #[error("bad value {value} for '{}' {place};{} {rule}", .key.escape_debug(), did_you_mean(.nearest))]
    BadValue {
        /// The key.
        key: String,
        /// As in `UnknownKey`.
        place: String,
        /// The value as TOML would write it, cut where long.
        value: String,
        /// What the value may be.
        rule: String,
        /// The allowed value that it looks like.
        nearest: Option<String>,
    },
    /// A value that this host knows of and does not offer yet.
    #[error("{value:?} for '{key}' {place} is not supported yet; allowed: {}", .allowed.join(", "))]
    Unsupported {
        /// The key.
        key: String,
        /// As in `UnknownKey`.
        place: String,
        /// The value.
        value: String,
        /// Values that this host offers.
        allowed: Vec<String>,
    },
    /// `[[routes]]` is missing or empty.
    #[error("no routes; at least one [[routes]] with 'path' and 'handler' is needed")]
    NoRoutes,
    /// Two alarms have one name.
    #[error("alarm '{name}' has the name of the alarm on line {first_line}; allowed: one alarm of a name")]
    DuplicateAlarm {
        /// The name.
        name: String,
        /// Where the first is.
        first_line: usize,
    },
    /// There are too many alarms.
    #[error("{actual} [[alarms]] exceed the limit of {limit}")]
    TooManyAlarms {
        /// How many there are.
        actual: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// Two routes match the same paths.
    #[error("route {path:?} matches the same paths as the route on line {first_line}; allowed: one route for a path")]
    DuplicateRoute {
        /// The second route's path.
        path: String,
        /// The first route's line.
        first_line: usize,
    },
    /// A route names a handler that the manifest has not.
    #[error("unknown handler {name:?} for 'handler' in [[routes]];{} allowed: {}", did_you_mean(.nearest), handlers(.known))]
    UnknownHandler {
        /// The name.
        name: String,
        /// The handler that it looks like.
        nearest: Option<String>,
        /// All handlers of the manifest.
        known: Vec<String>,
    },
    /// A handler that no route names.
    #[error(
        "handler {name:?} is used by no route and no alarm; add a [[routes]] with handler = {name:?}, or remove it"
    )]
    UnusedHandler {
        /// Its name.
        name: String,
    },
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!(" did you mean '{nearest}'?")).unwrap_or_default()
}

fn handlers(known: &[String]) -> String {
    match known {
        [] => "the name of a [handlers.NAME], and there is none".to_owned(),
        known => known.join(", "),
    }
}

/// Gathers faults while a text is read, so that one run shows them all.
pub(super) struct Faults<'i> {
    text: &'i str,
    list: RefCell<Vec<Fault>>,
}

impl<'i> Faults<'i> {
    pub(super) fn new(text: &'i str) -> Self {
        Self { text, list: RefCell::default() }
    }

    pub(super) fn push(&self, span: &Range<usize>, kind: FaultKind) {
        let column = self.before(span).chars().rev().take_while(|c| *c != '\n').count() + 1;
        self.list.borrow_mut().push(Fault { line: self.line(span), column, kind });
    }

    pub(super) fn line(&self, span: &Range<usize>) -> usize {
        self.before(span).matches('\n').count() + 1
    }

    pub(super) fn into_sorted(self) -> Vec<Fault> {
        let mut list = self.list.into_inner();
        list.sort_by_key(|fault| (fault.line, fault.column));
        list
    }

    fn before(&self, span: &Range<usize>) -> &'i str {
        self.text.get(..span.start).unwrap_or_default()
    }
}
