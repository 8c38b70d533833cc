//! A session file as its operator works with it: listing, looking, deleting, backup. Beside a running
//! host too: SQLite keeps the two apart.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::record::Timestamp;
use super::sqlite::Sessions;
use super::{SessionKey, stored};
use crate::limits;
use crate::sqlite::{OpenError, connect};

/// A session file.
pub struct SessionFile {
    path: PathBuf,
    connection: Connection,
}

/// One session, without its values. Times are seconds since 1970.
#[derive(Debug, Serialize)]
pub struct Listed {
    /// The start of its key, which is the SHA-256 of the id in the cookie: it opens nothing.
    pub key: String,
    /// Counts saves.
    pub version: u64,
    /// When it was saved first.
    pub created_at: u64,
    /// When it was used last, about.
    pub seen_at: u64,
    /// When it ends.
    pub expires_at: u64,
    /// Bytes of its values.
    pub bytes: u64,
    /// Whether it was flushed, and only the memory of that is left.
    pub flushed: bool,
}

/// One session whole: a line of a backup.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exported {
    /// Its key, 64 hexadecimal digits.
    pub key: String,
    /// As in [`Listed`].
    pub version: u64,
    /// As in [`Listed`].
    pub created_at: u64,
    /// As in [`Listed`].
    pub seen_at: u64,
    /// As in [`Listed`].
    pub expires_at: u64,
    /// A life of its own without use, in seconds.
    pub expiry_s: Option<u64>,
    /// As in [`Listed`].
    pub flushed: bool,
    /// Key to value.
    pub values: Box<RawValue>,
}

/// Why the operator did not get it.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is no such file.
    #[error("{}: no sessions here; --data names the host's data folder", .0.display())]
    Missing(PathBuf),
    /// SQLite failed.
    #[error("session store {}: {cause}", .path.display())]
    Failed {
        /// The file.
        path: PathBuf,
        /// What it says.
        cause: rusqlite::Error,
    },
    /// No session has this key.
    #[error("no session's key begins with {0:?}; `sessile sessions list` shows them")]
    Unknown(String),
    /// Several have.
    #[error("{count} sessions' keys begin with {prefix:?}; give more digits")]
    Ambiguous {
        /// What was given.
        prefix: String,
        /// How many.
        count: usize,
    },
    /// A line of a backup is not one.
    #[error("line {line} is no exported session: {reason}")]
    BadLine {
        /// From 1.
        line: usize,
        /// What is wrong.
        reason: String,
    },
}

const WHOLE: &str = "lower(hex(key)), version, created_at, seen_at, expires_at, expiry, flushed, record";

impl SessionFile {
    /// Opens a file that is there.
    ///
    /// # Errors
    /// `Missing`, `Open`.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        if !path.exists() {
            return Err(FileError::Missing(path.to_owned()));
        }
        Ok(Self { path: path.to_owned(), connection: connect::<Sessions>(path, limits::SQLITE_BUSY)? })
    }

    /// The sessions used last, at most so many.
    ///
    /// # Errors
    /// `Failed`.
    pub fn list(&self, max: u32) -> Result<Vec<Listed>, FileError> {
        let listed = || {
            let sql = "SELECT substr(lower(hex(key)), 1, ?2), version, created_at, seen_at, expires_at, length(record), flushed
                       FROM sessions ORDER BY seen_at DESC LIMIT ?1";
            let mut query = self.connection.prepare(sql)?;
            let rows = query.query_map(params![max, u32::from(SessionKey::TAG_DIGITS)], |row| {
                let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
                Ok(Listed {
                    key: row.get(0)?,
                    version: number(1)?,
                    created_at: number(2)?,
                    seen_at: number(3)?,
                    expires_at: number(4)?,
                    bytes: number(5)?,
                    flushed: number(6)? != 0,
                })
            })?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        listed().map_err(|cause| self.failed(cause))
    }

    /// The session whose key begins so.
    ///
    /// # Errors
    /// `Unknown`, `Ambiguous`, `Failed`.
    pub fn show(&self, prefix: &str) -> Result<Exported, FileError> {
        let key = self.find(prefix)?;
        let sql = format!("SELECT {WHOLE} FROM sessions WHERE lower(hex(key)) = ?1");
        let shown = self.connection.query_row(&sql, [key], exported);
        shown.map_err(|cause| self.failed(cause))
    }

    /// Flushes the session whose key begins so: a running host's holders cannot save it any more.
    /// Returns its whole key.
    ///
    /// # Errors
    /// As [`Self::show`].
    pub fn delete(&self, prefix: &str) -> Result<String, FileError> {
        let key = self.find(prefix)?;
        let until = Timestamp::now().after(limits::SESSION_TOMBSTONE).0.cast_signed();
        let sql =
            "UPDATE sessions SET record = '{}', version = 0, flushed = 1, expires_at = ?2 WHERE lower(hex(key)) = ?1";
        self.connection.execute(sql, params![key, until]).map_err(|cause| self.failed(cause))?;
        Ok(key)
    }

    /// Hands every session to `each`, one consistent picture of all.
    ///
    /// # Errors
    /// `Failed`; what `each` fails with.
    pub fn export<E: From<FileError>>(&self, mut each: impl FnMut(Exported) -> Result<(), E>) -> Result<(), E> {
        let failed = |cause| E::from(self.failed(cause));
        let mut query = self.connection.prepare(&format!("SELECT {WHOLE} FROM sessions")).map_err(failed)?;
        for row in query.query_map([], exported).map_err(failed)? {
            each(row.map_err(failed)?)?;
        }
        Ok(())
    }

    /// Puts sessions back: all of them or, on an error, none. One that is there with as many saves
    /// stays as it is. Returns how many were put.
    ///
    /// # Errors
    /// `BadLine`, `Failed`.
    pub fn import(&mut self, lines: impl Iterator<Item = std::io::Result<String>>) -> Result<usize, FileError> {
        let path = self.path.clone();
        let failed = |cause| FileError::Failed { path: path.clone(), cause };
        let transaction = self.connection.transaction().map_err(failed)?;
        let mut put = 0;
        for (index, line) in lines.enumerate() {
            let bad = |reason: String| FileError::BadLine { line: index + 1, reason };
            let line = line.map_err(|error| bad(error.to_string()))?;
            let session: Exported = serde_json::from_str(&line).map_err(|error| bad(error.to_string()))?;
            let Some(key) = bytes(&session.key) else { return Err(bad("key is not 64 hexadecimal digits".into())) };
            // What is no object would be stored, and then fail whoever loads it.
            stored::decode(session.values.get()).map_err(|error| bad(format!("values: {error}")))?;
            put += transaction
                .execute(
                    "INSERT INTO sessions (key, version, record, created_at, saved_at, seen_at, expires_at, expiry, flushed)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?6, ?7, ?8)
                     ON CONFLICT (key) DO UPDATE SET version = ?2, record = ?3, created_at = ?4, seen_at = ?5,
                       expires_at = ?6, expiry = ?7, flushed = ?8 WHERE version < ?2 AND flushed = 0",
                    params![
                        key,
                        session.version.cast_signed(),
                        session.values.get(),
                        session.created_at.cast_signed(),
                        session.seen_at.cast_signed(),
                        session.expires_at.cast_signed(),
                        session.expiry_s.map(u64::cast_signed),
                        session.flushed,
                    ],
                )
                .map_err(failed)?;
        }
        transaction.commit().map_err(failed)?;
        Ok(put)
    }

    fn find(&self, prefix: &str) -> Result<String, FileError> {
        let lower = prefix.to_ascii_lowercase();
        let find = || {
            let mut query = self.connection.prepare(
                "SELECT lower(hex(key)) FROM sessions WHERE substr(lower(hex(key)), 1, length(?1)) = ?1 LIMIT 100",
            )?;
            query.query_map([&lower], |row| row.get::<_, String>(0))?.collect::<rusqlite::Result<Vec<_>>>()
        };
        let mut keys = find().map_err(|cause| self.failed(cause))?;
        match (keys.len(), keys.pop()) {
            (1, Some(key)) if !lower.is_empty() => Ok(key),
            (0, _) => Err(FileError::Unknown(prefix.to_owned())),
            (count, _) => Err(FileError::Ambiguous { prefix: prefix.to_owned(), count }),
        }
    }

    fn failed(&self, cause: rusqlite::Error) -> FileError {
        FileError::Failed { path: self.path.clone(), cause }
    }
}

fn exported(row: &rusqlite::Row<'_>) -> rusqlite::Result<Exported> {
    let number = |index| row.get::<_, i64>(index).map(i64::cast_unsigned);
    let values = RawValue::from_string(row.get(7)?).map_err(super::sqlite::json_error)?;
    Ok(Exported {
        key: row.get(0)?,
        version: number(1)?,
        created_at: number(2)?,
        seen_at: number(3)?,
        expires_at: number(4)?,
        expiry_s: row.get::<_, Option<i64>>(5)?.map(i64::cast_unsigned),
        flushed: number(6)? != 0,
        values,
    })
}

fn bytes(key: &str) -> Option<Vec<u8>> {
    let digits = key.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    let pairs = digits.chunks(2).filter_map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::super::SqliteDb;
    use super::super::conformance::{key, save};
    use super::super::db::{DbError, SessionDb};
    use super::*;

    #[tokio::test]
    async fn export_imported_elsewhere_is_the_same_and_again_changes_nothing() {
        let folder = TempDir::new().unwrap();
        let (here, there) = (folder.path().join("a.db"), folder.path().join("b.db"));
        let (db, other) = (SqliteDb::open(&here).unwrap(), SqliteDb::open(&there).unwrap());
        let (first, flushed) = (key(), key());
        let saved = db.save(save(first, "a", "{\"x\": [1.50]}")).await.unwrap();
        db.flush(flushed, Timestamp::now().after(Duration::from_secs(60))).await.unwrap();
        let mut lines = Vec::new();
        let export = |session: Exported| {
            lines.push(serde_json::to_string(&session).unwrap());
            Ok::<_, FileError>(())
        };
        SessionFile::open(&here).unwrap().export(export).unwrap();
        let mut file = SessionFile::open(&there).unwrap();
        let import = |file: &mut SessionFile| file.import(lines.iter().map(|line| Ok(line.clone()))).unwrap();
        assert_eq!((import(&mut file), import(&mut file)), (2, 0));
        assert_eq!(other.load(first, Timestamp(1)).await.unwrap(), Some(saved));
        assert_eq!(
            other.save(super::super::Save { now: Timestamp::now(), ..save(flushed, "a", "1") }).await,
            Err(DbError::Deleted)
        );
    }

    #[tokio::test]
    async fn session_is_found_by_the_start_of_its_key_and_deleted_for_good() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s.db");
        let db = SqliteDb::open(&path).unwrap();
        let key = key();
        db.save(save(key, "a", "1")).await.unwrap();
        let file = SessionFile::open(&path).unwrap();
        let listed = file.list(10).unwrap();
        assert_eq!((listed.len(), listed[0].version, listed[0].key.len()), (1, 1, 12));
        assert_eq!(file.show(&listed[0].key.to_uppercase()).unwrap().values.get(), "{\"a\":1}");
        assert!(matches!(file.show("zz"), Err(FileError::Unknown(_))));
        assert!(matches!(file.show(""), Err(FileError::Ambiguous { count: 1, .. })));
        file.delete(&listed[0].key).unwrap();
        let save = super::super::Save { now: Timestamp::now(), ..save(key, "a", "2") };
        assert_eq!(db.save(save).await, Err(DbError::Deleted));
    }

    #[test]
    fn import_of_a_bad_line_names_it_and_changes_nothing() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("s.db");
        drop(SqliteDb::open(&path).unwrap());
        let mut file = SessionFile::open(&path).unwrap();
        let good = format!(
            "{{\"key\":\"{}\",\"version\":1,\"created_at\":1,\"seen_at\":1,\"expires_at\":9,\"expiry_s\":null,\"flushed\":false,\"values\":{{}}}}",
            "ab".repeat(32)
        );
        let error = file.import([Ok(good.clone()), Ok(good.replace("abab", "xyxy"))].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "line 2 is no exported session: key is not 64 hexadecimal digits");
        let list = good.replace("\"values\":{}", "\"values\":[]");
        let error = file.import([Ok(list)].into_iter()).unwrap_err();
        assert!(error.to_string().starts_with("line 1 is no exported session: values: invalid type"), "{error}");
        assert_eq!(file.list(10).unwrap().len(), 0);
        assert!(matches!(SessionFile::open(&folder.path().join("none")), Err(FileError::Missing(_))));
    }
}
