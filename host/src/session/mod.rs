//! Sessions: the durable state that the cookie names, shared by exchanges and websockets.
//!
//! [`SessionBinding`] is the session as one exchange or websocket sees it: the saved record beneath
//! its own unsaved changes. [`SessionDb`] is where records persist; [`SqliteDb`] is the default.
//! [`CookieSettings`] is how a browser holds the id. Knows no guests and no sockets.

mod binding;
#[cfg(test)]
mod conformance;
mod cookie;
mod db;
mod file;
mod id;
mod live;
mod memory;
mod overlay;
mod record;
mod sessions;
mod signed;
mod sqlite;
mod stored;

pub use binding::{CookieAction, SessionBinding, SessionError};
pub use cookie::{CookieSettings, SameSite, Secure};
pub use db::{DbError, DbFuture, Save, SessionDb};
pub use file::{Exported, FileError, Listed, SessionFile};
pub use id::{NoRandomness, SessionId, SessionKey};
pub use live::{Follow, LiveSessions};
pub use memory::MemoryDb;
pub use overlay::Overlay;
pub use record::{Changes, Lifetimes, Record, Timestamp, TooLarge};
pub use sessions::Sessions;
pub use signed::{CookieDb, KeysError, Signer};
pub use sqlite::{SqliteDb, sqlite_file};
