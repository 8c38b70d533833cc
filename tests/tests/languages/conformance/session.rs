//! The session: FEATURES, table C.

use super::guest::{Guest, Peer, STYLES, Supported, is_refusal};
use super::{Outcome, rows};

rows! {
    c01_get_set_remove,
    c01_keys_contains_clear,
    c01_one_session_over_http_and_websocket,
    c02_http_saves_by_itself,
    c03_websocket_saves_when_told,
    c03_websocket_saves_after_each_event,
    c03_cookie_on_the_101_or_never,
    c04_save_before_the_response,
    c06_cycle_id,
    c06_flush,
    c07_saves_merge_by_key,
    c07_save_if_version,
    c09_expiry,
}

/// A session with `a = 1`: its cookie.
async fn saved(guest: &Guest) -> Supported<String> {
    Ok(guest.command("session set a 1", None).await?.cookie().unwrap())
}

async fn open(guest: &Guest, path: &str, cookie: &str) -> Peer {
    guest.open_with(path, &[("cookie", cookie)]).await
}

async fn c01_get_set_remove(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peer = open(guest, &format!("{style}/session"), &saved(guest).await?).await;
        for json in ["2", "-1.5", "null", "true", "\"a \\\"b\\\" \\\\ é€😀\"", "[1,{\"x\":[]}]"] {
            peer.hold(&[(&format!("session set k {json}"), "ok"), ("session get k", json)]).await?;
        }
        peer.refused("session set k {", "not-json").await?;
        peer.refused(&format!("session set k \"{}\"", "x".repeat(17_000)), "too-large").await?;
        peer.hold(&[("session get none", "(none)"), ("session remove k", "true"), ("session remove k", "false")])
            .await?;
        peer.hold(&[("session get k", "(none)"), ("session get a", "1")]).await?;
    }
    Ok(())
}

async fn c01_keys_contains_clear(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peer = open(guest, &format!("{style}/session"), &saved(guest).await?).await;
        let told = [
            ("session set b 2", "ok"),
            ("session keys", "a|b"),
            ("session contains b", "true"),
            ("session is-empty", "false"),
            ("session clear", "ok"),
            ("session is-empty", "true"),
            ("session contains b", "false"),
            ("session discard", "ok"),
            ("session keys", "a"),
        ];
        peer.hold(&told).await?;
    }
    assert_eq!(guest.ask("session is-new\nsession version", None).await?, "true\n0");
    Ok(())
}

async fn c01_one_session_over_http_and_websocket(guest: &Guest) -> Outcome {
    for style in STYLES {
        let cookie = saved(guest).await?;
        let mut peer = open(guest, &format!("{style}/session"), &cookie).await;
        peer.hold(&[("session get a", "1"), ("session set b 2", "ok"), ("session save", "ok")]).await?;
        assert_eq!(guest.ask("session get b\nsession set b 3", Some(&cookie)).await?, "2\nok");
        peer.hold(&[("session get b", "3")]).await?;
    }
    Ok(())
}

async fn c02_http_saves_by_itself(guest: &Guest) -> Outcome {
    assert_eq!(guest.command("session get a", None).await?.cookie(), None, "nothing is to be kept");
    let failed = guest.post("command?500", "session set a 2", None).await?;
    assert_eq!((failed.status.as_u16(), failed.cookie()), (500, None));
    let cookie = saved(guest).await?;
    guest.post("command?500", "session set a 2", Some(&cookie)).await?;
    guest.post("command?404", "session set b 2", Some(&cookie)).await?;
    assert_eq!(guest.ask("session get a\nsession get b", Some(&cookie)).await?, "1\n2", "500 saves nothing, 404 does");
    Ok(())
}

async fn c03_websocket_saves_when_told(guest: &Guest) -> Outcome {
    for style in STYLES {
        let cookie = saved(guest).await?;
        let path = format!("{style}/session");
        let (mut one, mut other) = (open(guest, &path, &cookie).await, open(guest, &path, &cookie).await);
        one.hold(&[("session set a 2", "ok"), ("session get a", "2")]).await?;
        other.hold(&[("session get a", "1")]).await?;
        one.close(1000, "").await;
        assert_eq!(guest.ask("session get a", Some(&cookie)).await?, "1", "it goes with the websocket");
    }
    Ok(())
}

async fn c03_websocket_saves_after_each_event(guest: &Guest) -> Outcome {
    let cookie = saved(guest).await?;
    let (mut one, mut other) = (open(guest, "/auto/a", &cookie).await, open(guest, "/auto/b", &cookie).await);
    // The next event of this websocket comes after the save of the last.
    one.hold(&[("session set a 2", "ok"), ("text after", "after")]).await?;
    other.hold(&[("session get a", "2")]).await
}

async fn c03_cookie_on_the_101_or_never(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut late = guest.open(&format!("{style}/cookie")).await;
        late.hold(&[("session set a 1", "ok")]).await?;
        assert_eq!(late.cookie(), None);
        late.refused("session save", "cookie-unreachable").await?;
        late.refused("session cycle", "cookie-unreachable").await?;
        let mut early = guest.open(&format!("{style}/cookie?session")).await;
        let cookie = early.cookie().unwrap();
        early.hold(&[("session set a 1", "ok"), ("session save", "ok")]).await?;
        assert_eq!(guest.ask("session get a", Some(&cookie)).await?, "1");
    }
    Ok(())
}

async fn c04_save_before_the_response(guest: &Guest) -> Outcome {
    let cookie = saved(guest).await?;
    let failed = guest.post("command?500", "session set a 2\nsession save", Some(&cookie)).await?;
    assert_eq!((failed.status.as_u16(), failed.text()), (500, "ok\nok"));
    assert_eq!(guest.ask("session get a", Some(&cookie)).await?, "2");
    Ok(())
}

async fn c06_cycle_id(guest: &Guest) -> Outcome {
    let old = saved(guest).await?;
    let mut follower = open(guest, "/ws/follower", &old).await;
    follower.hold(&[("session get a", "1")]).await?;
    let login = guest.command("session cycle", Some(&old)).await?;
    let new = login.cookie().unwrap();
    assert!(login.text() == "ok" && new != old);
    assert_eq!(guest.ask("session get a", Some(&new)).await?, "1");
    assert_eq!(guest.ask("session get a", Some(&old)).await?, "(none)", "the old id opens nothing");
    follower.hold(&[("session set b 2", "ok"), ("session save", "ok")]).await?;
    assert_eq!(guest.ask("session get b", Some(&new)).await?, "2", "a websocket follows the new id");
    Ok(())
}

async fn c06_flush(guest: &Guest) -> Outcome {
    let cookie = saved(guest).await?;
    let mut held = Vec::new();
    for style in STYLES {
        let mut peer = open(guest, &format!("{style}/flush"), &cookie).await;
        peer.hold(&[("session get a", "1")]).await?;
        held.push(peer);
    }
    let logout = guest.command("session flush", Some(&cookie)).await?;
    assert_eq!(logout.text(), "ok");
    assert!(logout.headers["set-cookie"].to_str().unwrap().contains("Max-Age=0"), "{logout:?}");
    for mut peer in held {
        assert_eq!(peer.closed().await.0, 1008);
    }
    let cookie = saved(guest).await?;
    let answer = guest.ask("session flush\nsession save", Some(&cookie)).await?;
    assert!(
        answer.split_once('\n').is_some_and(|(first, then)| first == "ok" && is_refusal(then, "deleted")),
        "{answer}"
    );
    Ok(())
}

async fn c07_saves_merge_by_key(guest: &Guest) -> Outcome {
    let cookie = saved(guest).await?;
    let (mut one, mut other) = (open(guest, "/ws/one", &cookie).await, open(guest, "/loop/other", &cookie).await);
    one.hold(&[("session set b 2", "ok")]).await?;
    other.hold(&[("session set c 3", "ok")]).await?;
    one.hold(&[("session save", "ok")]).await?;
    other.hold(&[("session save", "ok")]).await?;
    let told = guest.ask("session get a\nsession get b\nsession get c", Some(&cookie)).await?;
    assert_eq!(told, "1\n2\n3");
    Ok(())
}

async fn c07_save_if_version(guest: &Guest) -> Outcome {
    let cookie = saved(guest).await?;
    for style in STYLES {
        let mut peer = open(guest, &format!("{style}/version"), &cookie).await;
        let version: u64 = peer.ask("session version").await?.parse().unwrap();
        peer.hold(&[("session set b 4", "ok")]).await?;
        peer.refused(&format!("session save-if {}", version + 7), "conflict").await?;
        peer.hold(&[(&format!("session save-if {version}"), "ok")]).await?;
        peer.hold(&[("session version", &(version + 1).to_string())]).await?;
    }
    Ok(())
}

/// How sessions end is the host's, and tested there.
async fn c09_expiry(guest: &Guest) -> Outcome {
    let cookie = saved(guest).await?;
    let told =
        guest.command("session expiry 3600\nsession save\nsession expiry none\nsession save", Some(&cookie)).await?;
    assert_eq!(told.text(), "ok\nok\nok\nok");
    let answer = guest.ask(&format!("session expiry {}", 401 * 24 * 3600), Some(&cookie)).await?;
    assert!(is_refusal(&answer, "too-large"), "{answer}");
    Ok(())
}
