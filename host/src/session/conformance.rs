//! What every session store does: one suite, run over each.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tempfile::TempDir;

use super::db::{DbError, Save, SessionDb};
use super::record::{Lifetimes, Timestamp};
use super::{Changes, CookieDb, MemoryDb, SessionId, SessionKey, Signer, SqliteDb};

const LIFETIMES: Lifetimes = Lifetimes { idle: Duration::from_secs(100), absolute: Duration::from_secs(250) };

pub(super) fn key() -> SessionKey {
    SessionId::mint().unwrap().key()
}

/// A save of one value at second 0.
pub(super) fn save(key: SessionKey, name: &str, value: &str) -> Save {
    save_at(key, name, value, 0)
}

fn save_at(key: SessionKey, name: &str, value: &str, now: u64) -> Save {
    let keys = [(name.to_owned(), Some(Bytes::from(value.to_owned())))].into();
    let changes = Changes { keys, ..Changes::default() };
    Save { key, changes, if_version: None, now: Timestamp(now), lifetimes: LIFETIMES }
}

fn sqlite(folder: &Path) -> Arc<dyn SessionDb> {
    Arc::new(SqliteDb::open(&folder.join("s.db")).unwrap())
}

fn memory(_folder: &Path) -> Arc<dyn SessionDb> {
    Arc::new(MemoryDb::default())
}

fn cookie(folder: &Path) -> Arc<dyn SessionDb> {
    Arc::new(CookieDb::new(Arc::new(Signer::open(&folder.join("keys")).unwrap()), None))
}

/// Runs the tests of one store.
macro_rules! conforms {
    ($store:ident: $($name:ident),*) => {
        mod $store {
            $(#[tokio::test]
            async fn $name() {
                let folder = super::TempDir::new().unwrap();
                super::$name(super::$store(folder.path())).await;
            })*
        }
    };
}

/// Runs over each store what all do, and over those which keep sessions what only they can.
macro_rules! conformance {
    (all: $($all:ident),*; kept: $($kept:ident),*) => {
        conforms!(sqlite: $($all,)* $($kept),*);
        conforms!(memory: $($all,)* $($kept),*);
        conforms!(cookie: $($all),*);
    };
}

conformance!(
    all:
        save_acknowledged_is_read_at_once,
        save_merges_key_by_key,
        save_that_conflicts_or_is_too_large_spoils_no_other,
        increments_with_if_version_and_retry_are_all_counted,
        rename_moves_the_record_and_the_old_key_is_unknown,
        record_ends_by_idleness_and_use_puts_that_off;
    kept:
        flush_is_final_until_its_tombstone_ends,
        sweep_forgets_what_has_ended_and_nothing_else
);

async fn save_acknowledged_is_read_at_once(db: Arc<dyn SessionDb>) {
    let key = key();
    assert_eq!(db.load(key, Timestamp(0)).await.unwrap(), None);
    let saved = db.save(save(key, "a", "{\"x\": 1.50}")).await.unwrap();
    assert_eq!(saved.version, 1);
    assert_eq!(db.load(key, Timestamp(0)).await.unwrap(), Some(saved));
}

async fn save_merges_key_by_key(db: Arc<dyn SessionDb>) {
    let key = key();
    db.save(save(key, "a", "1")).await.unwrap();
    let record = db.save(save(key, "b", "2")).await.unwrap();
    assert_eq!((record.version, record.values.keys().map(String::as_str).collect::<Vec<_>>()), (2, vec!["a", "b"]));
    let removed = Changes { keys: [("a".to_owned(), None)].into(), ..Changes::default() };
    let record = db.save(Save { changes: removed, ..save(key, "", "") }).await.unwrap();
    assert_eq!(record.values.keys().map(String::as_str).collect::<Vec<_>>(), ["b"]);
}

async fn save_that_conflicts_or_is_too_large_spoils_no_other(db: Arc<dyn SessionDb>) {
    let (first, second) = (key(), key());
    let large = format!("\"{}\"", "x".repeat(70_000));
    let (good, conflict, too_large, other) = tokio::join!(
        db.save(save(first, "a", "1")),
        db.save(Save { if_version: Some(7), ..save(first, "a", "2") }),
        db.save(save(second, "a", &large)),
        db.save(Save { if_version: Some(0), ..save(second, "b", "3") }),
    );
    assert_eq!(good.unwrap().version, 1);
    assert_eq!(conflict, Err(DbError::Conflict { saved: 1 }));
    assert!(matches!(too_large, Err(DbError::TooLarge(_))), "{too_large:?}");
    assert_eq!(other.unwrap().version, 1);
}

async fn increments_with_if_version_and_retry_are_all_counted(db: Arc<dyn SessionDb>) {
    let key = key();
    let tasks: Vec<_> = (0..200).map(|_| tokio::spawn(increment(db.clone(), key))).collect();
    for task in tasks {
        task.await.unwrap();
    }
    let record = db.load(key, Timestamp(0)).await.unwrap().unwrap();
    assert_eq!((record.version, record.values["n"].clone()), (200, Bytes::from("200")));
}

async fn increment(db: Arc<dyn SessionDb>, key: SessionKey) {
    loop {
        let record = db.load(key, Timestamp(0)).await.unwrap().unwrap_or_default();
        let n: u64 = record.values.get("n").map_or(0, |n| serde_json::from_slice(n).unwrap());
        match db.save(Save { if_version: Some(record.version), ..save(key, "n", &(n + 1).to_string()) }).await {
            Ok(_) => return,
            Err(DbError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

async fn rename_moves_the_record_and_the_old_key_is_unknown(db: Arc<dyn SessionDb>) {
    let (old, new) = (key(), key());
    let saved = db.save(save(old, "a", "1")).await.unwrap();
    db.rename(old, new).await.unwrap();
    assert_eq!(db.load(old, Timestamp(0)).await.unwrap(), None);
    assert_eq!(db.load(new, Timestamp(0)).await.unwrap(), Some(saved));
    db.rename(key(), key()).await.unwrap();
}

async fn flush_is_final_until_its_tombstone_ends(db: Arc<dyn SessionDb>) {
    let key = key();
    db.save(save(key, "a", "1")).await.unwrap();
    db.flush(key, Timestamp(50)).await.unwrap();
    assert_eq!(db.load(key, Timestamp(1)).await.unwrap(), None);
    assert_eq!(db.save(save_at(key, "a", "2", 49)).await, Err(DbError::Deleted));
    db.touch(key, Timestamp(49), LIFETIMES);
    db.rename(key, super::conformance::key()).await.unwrap();
    assert_eq!(db.sweep(Timestamp(49)).await.unwrap(), 0);
    assert_eq!(db.save(save_at(key, "a", "2", 49)).await, Err(DbError::Deleted));
    assert_eq!(db.sweep(Timestamp(50)).await.unwrap(), 1);
    assert_eq!(db.save(save_at(key, "a", "2", 51)).await.unwrap().version, 1);
}

async fn record_ends_by_idleness_and_use_puts_that_off(db: Arc<dyn SessionDb>) {
    let key = key();
    db.save(save(key, "a", "1")).await.unwrap();
    db.touch(key, Timestamp(60), LIFETIMES);
    // A write that is acknowledged comes after the touch.
    db.rename(super::conformance::key(), super::conformance::key()).await.unwrap();
    assert!(db.load(key, Timestamp(159)).await.unwrap().is_some());
    assert_eq!(db.load(key, Timestamp(160)).await.unwrap(), None);
    let anew = db.save(save_at(key, "b", "2", 200)).await.unwrap();
    assert_eq!((anew.version, anew.values.len(), anew.created), (1, 1, Timestamp(200)));
    let own = Changes { expiry: Some(Some(Duration::from_secs(5))), ..Changes::default() };
    let own = db.save(Save { changes: own, ..save_at(key, "", "", 200) }).await.unwrap();
    assert_eq!((own.expires, own.expiry), (Timestamp(205), Some(Duration::from_secs(5))));
    assert_eq!(db.load(key, Timestamp(205)).await.unwrap(), None);
}

async fn sweep_forgets_what_has_ended_and_nothing_else(db: Arc<dyn SessionDb>) {
    let (ended, alive) = (key(), key());
    db.save(save(ended, "a", "1")).await.unwrap();
    db.save(save_at(alive, "a", "1", 50)).await.unwrap();
    assert_eq!(db.sweep(Timestamp(100)).await.unwrap(), 1);
    assert_eq!(db.sweep(Timestamp(100)).await.unwrap(), 0);
    assert!(db.load(alive, Timestamp(100)).await.unwrap().is_some());
}
