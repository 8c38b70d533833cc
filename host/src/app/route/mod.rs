//! Patterns of paths, and the router that finds what a path belongs to.
//!
//! Built once for a version of an app, then only read: matching does no I/O, takes no lock, and
//! allocates only for the parameters it captures. Knows nothing of handlers: it carries any `T`.
//!
//! A path is matched segment by segment, percent-decoded; a trailing slash makes another path. Of
//! several patterns that match, the first difference from the left decides: a literal beats a
//! parameter, a parameter beats a rest. Dot segments are not resolved, so a captured value may
//! hold `..`, and, where the peer sent `%2F`, a slash.

mod pattern;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use self::pattern::{Pattern, PatternError, SEGMENTS_MAX};
use self::pattern::{Segment, decode};

/// The parameters of a matched path, percent-decoded, in the pattern's order. Empty ones are free.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(Arc<str>, String)>);

impl Params {
    /// The value of a parameter.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    /// Names and values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, value.as_str()))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Two patterns that match exactly the same paths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route '{second}' matches the same paths as '{first}'")]
pub struct DuplicateRoute {
    /// The pattern that was there.
    pub first: Pattern,
    /// The pattern that came after it.
    pub second: Pattern,
}

/// Finds the route of a path, in a tree of segments.
#[derive(Clone, Debug)]
pub struct Router<T> {
    root: Node<T>,
}

#[derive(Clone, Debug)]
struct Node<T> {
    literals: BTreeMap<Box<str>, Node<T>>,
    parameter: Option<Box<Node<T>>>,
    end: Option<Leaf<T>>,
    rest: Option<Leaf<T>>,
}

#[derive(Clone, Debug)]
struct Leaf<T> {
    pattern: Pattern,
    value: T,
}

impl<T> Default for Node<T> {
    fn default() -> Self {
        Self { literals: BTreeMap::new(), parameter: None, end: None, rest: None }
    }
}

impl<T> Router<T> {
    /// A router of these routes; their order does not matter.
    ///
    /// # Errors
    /// [`DuplicateRoute`] for the first pair that match the same paths.
    pub fn new(routes: impl IntoIterator<Item = (Pattern, T)>) -> Result<Self, DuplicateRoute> {
        let mut root = Node::default();
        for (pattern, value) in routes {
            let place = root.place(&pattern.segments);
            if let Some(Leaf { pattern: first, .. }) = place {
                return Err(DuplicateRoute { first: first.clone(), second: pattern });
            }
            *place = Some(Leaf { pattern, value });
        }
        Ok(Self { root })
    }

    /// The route of a request's path, as it was sent: percent-encoded, without the query. A path
    /// that does not decode to UTF-8 has none.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<(&T, Params)> {
        let mut captured = Vec::new();
        let leaf = self.root.find(path.strip_prefix('/')?, &mut captured)?;
        let names = leaf.pattern.segments.iter().filter_map(Segment::name);
        let params = names
            .zip(captured)
            .map(|(name, raw)| Some((Arc::clone(name), decode(raw)?.into_owned())))
            .collect::<Option<_>>()?;
        Some((&leaf.value, Params(params)))
    }
}

impl<T> Node<T> {
    fn place(&mut self, segments: &[Segment]) -> &mut Option<Leaf<T>> {
        match segments {
            [] => &mut self.end,
            [Segment::Rest(_), ..] => &mut self.rest,
            [Segment::Literal(text), below @ ..] => self.literals.entry(text.clone()).or_default().place(below),
            [Segment::Parameter(_), below @ ..] => self.parameter.get_or_insert_default().place(below),
        }
    }

    /// `path` has at least one segment. The tree has no two ways to a node, so that stepping back
    /// visits each node at most once, however the peer chose the path.
    fn find<'p>(&self, path: &'p str, captured: &mut Vec<&'p str>) -> Option<&Leaf<T>> {
        let (segment, below) = match path.split_once('/') {
            Some((segment, below)) => (segment, Some(below)),
            None => (path, None),
        };
        let literal = self.literals.get(&*decode(segment)?);
        if let Some(leaf) = literal.and_then(|node| node.descend(below, captured)) {
            return Some(leaf);
        }
        if let Some(node) = self.parameter.as_deref().filter(|_| !segment.is_empty()) {
            captured.push(segment);
            if let Some(leaf) = node.descend(below, captured) {
                return Some(leaf);
            }
            captured.pop();
        }
        let leaf = self.rest.as_ref()?;
        captured.push(path);
        Some(leaf)
    }

    fn descend<'p>(&self, below: Option<&'p str>, captured: &mut Vec<&'p str>) -> Option<&Leaf<T>> {
        match below {
            Some(below) => self.find(below, captured),
            None => self.end.as_ref(),
        }
    }
}
