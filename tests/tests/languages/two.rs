//! `examples/two-languages`: handlers of one app in different languages share the session and the groups.

use std::fs;

use bytes::Bytes;
use hyper::{Method, Request};
use sessile_tests::{App, Host, Socket, Way, get, request};

use super::{built, has, root};

/// The example, elsewhere.
fn example() -> App {
    let folder = root().join("examples/two-languages");
    let sdks = root().join("guest-sdk").canonicalize().unwrap();
    let text =
        |path: &str| fs::read_to_string(folder.join(path)).unwrap().replace("../../guest-sdk", sdks.to_str().unwrap());
    let app = App::new(&text("sessile.toml"));
    for path in ["login/app.py", "room/main.ts", "package.json", "tsconfig.json", "public/index.html"] {
        let copy = app.path().join(path);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::write(copy, text(path)).unwrap();
    }
    app
}

async fn login(host: &Host, method: Method, cookie: &str, body: &'static str) -> (u16, Option<String>) {
    let form = Request::builder()
        .method(method)
        .uri("/login")
        .header("host", "x")
        .header("cookie", cookie)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Bytes::from_static(body.as_bytes()).into())
        .unwrap();
    let answer = request(host.address(), form).await;
    (answer.status.as_u16(), answer.cookie())
}

#[tokio::test(flavor = "multi_thread")]
async fn login_in_python_is_known_to_the_room_in_typescript() {
    if !has(&["python", "componentize-py", "node", "npm"], "an app in two languages") {
        return;
    }
    let host = Host::start(&built(example()), Way::Keep);
    let mut stranger = Socket::open(host.address(), "/ws").await;
    assert_eq!(stranger.closed().await, (4401, "log in first".to_owned()));
    assert_eq!(login(&host, Method::POST, "", "name=+").await.0, 422);
    let mut sockets = Vec::new();
    for (form, name) in [("name=Ad%C3%A0", "Adà"), ("name=Bob", "Bob")] {
        let (status, cookie) = login(&host, Method::POST, "", form).await;
        let cookie = cookie.unwrap();
        assert_eq!(status, 303);
        assert_eq!(get(host.address(), "/login", Some(&cookie)).await.text(), format!("{{\"user\":\"{name}\"}}"));
        let mut socket = Socket::open_with(host.address(), "/ws", &[("cookie", &cookie)]).await.unwrap();
        assert_eq!(socket.text().await, format!("{name} is here"));
        sockets.push((socket, cookie));
    }
    let [(mut ada, cookie), (mut bob, _)] = <[_; 2]>::try_from(sockets).ok().unwrap();
    assert_eq!(ada.text().await, "Bob is here");
    assert_eq!(bob.ask("hi").await, "Bob: hi");
    assert_eq!(ada.text().await, "Bob: hi");
    assert_eq!(login(&host, Method::DELETE, &cookie, "").await.0, 204);
    assert_eq!(ada.closed().await.0, 1008);
    assert_eq!(bob.text().await, "Adà has left");
    let mut again = Socket::open_with(host.address(), "/ws", &[("cookie", &cookie)]).await.unwrap();
    assert_eq!(again.closed().await.0, 4401);
}
