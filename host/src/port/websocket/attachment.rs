//! The bytes that a guest has attached to a websocket: kept while no instance serves it, gone with it.

use std::sync::Arc;

use super::{WebsocketError, WebsocketPort};
use crate::limits;

/// What is attached: a pointer, none where it has no bytes. A clone shares them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attachment(Option<Arc<Vec<u8>>>);

impl Attachment {
    /// # Errors
    /// `TooLarge` past [`limits::ATTACHMENT_BYTES_MAX`].
    pub fn new(bytes: Vec<u8>) -> Result<Self, WebsocketError> {
        if bytes.len() > limits::ATTACHMENT_BYTES_MAX {
            return Err(WebsocketError::TooLarge(bytes.len(), limits::ATTACHMENT_BYTES_MAX));
        }
        Ok(Self((!bytes.is_empty()).then(|| Arc::new(bytes))))
    }

    /// Its bytes.
    pub fn to_vec(&self) -> Vec<u8> {
        self.0.as_deref().cloned().unwrap_or_default()
    }
}

impl WebsocketPort {
    /// What is attached.
    pub fn attachment(&self) -> Attachment {
        self.life().attachment.clone()
    }

    /// Attaches it in place of what was.
    pub fn attach(&self, attachment: Attachment) {
        let old = std::mem::replace(&mut self.life().attachment, attachment);
        drop(old);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attachment_of_no_bytes_takes_no_room() {
        assert_eq!(size_of::<Attachment>(), size_of::<usize>());
        assert_eq!(Attachment::new(Vec::new()), Ok(Attachment::default()));
        assert_eq!(Attachment::default().to_vec(), b"");
    }

    #[test]
    fn attachment_past_the_limit_is_too_large() {
        let limit = limits::ATTACHMENT_BYTES_MAX;
        assert!(Attachment::new(vec![0; limit]).is_ok());
        assert_eq!(Attachment::new(vec![0; limit + 1]), Err(WebsocketError::TooLarge(limit + 1, limit)));
    }
}
