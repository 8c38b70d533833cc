//! The bounded queue of messages to one websocket: whoever sends puts in, its task takes out.
//!
//! Owns the bounds and the two wake-ups (the task, when there is something to write; senders, when
//! there is room). Does not know sockets, guests or groups. A push from the websocket's own handler
//! wakes nobody, since the task that will write is the one that is running.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::event::{Close, Message};
use crate::failure::close_code;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pushed {
    /// It is queued; the outbox now holds so many bytes.
    Queued(usize),
    /// No room; nothing was queued.
    Full,
    /// The websocket takes no more messages.
    Gone,
}

/// What an outbox holds, and what it does when that is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Bytes.
    pub bytes_max: usize,
    /// Messages.
    pub messages_max: usize,
    /// What happens past them.
    pub overflow: Overflow,
}

/// What happens to a message for which an outbox has no room. Manifest key `overflow`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Overflow {
    /// Who can wait, waits; to others it is full.
    #[default]
    Wait,
    /// The oldest messages make room.
    DropOldest,
    /// The websocket is closed with 1013.
    Close,
}

/// What the websocket's task is to write next.
#[derive(Debug, PartialEq)]
pub enum Outgoing {
    /// A ping, ahead of all messages.
    Ping,
    /// A message.
    Message(Message),
    /// The close frame: the last thing that goes out.
    Close(Close),
}

/// A bounded queue to one websocket.
#[derive(Debug)]
pub struct Outbox {
    bounds: Bounds,
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    dropped: u64,
    ping: bool,
    last: Last,
    task: Option<Waker>,
    senders: Vec<Waker>,
}

/// Whether, and how, the queue ends.
#[derive(Debug, Default)]
enum Last {
    #[default]
    Open,
    Close(Close),
    Ended,
}

impl Outbox {
    /// An outbox of these bounds; while empty it takes a message of any size.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, queue: Mutex::default() }
    }

    /// Queues a message if there is room.
    pub fn push(&self, message: Message) -> Pushed {
        let mut queue = self.lock();
        let pushed = self.push_locked(&mut queue, message);
        let task = queue.task.take();
        drop(queue);
        wake(task);
        pushed
    }

    /// Queues a message when there is room; `slot` holds it until then.
    ///
    /// # Cancel safety
    /// A message that was not queued stays in `slot`.
    pub fn poll_push(&self, slot: &mut Option<Message>, cx: &mut Context<'_>) -> Poll<Pushed> {
        let mut queue = self.lock();
        let Some(message) = slot.take() else { return Poll::Ready(Pushed::Gone) };
        let waits = self.bounds.overflow == Overflow::Wait;
        if waits && queue.is_open() && !self.has_room(&queue, message.len()) {
            *slot = Some(message);
            if !queue.senders.iter().any(|sender| sender.will_wake(cx.waker())) {
                queue.senders.push(cx.waker().clone());
            }
            return Poll::Pending;
        }
        let pushed = self.push_locked(&mut queue, message);
        let task = queue.task.take();
        drop(queue);
        wake(task);
        Poll::Ready(pushed)
    }

    /// Ends the queue with a close frame behind what is queued. The first close stays.
    pub fn close(&self, close: Close) {
        let mut queue = self.lock();
        if queue.is_open() {
            queue.last = Last::Close(close);
        }
        let (task, senders) = (queue.task.take(), std::mem::take(&mut queue.senders));
        drop(queue);
        wake(task);
        senders.into_iter().for_each(Waker::wake);
    }

    /// Drops what is queued: the connection is gone.
    pub fn end(&self) {
        let mut queue = self.lock();
        queue.messages = VecDeque::new();
        queue.bytes = 0;
        queue.ping = false;
        queue.last = Last::Ended;
        let senders = std::mem::take(&mut queue.senders);
        drop(queue);
        senders.into_iter().for_each(Waker::wake);
    }

    /// Asks for a ping, ahead of what is queued.
    pub fn ping(&self) {
        let mut queue = self.lock();
        queue.ping = queue.is_open();
        let task = queue.task.take();
        drop(queue);
        wake(task);
    }

    /// Takes what is to be written next; senders that wait learn that there is room.
    pub fn take(&self) -> Option<Outgoing> {
        let mut queue = self.lock();
        if std::mem::take(&mut queue.ping) {
            return Some(Outgoing::Ping);
        }
        let Some(message) = queue.messages.pop_front() else {
            return match std::mem::replace(&mut queue.last, Last::Ended) {
                Last::Close(close) => Some(Outgoing::Close(close)),
                last => {
                    queue.last = last;
                    None
                }
            };
        };
        queue.bytes -= message.len();
        if queue.messages.is_empty() && queue.messages.capacity() > 8 {
            queue.messages = VecDeque::new();
        }
        let senders = std::mem::take(&mut queue.senders);
        drop(queue);
        senders.into_iter().for_each(Waker::wake);
        Some(Outgoing::Message(message))
    }

    /// Ready when `take` has something; else wakes the caller when it will.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        if !queue.messages.is_empty() || queue.ping || matches!(queue.last, Last::Close(_)) {
            return Poll::Ready(());
        }
        if !queue.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            queue.task = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Bytes queued.
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Messages that were dropped to make room.
    pub fn dropped(&self) -> u64 {
        self.lock().dropped
    }

    /// Whether a sender waits for room, that is for the peer.
    pub fn is_awaited(&self) -> bool {
        !self.lock().senders.is_empty()
    }

    fn push_locked(&self, queue: &mut Queue, message: Message) -> Pushed {
        if !queue.is_open() {
            return Pushed::Gone;
        }
        match self.bounds.overflow {
            Overflow::Wait if !self.has_room(queue, message.len()) => return Pushed::Full,
            Overflow::Close if !self.has_room(queue, message.len()) => {
                queue.last = Last::Close(Close::new(close_code::TRY_AGAIN, "the peer is too slow"));
                return Pushed::Full;
            }
            _ => {}
        }
        while !self.has_room(queue, message.len()) {
            let Some(oldest) = queue.messages.pop_front() else { break };
            queue.bytes -= oldest.len();
            queue.dropped += 1;
        }
        queue.bytes += message.len();
        queue.messages.push_back(message);
        Pushed::Queued(queue.bytes)
    }

    fn has_room(&self, queue: &Queue, len: usize) -> bool {
        let Bounds { bytes_max, messages_max, .. } = self.bounds;
        queue.messages.is_empty() || (queue.messages.len() < messages_max && queue.bytes + len <= bytes_max)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn is_open(&self) -> bool {
        matches!(self.last, Last::Open)
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    fn outbox(bytes_max: usize, messages_max: usize, overflow: Overflow) -> Outbox {
        Outbox::new(Bounds { bytes_max, messages_max, overflow })
    }

    #[test]
    fn push_past_a_bound_with_drop_oldest_drops_and_counts() {
        let outbox = outbox(4, 10, Overflow::DropOldest);
        for word in ["one", "a", "bcd"] {
            assert!(matches!(outbox.push(text(word)), Pushed::Queued(_)));
        }
        assert_eq!((outbox.dropped(), outbox.bytes()), (1, 4));
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("a"))));
        assert_eq!(outbox.push(text("larger than four")), Pushed::Queued(16));
        assert_eq!((outbox.dropped(), outbox.take()), (2, Some(Outgoing::Message(text("larger than four")))));
    }

    #[test]
    fn push_past_a_bound_with_close_ends_with_1013_after_what_is_queued() {
        let outbox = outbox(4, 10, Overflow::Close);
        outbox.push(text("abc"));
        assert_eq!(outbox.push(text("de")), Pushed::Full);
        assert_eq!(outbox.push(text("f")), Pushed::Gone);
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("abc"))));
        assert!(matches!(outbox.take(), Some(Outgoing::Close(Close { code: 1013, .. }))));
    }

    #[test]
    fn ping_goes_ahead_of_messages_and_once() {
        let outbox = outbox(4, 10, Overflow::Wait);
        outbox.push(text("a"));
        outbox.ping();
        outbox.ping();
        assert_eq!(outbox.take(), Some(Outgoing::Ping));
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("a"))));
        outbox.end();
        outbox.ping();
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn push_past_bytes_is_full_and_empty_takes_any() {
        let outbox = outbox(4, 10, Overflow::Wait);
        assert_eq!(outbox.push(text("larger than four")), Pushed::Queued(16));
        assert_eq!(outbox.push(text("a")), Pushed::Full);
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("larger than four"))));
        assert_eq!(outbox.push(text("a")), Pushed::Queued(1));
    }

    #[test]
    fn push_past_messages_is_full() {
        let outbox = outbox(100, 2, Overflow::Wait);
        assert_eq!(outbox.push(text("a")), Pushed::Queued(1));
        assert_eq!(outbox.push(text("b")), Pushed::Queued(2));
        assert_eq!(outbox.push(text("c")), Pushed::Full);
    }

    #[test]
    fn close_comes_after_what_is_queued_and_once() {
        let outbox = outbox(100, 2, Overflow::Wait);
        outbox.push(text("a"));
        let close = |code| Close { code, reason: String::new() };
        outbox.close(close(1000));
        outbox.close(close(1001));
        assert_eq!(outbox.push(text("b")), Pushed::Gone);
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("a"))));
        assert_eq!(outbox.take(), Some(Outgoing::Close(close(1000))));
        assert_eq!(outbox.take(), None);
    }

    #[test]
    fn poll_push_full_keeps_the_message_and_wakes_on_take() {
        let outbox = outbox(1, 10, Overflow::Wait);
        outbox.push(text("a"));
        let flag = std::sync::Arc::new(Flag::default());
        let waker = Waker::from(flag.clone());
        let mut slot = Some(text("b"));
        let mut cx = Context::from_waker(&waker);
        assert!(outbox.poll_push(&mut slot, &mut cx).is_pending());
        assert!(slot.is_some() && outbox.is_awaited());
        outbox.take();
        assert!(flag.0.load(std::sync::atomic::Ordering::SeqCst));
        assert_eq!(outbox.poll_push(&mut slot, &mut cx), Poll::Ready(Pushed::Queued(1)));
    }

    #[derive(Default)]
    struct Flag(std::sync::atomic::AtomicBool);

    impl std::task::Wake for Flag {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.store(true, std::sync::atomic::Ordering::SeqCst);
        }
    }
}
