//! Websockets that outlive their connections (docs/resume.md): a peer as the page says, whose connections are cut at any moment.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use rustix::process::Signal;
use serde_json::{Value, json};
use sessile_tests::{App, Host, Settings, Socket, Way, each_way};
use tokio_tungstenite::tungstenite::Message;

each_way!(
    two_hundred_cuts_lose_and_double_nothing_in_either_direction,
    loop_style_goes_on_over_cuts_in_one_call,
    what_the_guest_sends_meanwhile_comes_after_the_return,
    peer_that_does_not_come_back_is_closed_once_with_1006,
    host_that_is_killed_gets_what_it_had_not_done_with_again,
    unknown_and_foreign_tokens_open_another_websocket,
    publications_come_over_cuts_and_restarts_or_the_peer_is_told,
    outbox_that_is_full_while_the_peer_is_away_ends_it,
);

const PROTOCOL: &str = "sessile.resume.v1";

/// A peer that resumes.
struct Peer {
    address: SocketAddr,
    path: String,
    cookie: Option<String>,
    socket: Option<Socket>,
    token: Option<String>,
    received: u64,
    first: u64,
    unacknowledged: VecDeque<String>,
    /// Where it stands in groups: epoch and offset.
    stands: BTreeMap<String, (String, u64)>,
}

impl Peer {
    /// Opens a websocket.
    async fn open(address: SocketAddr, path: &str) -> Self {
        Self::open_as(address, path, None).await
    }

    async fn open_as(address: SocketAddr, path: &str, cookie: Option<String>) -> Self {
        let mut peer = Self::with(address, path, cookie, None);
        assert!(!peer.connect().await);
        peer
    }

    fn with(address: SocketAddr, path: &str, cookie: Option<String>, token: Option<String>) -> Self {
        let (path, unacknowledged, stands) = (path.to_owned(), VecDeque::new(), BTreeMap::new());
        Self { address, path, cookie, socket: None, token, received: 0, first: 1, unacknowledged, stands }
    }

    /// Connects, over the connection that there is if it has not been cut; whether it has resumed.
    async fn connect(&mut self) -> bool {
        let stands = BASE64.encode(serde_json::to_string(&self.stands).unwrap());
        let mut offer = format!("{PROTOCOL}, sessile.from.{stands}");
        if let Some(token) = &self.token {
            offer += &format!(", sessile.token.{token}.{}", self.received);
        }
        let mut headers = vec![("sec-websocket-protocol", offer.as_str())];
        headers.extend(self.cookie.as_deref().map(|cookie| ("cookie", cookie)));
        let mut socket = Socket::open_with(self.address, &self.path, &headers).await.unwrap();
        assert_eq!(socket.response.headers()["sec-websocket-protocol"], PROTOCOL);
        let welcome: Value = serde_json::from_str(&socket.text().await).unwrap();
        let resumed = welcome["resumed"].as_bool().unwrap();
        if !resumed {
            (self.received, self.first) = (0, 1);
        }
        self.token = Some(welcome["token"].as_str().unwrap().to_owned());
        let known = welcome["received"].as_u64().unwrap() + 1 - self.first;
        // What is sent to a host that is gone is sent again.
        let _gone = socket.try_send(format!("{{\"ack\":{}}}", self.received)).await;
        for text in self.unacknowledged.iter().skip(known as usize) {
            let _gone = socket.try_send(format!("{{}}\n{text}")).await;
        }
        self.socket = Some(socket);
        resumed
    }

    async fn send(&mut self, text: impl Into<String>) {
        let text = text.into();
        if let Some(socket) = &mut self.socket {
            let _gone = socket.try_send(format!("{{}}\n{text}")).await;
        }
        self.unacknowledged.push_back(text);
    }

    /// The next message.
    async fn next(&mut self) -> String {
        self.frame().await.1.expect("a message")
    }

    /// The next frame; acknowledgements are taken in.
    async fn frame(&mut self) -> (Value, Option<String>) {
        loop {
            let frame = self.socket.as_mut().unwrap().text().await;
            let (head, payload) = frame.split_once('\n').map_or((&*frame, None), |(head, rest)| (head, Some(rest)));
            let head: Value = serde_json::from_str(head).unwrap();
            if let Some(number) = head["ack"].as_u64() {
                while self.first <= number {
                    self.unacknowledged.pop_front().expect("it was sent");
                    self.first += 1;
                }
                continue;
            }
            let payload = payload.map(str::to_owned);
            self.received += 1;
            if self.received.is_multiple_of(16) {
                self.acknowledge().await;
            }
            self.stand(&head);
            return (head, payload);
        }
    }

    fn stand(&mut self, head: &Value) {
        let offset = head["offset"].as_u64().unwrap_or(0);
        if let (Some(group), Some(epoch)) = (head["joined"].as_str(), head["epoch"].as_str()) {
            self.stands.insert(group.to_owned(), (epoch.to_owned(), offset));
        }
        if let Some(stand) = head["group"].as_str().and_then(|group| self.stands.get_mut(group)) {
            stand.1 = offset;
        }
    }

    async fn acknowledge(&mut self) {
        let word = format!("{{\"ack\":{}}}", self.received);
        let _gone = self.socket.as_mut().unwrap().try_send(word).await;
    }

    async fn ask(&mut self, text: &str) -> String {
        self.send(text).await;
        self.next().await
    }

    /// Cuts the connection, with what is under way.
    fn cut(&mut self) {
        drop(self.socket.take());
    }

    async fn close(mut self) {
        let closed = self.socket.take().unwrap().close(1000, "").await;
        assert_eq!(closed.0, 1000);
    }
}

struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

fn app(way: Way) -> App {
    App::faults_with(way, "resume_s = 30")
}

/// A plain websocket in the group that is told of closes.
async fn witness(address: SocketAddr) -> Socket {
    let mut witness = Socket::open(address, "/ws").await;
    assert_eq!(witness.ask("join ends").await, "joined");
    witness
}

async fn two_hundred_cuts_lose_and_double_nothing_in_either_direction(way: Way) {
    cuts(way, "/ws?closes=ends", 200).await;
}

async fn loop_style_goes_on_over_cuts_in_one_call(way: Way) {
    cuts(way, "/loop?closes=ends", 50).await;
}

/// Numbers are echoed, so that one which was lost or doubled on either way is seen.
async fn cuts(way: Way, path: &str, cuts: u64) {
    let host = Host::start(&app(way), way);
    let mut witness = witness(host.address()).await;
    let mut peer = Peer::open(host.address(), path).await;
    let (mut random, mut sent, mut got) = (Random(8), 0_u64, 0_u64);
    for cut in 0..cuts {
        for _ in 0..random.below(30) {
            sent += 1;
            peer.send(sent.to_string()).await;
        }
        for _ in 0..random.below(sent - got + 1) {
            got += 1;
            assert_eq!(peer.next().await, got.to_string(), "cut {cut}");
        }
        // Some are half-open: the host still takes the connection before for alive.
        let kept = if random.below(4) == 0 { peer.socket.take() } else { None };
        peer.cut();
        if random.below(3) == 0 {
            sent += 1;
            peer.send(sent.to_string()).await;
        }
        assert!(peer.connect().await, "cut {cut}");
        drop(kept);
    }
    while got < sent {
        got += 1;
        assert_eq!(peer.next().await, got.to_string());
    }
    assert_eq!(peer.ask("last").await, "last");
    peer.close().await;
    assert_eq!(witness.text().await, r#"{"code":1000,"reason":""}"#);
    assert_eq!(witness.ask("only").await, "only", "and no other close");
}

async fn what_the_guest_sends_meanwhile_comes_after_the_return(way: Way) {
    let host = Host::start(&app(way), way);
    for path in ["/ws", "/loop"] {
        let mut peer = Peer::open(host.address(), path).await;
        assert_eq!(peer.ask("a").await, "a");
        peer.send("sleep 300").await;
        peer.send("flood 100").await;
        peer.cut();
        assert!(peer.connect().await);
        assert_eq!(peer.next().await, "slept");
        for number in 0..100 {
            assert_eq!(peer.next().await, number.to_string());
        }
        // Going away, as a page that is loaded again does, is no end either.
        assert_eq!(peer.socket.take().unwrap().close(1001, "").await.0, 1001);
        assert!(peer.connect().await);
        assert_eq!(peer.ask("b").await, "b");
        peer.close().await;
    }
}

async fn peer_that_does_not_come_back_is_closed_once_with_1006(way: Way) {
    let host = Host::start(&App::faults_with(way, "resume_s = 1"), way);
    let mut witness = witness(host.address()).await;
    for path in ["/ws?closes=ends", "/loop?closes=ends"] {
        let mut peer = Peer::open(host.address(), path).await;
        assert_eq!(peer.ask("a").await, "a");
        peer.cut();
        assert_eq!(witness.text().await, r#"{"code":1006,"reason":""}"#);
        assert!(!peer.connect().await);
        assert_eq!(peer.next().await, "a", "the host had not said that it was done with it");
        peer.close().await;
        assert_eq!(witness.text().await, r#"{"code":1000,"reason":""}"#);
    }
}

async fn host_that_is_killed_gets_what_it_had_not_done_with_again(way: Way) {
    let (app, data) = (app(way), tempfile::TempDir::new().unwrap());
    let start = || Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(way) });
    let host = start();
    let mut peer = Peer::open(host.address(), "/ws").await;
    for number in 1..=100 {
        peer.send(number.to_string()).await;
    }
    for number in 1..=50 {
        assert_eq!(peer.next().await, number.to_string());
    }
    host.signal(Signal::KILL);
    host.wait();
    peer.cut();
    peer.send("101").await;
    // All that is acknowledged was echoed, though perhaps on the way when the host went.
    let left = peer.unacknowledged.clone();
    assert_eq!(left.back().map(String::as_str), Some("101"));
    let host = start();
    peer.address = host.address();
    assert!(!peer.connect().await);
    for text in left {
        assert_eq!(peer.next().await, text);
    }
    peer.close().await;
}

async fn unknown_and_foreign_tokens_open_another_websocket(way: Way) {
    let host = Host::start(&app(way), way);
    let mut peer = Peer::open(host.address(), "/ws?session=1").await;
    peer.cookie = peer.socket.as_ref().unwrap().cookie();
    let (token, cookie) = (peer.token.clone(), peer.cookie.clone());
    assert!(cookie.is_some());
    let other = |path: &str, cookie, token| Peer::with(host.address(), path, cookie, token);
    let guessed = token.clone().map(|token| token[..47].to_owned() + if token.ends_with('0') { "1" } else { "0" });
    for mut stranger in [
        other("/ws?session=1", None, token.clone()),
        other("/loop", cookie.clone(), token.clone()),
        other("/ws", cookie.clone(), guessed),
        other("/ws", cookie.clone(), Some("0".repeat(48))),
        other("/ws", cookie.clone(), Some("no token".replace(' ', "-"))),
        // It has what it was never sent.
        Peer { received: 1, ..other("/ws", cookie.clone(), token.clone()) },
    ] {
        assert!(!stranger.connect().await);
        stranger.close().await;
    }
    assert_eq!(peer.ask("still").await, "still");
    peer.cut();
    assert!(peer.connect().await);
    assert_eq!(peer.ask("once more").await, "once more");
    let mut late = other("/ws", cookie, token);
    assert!(!late.connect().await, "a token is good until the next one has arrived");
}

async fn publications_come_over_cuts_and_restarts_or_the_peer_is_told(way: Way) {
    let app = app(way);
    let groups = "[groups.\"kept\"]\nhistory = true\nhistory_messages = 3\n[handlers.events]";
    app.edit("[handlers.events]", groups);
    let host = Host::start(&app, way);
    let mut publisher = Socket::open(host.address(), "/ws").await;
    let mut peer = Peer::open(host.address(), "/ws").await;
    let mut publish = async |group: &str, text: &str| publisher.ask(&format!("publish {group} {text}")).await;
    for group in ["kept", "plain"] {
        peer.send(format!("join {group}")).await;
        assert_eq!((peer.frame().await.0["joined"].as_str(), peer.next().await.as_str()), (Some(group), "joined"));
    }
    assert_eq!(publish("kept", "a").await, "published 1 0");
    assert_eq!(publish("plain", "b").await, "published 1 0");
    let head = json!({ "group": "kept", "offset": 1 });
    assert_eq!(peer.frame().await, (head, Some("a".to_owned())));
    assert_eq!(peer.frame().await, (json!({ "group": "plain" }), Some("b".to_owned())));
    peer.cut();
    for text in ["c", "d"] {
        assert_eq!(publish("kept", text).await, "published 1 0");
    }
    assert!(peer.connect().await);
    for text in ["c", "d"] {
        assert_eq!(peer.next().await, text);
    }
    // Another websocket, as after a restart or on another host: what was missed comes once the guest joins.
    for (missed, recovered) in [(vec!["e", "f"], true), (vec!["g", "h", "i", "j"], false)] {
        peer.cut();
        peer.token = None;
        for text in &missed {
            publish("kept", text).await;
        }
        peer.unacknowledged.clear();
        assert!(!peer.connect().await);
        peer.send("join kept").await;
        for text in missed.iter().filter(|_| recovered) {
            assert_eq!(peer.next().await, *text);
        }
        let (head, _) = peer.frame().await;
        assert_eq!((&head["joined"], &head["recovered"]), (&json!("kept"), &json!(recovered)), "{head}");
        assert_eq!(peer.next().await, "joined");
    }
    peer.send("leave kept").await;
    assert_eq!((peer.frame().await.0, peer.next().await.as_str()), (json!({ "left": "kept" }), "left"));
}

async fn outbox_that_is_full_while_the_peer_is_away_ends_it(way: Way) {
    let keys = "resume_s = 30\noverflow = \"close\"\nlimits = { outbox_messages_max = 8 }";
    let host = Host::start(&App::faults_with(way, keys), way);
    let mut witness = witness(host.address()).await;
    let mut peer = Peer::open(host.address(), "/ws?closes=ends").await;
    assert_eq!(peer.ask("a").await, "a");
    peer.send("sleep 3000").await;
    peer.send("flood 100").await;
    peer.cut();
    assert_eq!(witness.text().await, r#"{"code":1006,"reason":""}"#);
    assert!(!peer.connect().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn handler_sees_nothing_of_a_peer_that_resumes() {
    for (keys, heard) in [("resume_s = 30", true), ("resume_s = 0", false)] {
        let host = Host::start(&App::faults_with(Way::Keep, keys), Way::Keep);
        let offer = "chat, sessile.resume.v1, sessile.x";
        let headers = [("sec-websocket-protocol", offer)];
        let opened = Socket::open_with(host.address(), "/ws", &headers).await;
        if heard {
            let mut socket = opened.unwrap();
            assert_eq!(socket.response.headers()["sec-websocket-protocol"], PROTOCOL);
            assert!(socket.text().await.contains("\"resumed\":false"));
            let scope = socket.ask("{}\nscope").await;
            assert!(!scope.contains("sessile") && !scope.contains("chat"), "{scope}");
            socket.send(Message::Binary(b"{}\n\xff".as_slice().into())).await;
            assert_eq!(socket.next().await.unwrap().unwrap(), Message::Binary(b"{}\n\xff".as_slice().into()));
            socket.send("no head").await;
            assert_eq!(socket.closed().await, (1002, "the head of a frame is not one of docs/resume.md".to_owned()));
        } else {
            // Our peer wants one of those that it has offered, and ends the handshake where there is none.
            assert!(opened.is_err());
            let query = [("sec-websocket-protocol", offer)];
            let mut socket = Socket::open_with(host.address(), "/ws?subprotocol=chat", &query).await.unwrap();
            let scope = socket.ask("scope").await;
            assert!(scope.contains("chat") && !scope.contains("sessile"), "{scope}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drain_ends_websockets_whose_peers_are_away_at_once() {
    let app = App::faults_with(Way::Keep, "resume_s = 600");
    let host = Host::start(&app, Way::Keep);
    let mut peer = Peer::open(host.address(), "/ws").await;
    assert_eq!(peer.ask("a").await, "a");
    peer.cut();
    host.signal(Signal::TERM);
    let ending = std::time::Instant::now();
    assert!(host.wait().success());
    assert!(ending.elapsed().as_secs() < 5, "{:?}", ending.elapsed());
}
