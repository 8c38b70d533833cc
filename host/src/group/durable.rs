//! Histories that outlive the host: one SQLite file for an app, as [`crate::sqlite`] keeps them.
//!
//! A publication is told once it is committed, and by the thread that commits, so in the order of its offsets: what a member has seen, a host that crashes
//! and comes back knows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, params};

use super::history::{History, Kept, Position};
use super::members::Group;
use super::{Delivery, GroupError, Rule, Scope};
use crate::event::{Message, WebsocketId};
use crate::limits;
use crate::sqlite::{self, OpenError, Store, Tables, Unavailable};

/// The durable histories of an app.
pub(super) struct Durable(Store<Histories>);

struct Histories;

/// A publication to a group.
struct Publish {
    group: Arc<Group>,
    /// Where its history is, if it is none of the file yet.
    position: Position,
    message: Message,
    scope: Option<Box<Scope>>,
    rule: Rule,
    at: SystemTime,
}

/// What has become of it.
enum Published {
    Committed(Position),
    Told(Delivery),
}

/// A group as the file has it.
pub(super) struct Restored {
    pub(super) name: Arc<str>,
    pub(super) position: Position,
    pub(super) kept: Vec<Kept>,
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Durable")
    }
}

impl Durable {
    /// Opens the file in an app's folder, and reads what it has. Blocks.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub(super) fn open(folder: &Path) -> Result<(Self, Vec<Restored>), OpenError> {
        let path = folder.join("groups.db");
        let restored = restored(&sqlite::connect::<Histories>(&path, limits::SQLITE_BUSY)?);
        let unusable = |cause| OpenError::Unusable { name: Histories::NAME, path: PathBuf::from(&path), cause };
        let restored = restored.map_err(unusable)?;
        Ok((Self(Store::open(&path, limits::SQLITE_BUSY)?), restored))
    }

    /// Commits a publication, then tells it. Where the caller goes meanwhile, that is done all the same.
    ///
    /// # Errors
    /// `Unavailable`: then nobody has it.
    pub(super) async fn publish(
        &self,
        group: Arc<Group>,
        position: Position,
        message: Message,
        scope: Option<Box<Scope>>,
        rule: Rule,
        at: SystemTime,
    ) -> Result<Delivery, GroupError> {
        let publish = Publish { group, position, message, scope, rule, at };
        match self.0.write(publish).await? {
            Published::Told(delivery) => Ok(delivery),
            Published::Committed(_) => Err(GroupError::Unavailable("it was not told".to_owned())),
        }
    }
}

impl Tables for Histories {
    type Write = Publish;
    type Written = Published;
    type Read = ();
    type Found = ();
    type Error = GroupError;
    type Writer = usize;

    const NAME: &'static str = "group";
    const SCHEMA: i64 = 1;

    fn migrate(transaction: &Transaction<'_>, _: i64) -> rusqlite::Result<()> {
        transaction.execute_batch(SCHEMA)
    }

    fn writer(write: &Publish) -> Option<usize> {
        Some(Arc::as_ptr(&write.group).addr())
    }

    fn write(transaction: &Transaction<'_>, write: &Publish) -> rusqlite::Result<Result<Published, GroupError>> {
        keep(transaction, write).map(|position| Ok(Published::Committed(position)))
    }

    fn committed(write: Publish, written: Published) -> Published {
        let Published::Committed(position) = written else { return written };
        let Publish { group, message, scope, rule, at, .. } = write;
        let mut state = group.lock();
        Published::Told(group.committed(
            &mut state,
            position,
            Kept { offset: position.offset, at, message, scope },
            rule,
        ))
    }

    fn read(_: &Connection, (): &()) -> rusqlite::Result<()> {
        Ok(())
    }
}

impl From<Unavailable> for GroupError {
    fn from(Unavailable(cause): Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

const SCHEMA: &str = "
    CREATE TABLE groups (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL UNIQUE,
        epoch INTEGER NOT NULL,       -- the bits of an unsigned number
        last INTEGER NOT NULL         -- the offset of the newest publication, kept or not
    );
    CREATE TABLE publications (
        of INTEGER NOT NULL REFERENCES groups,
        offset INTEGER NOT NULL,
        at INTEGER NOT NULL,          -- milliseconds since 1970
        text INTEGER NOT NULL,        -- 1: text, 0: binary
        payload BLOB NOT NULL,
        tag TEXT,                     -- for members with this tag
        except_id INTEGER,            -- not for this websocket
        PRIMARY KEY (of, offset)
    ) WITHOUT ROWID";

/// Numbers a publication and keeps it, and forgets what the group may not keep any more.
fn keep(transaction: &Transaction<'_>, publish: &Publish) -> rusqlite::Result<Position> {
    let Publish { group, position, message, scope, rule, at } = publish;
    transaction
        .prepare_cached("INSERT OR IGNORE INTO groups (name, epoch, last) VALUES (?1, ?2, ?3)")?
        .execute(params![&*group.name, position.epoch.cast_signed(), position.offset.cast_signed()])?;
    let (of, epoch, offset): (i64, i64, i64) = transaction
        .prepare_cached("UPDATE groups SET last = last + 1 WHERE name = ?1 RETURNING id, epoch, last")?
        .query_row([&*group.name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let (tag, except) = scope.as_ref().map_or((None, None), |scope| (scope.tag.as_deref(), scope.except));
    transaction
        .prepare_cached(
            "INSERT INTO publications (of, offset, at, text, payload, tag, except_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            of,
            offset,
            millis(*at),
            matches!(message, Message::Text(_)),
            message.as_bytes(),
            tag,
            except.map(|id| id.0.cast_signed()),
        ])?;
    if let Some(depth) = rule.history {
        let oldest = offset.saturating_sub(i64::try_from(depth.messages_max).unwrap_or(i64::MAX));
        let since = millis(at.checked_sub(depth.age_max).unwrap_or(UNIX_EPOCH));
        transaction
            .prepare_cached("DELETE FROM publications WHERE of = ?1 AND (offset <= ?2 OR at < ?3)")?
            .execute([of, oldest, since])?;
    }
    Ok(Position { epoch: epoch.cast_unsigned(), offset: offset.cast_unsigned() })
}

fn restored(connection: &Connection) -> rusqlite::Result<Vec<Restored>> {
    let mut groups = HashMap::<i64, Restored>::new();
    let mut named = connection.prepare("SELECT id, name, epoch, last FROM groups ORDER BY id DESC LIMIT ?1")?;
    let mut rows = named.query([limits::GROUPS_MAX as i64])?;
    while let Some(row) = rows.next()? {
        let (epoch, offset): (i64, i64) = (row.get(2)?, row.get(3)?);
        let position = Position { epoch: epoch.cast_unsigned(), offset: offset.cast_unsigned() };
        let name = row.get::<_, String>(1)?.into();
        groups.insert(row.get(0)?, Restored { name, position, kept: Vec::new() });
    }
    let mut all = connection
        .prepare("SELECT of, offset, at, text, payload, tag, except_id FROM publications ORDER BY of, offset")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(group) = groups.get_mut(&row.get(0)?) {
            group.kept.push(kept(row)?);
        }
    }
    Ok(groups.into_values().collect())
}

fn kept(row: &rusqlite::Row<'_>) -> rusqlite::Result<Kept> {
    let (offset, at, payload): (i64, i64, Vec<u8>) = (row.get(1)?, row.get(2)?, row.get(4)?);
    let text = row.get::<_, bool>(3)?;
    let message = match String::from_utf8(payload) {
        Ok(payload) if text => Message::Text(payload.into()),
        Ok(payload) => Message::Binary(payload.into_bytes().into()),
        Err(error) => Message::Binary(error.into_bytes().into()),
    };
    let (tag, except): (Option<String>, Option<i64>) = (row.get(5)?, row.get(6)?);
    let scope = Scope { tag: tag.map(Into::into), except: except.map(|id| WebsocketId(id.cast_unsigned())) };
    Ok(Kept {
        offset: offset.cast_unsigned(),
        at: UNIX_EPOCH + Duration::from_millis(at.cast_unsigned()),
        message,
        scope: Some(scope).filter(|scope| *scope != Scope::default()).map(Box::new),
    })
}

fn millis(at: SystemTime) -> i64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Restored {
    /// Its history, of which no more is there than its rule says.
    pub(super) fn history(self, rule: Rule, kept_bytes: &Arc<AtomicUsize>, now: SystemTime) -> History {
        let mut history = History::after(self.position, kept_bytes.clone());
        for kept in self.kept {
            history.restore(kept);
        }
        if let Some(depth) = rule.history {
            history.trim(now, depth);
        }
        history
    }
}
