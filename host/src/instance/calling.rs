//! One call of an event-style handler, as its websocket knows of it: awake from its begin on; and what is told of that.

use crate::feed::{Source, What};
use crate::port::websocket::{Asleep, WebsocketPort};

/// A call that is under way until its drop.
pub(super) struct Calling<'a> {
    port: &'a WebsocketPort,
    source: &'a Source,
    /// How it leaves the websocket; none where its instance is kept.
    asleep: Option<Asleep>,
}

impl<'a> Calling<'a> {
    /// A call begins; `why`. The instance that was kept for the websocket has been taken.
    pub(super) fn begin(port: &'a WebsocketPort, source: &'a Source, why: &'static str) -> Self {
        if port.awakes() {
            source.tell(Some(&port.id), || What::Woken { why: why.to_owned() });
        }
        // Until it has ended in order.
        Self { port, source, asleep: Some(Asleep::Failed) }
    }

    /// It has ended in order, and its instance is not kept.
    pub(super) fn ends(&mut self, asleep: Asleep) {
        self.asleep = Some(asleep);
    }

    /// It has ended in order, and its instance is about to be kept.
    pub(super) fn keeps(&mut self) {
        self.port.keeps_warm();
        self.asleep = None;
    }
}

impl Drop for Calling<'_> {
    fn drop(&mut self) {
        if let Some(asleep) = self.asleep {
            hibernates(self.port, self.source, asleep);
        }
    }
}

/// No instance is kept for a websocket.
pub(super) fn hibernates(port: &WebsocketPort, source: &Source, asleep: Asleep) {
    if port.hibernates(asleep) {
        source.tell(Some(&port.id), || What::Hibernated { why: asleep.why().to_owned() });
    }
}
