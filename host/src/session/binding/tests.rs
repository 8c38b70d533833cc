//! The rules of a session's holder, over a real SQLite file.

use proptest::prelude::*;
use tempfile::TempDir;

use super::super::SqliteDb;
use super::*;

const LIFETIMES: Lifetimes = Lifetimes { idle: limits::SESSION_IDLE, absolute: limits::SESSION_ABSOLUTE };

struct Fixture {
    _folder: TempDir,
    db: Arc<dyn SessionDb>,
    live: Arc<LiveSessions>,
}

impl Fixture {
    fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let db = Arc::new(SqliteDb::open(&folder.path().join("s.db")).unwrap());
        Self { _folder: folder, db, live: Arc::default() }
    }

    fn bind(&self, presented: Option<&SessionId>) -> SessionBinding {
        SessionBinding::new(self.db.clone(), self.live.clone(), Arc::new(LIFETIMES), presented.cloned())
    }

    async fn open(&self, presented: Option<&SessionId>) -> SessionBinding {
        let binding = self.bind(presented);
        binding.open().await.unwrap();
        binding
    }

    /// An exchange that sets `a` and so leaves its peer with a cookie.
    async fn saved(&self) -> SessionId {
        let binding = self.open(None).await;
        binding.set("a", "1".into()).unwrap();
        given(binding.autosave(false).await.unwrap())
    }
}

/// The id that the cookie gives.
#[track_caller]
fn given(action: CookieAction) -> SessionId {
    let CookieAction::Set(value) = &action else { panic!("no cookie: {action:?}") };
    SessionId::parse(value).unwrap()
}

#[tokio::test]
async fn c1_session_saved_by_one_is_seen_by_another() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    let binding = fixture.open(Some(&id)).await;
    assert_eq!(binding.get("a").unwrap(), Some("1".into()));
    assert_eq!((binding.version().unwrap(), binding.is_new().unwrap()), (1, false));
}

#[tokio::test]
async fn c2_untouched_new_session_stores_nothing_and_sets_no_cookie() {
    let fixture = Fixture::new();
    let binding = fixture.open(None).await;
    assert!(binding.is_new().unwrap());
    assert_eq!(binding.autosave(false).await.unwrap(), CookieAction::Leave);
    assert_eq!(fixture.bind(None).autosave(false).await.unwrap(), CookieAction::Leave);
}

#[tokio::test]
async fn c2_session_set_and_cleared_before_any_save_stores_nothing() {
    let fixture = Fixture::new();
    let binding = fixture.open(None).await;
    binding.set("a", "1".into()).unwrap();
    binding.clear().unwrap();
    assert_eq!(binding.autosave(false).await.unwrap(), CookieAction::Leave);
    assert!(binding.is_new().unwrap());
}

#[tokio::test]
async fn c2_emptied_session_takes_its_cookie_back() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    let binding = fixture.open(Some(&id)).await;
    binding.clear().unwrap();
    assert_eq!(binding.autosave(false).await.unwrap(), CookieAction::Expire);
}

#[tokio::test]
async fn c2_save_every_request_sends_the_cookie_of_an_unopened_session() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    assert_eq!(fixture.bind(Some(&id)).autosave(true).await.unwrap(), CookieAction::Set(id.encode()));
    assert_eq!(fixture.bind(Some(&id)).autosave(false).await.unwrap(), CookieAction::Leave);
}

#[tokio::test]
async fn c3_websocket_opened_before_accept_owns_its_id_though_nothing_is_saved() {
    let fixture = Fixture::new();
    let websocket = fixture.open(None).await;
    let id = given(websocket.cookie());
    websocket.cookie_given();
    websocket.head_left();
    let exchange = fixture.open(Some(&id)).await;
    exchange.set("a", "1".into()).unwrap();
    assert_eq!(exchange.autosave(false).await.unwrap(), CookieAction::Set(id.encode()));
    websocket.open().await.unwrap();
    assert_eq!(websocket.get("a").unwrap(), Some("1".into()));
    drop(websocket);
}

#[tokio::test]
async fn c3_unsaved_changes_are_seen_by_their_websocket_alone_and_outlive_the_event() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    let (one, other) = (fixture.open(Some(&id)).await, fixture.open(Some(&id)).await);
    one.set("a", "2".into()).unwrap();
    one.forget_snapshot();
    assert_eq!(one.get("a"), Err(SessionError::NotOpen));
    one.open().await.unwrap();
    assert_eq!(one.get("a").unwrap(), Some("2".into()));
    assert_eq!(other.get("a").unwrap(), Some("1".into()));
    assert_eq!(one.save(None).await.unwrap(), 2);
    other.open().await.unwrap();
    assert_eq!(other.get("a").unwrap(), Some("2".into()));
}

#[tokio::test]
async fn c3_first_opened_after_the_head_left_cannot_be_saved() {
    let fixture = Fixture::new();
    let binding = fixture.bind(None);
    binding.head_left();
    binding.open().await.unwrap();
    binding.set("a", "1".into()).unwrap();
    assert_eq!(binding.save(None).await, Err(SessionError::CookieUnreachable));
    assert_eq!(binding.get("a").unwrap(), Some("1".into()));
}

#[tokio::test]
async fn c4_saved_before_the_response_still_sets_the_cookie_on_it() {
    let fixture = Fixture::new();
    let binding = fixture.open(None).await;
    binding.set("a", "1".into()).unwrap();
    assert_eq!(binding.save(None).await.unwrap(), 1);
    assert!(matches!(binding.autosave(false).await.unwrap(), CookieAction::Set(_)));
}

#[tokio::test]
async fn c6_id_that_this_host_never_gave_is_not_adopted() {
    let fixture = Fixture::new();
    let planted = SessionId::mint().unwrap();
    let binding = fixture.open(Some(&planted)).await;
    binding.set("a", "1".into()).unwrap();
    let id = given(binding.autosave(false).await.unwrap());
    assert_ne!(id, planted);
}

#[tokio::test]
async fn c6_id_minted_for_a_websocket_is_forgotten_with_it() {
    let fixture = Fixture::new();
    let websocket = fixture.open(None).await;
    let id = given(websocket.cookie());
    assert!(fixture.live.minted(id.key()));
    drop(websocket);
    assert!(!fixture.live.minted(id.key()));
}

#[tokio::test]
async fn c7_writers_of_different_keys_keep_both_and_if_version_conflicts() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    let (one, other) = (fixture.open(Some(&id)).await, fixture.open(Some(&id)).await);
    one.set("b", "1".into()).unwrap();
    other.set("c", "1".into()).unwrap();
    assert_eq!(one.save(Some(1)).await.unwrap(), 2);
    assert_eq!(other.save(Some(1)).await, Err(SessionError::Conflict(2)));
    assert_eq!(other.get("c").unwrap(), Some("1".into()));
    assert_eq!(other.save(None).await.unwrap(), 3);
    assert_eq!(other.keys().unwrap(), ["a", "b", "c"]);
}

#[tokio::test]
async fn set_of_what_is_not_json_is_refused() {
    let fixture = Fixture::new();
    let binding = fixture.open(None).await;
    assert!(matches!(binding.set("a", "{".into()), Err(SessionError::NotJson(_))));
    assert!(matches!(binding.set("a", Bytes::from_static(b"\"\xff\"")), Err(SessionError::NotJson(_))));
    assert_eq!(binding.keys().unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn c6_cycled_id_is_followed_by_all_holders_and_the_old_opens_nothing() {
    let fixture = Fixture::new();
    let old = fixture.saved().await;
    let (other, login) = (fixture.open(Some(&old)).await, fixture.open(Some(&old)).await);
    other.head_left();
    login.cycle_id().await.unwrap();
    let new = given(login.autosave(false).await.unwrap());
    assert_ne!(old, new);
    other.set("b", "2".into()).unwrap();
    other.save(None).await.unwrap();
    let next = fixture.open(Some(&new)).await;
    assert_eq!(next.keys().unwrap(), ["a", "b"]);
    assert!(fixture.open(Some(&old)).await.is_new().unwrap(), "a stranger with the old id gets a session of its own");
    other.open().await.unwrap();
    assert_eq!(other.cycle_id().await, Err(SessionError::CookieUnreachable));
}

#[tokio::test]
async fn c6_flush_is_final_for_all_holders() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    let (other, logout) = (fixture.open(Some(&id)).await, fixture.open(Some(&id)).await);
    let told = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = told.clone();
    let websocket = WebsocketId::mint();
    other.of_websocket(websocket, move || {
        count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    });
    assert_eq!(logout.websockets(), Some(vec![websocket]), "the exchange is no websocket");
    other.set("b", "2".into()).unwrap();
    logout.flush().await.unwrap();
    assert_eq!(told.load(std::sync::atomic::Ordering::SeqCst), 1);
    assert_eq!(logout.autosave(false).await.unwrap(), CookieAction::Expire);
    assert_eq!(other.save(None).await, Err(SessionError::Deleted));
    assert_eq!((logout.get("a"), other.open().await), (Err(SessionError::Deleted), Err(SessionError::Deleted)));
    assert_eq!(logout.flush().await, Err(SessionError::Deleted));
    assert!(fixture.open(Some(&id)).await.is_new().unwrap());
}

#[tokio::test]
async fn c6_save_under_way_cannot_revive_a_flushed_session() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    let writer = fixture.open(Some(&id)).await;
    writer.set("b", "2".into()).unwrap();
    // As from another process: this one's registry knows nothing of it.
    fixture.db.flush(id.key(), Timestamp::now().after(limits::SESSION_TOMBSTONE)).await.unwrap();
    assert_eq!(writer.save(None).await, Err(SessionError::Deleted));
    assert!(writer.is_flushed());
}

#[tokio::test]
async fn c9_life_of_its_own_is_saved_and_bounded() {
    let fixture = Fixture::new();
    let id = fixture.saved().await;
    let binding = fixture.open(Some(&id)).await;
    binding.set_expiry(Some(Duration::from_secs(60))).unwrap();
    binding.save(None).await.unwrap();
    let record = fixture.db.load(id.key(), Timestamp::now()).await.unwrap().unwrap();
    assert_eq!(record.expires, record.seen.after(Duration::from_secs(60)));
    let error = binding.set_expiry(Some(Duration::from_secs(401 * DAY))).unwrap_err();
    assert_eq!(error.to_string(), "session expiry in days of 401 exceeds the limit of 400");
}

/// What a holder does to a session in the property test below; keys and values are small numbers.
#[derive(Clone, Debug)]
enum Step {
    Set(usize, usize, u8),
    Remove(usize, usize),
    Clear(usize),
    Discard(usize),
    Open(usize),
    Save(usize),
    /// A whole exchange: sets or removes, then the response starts.
    Exchange(Vec<(usize, Option<u8>)>),
}

fn step() -> impl Strategy<Value = Step> {
    let (holder, key, value) = (0..2_usize, 0..4_usize, 0..10_u8);
    prop_oneof![
        6 => (holder.clone(), key.clone(), value.clone()).prop_map(|(holder, key, value)| Step::Set(holder, key, value)),
        2 => (holder.clone(), key.clone()).prop_map(|(holder, key)| Step::Remove(holder, key)),
        1 => holder.clone().prop_map(Step::Clear),
        1 => holder.clone().prop_map(Step::Discard),
        3 => holder.clone().prop_map(Step::Open),
        4 => holder.prop_map(Step::Save),
        3 => prop::collection::vec((key, proptest::option::of(value)), 0..4).prop_map(Step::Exchange),
    ]
}

/// One value a key: what a websocket has seen saved, and what it has changed since.
#[derive(Clone, Copy, Default)]
struct Seen {
    saved: [Option<u8>; 4],
    changed: [Option<Option<u8>>; 4],
    cleared: bool,
}

impl Seen {
    fn key(&self, key: usize) -> Option<u8> {
        self.changed[key].unwrap_or(if self.cleared { None } else { self.saved[key] })
    }

    fn over(&self, saved: [Option<u8>; 4]) -> [Option<u8>; 4] {
        Self { saved, ..*self }.all()
    }

    fn all(&self) -> [Option<u8>; 4] {
        std::array::from_fn(|key| self.key(key))
    }
}

/// A future over a store that is ready at once.
fn now<T>(work: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(work).unwrap()
}

fn all(binding: &SessionBinding) -> [Option<u8>; 4] {
    let value = |key: usize| binding.get(&key.to_string()).unwrap();
    std::array::from_fn(|key| value(key).map(|json| serde_json::from_slice(&json).unwrap()))
}

const CASES: u32 = if cfg!(debug_assertions) { 2_000 } else { 100_000 };

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    /// Two websockets and any exchanges hold one session. After each step each websocket sees what the
    /// model says, key by key; after each save so does the store; and after a flush nobody saves any more.
    #[test]
    fn c7_writers_over_http_and_websocket_lose_no_key(steps in prop::collection::vec(step(), 1..40)) {
        let (db, live) = (Arc::new(super::super::MemoryDb::default()), Arc::<LiveSessions>::default());
        let bind = |id: Option<&SessionId>| SessionBinding::new(db.clone(), live.clone(), Arc::new(LIFETIMES), id.cloned());
        let first = bind(None);
        now(first.open()).unwrap();
        first.set("0", "0".into()).unwrap();
        let id = given(now(first.autosave(false)).unwrap());
        let mut saved = [Some(0), None, None, None];
        let holders = [bind(Some(&id)), bind(Some(&id))];
        let mut seen = [Seen { saved, ..Seen::default() }; 2];
        for holder in &holders {
            now(holder.open()).unwrap();
            holder.head_left();
        }
        for step in steps {
            match step {
                Step::Set(holder, key, value) => {
                    holders[holder].set(&key.to_string(), value.to_string().into()).unwrap();
                    seen[holder].changed[key] = Some(Some(value));
                }
                Step::Remove(holder, key) => {
                    let there = holders[holder].remove(&key.to_string()).unwrap();
                    prop_assert_eq!(there, seen[holder].key(key).is_some());
                    // One that is not there is no change, so that of another writer stays.
                    if there {
                        seen[holder].changed[key] = Some(None);
                    }
                }
                Step::Clear(holder) => {
                    holders[holder].clear().unwrap();
                    if seen[holder].all() != [None; 4] {
                        seen[holder] = Seen { saved: seen[holder].saved, cleared: true, ..Seen::default() };
                    }
                }
                Step::Discard(holder) => {
                    holders[holder].discard().unwrap();
                    seen[holder] = Seen { saved: seen[holder].saved, ..Seen::default() };
                }
                Step::Open(holder) => {
                    holders[holder].forget_snapshot();
                    now(holders[holder].open()).unwrap();
                    seen[holder].saved = saved;
                }
                Step::Save(holder) => {
                    let modified = holders[holder].is_modified();
                    now(holders[holder].save(None)).unwrap();
                    if modified {
                        saved = seen[holder].over(saved);
                        seen[holder] = Seen { saved, ..Seen::default() };
                    }
                }
                Step::Exchange(changes) => {
                    let exchange = bind(Some(&id));
                    now(exchange.open()).unwrap();
                    for (key, value) in changes {
                        match value {
                            Some(value) => exchange.set(&key.to_string(), value.to_string().into()).unwrap(),
                            None => drop(exchange.remove(&key.to_string()).unwrap()),
                        }
                        saved[key] = value;
                    }
                    now(exchange.autosave(false)).unwrap();
                }
            }
            for (holder, seen) in holders.iter().zip(&seen) {
                prop_assert_eq!(all(holder), seen.all());
            }
            let reader = bind(Some(&id));
            now(reader.open()).unwrap();
            prop_assert_eq!(all(&reader), saved);
        }
        now(holders[0].flush()).unwrap();
        prop_assert_eq!(holders[1].set("0", "1".into()), Err(SessionError::Deleted));
        prop_assert_eq!(now(holders[1].save(None)), Err(SessionError::Deleted));
        let late = bind(Some(&id));
        now(late.open()).unwrap();
        prop_assert!(late.is_new().unwrap() && late.keys().unwrap().is_empty());
    }
}
