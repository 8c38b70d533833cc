//! How a websocket joins: what is known of it there, and where it takes up.

use bytestring::ByteString;

use super::{GroupError, Position};
use crate::json;
use crate::limits;

/// What a group knows of a member that said more than that it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// JSON without blanks between its tokens.
    pub metadata: Option<ByteString>,
    /// Each once.
    pub tags: Box<[ByteString]>,
}

impl About {
    pub(super) fn has(&self, tag: &str) -> bool {
        self.tags.iter().any(|known| &**known == tag)
    }
}

/// How a websocket joins. WIT `groups.membership`.
#[derive(Clone, Debug, Default)]
pub struct How {
    pub(super) about: Option<Box<About>>,
    pub(super) since: Option<Position>,
}

/// What a join came to. WIT `groups.joined`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// The last publication that does not come as a new one.
    pub position: Option<Position>,
    /// Whether all that was missed was queued.
    pub recovered: bool,
    /// How much of it.
    pub publications: u32,
}

impl How {
    /// With metadata in JSON and tags; takes up after a position.
    ///
    /// # Errors
    /// `MetadataTooLarge`, `InvalidMetadata`, `InvalidTag`, `TooManyTags`.
    pub fn new(metadata: Option<String>, tags: Vec<String>, since: Option<Position>) -> Result<Self, GroupError> {
        let metadata = metadata.map(checked).transpose()?;
        if tags.len() > limits::TAGS_MAX {
            return Err(GroupError::TooManyTags(tags.len()));
        }
        let mut each: Vec<ByteString> = Vec::with_capacity(tags.len());
        for tag in tags {
            if !(1..=limits::TAG_BYTES_MAX).contains(&tag.len()) {
                return Err(GroupError::InvalidTag(tag.len()));
            }
            if !each.iter().any(|known| **known == *tag) {
                each.push(tag.into());
            }
        }
        let tags = each.into_boxed_slice();
        let about = (metadata.is_some() || !tags.is_empty()).then(|| Box::new(About { metadata, tags }));
        Ok(Self { about, since })
    }
}

fn checked(metadata: String) -> Result<ByteString, GroupError> {
    if metadata.len() > limits::METADATA_BYTES_MAX {
        return Err(GroupError::MetadataTooLarge(metadata.len()));
    }
    json::compact(metadata).map(ByteString::from).map_err(GroupError::InvalidMetadata)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_and_tags_out_of_bounds_are_refused_by_name() {
        let how = |metadata: &str, tags: &[&str]| {
            let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
            How::new(Some(metadata.to_owned()), tags, None).map(|how| how.about.unwrap())
        };
        let about = how("{ \"a\": 1.0 }", &["x", "x", "y"]).unwrap();
        assert_eq!((about.metadata.as_deref(), about.tags.len()), (Some("{\"a\":1.0}"), 2));
        assert!(about.has("y") && !about.has("z"));
        assert!(matches!(how("{", &[]), Err(GroupError::InvalidMetadata(_))));
        assert_eq!(how(&" ".repeat(1025), &[]), Err(GroupError::MetadataTooLarge(1025)));
        assert_eq!(how("1", &[""]), Err(GroupError::InvalidTag(0)));
        assert_eq!(how("1", &["x"; 9]), Err(GroupError::TooManyTags(9)));
        assert!(How::new(None, Vec::new(), None).unwrap().about.is_none());
    }
}
