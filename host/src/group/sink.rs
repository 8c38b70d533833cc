//! Where a member's publications go: to its peer, or to its handler.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use super::history::Position;
use super::join::Joined;
use super::presence::Presence;
use crate::event::Message;
use crate::outbox::{Bounds, Outbox, Pushed};
use crate::resume::frame::{self, About};

/// Something that the members of a group are told. A clone shares its bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Publication {
    /// The group.
    pub group: Arc<str>,
    /// Where it is in the group's history; none where there is none.
    pub position: Option<Position>,
    /// What is told.
    pub content: Content,
}

/// What members are told. WIT `groups.content`.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// What was published.
    Message(Message),
    /// Who came and who went.
    Presence(Arc<Presence>),
}

impl Publication {
    /// As a peer gets it.
    #[must_use]
    pub fn message(&self) -> Message {
        match &self.content {
            Content::Message(message) => message.clone(),
            Content::Presence(presence) => Message::Text(presence.text.clone()),
        }
    }

    /// As a peer that resumes gets it.
    fn framed(&self) -> Message {
        let presence = matches!(self.content, Content::Presence(_));
        let about = About { group: &self.group, offset: self.position.map(|position| position.offset), presence };
        frame::publication(about, &self.message())
    }

    /// Bytes of [`Self::message`].
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "an empty one is nothing special")]
    pub fn len(&self) -> usize {
        match &self.content {
            Content::Message(message) => message.len(),
            Content::Presence(presence) => presence.text.len(),
        }
    }
}

/// Where a member's publications go.
#[derive(Clone, Debug)]
pub enum Sink {
    /// To the peer.
    Outbox(Arc<Outbox>),
    /// To the handler's `on-publications`.
    Handler(Arc<Publications>),
}

impl Sink {
    /// `framed` is the publication as peers that resume get it, made for the first of them.
    pub(super) fn push(&self, publication: &Publication, framed: &mut Option<Message>) -> Pushed {
        match self {
            Self::Outbox(outbox) if outbox.holds() => {
                outbox.push(framed.get_or_insert_with(|| publication.framed()).clone())
            }
            Self::Outbox(outbox) => outbox.push(publication.message()),
            Self::Handler(publications) => publications.push(publication),
        }
    }

    /// Tells a peer that resumes that it is in a group.
    pub(super) fn joined(&self, group: &str, joined: &Joined) {
        if let Self::Outbox(outbox) = self
            && outbox.holds()
        {
            let position = joined.position.map(|Position { epoch, offset }| (epoch, offset));
            // One that has no room does not learn where it stands, and recovers nothing later.
            let _queued = outbox.push(frame::joined(group, position, joined.recovered));
        }
    }
}

/// Publications that wait for the handler of one websocket, within the bounds of an outbox.
#[derive(Debug)]
pub struct Publications {
    bounds: Arc<Bounds>,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: VecDeque<Publication>,
    bytes: usize,
    ended: bool,
    task: Option<Waker>,
}

impl Publications {
    /// A queue of these bounds; while empty it takes a publication of any size.
    #[must_use]
    pub fn new(bounds: Arc<Bounds>) -> Self {
        Self { bounds, queue: Mutex::default() }
    }

    fn push(&self, publication: &Publication) -> Pushed {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if queue.ended {
            return Pushed::Gone;
        }
        let bytes = queue.bytes + publication.len();
        let (len, bounds) = (queue.waiting.len(), &self.bounds);
        if len > 0 && (len >= bounds.messages_max as usize || bytes > bounds.bytes_max) {
            return Pushed::Full;
        }
        queue.waiting.push_back(publication.clone());
        queue.bytes = bytes;
        let task = queue.task.take();
        drop(queue);
        if let Some(task) = task {
            task.wake();
        }
        Pushed::Queued(bytes)
    }

    /// All that wait, at most `max`; else wakes the caller when one comes.
    pub fn poll_take(&self, max: usize, cx: &mut Context<'_>) -> Poll<Vec<Publication>> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if !queue.poll_waiting(cx) {
            return Poll::Pending;
        }
        let count = queue.waiting.len().min(max);
        let taken: Vec<_> = queue.waiting.drain(..count).collect();
        queue.bytes -= taken.iter().map(Publication::len).sum::<usize>();
        if queue.waiting.is_empty() {
            queue.waiting = VecDeque::new();
        }
        Poll::Ready(taken)
    }

    /// Whether there are any; else wakes the caller when one comes.
    pub fn poll_waiting(&self, cx: &mut Context<'_>) -> bool {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).poll_waiting(cx)
    }

    /// Nothing is taken any more, and what waits is nobody's.
    pub fn end(&self) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        *queue = Queue { ended: true, ..Queue::default() };
    }
}

impl Queue {
    fn poll_waiting(&mut self, cx: &mut Context<'_>) -> bool {
        let waits = !self.waiting.is_empty();
        if !waits && !self.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            self.task = Some(cx.waker().clone());
        }
        waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outbox::{Held, Overflow};

    fn publication(text: &str) -> Publication {
        Publication { group: "g".into(), position: None, content: Content::Message(Message::Text(text.into())) }
    }

    #[test]
    fn publications_past_a_bound_are_full_and_those_taken_make_room() {
        let bounds = Bounds { bytes_max: 3, messages_max: 2, overflow: Overflow::Wait, held: Held::UntilWritten };
        let queue = Publications::new(Arc::new(bounds));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(queue.poll_take(9, &mut cx).is_pending());
        assert_eq!(queue.push(&publication("large")), Pushed::Queued(5));
        assert_eq!(queue.push(&publication("a")), Pushed::Full);
        assert_eq!(queue.poll_take(9, &mut cx), Poll::Ready(vec![publication("large")]));
        assert_eq!(
            [(); 3].map(|()| queue.push(&publication("a"))),
            [Pushed::Queued(1), Pushed::Queued(2), Pushed::Full]
        );
        assert_eq!(queue.poll_take(1, &mut cx), Poll::Ready(vec![publication("a")]));
        queue.end();
        assert_eq!(queue.push(&publication("a")), Pushed::Gone);
        assert!(queue.poll_take(9, &mut cx).is_pending());
    }
}
