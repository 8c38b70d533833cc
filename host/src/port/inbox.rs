//! Messages that wait for a loop-style handler's `receive`, and the word that it is to retire.
//!
//! Owns the bounded queue between the websocket's task, which reads frames, and the guest. Past the
//! bound the task stops reading the socket, so that the peer feels it. The queue outlives the guest: what
//! waits at a handoff is received by the next. Knows versions by their numbers only.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::event::{Close, Message};
use crate::limits;

/// The inbox of one loop-style websocket.
#[derive(Debug)]
pub struct Inbox {
    queue: Mutex<Queue>,
}

/// Why there is no message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoMessage {
    /// Another version can take over; told once for each.
    Retire,
    /// The websocket has ended.
    Ended(Close),
}

#[derive(Debug)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    /// The handler has a message, and has not come back for the next.
    in_hand: bool,
    close: Option<Close>,
    receiver: Option<Waker>,
    /// Who closes, and waits for the end: beside a receive, perhaps.
    closer: Option<Waker>,
    /// The version whose handler receives.
    version: u64,
    /// Another version that has become current, of which the handler is to be told.
    due: Option<u64>,
    told: Told,
    heard: Heard,
}

/// Whether the handler has been told to retire since it was begun. It may hand over from then on, whichever version is
/// current by the time it does: its own again, perhaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    No,
    Retire,
}

/// Whether the handler has received a message since it was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Nothing,
    Something,
}

impl Inbox {
    /// An inbox from which the handler of a version will receive.
    pub fn new(version: u64) -> Self {
        let queue = Queue {
            messages: VecDeque::new(),
            bytes: 0,
            in_hand: false,
            close: None,
            receiver: None,
            closer: None,
            version,
            due: None,
            told: Told::No,
            heard: Heard::Nothing,
        };
        Self { queue: Mutex::new(queue) }
    }

    /// Adds a message; the caller has asked [`Self::has_room`].
    pub fn push(&self, message: Message) {
        let mut queue = self.lock();
        queue.bytes += message.len();
        queue.messages.push_back(message);
        let receiver = queue.receiver.take();
        drop(queue);
        wake(receiver);
    }

    /// The websocket has ended: after what is queued, every receive answers with this.
    pub fn end(&self, close: Close) {
        let mut queue = self.lock();
        queue.close.get_or_insert(close);
        let waiting = [queue.receiver.take(), queue.closer.take()];
        drop(queue);
        waiting.into_iter().for_each(wake);
    }

    /// A version has become current that could take over: the next receive says so, unless it is the one that
    /// receives already.
    pub fn retire(&self, version: u64) {
        let mut queue = self.lock();
        queue.due = Some(version).filter(|version| *version != queue.version);
        if queue.due.is_none() {
            return;
        }
        let receiver = queue.receiver.take();
        drop(queue);
        wake(receiver);
    }

    /// The handler of this version is begun. What waits stays, and so does the word of a version that has come
    /// meanwhile.
    pub fn begin(&self, version: u64) {
        let mut queue = self.lock();
        queue.version = version;
        queue.in_hand = false;
        queue.heard = Heard::Nothing;
        queue.told = Told::No;
        queue.due = queue.due.filter(|due| *due != version);
    }

    /// Whether the handler has been told to retire.
    pub fn has_told_retire(&self) -> bool {
        self.lock().told == Told::Retire
    }

    /// Whether the handler has received nothing since it was begun.
    pub fn is_unheard(&self) -> bool {
        self.lock().heard == Heard::Nothing
    }

    /// Whether no message waits.
    pub fn is_empty(&self) -> bool {
        self.lock().messages.is_empty()
    }

    /// Messages that no handler is done with: those that wait, and one in hand.
    pub fn unhandled(&self) -> usize {
        let queue = self.lock();
        queue.messages.len() + usize::from(queue.in_hand)
    }

    /// Whether the socket may be read.
    pub fn has_room(&self) -> bool {
        let queue = self.lock();
        queue.messages.len() < limits::INBOX_MESSAGES_MAX && queue.bytes < limits::INBOX_BYTES_MAX
    }

    /// The next message; ahead of all, that the handler is to retire; the close once all are taken.
    pub fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, NoMessage>> {
        let mut queue = self.lock();
        queue.in_hand = false;
        // After the end there is nothing to take over.
        if queue.due.is_some() && queue.close.is_none() {
            queue.due = None;
            queue.told = Told::Retire;
            return Poll::Ready(Err(NoMessage::Retire));
        }
        if let Some(message) = queue.messages.pop_front() {
            queue.bytes -= message.len();
            queue.in_hand = true;
            queue.heard = Heard::Something;
            return Poll::Ready(Ok(message));
        }
        if let Some(close) = &queue.close {
            return Poll::Ready(Err(NoMessage::Ended(close.clone())));
        }
        park(&mut queue.receiver, cx);
        Poll::Pending
    }

    /// The close, whatever is still queued.
    pub fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Close> {
        let mut queue = self.lock();
        if let Some(close) = &queue.close {
            return Poll::Ready(close.clone());
        }
        park(&mut queue.closer, cx);
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn park(waiting: &mut Option<Waker>, cx: &Context<'_>) {
    if !waiting.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
        *waiting = Some(cx.waker().clone());
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Flag(AtomicBool);

    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    fn received(inbox: &Inbox) -> Poll<Result<Message, NoMessage>> {
        inbox.poll_receive(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn retire_comes_ahead_of_what_waits_and_once() {
        let inbox = Inbox::new(1);
        inbox.push(text("a"));
        inbox.push(text("b"));
        inbox.retire(2);
        assert!(!inbox.has_told_retire());
        assert_eq!(received(&inbox), Poll::Ready(Err(NoMessage::Retire)));
        assert!(inbox.has_told_retire());
        assert_eq!(received(&inbox), Poll::Ready(Ok(text("a"))));
        assert_eq!(received(&inbox), Poll::Ready(Ok(text("b"))));
        assert_eq!(received(&inbox), Poll::Pending);
        inbox.retire(3);
        assert_eq!(received(&inbox), Poll::Ready(Err(NoMessage::Retire)), "for each swap");
    }

    #[test]
    fn retire_wakes_who_waits() {
        let (inbox, flag) = (Inbox::new(1), Arc::new(Flag::default()));
        let waker = Waker::from(flag.clone());
        assert!(inbox.poll_receive(&mut Context::from_waker(&waker)).is_pending());
        inbox.retire(2);
        assert!(flag.0.load(Ordering::SeqCst));
    }

    /// A guest that awaits may close while it receives.
    #[test]
    fn end_wakes_who_receives_and_who_closes() {
        let inbox = Inbox::new(1);
        let flags = [Arc::new(Flag::default()), Arc::new(Flag::default())];
        let [receiver, closer] = flags.each_ref().map(|flag| Waker::from(flag.clone()));
        assert!(inbox.poll_receive(&mut Context::from_waker(&receiver)).is_pending());
        assert!(inbox.poll_end(&mut Context::from_waker(&closer)).is_pending());
        inbox.end(Close::abnormal());
        assert!(flags.iter().all(|flag| flag.0.load(Ordering::SeqCst)));
    }

    #[test]
    fn message_is_handled_once_the_handler_comes_for_the_next() {
        let inbox = Inbox::new(1);
        inbox.push(text("a"));
        inbox.push(text("b"));
        assert_eq!(inbox.unhandled(), 2);
        assert_eq!(received(&inbox), Poll::Ready(Ok(text("a"))));
        assert_eq!(inbox.unhandled(), 2, "it is in hand");
        assert_eq!(received(&inbox), Poll::Ready(Ok(text("b"))));
        assert_eq!(inbox.unhandled(), 1);
        assert_eq!(received(&inbox), Poll::Pending);
        assert_eq!(inbox.unhandled(), 0);
    }

    #[test]
    fn retire_for_the_version_that_receives_is_none() {
        let inbox = Inbox::new(1);
        inbox.retire(2);
        inbox.retire(1);
        assert_eq!(received(&inbox), Poll::Pending, "a rollback before it was told");
        inbox.retire(2);
        inbox.begin(2);
        assert_eq!(received(&inbox), Poll::Pending, "it has moved by itself");
    }

    #[test]
    fn handler_that_was_told_may_hand_over_though_the_version_changes_again_before_it_does() {
        for then in [1, 3] {
            let inbox = Inbox::new(1);
            inbox.retire(2);
            assert_eq!(received(&inbox), Poll::Ready(Err(NoMessage::Retire)));
            inbox.retire(then);
            assert!(inbox.has_told_retire(), "{then}");
            inbox.begin(then);
            assert!(!inbox.has_told_retire(), "{then}");
            assert_eq!(received(&inbox), Poll::Pending, "{then}");
        }
    }

    #[test]
    fn begin_keeps_what_waits_and_the_word_of_a_version_that_came_meanwhile() {
        let inbox = Inbox::new(1);
        inbox.retire(2);
        assert_eq!(received(&inbox), Poll::Ready(Err(NoMessage::Retire)));
        inbox.push(text("a"));
        inbox.retire(3);
        inbox.begin(2);
        assert!(!inbox.has_told_retire() && inbox.is_unheard() && !inbox.is_empty());
        assert_eq!(received(&inbox), Poll::Ready(Err(NoMessage::Retire)));
        inbox.begin(3);
        assert_eq!(received(&inbox), Poll::Ready(Ok(text("a"))));
        assert!(!inbox.is_unheard());
    }

    #[test]
    fn retire_after_the_end_is_not_told() {
        let inbox = Inbox::new(1);
        inbox.push(text("a"));
        inbox.end(Close::abnormal());
        inbox.retire(2);
        assert_eq!(received(&inbox), Poll::Ready(Ok(text("a"))));
        assert_eq!(received(&inbox), Poll::Ready(Err(NoMessage::Ended(Close::abnormal()))));
    }
}
