//! Sessions that the cookie itself carries, signed: nothing is kept here, so nothing can be merged
//! between two holders, and nothing flushed for good.
//!
//! The cookie is `BODY.SIGNATURE`, both base64url: a JSON object with the session's id, times and
//! values, and its HMAC-SHA-256. Signed, not encrypted: its peer can read it. Of several keys the first
//! signs and all verify, so that a new one can be put before the old.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sha2::Sha256;

use super::db::{DbError, DbFuture, Row, Save, SessionDb};
use super::record::{Lifetimes, Timestamp};
use super::{Record, SessionId, SessionKey, TooLarge, stored};
use crate::limits;

/// So that a signature of ours for something else is none for this.
const PURPOSE: &[u8] = b"sessile session cookie 1\0";

/// The keys that sign cookies.
pub struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

/// The keys cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file.
    #[error("session keys {path}: {cause}")]
    File {
        /// Which.
        path: String,
        /// What the system says.
        cause: io::Error,
    },
    /// A line of it.
    #[error("session keys {path}, line {line}: a key is 64 hexadecimal digits; the first line signs, all verify")]
    Line {
        /// The file.
        path: String,
        /// From 1.
        line: usize,
    },
}

/// What a cookie carries.
#[derive(Serialize, Deserialize)]
struct Body {
    id: String,
    version: u64,
    created: u64,
    seen: u64,
    expires: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expiry: Option<u64>,
    values: BTreeMap<String, Box<RawValue>>,
}

impl Signer {
    /// Reads the keys, one to a line; makes a file with one (0600) where there is none.
    ///
    /// # Errors
    /// See [`KeysError`].
    pub fn open(path: &Path) -> Result<Self, KeysError> {
        let shown = path.display().to_string();
        let failed = |cause| KeysError::File { path: shown.clone(), cause };
        let text = match std::fs::read_to_string(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(path).map_err(failed)?,
            text => text.map_err(failed)?,
        };
        let mut keys = Vec::new();
        for (index, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            // A key has the form of an id.
            let key = SessionId::parse(line.trim()).and_then(|key| begin(&key));
            keys.push(key.ok_or_else(|| KeysError::Line { path: shown.clone(), line: index + 1 })?);
        }
        if keys.is_empty() {
            return Err(KeysError::Line { path: shown, line: 1 });
        }
        Ok(Self { keys })
    }

    /// The session in a cookie's value; none where it is not of ours, or has ended.
    pub fn read(&self, value: &str, now: Timestamp) -> Option<(SessionId, Record)> {
        if value.len() > limits::COOKIE_BYTES_MAX {
            return None;
        }
        let (body, signature) = value.split_once('.')?;
        let signature = BASE64.decode(signature).ok()?;
        self.keys.iter().find(|key| (*key).clone().chain_update(body).verify_slice(&signature).is_ok())?;
        let body: Body = serde_json::from_slice(&BASE64.decode(body).ok()?).ok()?;
        let record = Record {
            version: body.version,
            values: stored::plain(body.values),
            expiry: body.expiry.map(Duration::from_secs),
            created: Timestamp(body.created),
            seen: Timestamp(body.seen),
            expires: Timestamp(body.expires),
        };
        Some((SessionId::parse(&body.id)?, record)).filter(|(_, record)| !record.has_expired(now))
    }

    fn write(&self, id: String, record: &Record) -> String {
        let values = record.values.iter().filter_map(|(key, value)| {
            let value = String::from_utf8(value.to_vec()).ok()?;
            Some((key.clone(), RawValue::from_string(value).ok()?))
        });
        let body = Body {
            id,
            version: record.version,
            created: record.created.0,
            seen: record.seen.0,
            expires: record.expires.0,
            expiry: record.expiry.map(|own| own.as_secs()),
            values: values.collect(),
        };
        // Plain data in a tree without maps of other keys: it cannot fail.
        self.sign(&serde_json::to_vec(&body).unwrap_or_default())
    }

    /// A cookie's value with this body, whatever it is.
    pub(super) fn sign(&self, body: &[u8]) -> String {
        let body = BASE64.encode(body);
        let [first, ..] = self.keys.as_slice() else { return String::new() };
        let signature = BASE64.encode(first.clone().chain_update(&body).finalize().into_bytes());
        format!("{body}.{signature}")
    }
}

/// A signature begun with a key; none never, since HMAC takes keys of any length.
fn begin(key: &SessionId) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(PURPOSE);
    Some(mac)
}

fn create(path: &Path) -> io::Result<String> {
    let key = SessionId::mint().map_err(io::Error::other)?;
    let text = format!("{}\n", key.encode());
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::Write::write_all(&mut file, text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}

/// The session of one exchange or websocket, which came with its cookie and leaves with it.
pub struct CookieDb {
    signer: Arc<Signer>,
    row: Mutex<Option<(SessionKey, Record)>>,
}

impl CookieDb {
    /// With what the peer's cookie carried, or nothing.
    pub fn new(signer: Arc<Signer>, carried: Option<(&SessionId, Record)>) -> Self {
        Self { signer, row: Mutex::new(carried.map(|(id, record)| (id.key(), record))) }
    }

    fn record(&self, key: SessionKey) -> Option<Record> {
        self.row().as_ref().filter(|(there, _)| *there == key).map(|(_, record)| record.clone())
    }

    fn saved(&self, save: &Save) -> Result<Arc<Record>, DbError> {
        let record = save.over(self.record(save.key).map(Row::Saved))?;
        // Which id it is does not change the length.
        let bytes = self.signer.write("0".repeat(SessionId::DIGITS), &record).len();
        if bytes > limits::COOKIE_BYTES_MAX {
            return Err(TooLarge { what: "cookie", actual: bytes, limit: limits::COOKIE_BYTES_MAX }.into());
        }
        *self.row() = Some((save.key, record.clone()));
        Ok(Arc::new(record))
    }

    fn row(&self) -> MutexGuard<'_, Option<(SessionKey, Record)>> {
        self.row.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionDb for CookieDb {
    fn load(&self, key: SessionKey, now: Timestamp) -> DbFuture<'_, Option<Arc<Record>>> {
        let record = self.record(key).filter(|record| !record.has_expired(now));
        Box::pin(std::future::ready(Ok(record.map(Arc::new))))
    }

    fn save(&self, save: Save) -> DbFuture<'_, Arc<Record>> {
        Box::pin(std::future::ready(self.saved(&save)))
    }

    fn rename(&self, from: SessionKey, to: SessionKey) -> DbFuture<'_, ()> {
        if let Some((key, _)) = self.row().as_mut().filter(|(key, _)| *key == from) {
            *key = to;
        }
        Box::pin(std::future::ready(Ok(())))
    }

    fn flush(&self, _key: SessionKey, _until: Timestamp) -> DbFuture<'_, ()> {
        *self.row() = None;
        Box::pin(std::future::ready(Ok(())))
    }

    fn touch(&self, key: SessionKey, now: Timestamp, lifetimes: Lifetimes) {
        if let Some((_, record)) = self.row().as_mut().filter(|(there, _)| *there == key) {
            *record = std::mem::take(record).used(now, lifetimes);
        }
    }

    fn sweep(&self, _now: Timestamp) -> DbFuture<'_, usize> {
        Box::pin(std::future::ready(Ok(0)))
    }

    fn cookie(&self, id: &SessionId) -> String {
        self.record(id.key()).map(|record| self.signer.write(id.encode(), &record)).unwrap_or_default()
    }

    fn is_carried(&self) -> bool {
        true
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::super::conformance::save;
    use super::*;

    fn signer(keys: &[&SessionId]) -> Signer {
        Signer { keys: keys.iter().filter_map(|key| begin(key)).collect() }
    }

    async fn cookie(signer: &Arc<Signer>, id: &SessionId) -> String {
        let db = CookieDb::new(signer.clone(), None);
        db.save(save(id.key(), "a", "{\"x\": [1.50]}")).await.unwrap();
        db.cookie(id)
    }

    #[tokio::test]
    async fn cookie_read_back_is_what_was_saved_until_it_ends() {
        let (key, id) = (SessionId::mint().unwrap(), SessionId::mint().unwrap());
        let signer = Arc::new(signer(&[&key]));
        let cookie = cookie(&signer, &id).await;
        let (read, record) = signer.read(&cookie, Timestamp(1)).unwrap();
        assert_eq!((read, record.version, record.values["a"].as_ref()), (id, 1, b"{\"x\": [1.50]}".as_slice()));
        assert!(signer.read(&cookie, record.expires).is_none());
    }

    #[tokio::test]
    async fn cookie_that_was_changed_or_signed_by_another_is_none() {
        let (key, id) = (SessionId::mint().unwrap(), SessionId::mint().unwrap());
        let signer = Arc::new(signer(&[&key]));
        let cookie = cookie(&signer, &id).await;
        for at in 0..cookie.len() {
            let mut changed = cookie.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(signer.read(&String::from_utf8(changed).unwrap(), Timestamp(1)).is_none(), "at {at}");
        }
        let other = self::signer(&[&SessionId::mint().unwrap()]);
        assert!(other.read(&cookie, Timestamp(1)).is_none());
        for junk in ["", ".", "a.b", &"x".repeat(5000)] {
            assert!(signer.read(junk, Timestamp(1)).is_none());
        }
    }

    #[tokio::test]
    async fn keys_rotate_the_first_signs_and_all_verify() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("session-keys");
        let (old, id) = (Arc::new(Signer::open(&path).unwrap()), SessionId::mint().unwrap());
        let before = cookie(&old, &id).await;
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{}\n{text}", SessionId::mint().unwrap().encode())).unwrap();
        let new = Arc::new(Signer::open(&path).unwrap());
        let after = cookie(&new, &id).await;
        assert!(new.read(&before, Timestamp(1)).is_some() && new.read(&after, Timestamp(1)).is_some());
        assert!(old.read(&after, Timestamp(1)).is_none());
        std::fs::write(&path, "short\n").unwrap();
        assert!(Signer::open(&path).unwrap_err().to_string().contains("line 1: a key is 64 hexadecimal digits"));
    }

    #[tokio::test]
    async fn save_that_no_cookie_holds_is_too_large() {
        let (key, id) = (SessionId::mint().unwrap(), SessionId::mint().unwrap());
        let db = CookieDb::new(Arc::new(signer(&[&key])), None);
        let error = db.save(save(id.key(), "a", &format!("\"{}\"", "x".repeat(3500)))).await.unwrap_err();
        assert!(matches!(error, DbError::TooLarge(TooLarge { what: "cookie", .. })), "{error}");
    }
}
