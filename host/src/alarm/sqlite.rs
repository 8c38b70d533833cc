//! Alarms in one SQLite file, as [`crate::sqlite`] keeps them.

use std::path::{Path, PathBuf};

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};

use super::cron::CronAlarm;
use super::db::{Alarm, AlarmError, Ended, Owner, Setting};
use super::schedule::{Key, Moment, Schedule};
use crate::limits;
use crate::session::SessionKey;
use crate::sqlite::{Store, Tables, Unavailable};

/// An open file.
pub(super) type SqliteAlarms = Store<AlarmTables>;

/// What the file holds.
pub(super) struct AlarmTables;

pub(super) enum Write {
    Set(Setting),
    Cancel(Owner, String),
    Ended(Key, Ended),
    /// The alarms of the manifest that is current, at this time.
    Manifest(Vec<CronAlarm>, Moment),
    /// The session of the first key is about to have the second.
    Moving(SessionKey, SessionKey),
    /// It has.
    Moved(SessionKey, SessionKey),
}

pub(super) enum Read {
    /// The next to ring, by that time: as many as a look sees.
    Upcoming,
    One(Key),
    /// Of an owner, after a name.
    OfOwner(Owner, Option<String>, u32),
    /// Of all, by the time at which they ring.
    All(u32),
    Waiting,
}

pub(super) enum Found {
    Upcoming(Vec<(Key, Moment)>),
    Alarms(Vec<Alarm>),
    Waiting(u64),
}

/// The store of alarms of an app's folder.
pub(super) fn sqlite_file(folder: &Path) -> PathBuf {
    folder.join("alarms.db")
}

impl Tables for AlarmTables {
    type Write = Write;
    /// Whether there was something to do.
    type Written = bool;
    type Read = Read;
    type Found = Found;
    type Error = AlarmError;
    type Writer = Owner;

    const NAME: &'static str = "alarm";
    const SCHEMA: i64 = 1;

    fn migrate(transaction: &Transaction<'_>, _found: i64) -> rusqlite::Result<()> {
        transaction.execute_batch(SCHEMA_1)
    }

    fn writer(write: &Write) -> Option<Owner> {
        match write {
            Write::Set(setting) => Some(setting.owner),
            Write::Cancel(owner, _) => Some(*owner),
            Write::Moving(from, _) | Write::Moved(from, _) => Some(Owner::Session(*from)),
            Write::Ended(..) | Write::Manifest(..) => None,
        }
    }

    fn write(transaction: &Transaction<'_>, write: &Write) -> rusqlite::Result<Result<bool, AlarmError>> {
        match write {
            Write::Set(setting) => set(transaction, setting),
            Write::Cancel(owner, name) => remove(transaction, *owner, name).map(Ok),
            Write::Ended(key, ended) => end(transaction, *key, ended).map(|changed| Ok(changed > 0)),
            Write::Manifest(alarms, now) => follow(transaction, alarms, *now).map(|()| Ok(true)),
            Write::Moving(from, to) => {
                let sql = "UPDATE alarms SET moving = ?2 WHERE owner = ?1";
                changed(transaction, sql, params![Owner::Session(*from), to.as_bytes()]).map(Ok)
            }
            Write::Moved(from, to) => {
                let sql = "UPDATE alarms SET owner = ?2, moving = NULL WHERE owner = ?1";
                changed(transaction, sql, params![Owner::Session(*from), Owner::Session(*to)]).map(Ok)
            }
        }
    }

    fn read(connection: &Connection, read: &Read) -> rusqlite::Result<Found> {
        match read {
            Read::Upcoming => {
                let mut upcoming =
                    connection.prepare_cached("SELECT key, next FROM alarms ORDER BY next, key LIMIT ?1")?;
                let rows = upcoming.query_map([Schedule::SEEN], |row| Ok((row.get(0)?, row.get(1)?)))?;
                rows.collect::<rusqlite::Result<_>>().map(Found::Upcoming)
            }
            Read::One(key) => alarms(connection, "WHERE key = ?1", params![key]),
            Read::OfOwner(owner, after, limit) => {
                let which = "WHERE owner = ?1 AND name > ?2 ORDER BY name LIMIT ?3";
                alarms(connection, which, params![owner, after.as_deref().unwrap_or_default(), limit])
            }
            Read::All(limit) => alarms(connection, "ORDER BY next, key LIMIT ?1", params![limit]),
            Read::Waiting => total(connection).map(Found::Waiting),
        }
    }
}

const SCHEMA_1: &str = "
    CREATE TABLE alarms (
        key INTEGER PRIMARY KEY AUTOINCREMENT,  -- of one setting; never used again
        owner BLOB NOT NULL,     -- empty: the app; 1 byte: its manifest; 32: the key of a session
        name TEXT NOT NULL,
        handler TEXT NOT NULL,
        due INTEGER NOT NULL,    -- nanoseconds since 1970, as all times
        next INTEGER NOT NULL,   -- when to ring: due, or later after a failure
        failed INTEGER NOT NULL DEFAULT 0,
        error TEXT,              -- of the last failure
        payload BLOB NOT NULL,
        cron TEXT,
        moving BLOB,             -- the key that the session is getting
        UNIQUE (owner, name)
    );
    CREATE INDEX alarms_by_time ON alarms (next);
    CREATE TABLE owners (owner BLOB PRIMARY KEY, alarms INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE total (alarms INTEGER NOT NULL);
    INSERT INTO total VALUES (0);
    CREATE TRIGGER added AFTER INSERT ON alarms BEGIN
        UPDATE total SET alarms = alarms + 1;
        INSERT INTO owners VALUES (NEW.owner, 1) ON CONFLICT DO UPDATE SET alarms = alarms + 1;
    END;
    CREATE TRIGGER removed AFTER DELETE ON alarms BEGIN
        UPDATE total SET alarms = alarms - 1;
        UPDATE owners SET alarms = alarms - 1 WHERE owner = OLD.owner;
        DELETE FROM owners WHERE owner = OLD.owner AND alarms = 0;
    END;
    CREATE TRIGGER moved AFTER UPDATE OF owner ON alarms BEGIN
        INSERT INTO owners VALUES (NEW.owner, 1) ON CONFLICT DO UPDATE SET alarms = alarms + 1;
        UPDATE owners SET alarms = alarms - 1 WHERE owner = OLD.owner;
        DELETE FROM owners WHERE owner = OLD.owner AND alarms = 0;
    END;";

fn set(transaction: &Transaction<'_>, setting: &Setting) -> rusqlite::Result<Result<bool, AlarmError>> {
    let Setting { owner, name, .. } = setting;
    let replaced = remove(transaction, *owner, name)?;
    let there = transaction
        .prepare_cached("SELECT alarms FROM owners WHERE owner = ?1")?
        .query_row([owner], |row| row.get::<_, u32>(0))
        .optional()?
        .map_or(0, |alarms| alarms as usize);
    if there >= owner.most() {
        // Never of one that was replaced, so nothing is undone.
        return Ok(Err(AlarmError::TooMany(there + 1, owner.most())));
    }
    if total(transaction)? >= limits::ALARMS_WAITING_MAX {
        return Ok(Err(AlarmError::TooMany(
            limits::ALARMS_WAITING_MAX as usize + 1,
            limits::ALARMS_WAITING_MAX as usize,
        )));
    }
    insert(transaction, setting, None)?;
    Ok(Ok(replaced))
}

/// Alarms of all owners.
fn total(connection: &Connection) -> rusqlite::Result<u64> {
    connection
        .prepare_cached("SELECT alarms FROM total")?
        .query_row([], |row| row.get::<_, i64>(0).map(i64::cast_unsigned))
}

fn insert(transaction: &Transaction<'_>, setting: &Setting, cron: Option<&str>) -> rusqlite::Result<()> {
    let Setting { owner, name, handler, due, payload } = setting;
    let sql = "INSERT INTO alarms (owner, name, handler, due, next, payload, cron) VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)";
    transaction.prepare_cached(sql)?.execute(params![owner, name, handler, due, payload, cron]).map(drop)
}

fn remove(transaction: &Transaction<'_>, owner: Owner, name: &str) -> rusqlite::Result<bool> {
    changed(transaction, "DELETE FROM alarms WHERE owner = ?1 AND name = ?2", params![owner, name])
}

fn end(transaction: &Transaction<'_>, key: Key, ended: &Ended) -> rusqlite::Result<usize> {
    match ended {
        Ended::Done => transaction.prepare_cached("DELETE FROM alarms WHERE key = ?1")?.execute([key]),
        Ended::Again(at) => transaction
            .prepare_cached("UPDATE alarms SET due = ?2, next = ?2, failed = 0, error = NULL WHERE key = ?1")?
            .execute(params![key, at]),
        Ended::Retry { at, failed, error } => transaction
            .prepare_cached("UPDATE alarms SET next = ?2, failed = ?3, error = ?4 WHERE key = ?1")?
            .execute(params![key, at, failed, error]),
    }
}

/// Those that are new, or have another expression, begin at `now`; those that are gone end; of the others the time stays,
/// though it be past.
fn follow(transaction: &Transaction<'_>, wanted: &[CronAlarm], now: Moment) -> rusqlite::Result<()> {
    let Found::Alarms(there) = alarms(transaction, "WHERE owner = ?1", params![Owner::Manifest])? else {
        return Ok(());
    };
    for alarm in &there {
        let same = |wanted: &&CronAlarm| {
            wanted.name == alarm.setting.name && alarm.cron.as_deref() == Some(&wanted.cron.to_string())
        };
        match wanted.iter().find(same) {
            Some(wanted) => transaction
                .prepare_cached("UPDATE alarms SET handler = ?2 WHERE key = ?1")?
                .execute(params![alarm.key, wanted.handler])?,
            None => end(transaction, alarm.key, &Ended::Done)?,
        };
    }
    for CronAlarm { name, cron, handler } in wanted {
        let expression = cron.to_string();
        let kept = |alarm: &Alarm| alarm.setting.name == *name && alarm.cron.as_ref() == Some(&expression);
        if !there.iter().any(kept) {
            let setting = Setting {
                owner: Owner::Manifest,
                name: name.clone(),
                handler: handler.clone(),
                due: cron.next(now),
                payload: Vec::new(),
            };
            insert(transaction, &setting, Some(&expression))?;
        }
    }
    Ok(())
}

fn changed(transaction: &Transaction<'_>, sql: &str, params: &[&dyn ToSql]) -> rusqlite::Result<bool> {
    Ok(transaction.prepare_cached(sql)?.execute(params)? > 0)
}

fn alarms(connection: &Connection, which: &str, params: &[&dyn ToSql]) -> rusqlite::Result<Found> {
    let columns = "key, owner, name, handler, due, payload, moving, next, failed, error, cron";
    let mut statement = connection.prepare_cached(&format!("SELECT {columns} FROM alarms {which}"))?;
    let rows = statement.query_map(params, alarm)?;
    rows.collect::<rusqlite::Result<_>>().map(Found::Alarms)
}

fn alarm(row: &Row<'_>) -> rusqlite::Result<Alarm> {
    let setting =
        Setting { owner: row.get(1)?, name: row.get(2)?, handler: row.get(3)?, due: row.get(4)?, payload: row.get(5)? };
    let moving = row.get::<_, Option<[u8; 32]>>(6)?.map(SessionKey::from_bytes);
    Ok(Alarm {
        key: row.get(0)?,
        setting,
        moving,
        next: row.get(7)?,
        failed: row.get(8)?,
        error: row.get(9)?,
        cron: row.get(10)?,
    })
}

const MANIFEST: [u8; 1] = [1];

impl ToSql for Owner {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(ValueRef::Blob(match self {
            Self::App => &[],
            Self::Manifest => &MANIFEST,
            Self::Session(key) => key.as_bytes(),
        })))
    }
}

impl FromSql for Owner {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_blob()? {
            [] => Ok(Self::App),
            [_] => Ok(Self::Manifest),
            key => key
                .try_into()
                .map(|key| Self::Session(SessionKey::from_bytes(key)))
                .map_err(|_| FromSqlError::InvalidType),
        }
    }
}

impl ToSql for Moment {
    /// What is past 2262 is so far away that it may as well be then.
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Moment {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        value.as_i64().map(|nanos| Self(u64::try_from(nanos).unwrap_or_default()))
    }
}

impl From<Unavailable> for AlarmError {
    fn from(Unavailable(cause): Unavailable) -> Self {
        Self::Unavailable(cause)
    }
}

/// Opens the file, making it and its schema if need be. Blocks.
pub(super) fn open(path: &Path) -> Result<SqliteAlarms, AlarmError> {
    Store::open(path, limits::SQLITE_BUSY).map_err(|error| AlarmError::Unavailable(error.to_string()))
}
