//! Who is connected, groups, and alarms: FEATURES B.

use serde_json::{Value, json};

use super::guest::{Guest, Peer, STYLES, Supported};
use super::{Outcome, rows};

rows! {
    b01_connections_are_counted_listed_and_found,
    b02_one_is_sent_to_pinged_and_closed,
    b03_all_on_a_route_are_sent_to,
    b04_groups,
    b04_group_names_and_numbers_are_bounded,
    b04_publications_to_a_tag_and_not_to_the_sender,
    b04_members_with_metadata_and_tags,
    b05_presence,
    b06_history,
    b06_recovery_by_position,
    alarms_ring_with_what_was_set,
    alarms_ring_again_after_a_failure,
    alarms_are_listed_and_cancelled,
    alarms_of_a_session,
}

const COUNT: &str = "connections count /auto/{room}";

async fn b01_connections_are_counted_listed_and_found(guest: &Guest) -> Outcome {
    let before: u64 = guest.ask(COUNT, None).await?.parse().unwrap();
    let auto = guest.open("/auto/one-more").await;
    assert_eq!(guest.ask(COUNT, None).await?, (before + 1).to_string());
    left(guest, auto, "one-more").await?;
    assert_eq!(guest.ask(COUNT, None).await?, before.to_string());
    for (style, handler) in STYLES.into_iter().zip(["events", "looped"]) {
        let (mut peer, mut other) = (guest.open(&format!("{style}/found")).await, guest.open("/ws/finds").await);
        peer.hold(&[("join found here", "ok")]).await?;
        other.hold(&[("join found here", "ok")]).await?;
        let mut all =
            guest.ask("connections list found here", None).await?.split('|').map(str::to_owned).collect::<Vec<_>>();
        all.sort();
        assert_eq!(all, ["events open".to_owned(), format!("{handler} open")]);
        let lookup = format!("connections lookup {}", peer.ask("id").await?);
        other.hold(&[(&lookup, &format!("{handler} {style}/{{room}} open"))]).await?;
        left(guest, peer, "found").await?;
        other.hold(&[(&lookup, "(none)"), ("leave found here", "ok"), ("connections list found here", "")]).await?;
    }
    Ok(())
}

/// Closes the websocket of this room; until its handler is told.
async fn left(guest: &Guest, peer: Peer, room: &str) -> Outcome {
    let mut group = guest.listener(room).await?;
    peer.close(1000, "").await;
    assert_eq!(group.text().await?, "closed 1000 ");
    Ok(())
}

async fn b02_one_is_sent_to_pinged_and_closed(guest: &Guest) -> Outcome {
    for style in STYLES {
        let (mut peer, mut other) = (guest.open(&format!("{style}/meant")).await, guest.open("/ws/other").await);
        let (id, mut group) = (peer.ask("id").await?, guest.listener("meant").await?);
        assert_eq!(guest.ask(&format!("connections send {id} over HTTP"), None).await?, "queued");
        assert_eq!(peer.text().await?, "over HTTP");
        other.hold(&[(&format!("connections send {id} ä b"), "queued")]).await?;
        assert_eq!(peer.text().await?, "ä b");
        let ping = format!("connections ping {id}");
        tokio::select! {
            answer = other.ask(&ping) => assert_eq!(answer?, "ok"),
            text = peer.text() => panic!("{text:?} came with the ping"),
        }
        other.refused(&format!("connections close {id} 1005 x"), "invalid-code").await?;
        other.hold(&[(&format!("connections close {id} 4321 that is all"), "ok")]).await?;
        assert_eq!(peer.closed().await, (4321, "that is all".to_owned()));
        assert_eq!(group.text().await?, "closed 4321 that is all");
        for command in [format!("connections send {id} x"), ping, format!("connections close {id} 1000 x")] {
            other.refused(&command, "unknown").await?;
        }
    }
    Ok(())
}

async fn b03_all_on_a_route_are_sent_to(guest: &Guest) -> Outcome {
    let mut peers = [guest.open("/auto/a").await, guest.open("/auto/b").await];
    let mut bystander = guest.open("/ws/a").await;
    let all = "connections send-all /auto/{room} to äll";
    assert_eq!(guest.ask(all, None).await?, "queued 2 full 0 gone 0");
    bystander.hold(&[(all, "queued 2 full 0 gone 0"), ("text a", "a")]).await?;
    for peer in &mut peers {
        assert_eq!([peer.text().await?, peer.text().await?], ["to äll"; 2]);
    }
    let [a, b] = peers;
    left(guest, a, "a").await?;
    left(guest, b, "b").await
}

async fn b04_groups(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peers = [guest.open(&format!("{style}/groups")).await, guest.open("/ws/groups").await];
        for peer in &mut peers {
            peer.hold(&[("join höre all", "ok")]).await?;
        }
        // The path's rooms are not groups.
        let [one, other] = &mut peers;
        other.hold(&[("leave höre all", "ok"), ("join all", "ok"), ("publish all a b", "a b")]).await?;
        assert_eq!(other.text().await?, "queued 1 dropped 0");
        one.hold(&[("join all", "ok")]).await?;
        assert_eq!(guest.ask("publish all over HTTP", None).await?, "queued 2 dropped 0");
        assert_eq!([one.text().await?, other.text().await?], ["over HTTP", "over HTTP"]);
        one.hold(&[("leave all", "ok")]).await?;
        other.hold(&[("leave all", "ok"), ("publish all none", "queued 0 dropped 0")]).await?;
    }
    Ok(())
}

async fn b04_group_names_and_numbers_are_bounded(guest: &Guest) -> Outcome {
    let mut peer = guest.open("/ws/groups").await;
    let name = "x".repeat(100);
    peer.hold(&[(&format!("join {name}"), "ok"), (&format!("leave {name}"), "ok")]).await?;
    peer.refused(&format!("join {name}x"), "invalid-name").await?;
    peer.refused("join ", "invalid-name").await?;
    for number in 0..128 {
        peer.hold(&[(&format!("join {number}"), "ok")]).await?;
    }
    peer.refused("join 128", "too-many").await
}

const JOINED: &str = "at (none) recovered false publications 0";

async fn b04_publications_to_a_tag_and_not_to_the_sender(guest: &Guest) -> Outcome {
    for style in STYLES {
        let (mut red, mut blue) = (guest.open(&format!("{style}/tags")).await, guest.open("/ws/tags").await);
        let group = format!("tags{style}");
        red.hold(&[(&format!("join-as {group} - red,röt -"), JOINED)]).await?;
        blue.hold(&[(&format!("join-as {group} - blue -"), JOINED)]).await?;
        let one = "queued 1 full 0 gone 0 at (none)";
        blue.hold(&[(&format!("publish-to {group} tag:röt for one"), one)]).await?;
        assert_eq!(red.text().await?, "for one");
        red.hold(&[(&format!("publish-to {group} not-me for others"), one)]).await?;
        assert_eq!(blue.text().await?, "for others");
        let all = guest.ask(&format!("publish-to {group} all for all"), None).await?;
        assert_eq!(all, "queued 2 full 0 gone 0 at (none)");
        assert_eq!([red.text().await?, blue.text().await?], ["for all"; 2]);
    }
    Ok(())
}

async fn b04_members_with_metadata_and_tags(guest: &Guest) -> Outcome {
    for style in STYLES {
        let (mut peer, mut other) = (guest.open(&format!("{style}/member")).await, guest.open("/ws/other").await);
        peer.hold(&[("join-as who - a,b {\"name\": \"Ädä\"}", JOINED)]).await?;
        other
            .hold(&[("members who", "{\"name\":\"Ädä\"};a,b"), ("join who", "ok"), ("members-count who", "2")])
            .await?;
        assert!(guest.ask("members who", None).await?.split('|').any(|member| member == "(none);"));
        other.hold(&[("leave who", "ok")]).await?;
        peer.hold(&[("join-as who - - [1]", JOINED), ("members who", "[1];")]).await?;
        for (command, case) in [
            (format!("join-as who - {} -", "t".repeat(65)), "invalid-tag"),
            (format!("join-as who - - \"{}\"", "x".repeat(1023)), "too-large"),
            ("join-as who - - {1}".to_owned(), "invalid-metadata"),
        ] {
            peer.refused(&command, case).await?;
        }
        left(guest, peer, "member").await?;
        assert_eq!(guest.ask("members-count who", None).await?, "0");
    }
    Ok(())
}

/// A group of the manifest; the host tells the peers.
async fn b05_presence(guest: &Guest) -> Outcome {
    for style in STYLES {
        let mut peer = guest.open(&format!("{style}/present")).await;
        let join = |metadata: &str| format!("join-as here{style} - - {metadata}");
        assert_eq!(present(&mut peer, &join("\"Ada\"")).await?, json!(["Ada", 0, 1]));
        let mut other = guest.open("/ws/present").await;
        assert_eq!(present(&mut other, &join("{\"n\":1}")).await?, json!([{ "n": 1 }, 0, 2]));
        assert_eq!(presence(&peer.text().await?), json!([{ "n": 1 }, 0, 2]));
        other.close(1000, "").await;
        assert_eq!(presence(&peer.text().await?), json!([null, 1, 1]));
    }
    Ok(())
}

/// What one that joins is told, which may come before the answer.
async fn present(peer: &mut Peer, join: &str) -> Supported<Value> {
    peer.send(join).await;
    let (first, second) = (peer.text().await?, peer.text().await?);
    let (answer, told) = if first == JOINED { (first, second) } else { (second, first) };
    assert_eq!(answer, JOINED);
    Ok(presence(&told))
}

/// The metadata of who came, how many went, and how many are there.
fn presence(text: &str) -> Value {
    let told = &serde_json::from_str::<Value>(text).unwrap()["presence"];
    json!([told["joined"][0]["metadata"], told["left"].as_array().unwrap().len(), told["total"]])
}

/// The epoch of `at EPOCH:OFFSET` with this offset.
fn epoch(answer: &str, offset: u64) -> u64 {
    let position = answer.split("at ").nth(1).and_then(|rest| rest.split(' ').next()).unwrap();
    position.strip_suffix(&format!(":{offset}")).unwrap_or_else(|| panic!("{answer}: {offset}")).parse().unwrap()
}

async fn b06_history(guest: &Guest) -> Outcome {
    let first = guest.ask("publish-to kept-history all 1", None).await?;
    let at = epoch(&first, 1);
    assert_eq!(first, format!("queued 0 full 0 gone 0 at {at}:1"));
    let history = format!("history kept-history {at}");
    for style in STYLES {
        let mut peer = guest.open(&format!("{style}/history")).await;
        if style == "/ws" {
            for text in ["2", "3", "4", "fünf"] {
                peer.hold(&[(&format!("publish kept-history {text}"), "queued 0 dropped 0")]).await?;
            }
        }
        peer.hold(&[
            (&format!("{history}:3 100"), &format!("at {at}:5 recovered true|4|fünf")),
            (&format!("{history}:3 1"), &format!("at {at}:5 recovered true|4")),
            (&format!("{history}:5 100"), &format!("at {at}:5 recovered true")),
            // Three are kept, and do not reach back so far.
            (&format!("{history}:1 100"), &format!("at {at}:5 recovered false")),
            ("history kept-history - 100", &format!("at {at}:5 recovered false|3|4|fünf")),
        ])
        .await?;
        peer.refused("history others - 100", "unsupported").await?;
    }
    Ok(())
}

async fn b06_recovery_by_position(guest: &Guest) -> Outcome {
    for style in STYLES {
        let (path, group) = (format!("{style}/recovery"), format!("kept{style}"));
        let mut peer = guest.open(&path).await;
        let at = epoch(&peer.ask(&format!("join-as {group} - - -")).await?, 0);
        guest.ask(&format!("publish {group} 1"), None).await?;
        assert_eq!(peer.text().await?, "1");
        drop(peer);
        for text in ["2", "3"] {
            guest.ask(&format!("publish {group} {text}"), None).await?;
        }
        let mut peer = guest.open(&path).await;
        peer.send(format!("join-as {group} {at}:1 - -")).await;
        assert_eq!([peer.text().await?, peer.text().await?], ["2", "3"]);
        assert_eq!(peer.text().await?, format!("at {at}:3 recovered true publications 2"));
        guest.ask(&format!("publish {group} 4"), None).await?;
        assert_eq!(peer.text().await?, "4");
        let mut stranger = guest.open(&path).await;
        let joined = stranger.ask(&format!("join-as {group} {}:1 - -", at ^ 1)).await?;
        assert_eq!(joined, format!("at {at}:4 recovered false publications 0"));
    }
    Ok(())
}

/// The next alarm that rings under this name.
async fn rung(group: &mut Peer, name: &str) -> Supported<String> {
    loop {
        let text = group.text().await?;
        if let Some(told) = text.strip_prefix(&format!("alarm {name} ")) {
            return Ok(told.to_owned());
        }
    }
}

async fn alarms_ring_with_what_was_set(guest: &Guest) -> Outcome {
    let mut group = guest.listener("alarms").await?;
    for style in STYLES {
        let mut peer = guest.open(&format!("{style}/alarms")).await;
        peer.hold(&[(&format!("alarm set of{style} 50 ä b"), "ok")]).await?;
        assert_eq!(rung(&mut group, &format!("of{style}")).await?, "1 ä b");
        // Nobody waits for it.
        peer.hold(&[(&format!("alarm set late{style} 50 c"), "ok")]).await?;
        peer.close(1000, "").await;
        assert_eq!(rung(&mut group, &format!("late{style}")).await?, "1 c");
    }
    assert_eq!(guest.ask("alarm set of-http 0 d", None).await?, "ok");
    assert_eq!(rung(&mut group, "of-http").await?, "1 d");
    let name = "x".repeat(101);
    guest.open("/ws/alarms").await.refused(&format!("alarm set {name} 50 a"), "invalid-name").await
}

async fn alarms_ring_again_after_a_failure(guest: &Guest) -> Outcome {
    let mut group = guest.listener("alarms").await?;
    assert_eq!(guest.ask("alarm set again 0 fail", None).await?, "ok");
    assert_eq!([rung(&mut group, "again").await?, rung(&mut group, "again").await?], ["1 fail", "2 fail"]);
    guest.host().wait_for_log("told to fail");
    Ok(())
}

async fn alarms_are_listed_and_cancelled(guest: &Guest) -> Outcome {
    let listed = async || -> Supported<Vec<String>> {
        let names = guest.ask("alarm list", None).await?;
        Ok(names.split('|').filter(|name| name.starts_with("later")).map(str::to_owned).collect())
    };
    let mut peer = guest.open("/ws/alarms").await;
    for name in ["later-a", "later-b"] {
        peer.hold(&[(&format!("alarm set {name} 3600000 x"), "ok")]).await?;
    }
    assert_eq!(listed().await?, ["later-a", "later-b"]);
    assert_eq!(guest.ask("alarm cancel later-a", None).await?, "true");
    peer.hold(&[("alarm cancel later-a", "false")]).await?;
    assert_eq!(listed().await?, ["later-b"]);
    peer.hold(&[("alarm cancel later-b", "true")]).await
}

async fn alarms_of_a_session(guest: &Guest) -> Outcome {
    let login = guest.command("session set a 1\nsession save", None).await?.cookie().unwrap();
    let mut peer = guest.open_with("/ws/alarms", &[("cookie", &login)]).await;
    peer.hold(&[("alarm set-session ring 50 session", "ok")]).await?;
    let news = guest.post("poll", "", Some(&login)).await?;
    assert_eq!((news.status.as_u16(), news.text()), (200, "\"ring\""));
    // It is no alarm of the app.
    assert!(guest.ask("alarm list", None).await?.split('|').all(|name| name != "ring"));
    Ok(())
}
