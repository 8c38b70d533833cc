//! What a version is made of, and what is known of its deployment: plain data.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::app::digest::Digest;

/// What a version is made of. Two versions with the same contents behave the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// The text of its sessile.toml.
    pub manifest: String,
    /// The component of each handler.
    pub components: BTreeMap<String, Digest>,
    /// The files of each route that has some, by their path in its folder; of one that serves a single file,
    /// that file.
    #[serde(default)]
    pub files: BTreeMap<String, BTreeMap<String, Digest>>,
}

impl Contents {
    /// All that it names.
    pub fn digests(&self) -> BTreeSet<Digest> {
        self.components.values().chain(self.files.values().flat_map(BTreeMap::values)).copied().collect()
    }
}

/// A version as it is kept: immutable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Counts up from 1 for each app, and is never used again.
    pub number: u64,
    /// When it was deployed, in seconds since 1970.
    pub deployed_at: u64,
    /// Who deployed it: a user of this machine, or the name of a token.
    pub by: String,
    /// What they said of it.
    pub note: Option<String>,
    /// What it is made of.
    pub contents: Contents,
    /// The signature of that, as `sessile sign` made it; verified whenever the version is loaded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}
