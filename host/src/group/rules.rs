//! What the manifest says of groups: `[groups."NAME"]`.

use super::history::Depth;

/// What a group does beside passing on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// What it keeps of what was published; none: nothing.
    pub history: Option<Depth>,
    /// Whether the history outlives the host. Only beside `history`.
    pub durable: bool,
    /// Whether its members are told who comes and goes.
    pub presence: bool,
}

/// Which rule is whose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Vec<(Names, Rule)>,
}

/// The groups that a rule is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// The one of this name.
    One(String),
    /// Those whose name begins so.
    Beginning(String),
}

impl Names {
    /// A name, or the beginning of one with `*` after it.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_suffix('*') {
            Some(beginning) => Self::Beginning(beginning.to_owned()),
            None => Self::One(text.to_owned()),
        }
    }

    /// How well it fits a name: a whole name best, then the longest beginning.
    fn fits(&self, name: &str) -> Option<usize> {
        match self {
            Self::One(one) => (one == name).then_some(usize::MAX),
            Self::Beginning(beginning) => name.starts_with(beginning).then_some(beginning.len()),
        }
    }
}

impl Rules {
    /// Those of a manifest.
    #[must_use]
    pub fn new(rules: Vec<(Names, Rule)>) -> Self {
        Self { rules }
    }

    /// The one that fits a name best; where none does, a group keeps nothing and tells nobody.
    #[must_use]
    pub fn of(&self, name: &str) -> Rule {
        let fitting = self.rules.iter().filter_map(|(names, rule)| Some((names.fits(name)?, *rule)));
        fitting.max_by_key(|(fit, _)| *fit).map(|(_, rule)| rule).unwrap_or_default()
    }

    /// Whether any group's history outlives the host.
    #[must_use]
    pub fn any_durable(&self) -> bool {
        self.rules.iter().any(|(_, rule)| rule.durable)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_of_a_group_is_that_which_fits_its_name_best() {
        let [one, long, short] = [(true, true), (true, false), (false, true)].map(|(durable, presence)| Rule {
            history: None,
            durable,
            presence,
        });
        let named = [("a*", short), ("a:b*", long), ("a:b:c", one)].map(|(names, rule)| (Names::parse(names), rule));
        let rules = Rules::new(named.to_vec());
        assert_eq!(["a", "a:b", "a:b:c", "a:b:cd"].map(|name| rules.of(name)), [short, long, one, long]);
        assert_eq!(rules.of("b"), Rule::default());
    }
}
