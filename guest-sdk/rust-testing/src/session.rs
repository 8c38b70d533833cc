//! A peer's session, from outside: what a test prepares, and what the handlers saved.

use std::future::Future;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sessile::session::{Changes, Save, SessionDb, SessionId, Timestamp};

use crate::Client;

/// The session that a [`Client`] holds by its cookie, as it is saved. What a handler has set and not
/// yet saved is not in it.
pub struct ClientSession<'a> {
    client: &'a Client,
}

impl<'a> ClientSession<'a> {
    pub(crate) fn new(client: &'a Client) -> Self {
        Self { client }
    }

    /// The value of a key; none without the key, or without a session.
    ///
    /// # Panics
    /// Where the value is not of this type.
    #[track_caller]
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let (db, id) = self.open();
        let record = wait(db.load(id?.key(), Timestamp::now())).expect("the session store answers")?;
        match serde_json::from_slice(record.values.get(key)?) {
            Ok(value) => Some(value),
            Err(error) => panic!("the session's {key:?}: {error}: {:?}", record.values.get(key)),
        }
    }

    /// Saves a value under a key. A client without a session gets one, with its cookie.
    ///
    /// # Panics
    /// Where the session takes no such value, or was flushed.
    #[track_caller]
    pub fn set<T: Serialize + ?Sized>(&self, key: &str, value: &T) {
        let value = serde_json::to_vec(value).expect("a value that JSON can express");
        let (db, id) = self.open();
        let id = id.unwrap_or_else(|| SessionId::mint().expect("random numbers of the system"));
        let version = self.client.running().app.current();
        let changes = Changes { keys: [(key.to_owned(), Some(Bytes::from(value)))].into(), ..Changes::default() };
        let (now, lifetimes) = (Timestamp::now(), *version.lifetimes);
        let saved = wait(db.save(Save { key: id.key(), changes, if_version: None, now, lifetimes }));
        if let Err(error) = saved {
            panic!("the session's {key:?} was not saved: {error}");
        }
        self.client.set_cookie(&version.cookies.name_for(false), &db.cookie(&id));
    }

    fn open(&self) -> (std::sync::Arc<dyn SessionDb>, Option<SessionId>) {
        let running = self.client.running();
        let name = running.app.current().cookies.name_for(false).into_owned();
        running.app.sessions.of(self.client.cookie(&name).into_iter())
    }
}

/// The session store has threads of its own, so a test may wait for it.
fn wait<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}
