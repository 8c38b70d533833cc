//! `examples/*-tour`: the same app in each language, with all three styles in one component, driven by what a browser can see.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::{Method, Request};
use serde_json::{Value, json};
use sessile_tests::{Answer, App, Host, Socket, Way, get, request};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;

use super::{built, has, js, root};

/// What lies in an example's folder once it was built.
const BUILT: [&str; 4] = [".sessile", "build", "node_modules", "package-lock.json"];
const FORM: &str = "application/x-www-form-urlencoded";
const JSON: &str = "application/json; charset=utf-8";
/// With what JSON escapes.
const NAME: &str = "A\"d\\à";
const PATIENCE: Duration = Duration::from_secs(30);

sessile_tests::languages!(each_language tour_is_served_in is_served);

async fn is_served(language: &str, tools: &'static [&'static str]) {
    if !has(tools, &format!("the tour in {language}")) {
        return;
    }
    let app = example(language);
    if language == "ts" && !js::has_packages(&app, "the tour in ts") {
        return;
    }
    // That in Rust was built with these tests.
    let host = Host::start(&if language == "rust" { app } else { built(app) }, Way::Keep);
    clock_ticks(&host).await;
    let cookie = visits_are_counted(&host).await;
    name_is_kept_or_refused(&host, &cookie).await;
    room_tells_who_says_what(&host, &cookie).await;
    guessing_ends(&host, &cookie).await;
    let log = host.log();
    assert!(!log.contains(" WARN ") && !log.contains(" ERROR "), "{log}");
}

/// Elsewhere, so that nothing is built in the repository.
fn example(language: &str) -> App {
    let folder = root().join("examples").join(format!("{language}-tour"));
    let app = App::new(&text(&folder.join("sessile.toml")).replace("../target/wasm32-wasip2/release", "{components}"));
    copy(&folder, app.path());
    app
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, copy) = (entry.path(), to.join(entry.file_name()));
        if BUILT.iter().any(|name| entry.file_name() == *name) {
            continue;
        }
        if path.is_dir() {
            self::copy(&path, &copy);
        } else if !copy.exists() {
            fs::write(copy, text(&path)).unwrap();
        }
    }
}

/// A file that finds the SDK from elsewhere too.
fn text(path: &Path) -> String {
    let sdks = root().join("guest-sdk").canonicalize().unwrap();
    fs::read_to_string(path).unwrap().replace("../../guest-sdk", sdks.to_str().unwrap())
}

#[test]
fn page_of_all_tours_is_the_same() {
    let page = |language| text(&root().join(format!("examples/{language}-tour/public/index.html")));
    for language in sessile_tests::LANGUAGES.iter().map(|language| language.folder).chain(["ts"]) {
        assert_eq!(page(language), page("rust"), "{language}");
    }
}

// ---- HTTP style ----------------------------------------------------------------------------

async fn me(host: &Host, cookie: &str) -> Value {
    let answer = get(host.address(), "/api/me", Some(cookie)).await;
    assert!(answer.status == 200 && answer.headers["content-type"] == "application/json", "{answer:?}");
    serde_json::from_str(answer.text()).unwrap()
}

async fn rename(host: &Host, cookie: &str, kind: &str, body: &str) -> Answer {
    let name = Request::builder()
        .method(Method::POST)
        .uri("/api/name")
        .header("host", "x")
        .header("cookie", cookie)
        .header("content-type", kind)
        .body(Bytes::copy_from_slice(body.as_bytes()).into())
        .unwrap();
    request(host.address(), name).await
}

/// The cookie of one who came five times.
async fn visits_are_counted(host: &Host) -> String {
    assert!(get(host.address(), "/", None).await.text().contains("<title>Visitors' room</title>"));
    let first = get(host.address(), "/api/me", None).await;
    assert_eq!(serde_json::from_str::<Value>(first.text()).unwrap(), json!({ "name": "somebody", "visits": 1 }));
    let cookie = first.cookie().unwrap();
    let visits = join_all((0..4).map(|_| me(host, &cookie))).await;
    let mut counts = visits.iter().map(|visit| visit["visits"].as_u64().unwrap()).collect::<Vec<_>>();
    counts.sort_unstable();
    assert_eq!(counts, [2, 3, 4, 5], "none is lost of those that come at once");
    let elsewhere = get(host.address(), "/api/else", Some(&cookie)).await;
    assert!(elsewhere.status == 404 && elsewhere.text().contains("GET /api/me"), "{elsewhere:?}");
    cookie
}

async fn name_is_kept_or_refused(host: &Host, cookie: &str) {
    let (longest, longer) = ("é".repeat(32), "é".repeat(33));
    for (kind, body, name) in [
        (FORM, format!("name=+{longest}+"), longest.as_str()),
        (FORM, "a=1&name=Ad%C3%A0".to_owned(), "Adà"),
        (JSON, json!(longest).to_string(), &longest),
        (JSON, " \"A\\\"d\\\\\\u00e0 \" ".to_owned(), NAME),
    ] {
        let answer = rename(host, cookie, kind, &body).await;
        assert!(answer.status == 200 && answer.headers["content-type"] == "application/json", "{body}: {answer:?}");
        assert_eq!(serde_json::from_str::<Value>(answer.text()).unwrap(), json!({ "name": name }), "{body}");
    }
    let huge = format!("name={}", "x".repeat(2 << 20));
    for (kind, body, status) in [
        (FORM, "name=", 422),
        (FORM, "name=+%20", 422),
        (FORM, "first=Ada", 422),
        (FORM, "", 422),
        (FORM, &format!("name={longer}"), 422),
        (FORM, &huge, 400),
        (JSON, "\"\"", 422),
        (JSON, "\" \"", 422),
        (JSON, &json!(longer).to_string(), 422),
        (JSON, "\"Ada", 400),
        (JSON, "", 400),
        (JSON, &json!("x".repeat(2 << 20)).to_string(), 400),
    ] {
        let answer = rename(host, cookie, kind, body).await;
        let shown = body.chars().take(40).collect::<String>();
        assert_eq!(answer.status, status, "{shown:?}: {answer:?}");
        assert!(answer.text().ends_with('\n'), "{shown:?}: {answer:?}");
        assert!(status != 422 || answer.text() == "a name has 1 to 32 characters\n", "{shown:?}: {answer:?}");
    }
    // JSON that is no text is one or the other, as the language reads it.
    let number = rename(host, cookie, JSON, "7").await;
    assert!(number.status == 400 || number.status == 422, "{number:?}");
    assert_eq!(me(host, cookie).await, json!({ "name": NAME, "visits": 6 }), "what is refused changes nothing");
}

/// Two ticks, and leaves.
async fn clock_ticks(host: &Host) {
    let mut stream = TcpStream::connect(host.address()).await.unwrap();
    stream.write_all(b"GET /api/clock HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    while answer.matches("data: ").count() < 2 || !answer.ends_with("\n\n\r\n") {
        let mut part = [0; 4096];
        let length = tokio::time::timeout(PATIENCE, stream.read(&mut part)).await.unwrap().unwrap();
        assert_ne!(length, 0, "{answer}");
        answer.push_str(std::str::from_utf8(&part[..length]).unwrap());
    }
    assert!(answer.contains("\r\ncontent-type: text/event-stream\r\n"), "{answer}");
    let ticks = answer.lines().filter_map(|line| line.strip_prefix("data: ")?.parse::<u64>().ok()).collect::<Vec<_>>();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    assert!(ticks.len() == 2 && ticks[1] > ticks[0] && now - ticks[0] < PATIENCE.as_secs(), "{ticks:?} at {now}");
}

// ---- Event style ---------------------------------------------------------------------------

async fn open(host: &Host, path: &str, cookie: &str) -> Socket {
    Socket::open_with(host.address(), path, &[("cookie", cookie)]).await.unwrap()
}

async fn assert_told(sockets: &mut [&mut Socket], event: &str, name: &str, text: &str) {
    for socket in sockets {
        let told = serde_json::from_str::<Value>(&socket.text().await).unwrap();
        assert_eq!(told, json!({ "event": event, "name": name, "text": text }));
    }
}

async fn room_tells_who_says_what(host: &Host, cookie: &str) {
    let mut ada = open(host, "/room", cookie).await;
    assert_told(&mut [&mut ada], "came", NAME, "").await;
    let mut bob = Socket::open(host.address(), "/room").await;
    assert_told(&mut [&mut ada, &mut bob], "came", "somebody", "").await;
    ada.send("\"hi\\\"\n\u{1}<é>").await;
    assert_told(&mut [&mut ada, &mut bob], "said", NAME, "\"hi\\\"\n\u{1}<é>").await;
    // The session is the one that the handshake began.
    let cookie_of_bob = bob.cookie().unwrap();
    assert_eq!(rename(host, &cookie_of_bob, FORM, "name=Bob").await.status, 200);
    let longest = "é".repeat(2000);
    bob.send(longest.as_str()).await;
    assert_told(&mut [&mut ada, &mut bob], "said", "Bob", &longest).await;
    assert_eq!(bob.close(1000, "").await.0, 1000);
    assert_told(&mut [&mut ada], "left", "Bob", "").await;
    for (message, code) in [(Message::binary(vec![0]), 1003), (Message::text("x".repeat(2001)), 1009)] {
        let mut other = open(host, "/room", &cookie_of_bob).await;
        assert_told(&mut [&mut ada, &mut other], "came", "Bob", "").await;
        other.send(message).await;
        assert_eq!(other.closed().await.0, code);
        assert_told(&mut [&mut ada], "left", "Bob", "").await;
    }
}

// ---- Loop style ----------------------------------------------------------------------------

async fn guessing_ends(host: &Host, cookie: &str) {
    // Who leaves without a word is no failure; what would be said of it is there by the end of the rest.
    drop(begin(host, cookie, "").await);
    let mut secrets = Vec::new();
    for _ in 0..5 {
        secrets.push(guess(&mut begin(host, cookie, "").await).await);
    }
    assert!(secrets.iter().any(|secret| *secret != secrets[0]), "five times the same of a hundred: {secrets:?}");
    let mut refused = begin(host, cookie, "?seconds=31").await;
    for no_guess in ["", "x", "0", "101", "-7", "5.5", "5 5", "99999999999999999999"].map(Message::text) {
        refused.send(no_guess).await;
        assert_eq!(refused.text().await, "a number from 1 to 100, please");
    }
    refused.send(Message::binary("5")).await;
    assert_eq!(refused.text().await, "a number from 1 to 100, please");
    guess(&mut refused).await;
    let mut slow = begin(host, cookie, "?seconds=1").await;
    let secret = slow.text().await.strip_prefix("time is up: it was ").unwrap().parse::<u32>().unwrap();
    assert!((1..=100).contains(&secret));
    assert_eq!(slow.closed().await, (4000, "time is up".to_owned()));
}

async fn begin(host: &Host, cookie: &str, query: &str) -> Socket {
    let mut socket = open(host, &format!("/guess{query}"), cookie).await;
    assert_eq!(socket.text().await, format!("{NAME}, I think of a number from 1 to 100"));
    socket
}

/// By bisection; the number.
async fn guess(socket: &mut Socket) -> u32 {
    let (mut low, mut high) = (1, 100);
    for guesses in 1..=7 {
        let middle = u32::midpoint(low, high);
        match socket.ask(&middle.to_string()).await.as_str() {
            "higher" => low = middle + 1,
            "lower" => high = middle - 1,
            found => {
                assert_eq!(found, format!("yes, in {guesses} guesses"));
                assert_eq!(socket.closed().await.0, 1000);
                return middle;
            }
        }
    }
    panic!("neither of {low} to {high}");
}
