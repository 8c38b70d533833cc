//! Why a group does not do what it was asked for.

use crate::json::JsonError;
use crate::limits;

/// Nothing was changed. WIT `groups.error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GroupError {
    /// The name is empty or too long.
    #[error("group name of {0} bytes: 1 to {limit} are allowed", limit = limits::GROUP_NAME_BYTES_MAX)]
    InvalidName(usize),
    /// The websocket is in as many as it may.
    #[error("a websocket may be in {limit} groups", limit = limits::GROUPS_PER_WEBSOCKET_MAX)]
    TooMany,
    /// The app has as many as it may.
    #[error("an app may have {limit} groups", limit = limits::GROUPS_MAX)]
    TooManyOfApp,
    /// The metadata is too long.
    #[error("metadata of {0} bytes: {limit} are allowed", limit = limits::METADATA_BYTES_MAX)]
    MetadataTooLarge(usize),
    /// The metadata is no JSON.
    #[error("metadata: {0}")]
    InvalidMetadata(JsonError),
    /// A tag is empty or too long.
    #[error("tag of {0} bytes: 1 to {limit} are allowed", limit = limits::TAG_BYTES_MAX)]
    InvalidTag(usize),
    /// There are too many tags.
    #[error("{0} tags: a websocket may have {limit} in a group", limit = limits::TAGS_MAX)]
    TooManyTags(usize),
    /// The websocket has ended.
    #[error("the websocket has ended")]
    Gone,
    /// The group keeps no history.
    #[error("the group keeps no history: `history_messages` of [groups.\"NAME\"] gives it one")]
    NoHistory,
    /// What keeps its history cannot.
    #[error("{0}")]
    Unavailable(String),
}
