//! What the feed is told of one delivery of messages, however it ends.

use std::time::Instant;

use super::Event;
use crate::event::{Message, WebsocketId};
use crate::feed::{Source, What};

/// A call under way that somebody follows; its drop tells, so that a call which is cut is told too.
pub(super) struct Delivery<'a> {
    source: &'a Source,
    id: WebsocketId,
    messages: usize,
    bytes: usize,
    begun: Instant,
}

impl<'a> Delivery<'a> {
    /// None where nobody follows, or where the event is no messages.
    pub(super) fn begin(source: &'a Source, id: WebsocketId, event: &Event) -> Option<Self> {
        let Event::Messages(list) = event else { return None };
        source.feed.is_followed().then(|| Self {
            source,
            id,
            messages: list.len(),
            bytes: list.iter().map(Message::len).sum(),
            begun: Instant::now(),
        })
    }
}

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        let Self { messages, bytes, begun, .. } = *self;
        let micros = u64::try_from(begun.elapsed().as_micros()).ok();
        self.source.tell(Some(&self.id), || What::Delivered { messages, bytes, micros });
    }
}
