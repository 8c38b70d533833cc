//! Where a peer that comes back meets the websocket that it left: a handshake knocks, the websocket's task opens.
//!
//! Knows who may come in, by token. Whether anything that the peer lacks is missing is the task's to say.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Upgrade;
use super::codec::deflate::Deflate;
use crate::event::WebsocketId;
use crate::limits;
use crate::resume::token::{Token, Tokens};

/// What a connection's holder keeps of it, given back with its drop.
pub type Place = Box<dyn Send>;

/// The connection by which a peer comes back.
pub struct Arrival {
    /// Resolves once the handshake's answer has left.
    pub upgrade: Upgrade,
    /// The compression that this handshake has agreed on.
    pub deflate: Option<Deflate>,
    /// Its place under the bounds of connections.
    pub place: Place,
}

/// A peer that asks to be let in.
pub(super) struct Knock {
    /// By which token.
    pub(super) token: Token,
    /// The number of the last message that it has.
    pub(super) received: u64,
    /// Dropped, it is not let in.
    pub(super) answer: oneshot::Sender<oneshot::Sender<Arrival>>,
}

/// The door of one websocket.
#[derive(Debug)]
pub struct Door {
    inner: Mutex<Inner>,
    absent: Arc<Semaphore>,
}

struct Inner {
    tokens: Tokens,
    /// The last one: of two that have the token, it is the one that is not gone.
    knock: Option<Knock>,
    task: Option<Waker>,
    closed: bool,
}

/// All doors of the process, and how many websockets wait behind them.
#[derive(Debug)]
pub struct Doors {
    doors: Mutex<HashMap<WebsocketId, Arc<Door>>>,
    absent: Arc<Semaphore>,
}

impl Default for Doors {
    fn default() -> Self {
        Self { doors: Mutex::default(), absent: Arc::new(Semaphore::new(limits::RESUME_AWAY_MAX)) }
    }
}

impl Doors {
    /// A door for a websocket, and the token that opens it.
    pub fn make(&self, websocket: WebsocketId) -> (Arc<Door>, Token) {
        let (tokens, token) = Tokens::new(websocket);
        let inner = Mutex::new(Inner { tokens, knock: None, task: None, closed: false });
        let door = Arc::new(Door { inner, absent: self.absent.clone() });
        lock(&self.doors).insert(websocket, door.clone());
        (door, token)
    }

    /// The door of a websocket that resumes.
    pub fn get(&self, websocket: WebsocketId) -> Option<Arc<Door>> {
        lock(&self.doors).get(&websocket).cloned()
    }

    /// How many websockets wait for peers that are away.
    pub fn absent(&self) -> usize {
        limits::RESUME_AWAY_MAX - self.absent.available_permits()
    }

    pub(super) fn remove(&self, websocket: WebsocketId) {
        let removed = lock(&self.doors).remove(&websocket);
        drop(removed);
    }
}

impl Door {
    /// Asks to be let in. Resolves to whom the connection is given; fails where the websocket has ended, or holds no more what the
    /// peer lacks. None where the token is not good.
    pub fn knock(&self, token: Token, received: u64) -> Option<oneshot::Receiver<oneshot::Sender<Arrival>>> {
        let mut inner = lock(&self.inner);
        if inner.closed || !inner.tokens.admit(&token) {
            return None;
        }
        let (answer, answered) = oneshot::channel();
        let before = inner.knock.replace(Knock { token, received, answer });
        let task = inner.task.take();
        drop((inner, before));
        if let Some(task) = task {
            task.wake();
        }
        Some(answered)
    }

    /// Who knocks.
    pub(super) fn poll_knock(&self, cx: &mut Context<'_>) -> Poll<Knock> {
        let mut inner = lock(&self.inner);
        if let Some(knock) = inner.knock.take() {
            return Poll::Ready(knock);
        }
        if !inner.task.as_ref().is_some_and(|task| task.will_wake(cx.waker())) {
            inner.task = Some(cx.waker().clone());
        }
        Poll::Pending
    }

    /// A place among the websockets whose peers are away, if there is one.
    pub(super) fn absent(&self) -> Option<OwnedSemaphorePermit> {
        self.absent.clone().try_acquire_owned().ok()
    }

    /// Whoever came in by this token gets another.
    pub(super) fn renew(&self, token: &Token) -> Token {
        lock(&self.inner).tokens.renew(token)
    }

    /// The peer has shown that it has the token that it was given last.
    pub(super) fn confirm(&self) {
        lock(&self.inner).tokens.confirm();
    }

    /// Nobody is let in any more.
    pub(super) fn close(&self) {
        let mut inner = lock(&self.inner);
        inner.closed = true;
        let (knock, task) = (inner.knock.take(), inner.task.take());
        drop((inner, knock, task));
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("closed", &self.closed).finish_non_exhaustive()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
