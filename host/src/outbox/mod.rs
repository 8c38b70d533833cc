//! The bounded queue of messages to one websocket: whoever sends puts in, its task takes out.
//!
//! Owns the bounds, its own and that of [all](Outboxes), and the two wake-ups (the task, when there is something to write; senders, when
//! there is room). Does not know sockets, guests or groups. A push from the websocket's own handler
//! wakes nobody, since the task that will write is the one that is running.

mod all;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

pub use self::all::Outboxes;
use crate::event::{Close, Message};
use crate::failure::close_code;
use crate::limits;

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
    pub messages_max: u32,
    /// What happens past them.
    pub overflow: Overflow,
    /// How long a message is held.
    pub held: Held,
}

/// How long a message counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Held {
    /// Until it is written.
    #[default]
    UntilWritten,
    /// Until the peer has acknowledged it, so that it can be written again (docs/resume.md).
    UntilAcknowledged,
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

/// Fewer messages are held than are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing;

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
    bounds: Arc<Bounds>,
    all: Arc<Outboxes>,
    queue: Mutex<Queue>,
}

/// Small, since an idle websocket has one: what few need is in a box.
#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    dropped: u64,
    /// The last thing that goes out, until it does.
    close: Option<Box<Close>>,
    /// Nothing more is taken: a close is decided, or the connection is gone.
    ended: bool,
    ping: bool,
    /// The peer is away: nothing is written, and what would be past the bounds ends the queue.
    away: bool,
    /// Of the messages, the first ones that have been written and not acknowledged.
    written: u32,
    task: Option<Waker>,
    senders: Senders,
}

/// Who waits for room: nobody, mostly, and then it is 8 bytes.
#[derive(Debug, Default)]
struct Senders(Option<Box<Waiting>>);

#[derive(Debug, Default)]
struct Waiting {
    wakers: Vec<Waker>,
}

impl Outbox {
    /// An outbox of these bounds; while empty it takes a message of any size, if all outboxes together do.
    pub fn new(bounds: Arc<Bounds>, all: Arc<Outboxes>) -> Self {
        Self { bounds, all, queue: Mutex::default() }
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
        if waits && queue.is_open() && !self.make_room(&mut queue, message.len()) {
            *slot = Some(message);
            queue.senders.add(cx.waker());
            return Poll::Pending;
        }
        let pushed = if waits && queue.is_open() { queue.add(message) } else { self.push_locked(&mut queue, message) };
        let task = queue.task.take();
        drop(queue);
        wake(task);
        Poll::Ready(pushed)
    }

    /// Ends the queue with a close frame behind what is queued. The first close stays.
    pub fn close(&self, close: Close) {
        let mut queue = self.lock();
        queue.close_with(close);
        let (task, senders) = (queue.task.take(), std::mem::take(&mut queue.senders));
        drop(queue);
        wake(task);
        senders.wake();
    }

    /// Whether messages are held until they are acknowledged.
    pub fn holds(&self) -> bool {
        self.bounds.held == Held::UntilAcknowledged
    }

    /// The peer may come back: what is queued waits, and is as if none of it had been written.
    pub fn leave(&self) {
        let mut queue = self.lock();
        (queue.away, queue.ping) = (true, false);
    }

    /// Whether the peer is away.
    pub fn is_away(&self) -> bool {
        self.lock().away
    }

    /// The peer has come back, and has all but this many of those that were written. They are written again.
    ///
    /// # Errors
    /// [`Missing`], and nothing has changed: there are fewer.
    pub fn come_back(&self, unacknowledged: u64) -> Result<(), Missing> {
        if unacknowledged > self.unacknowledged() {
            return Err(Missing);
        }
        self.acknowledge(unacknowledged);
        let mut queue = self.lock();
        (queue.away, queue.written) = (false, 0);
        Ok(())
    }

    /// The peer has all but this many of those that were written: the others go, and senders that wait learn that there is room.
    pub fn acknowledge(&self, unacknowledged: u64) {
        let mut queue = self.lock();
        let mut gone = Vec::new();
        while u64::from(queue.written) > unacknowledged {
            gone.extend(self.pop(&mut queue));
        }
        if gone.is_empty() {
            return;
        }
        let senders = std::mem::take(&mut queue.senders);
        drop(queue);
        senders.wake();
    }

    /// How many have been written and are held, since they were not acknowledged.
    pub fn unacknowledged(&self) -> u64 {
        self.lock().written.into()
    }

    /// Drops what is queued: the connection is gone.
    pub fn end(&self) {
        let mut queue = self.lock();
        self.empty(&mut queue);
        (queue.ping, queue.away) = (false, false);
        (queue.close, queue.ended) = (None, true);
        let senders = std::mem::take(&mut queue.senders);
        drop(queue);
        senders.wake();
    }

    /// Drops what is queued: others need the room more.
    pub fn clear(&self) {
        self.empty(&mut self.lock());
        self.nudge();
    }

    /// Lets senders that wait look again: there may be room among all.
    pub fn nudge(&self) {
        let senders = std::mem::take(&mut self.lock().senders);
        senders.wake();
    }

    /// Asks for a ping, ahead of what is queued.
    pub fn ping(&self) {
        let mut queue = self.lock();
        queue.ping = queue.is_open() && !queue.away;
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
        if self.holds() {
            return queue.next_held();
        }
        let Some(message) = self.pop(&mut queue) else {
            return queue.close.take().map(|close| Outgoing::Close(*close));
        };
        if queue.messages.is_empty() && queue.messages.capacity() > 8 {
            queue.messages = VecDeque::new();
        }
        let senders = std::mem::take(&mut queue.senders);
        drop(queue);
        senders.wake();
        Some(Outgoing::Message(message))
    }

    /// Ready when `take` has something; else wakes the caller when it will. While the peer is away that is a close only.
    pub fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut queue = self.lock();
        let waits = !queue.away && (queue.messages.len() > queue.written as usize || queue.ping);
        if waits || queue.close.is_some() {
            return Poll::Ready(());
        }
        if !queue.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            queue.task = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Gives back the memory of messages that have gone, where none is left.
    pub fn rest(&self) {
        let mut queue = self.lock();
        if queue.messages.is_empty() {
            queue.messages = VecDeque::new();
        }
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
        self.lock().senders.0.is_some()
    }

    fn push_locked(&self, queue: &mut Queue, message: Message) -> Pushed {
        if !queue.is_open() {
            return Pushed::Gone;
        }
        while !self.make_room(queue, message.len()) {
            // One that comes back is told that nothing is missing, or has ended.
            match if queue.away { Overflow::Close } else { self.bounds.overflow } {
                Overflow::Wait => return Pushed::Full,
                Overflow::Close => {
                    queue.close_with(Close::new(close_code::TRY_AGAIN, "the peer is too slow"));
                    return Pushed::Full;
                }
                Overflow::DropOldest => {
                    let Some(_oldest) = self.pop(queue) else { return Pushed::Full };
                    queue.dropped += 1;
                }
            }
        }
        queue.add(message)
    }

    /// Whether a message of this length may be added; then its share of what all may hold is taken.
    fn make_room(&self, queue: &mut Queue, len: usize) -> bool {
        let Bounds { bytes_max, messages_max, .. } = *self.bounds;
        let fits = queue.messages.is_empty()
            || (queue.messages.len() < messages_max as usize && queue.bytes + len <= bytes_max);
        fits && self.all.take(shared(queue.bytes + len) - shared(queue.bytes))
    }

    /// Takes the first message out.
    fn pop(&self, queue: &mut Queue) -> Option<Message> {
        let message = queue.messages.pop_front()?;
        queue.written = queue.written.saturating_sub(1);
        self.removed(queue, message.len());
        Some(message)
    }

    /// A message of this length is no more in the queue.
    fn removed(&self, queue: &mut Queue, len: usize) {
        let before = queue.bytes;
        queue.bytes -= len;
        self.all.give_back(shared(before) - shared(queue.bytes));
    }

    fn empty(&self, queue: &mut Queue) {
        queue.messages = VecDeque::new();
        queue.written = 0;
        self.removed(queue, queue.bytes);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Outbox {
    fn drop(&mut self) {
        self.empty(&mut self.lock());
    }
}

/// Of the bytes in an outbox, those that count among all.
fn shared(bytes: usize) -> usize {
    bytes.saturating_sub(limits::OUTBOX_OWN_BYTES)
}

impl Queue {
    /// There is room, and it is taken.
    fn add(&mut self, message: Message) -> Pushed {
        self.bytes += message.len();
        self.messages.push_back(message);
        Pushed::Queued(self.bytes)
    }

    /// What is to be written next, where it is held after that.
    fn next_held(&mut self) -> Option<Outgoing> {
        match self.messages.get(self.written as usize) {
            Some(message) => {
                self.written += 1;
                Some(Outgoing::Message(message.clone()))
            }
            None => self.close.take().map(|close| Outgoing::Close(*close)),
        }
    }

    fn is_open(&self) -> bool {
        !self.ended
    }

    /// The first close stays.
    fn close_with(&mut self, close: Close) {
        if self.is_open() {
            (self.close, self.ended) = (Some(Box::new(close)), true);
        }
    }
}

impl Senders {
    fn add(&mut self, sender: &Waker) {
        let wakers = &mut self.0.get_or_insert_default().wakers;
        if !wakers.iter().any(|known| known.will_wake(sender)) {
            wakers.push(sender.clone());
        }
    }

    fn wake(self) {
        self.0.into_iter().flat_map(|waiting| waiting.wakers).for_each(Waker::wake);
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

    fn outbox(bytes_max: usize, messages_max: u32, overflow: Overflow) -> Outbox {
        held(bytes_max, messages_max, overflow, Held::UntilWritten)
    }

    fn held(bytes_max: usize, messages_max: u32, overflow: Overflow, held: Held) -> Outbox {
        let bounds = Bounds { bytes_max, messages_max, overflow, held };
        Outbox::new(Arc::new(bounds), Arc::new(Outboxes::new(limits::MIB)))
    }

    fn binary(kib: usize) -> Message {
        Message::Binary(vec![0; kib * limits::KIB].into())
    }

    #[test]
    fn rest_gives_back_what_was_taken_and_keeps_what_waits() {
        let outbox = outbox(100, 10, Overflow::Wait);
        outbox.push(text("a"));
        outbox.rest();
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("a"))));
        assert!(outbox.lock().messages.capacity() > 0);
        outbox.rest();
        assert_eq!(outbox.lock().messages.capacity(), 0);
    }

    #[test]
    fn push_past_what_all_may_hold_is_full_and_what_is_its_own_is_not() {
        let all = Arc::new(Outboxes::new(20 * limits::KIB));
        let held = Held::UntilWritten;
        let bounds = |overflow| Bounds { bytes_max: limits::MIB, messages_max: 10, overflow, held };
        let [slow, fast] =
            [Overflow::Wait, Overflow::DropOldest].map(|overflow| Outbox::new(Arc::new(bounds(overflow)), all.clone()));
        assert!(matches!(slow.push(binary(24)), Pushed::Queued(_)));
        assert_eq!((all.used(), slow.push(binary(1))), (20 * limits::KIB, Pushed::Full));
        assert!(all.was_short() && !all.was_short(), "told once");
        for _ in 0..3 {
            assert_eq!(fast.push(binary(4)), Pushed::Queued(4 * limits::KIB), "the oldest makes room");
        }
        assert_eq!((fast.dropped(), fast.push(binary(5))), (2, Pushed::Full));
        let mut cx = Context::from_waker(Waker::noop());
        let mut slot = Some(binary(1));
        assert!(slow.poll_push(&mut slot, &mut cx).is_pending());
        slow.clear();
        assert_eq!((all.used(), slow.bytes()), (0, 0));
        assert_eq!(slow.poll_push(&mut slot, &mut cx), Poll::Ready(Pushed::Queued(limits::KIB)));
        assert!(matches!(fast.push(binary(9)), Pushed::Queued(_)));
        assert_eq!(all.used(), 5 * limits::KIB);
        fast.take();
        assert_eq!(all.used(), 0, "what is taken");
        slow.push(binary(5));
        drop(slow);
        assert_eq!(all.used(), 0, "and what is dropped is given back");
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
    fn queue_of_a_websocket_that_resumes_is_no_larger() {
        assert_eq!(size_of::<Queue>(), size_of::<(VecDeque<Message>, usize, u64, usize, u64, Waker, usize)>());
    }

    #[test]
    fn held_messages_count_until_they_are_acknowledged_and_are_written_again_from_there() {
        let outbox = held(100, 3, Overflow::Wait, Held::UntilAcknowledged);
        for name in ["a", "b", "c"] {
            outbox.push(text(name));
        }
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("a"))));
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("b"))));
        assert_eq!((outbox.push(text("d")), outbox.unacknowledged()), (Pushed::Full, 2));
        outbox.acknowledge(1);
        assert_eq!((outbox.push(text("d")), outbox.unacknowledged()), (Pushed::Queued(3), 1));
        outbox.leave();
        assert!(outbox.poll_ready(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(outbox.come_back(2), Err(Missing));
        assert_eq!(outbox.come_back(1), Ok(()));
        for name in ["b", "c", "d"] {
            assert_eq!(outbox.take(), Some(Outgoing::Message(text(name))));
        }
        assert_eq!((outbox.take(), outbox.bytes()), (None, 3));
        outbox.acknowledge(0);
        assert_eq!((outbox.bytes(), outbox.all.used()), (0, 0));
    }

    #[test]
    fn push_past_a_bound_while_the_peer_is_away_ends_whatever_the_policy() {
        for overflow in [Overflow::Wait, Overflow::DropOldest, Overflow::Close] {
            let outbox = held(100, 1, overflow, Held::UntilAcknowledged);
            outbox.push(text("a"));
            outbox.leave();
            assert_eq!(outbox.push(text("b")), Pushed::Full);
            assert_eq!((outbox.push(text("c")), outbox.dropped()), (Pushed::Gone, 0));
            assert!(outbox.poll_ready(&mut Context::from_waker(Waker::noop())).is_ready());
        }
    }

    #[test]
    fn dropped_message_that_was_written_is_missing_afterwards() {
        let outbox = held(100, 2, Overflow::DropOldest, Held::UntilAcknowledged);
        outbox.push(text("a"));
        outbox.push(text("b"));
        outbox.take();
        outbox.push(text("c"));
        assert_eq!((outbox.unacknowledged(), outbox.dropped()), (0, 1));
        assert_eq!(outbox.take(), Some(Outgoing::Message(text("b"))));
        outbox.leave();
        assert_eq!(outbox.come_back(2), Err(Missing));
        assert_eq!(outbox.come_back(1), Ok(()));
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
