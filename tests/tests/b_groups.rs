//! Groups: who is in them, what they were told, and what was missed, from websockets and exchanges.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::{Value, json};
use sessile_tests::{App, Host, Settings, Socket, Way, both_ways, request};
use tempfile::TempDir;

both_ways!(
    b04_publication_to_a_tag_reaches_those_that_have_it_and_not_the_sender,
    b04_members_are_told_with_metadata_from_an_exchange,
    b06_publication_missed_by_one_that_comes_back_is_there_before_the_new,
    b06_history_that_was_cut_says_so,
    b05_presence_is_told_gathered_and_empty_again_after_a_trap,
    b04_handler_of_publications_tells_them_in_its_own_words,
    b04_handler_that_says_nothing_of_a_publication_hears_the_next,
    b04_guest_that_traps_at_a_publication_ends_alone,
    b06_durable_history_goes_on_after_the_host_was_killed,
    b04_person_publishes_from_the_command_line_and_is_told_who_has_it,
);

fn app() -> App {
    App::new(
        r#"
[app]
name = "gathering"
[[routes]]
path = "/ws"
handler = "events"
[[routes]]
path = "/do"
handler = "events"
[[routes]]
path = "/watch"
handler = "watcher"
[handlers.events]
component = "{components}/gathering.wasm"
[handlers.watcher]
component = "{components}/watcher.wasm"
[groups."kept*"]
history = true
history_messages = 3
[groups."watched"]
history = true
[groups."durable"]
history = true
durable = true
[groups."here"]
presence = true
"#,
    )
}

async fn ask(socket: &mut Socket, text: &str) -> Value {
    serde_json::from_str(&socket.ask(text).await).unwrap()
}

async fn heard(socket: &mut Socket) -> Value {
    serde_json::from_str(&socket.text().await).unwrap()
}

async fn exchanged(host: &Host, text: &str) -> Value {
    let body = Full::new(Bytes::from(text.to_owned()));
    let answer = request(host.address(), Request::post("/do").header("host", "x").body(body).unwrap()).await;
    serde_json::from_str(answer.text()).unwrap_or_else(|_| panic!("{}", answer.text()))
}

async fn b04_publication_to_a_tag_reaches_those_that_have_it_and_not_the_sender(way: Way) {
    let host = Host::start(&app(), way);
    let [mut red, mut blue] = [Socket::open(host.address(), "/ws").await, Socket::open(host.address(), "/ws").await];
    ask(&mut red, r#"join-as g {"tags":["red"]}"#).await;
    ask(&mut blue, r#"join-as g {"tags":["blue"]}"#).await;
    let id = ask(&mut red, "id g").await;
    let delivery = ask(&mut blue, r#"publish-to g {"text":"for red","tag":"red"}"#).await;
    assert_eq!(delivery, json!({ "queued": 1, "full": 0, "gone": 0, "position": null }));
    assert_eq!(red.text().await, "for red");
    let delivery = exchanged(&host, &format!(r#"publish-to g {{"text":"for others","except":{id}}}"#)).await;
    assert_eq!((&delivery["queued"], blue.text().await.as_str()), (&json!(1), "for others"));
    let refused = [
        (r#"join-as g {"tags":[""]}"#.to_owned(), "0 exceeds the limit of 64"),
        (format!(r#"join-as g {{"metadata":"{}"}}"#, "x".repeat(1024)), "1026 exceeds the limit of 1024"),
        (format!("join {}", "g".repeat(101)), "101 exceeds the limit of 100"),
    ];
    for (command, why) in refused {
        assert_eq!(ask(&mut red, &command).await["error"], why);
    }
}

async fn b04_members_are_told_with_metadata_from_an_exchange(way: Way) {
    let host = Host::start(&app(), way);
    let mut socket = Socket::open(host.address(), "/ws").await;
    ask(&mut socket, r#"join-as g {"metadata":{"name":"Ada"},"tags":["a","b"]}"#).await;
    let id = ask(&mut socket, "id g").await;
    assert_eq!(
        exchanged(&host, "members g").await,
        json!([{ "id": id, "metadata": { "name": "Ada" }, "tags": ["a", "b"] }])
    );
    ask(&mut socket, r#"join-as g {"metadata":"Grace"}"#).await;
    assert_eq!(exchanged(&host, "members g").await, json!([{ "id": id, "metadata": "Grace", "tags": [] }]));
    assert_eq!(socket.close(1000, "").await.0, 1000);
    assert_eq!(exchanged(&host, "count g").await, json!(0));
}

async fn b06_publication_missed_by_one_that_comes_back_is_there_before_the_new(way: Way) {
    let host = Host::start(&app(), way);
    let first = exchanged(&host, r#"publish-to kept {"text":"1"}"#).await;
    let mut socket = Socket::open(host.address(), "/ws").await;
    let joined = ask(&mut socket, "join-as kept").await;
    assert_eq!(joined, json!({ "position": first["position"], "recovered": false, "publications": 0 }));
    drop(socket);
    for text in ["2", "3"] {
        exchanged(&host, &format!(r#"publish kept "{text}""#)).await;
    }
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send(format!(r#"join-as kept {{"since":{}}}"#, first["position"])).await;
    assert_eq!([socket.text().await, socket.text().await], ["2", "3"]);
    let joined = heard(&mut socket).await;
    assert_eq!((&joined["recovered"], &joined["publications"]), (&json!(true), &json!(2)));
    exchanged(&host, r#"publish kept "4""#).await;
    assert_eq!(socket.text().await, "4");
    let page = exchanged(&host, &format!(r#"history kept {{"since":{}}}"#, first["position"])).await;
    assert_eq!((&page["publications"], &page["recovered"]), (&json!(["2", "3", "4"]), &json!(true)));
}

async fn b06_history_that_was_cut_says_so(way: Way) {
    let host = Host::start(&app(), way);
    let first = exchanged(&host, r#"publish-to kept {"text":"1"}"#).await;
    for text in ["2", "3", "4", "5"] {
        exchanged(&host, &format!(r#"publish kept "{text}""#)).await;
    }
    let mut socket = Socket::open(host.address(), "/ws").await;
    let joined = ask(&mut socket, &format!(r#"join-as kept {{"since":{}}}"#, first["position"])).await;
    assert_eq!((&joined["recovered"], &joined["publications"]), (&json!(false), &json!(0)));
    let page = exchanged(&host, "history kept").await;
    assert_eq!((&page["publications"], &page["recovered"]), (&json!(["3", "4", "5"]), &json!(false)));
    assert_eq!(exchanged(&host, "history g").await["error"], "this host does not do that");
}

async fn b05_presence_is_told_gathered_and_empty_again_after_a_trap(way: Way) {
    let host = Host::start(&app(), way);
    let mut watcher = Socket::open(host.address(), "/ws").await;
    ask(&mut watcher, r#"join-as here {"metadata":"w"}"#).await;
    let told = heard(&mut watcher).await;
    assert_eq!((&told["presence"]["joined"][0]["metadata"], &told["presence"]["total"]), (&json!("w"), &json!(1)));
    let mut others = Vec::new();
    for _ in 0..20 {
        let mut other = Socket::open(host.address(), "/ws").await;
        other.send("join here").await;
        others.push(other);
    }
    let (mut joined, mut times) = (0, 0);
    while joined < 20 {
        let told = heard(&mut watcher).await;
        assert_eq!(told["presence"]["complete"], json!(true));
        joined += told["presence"]["joined"].as_array().unwrap().len();
        times += 1;
    }
    assert!(times < 20, "they are gathered");
    for mut other in others {
        other.send("trap here").await;
    }
    let mut left = 0;
    while left < 20 {
        left += heard(&mut watcher).await["presence"]["left"].as_array().unwrap().len();
    }
    assert_eq!((left, exchanged(&host, "count here").await), (20, json!(1)));
}

async fn b04_handler_of_publications_tells_them_in_its_own_words(way: Way) {
    let host = Host::start(&app(), way);
    let mut sockets = [Socket::open(host.address(), "/watch").await, Socket::open(host.address(), "/watch").await];
    sockets[0].send("one").await;
    for socket in &mut sockets {
        assert_eq!(heard(socket).await, json!({ "group": "watched", "offset": 1, "text": "one" }));
    }
    let delivery = exchanged(&host, r#"publish-to watched {"text":"two"}"#).await;
    assert_eq!((&delivery["queued"], &delivery["position"][1]), (&json!(2), &json!(2)));
    for socket in &mut sockets {
        assert_eq!(heard(socket).await, json!({ "group": "watched", "offset": 2, "text": "two" }));
    }
}

async fn b04_handler_that_says_nothing_of_a_publication_hears_the_next(way: Way) {
    let host = Host::start(&app(), way);
    let mut watcher = Socket::open(host.address(), "/watch").await;
    for count in 1..=3 {
        exchanged(&host, r#"publish-to watched {"text":"quiet"}"#).await;
        host.wait_for_logs("heard, and not said", count);
    }
    exchanged(&host, r#"publish-to watched {"text":"two"}"#).await;
    assert_eq!(heard(&mut watcher).await["text"], json!("two"));
}

async fn b04_guest_that_traps_at_a_publication_ends_alone(way: Way) {
    let host = Host::start(&app(), way);
    let mut watcher = Socket::open(host.address(), "/watch").await;
    let mut other = Socket::open(host.address(), "/ws").await;
    ask(&mut other, "join watched").await;
    exchanged(&host, r#"publish watched "panic""#).await;
    assert_eq!(watcher.closed().await.0, 1011);
    assert_eq!(other.text().await, "panic");
    assert_eq!(exchanged(&host, "count watched").await, json!(1));
}

async fn b06_durable_history_goes_on_after_the_host_was_killed(way: Way) {
    let (app, data) = (app(), TempDir::new().unwrap());
    let start = || Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
    let host = start();
    let mut socket = Socket::open(host.address(), "/ws").await;
    let begin = ask(&mut socket, "join-as durable").await["position"].clone();
    let kept = exchanged(&host, r#"publish-to kept {"text":"1"}"#).await["position"].clone();
    for text in ["1", "2", "3"] {
        exchanged(&host, &format!(r#"publish durable "{text}""#)).await;
        assert_eq!(socket.text().await, text);
    }
    // By SIGKILL.
    drop(host);
    let host = start();
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send(format!(r#"join-as durable {{"since":{begin}}}"#)).await;
    assert_eq!([socket.text().await, socket.text().await, socket.text().await], ["1", "2", "3"]);
    let joined = heard(&mut socket).await;
    assert_eq!((&joined["recovered"], &joined["position"]), (&json!(true), &json!([begin[0], 3])));
    let delivery = exchanged(&host, r#"publish-to durable {"text":"4"}"#).await;
    assert_eq!((&delivery["queued"], &delivery["position"]), (&json!(1), &json!([begin[0], 4])));
    assert_eq!(socket.text().await, "4");
    let joined = ask(&mut socket, &format!(r#"join-as kept {{"since":{kept}}}"#)).await;
    assert_eq!(joined["recovered"], json!(false), "that of this process was lost, and it says so");
}

async fn b04_person_publishes_from_the_command_line_and_is_told_who_has_it(way: Way) {
    let host = Host::start(&app(), way);
    let mut socket = Socket::open(host.address(), "/ws").await;
    ask(&mut socket, "join kept").await;
    let published = host.command_to(&["publish", "kept", "hello", "--app", "gathering"]).await;
    assert_eq!(String::from_utf8_lossy(&published.stdout), "kept: queued for 1; number 1 of its history\n");
    assert_eq!(socket.text().await, "hello");
    let published = host.command_to(&["publish", "nobody", "hello", "--json"]).await;
    let told: Value = serde_json::from_slice(&published.stdout).unwrap();
    assert_eq!(told, json!({ "queued": 0, "full": 0, "gone": 0, "offset": null }));
    let refused = host.command_to(&["publish", "", "hello"]).await;
    assert!(!refused.status.success());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("group name of 0 bytes: 1 to 100 are allowed"), "{said}");
}
