//! `examples/chat`: rooms by path, names from the session.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use hyper::Request;
use sessile_tests::{App, Host, Settings, Socket, Way, both_ways, get, request};
use tempfile::TempDir;

both_ways!(people_in_a_room_hear_each_other_by_name, name_survives_a_restart_of_the_host);

async fn name(host: &Host, name: &str) -> String {
    let form = Request::post("/name")
        .header("host", "x")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("name={name}&room=a+b").into())
        .unwrap();
    let answer = request(host.address(), form).await;
    assert_eq!((answer.status.as_u16(), answer.headers["location"].to_str().unwrap()), (303, "/?room=a%20b"));
    answer.cookie().expect("a cookie")
}

async fn people_in_a_room_hear_each_other_by_name(way: Way) {
    let host = Host::start(&App::example("chat"), way);
    assert!(get(host.address(), "/", None).await.text().contains("<title>Sessile chat</title>"));
    let cookie = name(&host, "Ad%C3%A0").await;
    let enter = |room: &'static str, cookie: String| {
        let address = host.address();
        async move { Socket::open_with(address, room, &[("cookie", &cookie)]).await.unwrap() }
    };
    let mut ada = enter("/rooms/one", cookie.clone()).await;
    assert_eq!(ada.text().await, r#"{"from":"Adà","kind":"join","text":""}"#);
    let mut bob = Socket::open(host.address(), "/rooms/one").await;
    let mut elsewhere = Socket::open(host.address(), "/rooms/two").await;
    for socket in [&mut ada, &mut bob] {
        assert_eq!(socket.text().await, r#"{"from":"anonymous","kind":"join","text":""}"#);
    }
    assert_eq!(elsewhere.text().await, r#"{"from":"anonymous","kind":"join","text":""}"#);
    ada.send("<b>hi</b>").await;
    for socket in [&mut ada, &mut bob] {
        assert_eq!(socket.text().await, r#"{"from":"Adà","kind":"message","text":"<b>hi</b>"}"#);
    }
    assert_eq!(bob.close(1000, "").await.0, 1000);
    assert_eq!(ada.text().await, r#"{"from":"anonymous","kind":"leave","text":""}"#);
    elsewhere.send("still alone").await;
    assert!(elsewhere.text().await.contains("still alone"));
}

async fn name_survives_a_restart_of_the_host(way: Way) {
    let (app, data) = (App::example("chat"), TempDir::new().unwrap());
    let start = || Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
    let host = start();
    let cookie = name(&host, "Ada").await;
    drop(host);
    let host = start();
    assert_eq!(get(host.address(), "/me", Some(&cookie)).await.text(), r#"{"name":"Ada"}"#);
    let mut socket = Socket::open_with(host.address(), "/rooms/x", &[("cookie", &cookie)]).await.unwrap();
    assert_eq!(socket.text().await, r#"{"from":"Ada","kind":"join","text":""}"#);
}
