//! FEATURES, table C: every row from a guest, over real HTTP exchanges and websockets and a real SQLite
//! file. docs/compatibility.md is made from the names of these tests.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::HashSet;

use sessile_tests::{Answer, App, Host, Settings, Socket, Way, each_way, get};
use tempfile::TempDir;

each_way!(
    c01_one_session_over_http_and_websocket,
    c02_http_saves_by_itself_when_the_response_starts,
    c03_websocket_saves_only_when_told,
    c03_websocket_autosave_saves_after_each_event,
    c03_websocket_without_a_cookie_gets_it_on_the_101_or_never,
    c04_save_before_the_response_is_sent,
    c05_cookie_is_as_the_manifest_says,
    c06_id_is_secret_and_cycled_at_login,
    c06_flush_is_final_and_closes_the_sessions_sockets,
    c07_saves_merge_by_key_and_conflict_by_version,
    c08_store_in_memory_ends_with_the_process_and_sqlite_does_not,
    c08_signed_cookie_carries_the_session_and_outlives_the_process,
    c09_session_ends_absolutely_or_by_its_own_life,
);

/// One request to `/http/session/`.
async fn ask(host: &Host, request: &str, cookie: Option<&str>) -> Answer {
    get(host.address(), &format!("/http/session/{request}"), cookie).await
}

/// A session with `a = "1"`: its cookie.
async fn saved(host: &Host) -> String {
    ask(host, "set?k=a&v=1", None).await.cookie().unwrap()
}

async fn socket(host: &Host, path: &str, cookie: &str) -> Socket {
    Socket::open_with(host.address(), path, &[("cookie", cookie)]).await.unwrap()
}

async fn faults(way: Way) -> Host {
    Host::start(&App::faults(way), way)
}

fn app_with_session(way: Way, keys: &str) -> App {
    let app = App::faults(way);
    app.edit("[handlers.events]", &format!("[session]\n{keys}\n\n[handlers.events]"));
    app
}

async fn c01_one_session_over_http_and_websocket(way: Way) {
    let host = faults(way).await;
    for path in ["/ws", "/loop"] {
        let cookie = saved(&host).await;
        let mut socket = socket(&host, path, &cookie).await;
        assert_eq!(socket.ask("session get a").await, "\"1\"");
        assert_eq!(socket.ask("session set b 2").await, "set");
        assert_eq!(socket.ask("session keys").await, "a,b");
        assert_eq!(socket.ask("session contains b").await, "true");
        assert_eq!(socket.ask("session save").await, "saved 2");
        assert_eq!(ask(&host, "get?k=b", Some(&cookie)).await.text(), "\"2\"");
        assert_eq!(ask(&host, "remove?k=b", Some(&cookie)).await.text(), "true");
        assert_eq!(ask(&host, "contains?k=b", Some(&cookie)).await.text(), "false");
        assert_eq!(socket.ask("session contains b").await, "false");
        assert_eq!(socket.ask("session clear").await, "cleared");
        assert_eq!(socket.ask("session empty").await, "true");
        assert_eq!(socket.ask("session discard").await, "discarded");
        assert_eq!(socket.ask("session empty").await, "false");
    }
}

async fn c02_http_saves_by_itself_when_the_response_starts(way: Way) {
    let host = faults(way).await;
    assert_eq!(ask(&host, "get?k=a", None).await.cookie(), None, "an untouched new session sets no cookie");
    let failed = ask(&host, "set?k=a&v=1&status=500", None).await;
    assert_eq!((failed.status.as_u16(), failed.cookie()), (500, None));
    let cookie = saved(&host).await;
    ask(&host, "set?k=a&v=2&status=500", Some(&cookie)).await;
    ask(&host, "set?k=b&v=2&status=404", Some(&cookie)).await;
    assert_eq!(ask(&host, "get?k=a", Some(&cookie)).await.text(), "\"1\"", "500 saves nothing");
    assert_eq!(ask(&host, "get?k=b", Some(&cookie)).await.text(), "\"2\"", "404 does");
    assert_eq!(ask(&host, "get?k=b", Some(&cookie)).await.cookie(), None, "what is only read is not sent again");
    let emptied = ask(&host, "clear", Some(&cookie)).await;
    assert!(emptied.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"), "{emptied:?}");
    let host = Host::start(&app_with_session(way, "save_every_request = true"), way);
    let cookie = saved(&host).await;
    assert_eq!(ask(&host, "get?k=a", Some(&cookie)).await.cookie(), Some(cookie));
}

async fn c03_websocket_saves_only_when_told(way: Way) {
    let host = faults(way).await;
    let cookie = saved(&host).await;
    for path in ["/ws", "/loop"] {
        let (mut one, mut other) = (socket(&host, path, &cookie).await, socket(&host, path, &cookie).await);
        assert_eq!(one.ask("session set a 2").await, "set");
        assert_eq!(one.ask("session get a").await, "\"2\"", "seen here, though the instance may have gone");
        assert_eq!(other.ask("session get a").await, "\"1\"", "and here alone");
        one.close(1000, "").await;
        assert_eq!(ask(&host, "get?k=a", Some(&cookie)).await.text(), "\"1\"", "it goes with the websocket");
    }
}

async fn c03_websocket_autosave_saves_after_each_event(way: Way) {
    let app = App::faults(way);
    app.edit("[handlers.events]", "[handlers.events]\nautosave = \"event\"");
    let host = Host::start(&app, way);
    let cookie = saved(&host).await;
    let (mut one, mut other) = (socket(&host, "/ws", &cookie).await, socket(&host, "/ws", &cookie).await);
    assert_eq!(one.ask("session set a 2").await, "set");
    // The next event of this websocket comes after the save of the last.
    assert_eq!(one.ask("after").await, "after");
    assert_eq!(other.ask("session get a").await, "\"2\"");
}

async fn c03_websocket_without_a_cookie_gets_it_on_the_101_or_never(way: Way) {
    let host = faults(way).await;
    for path in ["/ws", "/loop"] {
        let mut late = Socket::open(host.address(), path).await;
        assert!(late.response.headers().get("set-cookie").is_none());
        assert_eq!(late.ask("session set k v").await, "set");
        let refusal = "error: the cookie that this needs cannot reach the peer any more: the head has left";
        assert_eq!(late.ask("session save").await, refusal);
        assert_eq!(late.ask("session cycle").await, refusal);
        let mut early = Socket::open(host.address(), &format!("{path}?session=1")).await;
        let cookie = early.cookie().unwrap();
        assert_eq!(early.ask("session set k v").await, "set");
        assert_eq!(early.ask("session save").await, "saved 1");
        assert_eq!(ask(&host, "get?k=k", Some(&cookie)).await.text(), "\"v\"");
    }
}

async fn c04_save_before_the_response_is_sent(way: Way) {
    let host = faults(way).await;
    let answer = ask(&host, "set?k=a&v=1&then=save", None).await;
    let cookie = answer.cookie().unwrap();
    assert_eq!(ask(&host, "version", Some(&cookie)).await.text(), "1", "saved once, by the handler");
    assert_eq!(ask(&host, "set?k=a&v=2&then=save&status=500", Some(&cookie)).await.status.as_u16(), 500);
    assert_eq!(ask(&host, "get?k=a", Some(&cookie)).await.text(), "\"2\"", "what was saved before a 500 stays");
}

async fn c05_cookie_is_as_the_manifest_says(way: Way) {
    let set = |answer: Answer| answer.headers["set-cookie"].to_str().unwrap().to_owned();
    let host = faults(way).await;
    let given = set(ask(&host, "set?k=a&v=1", None).await);
    let (value, attributes) = given.split_once(';').unwrap();
    assert_eq!(attributes, " HttpOnly; SameSite=Lax; Path=/; Max-Age=1209600");
    assert!(value.starts_with("sessile=") && value.len() == "sessile=".len() + 64);
    let keys = "cookie = \"sid\"\npath = \"/http\"\ndomain = \"x.example\"\nhttp_only = false\nsame_site = \"strict\"\nmax_age_s = 0";
    let host = Host::start(&app_with_session(way, keys), way);
    let given = set(ask(&host, "set?k=a&v=1", None).await);
    let (value, attributes) = given.split_once(';').unwrap();
    assert_eq!(attributes, " SameSite=Strict; Path=/http; Domain=x.example", "without an age it ends with the browser");
    assert!(value.starts_with("sid="));
    let host = Host::start(&app_with_session(way, "secure = \"always\""), way);
    let given = set(ask(&host, "set?k=a&v=1", None).await);
    assert!(given.starts_with("__Host-sessile=") && given.contains("; Secure"), "{given}");
}

async fn c06_id_is_secret_and_cycled_at_login(way: Way) {
    let host = faults(way).await;
    let mut ids = HashSet::new();
    for _ in 0..20 {
        ids.insert(saved(&host).await);
    }
    assert_eq!(ids.len(), 20);
    let old = saved(&host).await;
    let mut follower = socket(&host, "/ws", &old).await;
    assert_eq!(follower.ask("session get a").await, "\"1\"");
    let login = ask(&host, "cycle", Some(&old)).await;
    let new = login.cookie().unwrap();
    assert_ne!(old, new);
    assert_eq!(ask(&host, "get?k=a", Some(&new)).await.text(), "\"1\"");
    assert_eq!(ask(&host, "new", Some(&old)).await.text(), "true", "the old id opens nothing");
    assert_eq!(follower.ask("session set b 2").await, "set");
    assert_eq!(follower.ask("session save").await, "saved 2");
    assert_eq!(ask(&host, "get?k=b", Some(&new)).await.text(), "\"2\"", "a websocket follows the new id");
    for file in std::fs::read_dir(host.data()).unwrap().flatten().filter(|file| file.path().is_file()) {
        let (bytes, id) = (std::fs::read(file.path()).unwrap(), new.split_once('=').unwrap().1);
        let raw: Vec<u8> = (0..64).step_by(2).map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()).collect();
        let holds = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        assert!(!holds(id.as_bytes()) && !holds(&raw), "{} holds the id", file.path().display());
    }
}

async fn c06_flush_is_final_and_closes_the_sessions_sockets(way: Way) {
    let host = faults(way).await;
    let cookie = saved(&host).await;
    let mut stranger = Socket::open(host.address(), "/ws?session=1").await;
    let mut held = Vec::new();
    for path in ["/ws", "/loop"] {
        let mut socket = socket(&host, path, &cookie).await;
        assert_eq!(socket.ask("session get a").await, "\"1\"");
        held.push(socket);
    }
    let logout = ask(&host, "flush", Some(&cookie)).await;
    assert!(logout.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"), "{logout:?}");
    for mut socket in held {
        assert_eq!(socket.closed().await, (1008, "the session was flushed".into()));
    }
    assert_eq!(stranger.ask("still here").await, "still here");
    assert_eq!(ask(&host, "new", Some(&cookie)).await.text(), "true");
    for path in ["/ws", "/loop"] {
        let cookie = saved(&host).await;
        let mut asking = socket(&host, path, &cookie).await;
        assert_eq!(asking.ask("session flush").await, "flushed", "the answer leaves before the close");
        if path == "/loop" {
            assert_eq!(asking.ask("session save").await, "error: the session was flushed");
            assert_eq!(ask(&host, "new", Some(&cookie)).await.text(), "true");
            continue;
        }
        assert_eq!(asking.closed().await, (1008, "the session was flushed".into()));
    }
}

async fn c07_saves_merge_by_key_and_conflict_by_version(way: Way) {
    let host = faults(way).await;
    let cookie = saved(&host).await;
    let (mut one, mut other) = (socket(&host, "/ws", &cookie).await, socket(&host, "/loop", &cookie).await);
    assert_eq!(one.ask("session set b 2").await, "set");
    assert_eq!(other.ask("session set c 3").await, "set");
    assert_eq!((one.ask("session save").await, other.ask("session save").await), ("saved 2".into(), "saved 3".into()));
    assert_eq!(ask(&host, "keys", Some(&cookie)).await.text(), "a,b,c");
    assert_eq!(one.ask("session set b 4").await, "set");
    assert_eq!(one.ask("session save-if x 2").await, "error: version 3 of the session is saved");
    assert_eq!(one.ask("session save-if x 3").await, "saved 4");
}

async fn c08_store_in_memory_ends_with_the_process_and_sqlite_does_not(way: Way) {
    for (store, kept) in [("memory", false), ("sqlite", true)] {
        let (app, data) = (app_with_session(way, &format!("store = \"{store}\"")), TempDir::new().unwrap());
        let start = || Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
        let host = start();
        let cookie = saved(&host).await;
        assert_eq!(ask(&host, "get?k=a", Some(&cookie)).await.text(), "\"1\"");
        drop(host);
        let host = start();
        assert_eq!(ask(&host, "new", Some(&cookie)).await.text() == "false", kept, "{store}");
    }
}

async fn c08_signed_cookie_carries_the_session_and_outlives_the_process(way: Way) {
    let (app, data) = (app_with_session(way, "store = \"signed-cookie\""), TempDir::new().unwrap());
    let start = || Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
    let host = start();
    let old = saved(&host).await;
    assert_eq!(ask(&host, "get?k=a", Some(&old)).await.cookie(), None, "what is only read is not sent again");
    let new = ask(&host, "set?k=b&v=2", Some(&old)).await.cookie().unwrap();
    assert_eq!(ask(&host, "keys", Some(&new)).await.text(), "a,b");
    assert_eq!(ask(&host, "keys", Some(&old)).await.text(), "a", "the cookie is the session");
    let mut socket = socket(&host, "/ws", &new).await;
    assert_eq!(socket.ask("session get b").await, "\"2\"");
    assert_eq!(socket.ask("session set b 3").await, "set");
    let refusal = "error: the cookie that this needs cannot reach the peer any more: the head has left";
    assert_eq!(socket.ask("session save").await, refusal, "the head with the cookie has left");
    let forged = new.replacen('.', "x.", 1);
    assert_eq!(ask(&host, "new", Some(&forged)).await.text(), "true");
    drop(host);
    let host = start();
    assert_eq!(ask(&host, "keys", Some(&new)).await.text(), "a,b");
    let key_file = std::fs::metadata(data.path().join("apps/faults/session-keys")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&key_file.permissions()) & 0o777, 0o600);
}

async fn c09_session_ends_absolutely_or_by_its_own_life(way: Way) {
    let host = Host::start(&app_with_session(way, "absolute_s = 1"), way);
    let own = ask(&host, "set?k=a&v=3600&then=expiry", None).await.cookie().unwrap();
    let short = saved(&host).await;
    // Each of these is a use, which does not put off the absolute end.
    while ask(&host, "get?k=a", Some(&short)).await.text() != "null" {}
    assert_eq!(ask(&host, "get?k=a", Some(&own)).await.text(), "\"3600\"");
}
