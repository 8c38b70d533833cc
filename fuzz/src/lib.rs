//! The host's modules that parse what peers, guests and operators give, built without wasmtime, SQLite and sockets.
//!
//! Each is the host's own file; beside them stand only the doors that a target needs to what its module keeps to
//! itself. What is only named by them, and lives beside wasmtime, has a double in [`instance`].

#![allow(dead_code, unused_imports, reason = "only the parsers are driven, and modules come whole")]

#[path = "../../host/src/event.rs"]
pub mod event;
#[path = "../../host/src/failure.rs"]
pub mod failure;
#[path = "../../host/src/group/mod.rs"]
pub mod group;
#[path = "../../host/src/json.rs"]
pub mod json;
#[path = "../../host/src/limits.rs"]
pub mod limits;
#[path = "../../host/src/meter.rs"]
pub mod meter;
#[path = "../../host/src/outbox/mod.rs"]
pub mod outbox;
#[path = "../../host/src/port/mod.rs"]
pub mod port;
#[path = "../../host/src/rate.rs"]
pub mod rate;
#[path = "../../host/src/resume/mod.rs"]
pub mod resume;
#[path = "../../host/src/usage/mod.rs"]
pub mod usage;

pub mod lines;

#[path = "../../host/src/alarm"]
pub mod alarm {
    mod cron;
    mod schedule;

    pub use self::cron::{Cron, CronAlarm, NotCron};
}

#[path = "../../host/src/app"]
pub mod app {
    pub mod manifest;
    pub mod route;
}

/// The one word of `instance` that manifests have.
pub mod instance {
    /// As `instance::Isolation` of the host.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub enum Isolation {
        Event,
        #[default]
        Connection,
        Shared,
    }
}

#[path = "../../host/src/outbound"]
pub mod outbound {
    mod address;
    mod grant;
    mod target;

    pub use self::grant::{Grant, Network, NotAGrant};
    pub use self::target::{Host, NotATarget, Scheme, Target};
}

#[path = "../../host/src/websocket"]
pub mod websocket {
    pub mod codec;
}

#[path = "../../host/src/http"]
pub mod http {
    mod admission;
    mod authority;
    pub mod forwarded;
    pub mod handshake;

    use self::forwarded::Proxies;
    use crate::port::head::Ends;

    /// As `admission::admit`; the status of a refusal, and what it says.
    pub fn admit(head: &mut ::http::request::Parts, proxies: &Proxies, ends: Ends) -> Result<Ends, (u16, String)> {
        admission::admit(head, proxies, ends).map_err(|refusal| (refusal.status.as_u16(), refusal.detail))
    }
}

#[path = "../../host/src/session"]
pub mod session {
    mod binding;
    mod cookie;
    mod db;
    mod id;
    mod live;
    mod memory;
    mod overlay;
    mod record;
    mod sessions;
    mod signed;
    mod stored;

    use std::collections::BTreeMap;

    use bytes::Bytes;

    pub use binding::{CookieAction, SessionBinding, SessionError};
    pub use cookie::{CookieSettings, SameSite, Secure};
    pub use db::{DbError, DbFuture, Save, SessionDb};
    pub use id::{NoRandomness, SessionId, SessionKey};
    pub use live::LiveSessions;
    pub use memory::MemoryDb;
    pub use overlay::Overlay;
    pub use record::{Changes, Lifetimes, Record, Timestamp, TooLarge};
    pub use sessions::Sessions;
    pub use signed::{CookieDb, KeysError, Signer};

    /// As `stored::decode`.
    pub fn decode(text: &str) -> Option<BTreeMap<String, Bytes>> {
        stored::decode(text).ok()
    }

    /// As `stored::encode`.
    pub fn encode(values: &BTreeMap<String, Bytes>) -> Option<String> {
        stored::encode(values).ok()
    }

    /// What a save makes of a stored record.
    pub fn over(save: &Save, there: Option<Record>) -> Result<Record, DbError> {
        save.over(there.map(db::Row::Saved))
    }

    /// A cookie whose signature is right, whatever its body.
    pub fn sign(signer: &Signer, body: &[u8]) -> String {
        signer.sign(body)
    }
}
