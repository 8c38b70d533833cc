//! Messages that wait for a loop-style handler's `receive`.
//!
//! Owns the bounded queue between the websocket's task, which reads frames, and the guest. Past the
//! bound the task stops reading the socket, so that the peer feels it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::event::{Close, Message};
use crate::limits;

/// The inbox of one loop-style websocket.
#[derive(Debug, Default)]
pub struct Inbox {
    queue: Mutex<Queue>,
}

#[derive(Debug, Default)]
struct Queue {
    messages: VecDeque<Message>,
    bytes: usize,
    close: Option<Close>,
    receiver: Option<Waker>,
}

impl Inbox {
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
        let receiver = queue.receiver.take();
        drop(queue);
        wake(receiver);
    }

    /// Whether the socket may be read.
    pub fn has_room(&self) -> bool {
        let queue = self.lock();
        queue.messages.len() < limits::INBOX_MESSAGES_MAX && queue.bytes < limits::INBOX_BYTES_MAX
    }

    /// The next message, or the close once all are taken.
    pub fn poll_receive(&self, cx: &mut Context<'_>) -> Poll<Result<Message, Close>> {
        let mut queue = self.lock();
        if let Some(message) = queue.messages.pop_front() {
            queue.bytes -= message.len();
            return Poll::Ready(Ok(message));
        }
        queue.poll_close(cx).map(Err)
    }

    /// The close, whatever is still queued.
    pub fn poll_end(&self, cx: &mut Context<'_>) -> Poll<Close> {
        self.lock().poll_close(cx)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<Close> {
        if let Some(close) = &self.close {
            return Poll::Ready(close.clone());
        }
        if !self.receiver.as_ref().is_some_and(|receiver| receiver.will_wake(cx.waker())) {
            self.receiver = Some(cx.waker().clone());
        }
        Poll::Pending
    }
}

fn wake(waker: Option<Waker>) {
    if let Some(waker) = waker {
        waker.wake();
    }
}
