//! Histories that outlive the host: one SQLite file for an app, as [`crate::sqlite`] keeps them.
//!
//! A publication is told once it is committed, and by the thread that commits, so in the order of its offsets: what a member has seen, a host that crashes
//! and comes back knows.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, params};

use crate::event::{Message, WebsocketId};
use crate::group::{Delivery, GroupError, Groups, Kept, Log, Position, Restored, Rules, Scope, Telling, Unkept};
use crate::limits;
use crate::sqlite::{self, OpenError, Store, Tables, Unavailable};

/// The durable histories of an app.
struct Durable(Store<Histories>);

/// What the file holds.
struct Histories;

/// What has become of it.
enum Published {
    Committed(Position),
    Told(Delivery),
}

impl std::fmt::Debug for Durable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Durable")
    }
}

/// Makes an app's groups ready for these rules: where some histories are to outlive the host, opens their file in the app's folder, and
/// gives back what it has. Blocks.
///
/// # Errors
/// See [`OpenError`]; the rules are not to be used.
pub fn prepare(groups: &Groups, rules: &Rules, folder: &Path) -> Result<(), OpenError> {
    if !rules.any_durable() || groups.has_log() {
        return Ok(());
    }
    let path = folder.join("groups.db");
    let restored = restored(&sqlite::connect::<Histories>(&path, limits::SQLITE_BUSY)?);
    let unusable = |cause| OpenError::Unusable { name: Histories::NAME, path: PathBuf::from(&path), cause };
    let restored = restored.map_err(unusable)?;
    let durable = Durable(Store::open(&path, limits::SQLITE_BUSY)?);
    groups.keep_in(Box::new(durable), restored, rules);
    Ok(())
}

impl Log for Durable {
    fn publish(&self, publication: Unkept) -> Telling<'_> {
        Box::pin(async move {
            match self.0.write(publication).await? {
                Published::Told(delivery) => Ok(delivery),
                Published::Committed(_) => Err(GroupError::Unavailable("it was not told".to_owned())),
            }
        })
    }
}

impl Tables for Histories {
    type Write = Unkept;
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

    fn writer(write: &Unkept) -> Option<usize> {
        Some(write.group())
    }

    fn write(transaction: &Transaction<'_>, write: &Unkept) -> rusqlite::Result<Result<Published, GroupError>> {
        keep(transaction, write).map(|position| Ok(Published::Committed(position)))
    }

    fn committed(write: Unkept, written: Published) -> Published {
        let Published::Committed(position) = written else { return written };
        Published::Told(write.kept(position))
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
fn keep(transaction: &Transaction<'_>, publish: &Unkept) -> rusqlite::Result<Position> {
    let Unkept { position, message, scope, rule, at, .. } = publish;
    let name = publish.name();
    transaction
        .prepare_cached("INSERT OR IGNORE INTO groups (name, epoch, last) VALUES (?1, ?2, ?3)")?
        .execute(params![name, position.epoch.cast_signed(), position.offset.cast_signed()])?;
    let (of, epoch, offset): (i64, i64, i64) = transaction
        .prepare_cached("UPDATE groups SET last = last + 1 WHERE name = ?1 RETURNING id, epoch, last")?
        .query_row([name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::group::{Depth, How, Membership, Names, Rule, Sink};
    use crate::outbox::{Bounds, Held, Outbox, Outboxes, Overflow};

    fn text(text: &str) -> Message {
        Message::Text(text.into())
    }

    fn durable(folder: &Path) -> Arc<Groups> {
        let groups = Arc::new(Groups::default());
        let depth = Depth { messages_max: 3, bytes_max: 100, age_max: limits::HISTORY_AGE };
        let rules =
            Rules::new(vec![(Names::parse("kept*"), Rule { history: Some(depth), durable: true, presence: false })]);
        prepare(&groups, &rules, folder).unwrap();
        groups.rule(rules);
        groups
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn durable_history_goes_on_where_it_was() {
        let folder = tempfile::TempDir::new().unwrap();
        let groups = durable(folder.path());
        let bounds = Arc::new(Bounds {
            bytes_max: 10_000,
            messages_max: 99,
            overflow: Overflow::Wait,
            held: Held::UntilWritten,
        });
        let outbox = Arc::new(Outbox::new(bounds, Arc::new(Outboxes::new(10_000))));
        let membership = Membership::new(groups.clone(), WebsocketId::mint());
        let joined = membership.join("kept", &How::default(), &Sink::Outbox(outbox.clone()));
        let begin = joined.unwrap().position.unwrap();
        let all = (0..20).map(|_| groups.publish("kept", text("m"), None));
        let positions: Vec<_> = futures_util::future::try_join_all(all).await.unwrap();
        assert!(positions.iter().enumerate().all(|(index, delivery)| {
            (delivery.queued, delivery.position) == (1, Some(Position { offset: index as u64 + 1, ..begin }))
        }));
        let scope = Scope { tag: Some("red".into()), except: Some(WebsocketId(u64::MAX)) };
        groups.publish("kept", Message::Binary(vec![255].into()), Some(scope.clone())).await.unwrap();
        assert_eq!(outbox.bytes(), 20);
        drop((membership, groups));
        let groups = durable(folder.path());
        let told = groups.history("kept", Some(Position { offset: 18, ..begin }), 99).unwrap();
        let offsets: Vec<_> = told.publications.iter().map(|kept| kept.offset).collect();
        assert_eq!(
            (offsets, told.recovered, told.position),
            (vec![19, 20, 21], true, Position { offset: 21, ..begin })
        );
        let last = told.publications.last().unwrap();
        assert_eq!((&last.message, last.scope.as_deref()), (&Message::Binary(vec![255].into()), Some(&scope)));
        assert_eq!(groups.publish("kept", text("m"), None).await.unwrap().position.unwrap().offset, 22);
        assert!(!groups.history("kept", Some(Position { offset: 18, ..begin }), 99).unwrap().recovered);
    }
}
