//! Where an app's sessions persist: one choice for all that it serves.

use std::sync::Arc;

use super::{CookieDb, SessionDb, SessionId, Signer, Timestamp};

/// Where the sessions of an app persist.
#[derive(Clone)]
pub enum Sessions {
    /// In a store; a cookie has the id.
    Kept(Arc<dyn SessionDb>),
    /// In the cookies.
    Carried(Arc<Signer>),
}

impl Sessions {
    /// The store for one peer, and the id that its session cookies (their values) present.
    pub fn of(&self, mut cookies: impl Iterator<Item = String>) -> (Arc<dyn SessionDb>, Option<SessionId>) {
        match self {
            Self::Kept(db) => (db.clone(), cookies.find_map(|value| SessionId::parse(&value))),
            Self::Carried(signer) => {
                let (id, record) = cookies.find_map(|value| signer.read(&value, Timestamp::now())).unzip();
                (Arc::new(CookieDb::new(signer.clone(), id.as_ref().zip(record))), id)
            }
        }
    }
}
