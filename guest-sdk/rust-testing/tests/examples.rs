//! The examples, each tested as its author would.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::PathBuf;

use serde_json::{Value, json};
use sessile_testing::{App, Memory};

fn example(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

#[test]
fn chat_message_reaches_the_room_with_the_name_of_the_session() {
    for memory in [Memory::Keep, Memory::Amnesia] {
        let app = App::start_with(example("chat"), memory);
        let (ada, bob) = (app.client(), app.client());
        ada.session().set("name", "Ada");
        let mut bobs = bob.connect("/rooms/lobby").unwrap();
        bobs.expect_json(json!({ "kind": "join", "from": "anonymous", "text": "" }));
        let mut adas = ada.connect("/rooms/lobby").unwrap();
        adas.send("hello");
        bobs.expect_json(json!({ "kind": "join", "from": "Ada", "text": "" }));
        bobs.expect_json(json!({ "kind": "message", "from": "Ada", "text": "hello" }));
        assert_eq!(adas.close(1000, "").code, 1000);
        bobs.expect_json(json!({ "kind": "leave", "from": "Ada", "text": "" }));
        bobs.send(vec![0]);
        let close = bobs.closed();
        assert_eq!((close.code, close.reason.as_str()), (1003, "text only"));
    }
}

#[test]
fn chat_name_set_over_http_is_in_the_session() {
    let app = App::start(example("chat"));
    let ada = app.client();
    let renamed = ada.post_form("/name", &[("name", "Ada L."), ("room", "a b")]);
    assert_eq!((renamed.status, renamed.header("location")), (303, Some("/?room=a%20b")));
    assert_eq!(ada.session().get::<String>("name").as_deref(), Some("Ada L."));
    assert_eq!(ada.get("/me").json::<Value>(), json!({ "name": "Ada L." }));
    assert_eq!(app.client().session().get::<String>("name"), None);
    let denied = ada.connect("/rooms/lobby/nobody").map(drop).unwrap_err();
    assert_eq!(denied.status, 404);
    let foreign = ada.connect_with("/rooms/lobby", &[("origin", "https://elsewhere.example")]).map(drop).unwrap_err();
    assert_eq!(foreign.status, 403);
}

#[test]
fn counter_goes_on_from_what_the_session_has() {
    let app = App::start(example("counter"));
    let peer = app.client();
    peer.session().set("count", &41);
    assert_eq!(peer.get("/").text().trim(), "42");
    assert_eq!(peer.session().get("count"), Some(42));
}

#[test]
fn echo_returns_text_and_bytes() {
    let app = App::start(example("echo"));
    let mut ws = app.client().connect("/ws").unwrap();
    ws.send("text");
    ws.expect("text");
    ws.send(vec![1, 2, 3]);
    ws.expect(vec![1, 2, 3]);
}
