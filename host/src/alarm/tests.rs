//! The store of alarms, and what is asked of it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::session::SessionId;

fn alarms(folder: &TempDir) -> Alarms {
    Alarms::new(folder.path(), Arc::default())
}

fn setting(owner: Owner, name: &str, due: u64) -> Setting {
    Setting { owner, name: name.into(), handler: "h".into(), due: Moment(due), payload: name.into() }
}

fn session() -> SessionKey {
    SessionId::mint().unwrap().key()
}

async fn names(alarms: &Alarms, owner: Owner) -> Vec<String> {
    alarms.list(owner, None, 100).await.unwrap().into_iter().map(|alarm| alarm.setting.name).collect()
}

#[tokio::test]
async fn alarm_set_is_there_after_reopening_and_none_makes_no_file() {
    let folder = TempDir::new().unwrap();
    let first = alarms(&folder);
    assert_eq!(first.look(Moment(9)).await, Ok(vec![]));
    assert_eq!((first.waiting().await, first.cancel(Owner::App, "a").await), (Ok(0), Ok(false)));
    assert!(!folder.path().join("alarms.db").exists());
    let owner = Owner::Session(session());
    first.set(setting(owner, "a", 7)).await.unwrap();
    drop(first);
    let again = alarms(&folder);
    let key = again.look(Moment(7)).await.unwrap();
    let alarm = again.one(key[0]).await.unwrap().unwrap();
    assert_eq!((&alarm.setting, alarm.next, alarm.failed), (&setting(owner, "a", 7), Moment(7), 0));
    assert_eq!(again.look(Moment(7)).await, Ok(vec![]), "it rings already");
}

#[tokio::test]
async fn set_of_the_same_name_replaces_even_while_it_rings() {
    let folder = TempDir::new().unwrap();
    let alarms = alarms(&folder);
    alarms.set(setting(Owner::App, "a", 1)).await.unwrap();
    let ringing = alarms.look(Moment(5)).await.unwrap();
    alarms.set(setting(Owner::App, "a", 9)).await.unwrap();
    alarms.note(ringing[0], Ended::Done).await.unwrap();
    alarms.ended(ringing[0]);
    assert_eq!(alarms.waiting().await, Ok(1));
    assert_eq!(alarms.look(Moment(8)).await, Ok(vec![]));
    assert_eq!(alarms.wanted(), Moment(9));
    let after = alarms.look(Moment(9)).await.unwrap();
    assert!(after.len() == 1 && after != ringing, "a setting of its own");
}

#[tokio::test]
async fn failed_call_rings_later_with_what_was_said_and_a_good_one_ends_it() {
    let folder = TempDir::new().unwrap();
    let alarms = alarms(&folder);
    alarms.set(setting(Owner::App, "a", 1)).await.unwrap();
    let key = alarms.look(Moment(1)).await.unwrap()[0];
    let retry = Ended::Retry { at: Moment(50), failed: 1, error: "boom".into() };
    alarms.note(key, retry).await.unwrap();
    alarms.ended(key);
    assert_eq!(alarms.look(Moment(49)).await, Ok(vec![]));
    let alarm = alarms.upcoming(10).await.unwrap().remove(0);
    assert_eq!((alarm.setting.due, alarm.next, alarm.failed), (Moment(1), Moment(50), 1));
    assert_eq!(alarm.error.as_deref(), Some("boom"));
    assert_eq!(alarms.look(Moment(50)).await, Ok(vec![key]));
    alarms.note(key, Ended::Done).await.unwrap();
    assert_eq!(alarms.waiting().await, Ok(0));
}

#[tokio::test]
async fn list_pages_by_name_and_owners_do_not_see_each_other() {
    let folder = TempDir::new().unwrap();
    let alarms = alarms(&folder);
    let (one, other) = (Owner::Session(session()), Owner::Session(session()));
    for name in ["c", "a", "b"] {
        alarms.set(setting(one, name, 1)).await.unwrap();
    }
    alarms.set(setting(other, "a", 1)).await.unwrap();
    alarms.set(setting(Owner::App, "z", 1)).await.unwrap();
    assert_eq!(names(&alarms, one).await, ["a", "b", "c"]);
    let page = alarms.list(one, Some("a".into()), 1).await.unwrap();
    assert_eq!((page.len(), page[0].setting.name.as_str()), (1, "b"));
    assert_eq!(alarms.cancel(one, "a").await, Ok(true));
    assert_eq!((names(&alarms, other).await.len(), names(&alarms, Owner::App).await.len()), (1, 1));
    assert_eq!(alarms.waiting().await, Ok(4));
}

#[tokio::test]
async fn set_past_a_bound_is_refused_and_changes_nothing() {
    let folder = TempDir::new().unwrap();
    let alarms = alarms(&folder);
    let owner = Owner::Session(session());
    assert_eq!(alarms.set(setting(owner, "", 1)).await, Err(AlarmError::InvalidName(0)));
    assert_eq!(alarms.set(setting(owner, &"x".repeat(101), 1)).await, Err(AlarmError::InvalidName(101)));
    let large = Setting { payload: vec![0; 16_385], ..setting(owner, "a", 1) };
    assert_eq!(alarms.set(large).await, Err(AlarmError::TooLarge(16_385)));
    let sets = (0..limits::ALARMS_PER_SESSION_MAX).map(async |number| {
        alarms.set(setting(owner, &number.to_string(), 1)).await.unwrap();
    });
    futures_util::future::join_all(sets).await;
    assert_eq!(alarms.set(setting(owner, "one more", 1)).await, Err(AlarmError::TooMany(1001, 1000)));
    alarms.set(setting(owner, "7", 2)).await.unwrap();
    alarms.set(setting(Owner::App, "one more", 1)).await.unwrap();
    assert_eq!(alarms.waiting().await, Ok(1001));
}

#[tokio::test]
async fn set_past_what_all_may_have_is_refused_until_one_has_gone() {
    let folder = TempDir::new().unwrap();
    let alarms = alarms(&folder);
    alarms.set(setting(Owner::App, "a", 1)).await.unwrap();
    let file = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path());
    let file = file.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "db")).unwrap();
    // As if there were as many.
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.execute("UPDATE total SET alarms = ?1", [limits::ALARMS_WAITING_MAX.cast_signed()]).unwrap();
    let refused = alarms.set(setting(Owner::Session(session()), "b", 1)).await;
    assert_eq!(refused, Err(AlarmError::TooMany(1_000_001, 1_000_000)));
    assert_eq!(alarms.cancel(Owner::App, "a").await, Ok(true));
    alarms.set(setting(Owner::Session(session()), "b", 1)).await.unwrap();
}

#[tokio::test]
async fn alarms_of_a_session_go_with_it_to_its_new_key() {
    let folder = TempDir::new().unwrap();
    let alarms = alarms(&folder);
    let (old, new) = (session(), session());
    alarms.set(setting(Owner::Session(old), "a", 1)).await.unwrap();
    alarms.moving(old, new).await.unwrap();
    let between = alarms.upcoming(1).await.unwrap().remove(0);
    assert_eq!((between.setting.owner, between.moving), (Owner::Session(old), Some(new)), "found by both");
    alarms.moved(old, new).await.unwrap();
    assert_eq!(names(&alarms, Owner::Session(old)).await, [""; 0]);
    assert_eq!(names(&alarms, Owner::Session(new)).await, ["a"]);
    assert_eq!(alarms.upcoming(1).await.unwrap()[0].moving, None);
}

fn cron(name: &str, cron: &str) -> CronAlarm {
    CronAlarm { name: name.into(), cron: Cron::parse(cron).unwrap(), handler: "h".into() }
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn alarm_of_a_manifest_that_was_missed_rings_once_and_then_at_its_next_time() {
    let folder = TempDir::new().unwrap();
    let (begun, first) = (Moment(1), alarms(&folder));
    first.follow(1, &[cron("each", "* * * * *")], begun).await.unwrap();
    assert_eq!(first.look(begun).await, Ok(vec![]), "not yet");
    drop(first);
    let (later, again) = (begun.after(MINUTE * 10), alarms(&folder));
    again.follow(1, &[cron("each", "* * * * *")], later).await.unwrap();
    let key = again.look(later).await.unwrap();
    assert_eq!(key.len(), 1);
    assert_eq!(
        again.one(key[0]).await.unwrap().unwrap().setting.due,
        Moment(0).after(MINUTE),
        "the one that was missed"
    );
    let next = Cron::parse("* * * * *").unwrap().next(later);
    again.note(key[0], Ended::Again(next)).await.unwrap();
    again.ended(key[0]);
    assert_eq!(again.look(later).await, Ok(vec![]));
    assert_eq!(again.wanted(), next);
}

#[tokio::test]
async fn manifest_that_follows_keeps_changes_and_ends_alarms_and_guests_see_none() {
    let folder = TempDir::new().unwrap();
    let alarms = alarms(&folder);
    let all = [cron("kept", "0 3 * * *"), cron("changed", "0 3 * * *"), cron("ended", "0 3 * * *")];
    alarms.follow(1, &all, Moment(0)).await.unwrap();
    let kept = alarms.list(Owner::Manifest, None, 9).await.unwrap().pop().unwrap();
    let next = [CronAlarm { handler: "other".into(), ..cron("kept", "0 3 * * *") }, cron("changed", "0 4 * * *")];
    alarms.follow(2, &next, Moment(0).after(MINUTE)).await.unwrap();
    let there = alarms.list(Owner::Manifest, None, 9).await.unwrap();
    assert_eq!(there.iter().map(|alarm| alarm.setting.name.as_str()).collect::<Vec<_>>(), ["changed", "kept"]);
    assert_eq!((there[1].key, there[1].setting.handler.as_str()), (kept.key, "other"));
    assert_eq!(there[0].setting.due, Moment(0).after(MINUTE * 240));
    assert_eq!(names(&alarms, Owner::App).await, [""; 0]);
    assert_eq!(alarms.cancel(Owner::App, "kept").await, Ok(false));
    alarms.follow(3, &[], Moment(0)).await.unwrap();
    assert_eq!(alarms.waiting().await, Ok(0));
}

#[tokio::test]
async fn alarm_that_is_set_wakes_whoever_waits_only_if_it_is_the_next() {
    let folder = TempDir::new().unwrap();
    let wake = Arc::<Notify>::default();
    let alarms = Alarms::new(folder.path(), wake.clone());
    alarms.look(Moment(1)).await.unwrap();
    alarms.set(setting(Owner::App, "a", 50)).await.unwrap();
    wake.notified().await;
    alarms.look(Moment(1)).await.unwrap();
    alarms.set(setting(Owner::App, "later", 60)).await.unwrap();
    assert!(futures_util::poll!(std::pin::pin!(wake.notified())).is_pending());
    alarms.set(setting(Owner::App, "sooner", 40)).await.unwrap();
    wake.notified().await;
    assert_eq!(alarms.wanted(), Moment(40));
}
