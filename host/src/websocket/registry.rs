//! The live websockets of the process, so that a drain can reach each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::WebsocketId;
use crate::port::websocket::WebsocketPort;

/// All live websockets. Bounded by the connections there may be.
#[derive(Default)]
pub struct Registry {
    live: Mutex<HashMap<WebsocketId, Arc<WebsocketPort>>>,
}

impl Registry {
    /// A websocket's task begins.
    pub fn insert(&self, port: Arc<WebsocketPort>) {
        self.lock().insert(port.id, port);
    }

    /// A websocket's task has ended.
    pub fn remove(&self, id: WebsocketId) {
        self.lock().remove(&id);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.lock().len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Closes every one. Closing wakes tasks, so it happens outside the lock.
    pub fn close_all(&self, code: u16, reason: &str) {
        let ports: Vec<_> = self.lock().values().cloned().collect();
        for port in ports {
            port.host_close(code, reason);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WebsocketId, Arc<WebsocketPort>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
