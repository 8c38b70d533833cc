//! A route's path, read and checked.
//!
//! Owns the grammar. Knows one pattern at a time; which of several wins is the router's.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use percent_encoding::percent_decode_str;

/// Segments of a pattern; more are refused, which also bounds the recursion of a match.
pub const SEGMENTS_MAX: usize = 64;

/// What is wrong with a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// It does not begin with `/`.
    #[error("a path begins with '/'")]
    NoSlash,
    /// Two slashes in a row.
    #[error("a path has no empty segment ('//')")]
    EmptySegment,
    /// More than [`SEGMENTS_MAX`].
    #[error("{0} segments exceed the limit of {SEGMENTS_MAX}")]
    TooManySegments(usize),
    /// A character that no request path has, or braces around part of a segment.
    #[error("segment '{0}' is neither plain text (without '?', '#', '{{', '}}') nor '{{name}}'")]
    BadSegment(String),
    /// Percent-encoding that does not decode to UTF-8.
    #[error("segment '{0}' does not decode to UTF-8")]
    NotUtf8(String),
    /// A parameter's name is not an identifier.
    #[error("parameter name '{0}' is not a letter or '_', then letters, digits or '_'")]
    BadName(String),
    /// Two parameters with one name.
    #[error("parameter '{0}' occurs twice")]
    DuplicateName(String),
    /// A rest before the end.
    #[error("'{{{0}...}}' takes the rest of the path, so it must be the last segment")]
    RestNotLast(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    /// Percent-decoded.
    Literal(Box<str>),
    Parameter(Arc<str>),
    Rest(Arc<str>),
}

impl Segment {
    fn parse(text: &str) -> Result<Self, PatternError> {
        let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
            return literal(text).map(Self::Literal);
        };
        match inner.strip_suffix("...") {
            Some(name) => parameter(name).map(Self::Rest),
            None => parameter(inner).map(Self::Parameter),
        }
    }

    pub(super) fn name(&self) -> Option<&Arc<str>> {
        match self {
            Self::Literal(_) => None,
            Self::Parameter(name) | Self::Rest(name) => Some(name),
        }
    }
}

fn literal(text: &str) -> Result<Box<str>, PatternError> {
    if text.contains(['{', '}', '?', '#']) || text.chars().any(char::is_control) {
        return Err(PatternError::BadSegment(text.to_owned()));
    }
    let decoded = decode(text).ok_or_else(|| PatternError::NotUtf8(text.to_owned()))?;
    Ok(decoded.into())
}

fn parameter(name: &str) -> Result<Arc<str>, PatternError> {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let valid = name.chars().all(word) && !name.starts_with(|c: char| c.is_ascii_digit());
    if name.is_empty() || !valid {
        return Err(PatternError::BadName(name.to_owned()));
    }
    Ok(name.into())
}

/// Percent-decoded; none where that is not UTF-8. A `%` that encodes nothing stays as it is.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    percent_decode_str(text).decode_utf8().ok()
}

/// A route's path: `/rooms/{room}`, `/files/{path...}`.
///
/// `{name}` takes one segment that is not empty. A last `{name...}` takes what is left, slashes
/// included, even nothing: `/files/{path...}` matches `/files/`, not `/files`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    pub(super) segments: Vec<Segment>,
}

impl Pattern {
    /// The names of its parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| segment.name().map(|name| &**name))
    }

    /// Whether it ends with a rest; the name of that.
    pub fn rest(&self) -> Option<&str> {
        match self.segments.last() {
            Some(Segment::Rest(name)) => Some(name),
            _ => None,
        }
    }

    /// Reads a pattern.
    ///
    /// # Errors
    /// [`PatternError`], one variant for each fault.
    pub fn parse(text: &str) -> Result<Self, PatternError> {
        let path = text.strip_prefix('/').ok_or(PatternError::NoSlash)?;
        let count = path.split('/').count();
        if count > SEGMENTS_MAX {
            return Err(PatternError::TooManySegments(count));
        }
        let mut segments: Vec<Segment> = Vec::with_capacity(count);
        for (index, part) in path.split('/').enumerate() {
            let last = index + 1 == count;
            if part.is_empty() && !last {
                return Err(PatternError::EmptySegment);
            }
            let segment = Segment::parse(part)?;
            check_position(&segment, last, &segments)?;
            segments.push(segment);
        }
        Ok(Self { text: text.into(), segments })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether both match exactly the same paths: they differ in parameter names at most.
    #[must_use]
    pub fn matches_same(&self, other: &Self) -> bool {
        use Segment::{Literal, Parameter, Rest};
        let same = |pair: (&Segment, &Segment)| match pair {
            (Literal(a), Literal(b)) => a == b,
            (Parameter(_), Parameter(_)) | (Rest(_), Rest(_)) => true,
            _ => false,
        };
        self.segments.len() == other.segments.len() && self.segments.iter().zip(&other.segments).all(same)
    }
}

fn check_position(segment: &Segment, last: bool, before: &[Segment]) -> Result<(), PatternError> {
    if let Segment::Rest(name) = segment
        && !last
    {
        return Err(PatternError::RestNotLast(name.to_string()));
    }
    match segment.name() {
        Some(name) if before.iter().any(|other| other.name() == Some(name)) => {
            Err(PatternError::DuplicateName(name.to_string()))
        }
        _ => Ok(()),
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
