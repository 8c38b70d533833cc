//! A conformance guest that is served, and its peers. Knows that `unsupported` is an answer to everything.

use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use serde_json::Value;
use sessile_tests::{Answer, App, Host, Language, Socket, Way, request};
use tokio_tungstenite::tungstenite::{Error, Message};

/// The SDK has no such thing.
#[derive(Debug)]
pub(super) struct Unsupported;

pub(super) type Supported<T> = Result<T, Unsupported>;

pub(super) const STYLES: [&str; 2] = ["/ws", "/loop"];

pub(super) struct Guest {
    host: Host,
    app: App,
}

pub(super) struct Peer(Socket);

impl Guest {
    pub(super) fn start(language: &Language) -> Self {
        let app = super::super::built(language.guest());
        Self { host: Host::start(&app, Way::Keep), app }
    }

    pub(super) fn host(&self) -> &Host {
        &self.host
    }

    pub(super) fn log(&self) -> String {
        self.host.log()
    }

    pub(super) async fn open(&self, path: &str) -> Peer {
        self.open_with(path, &[]).await
    }

    pub(super) async fn open_with(&self, path: &str, headers: &[(&'static str, &str)]) -> Peer {
        let opened = Socket::open_with(self.host.address(), path, headers).await;
        Peer(opened.unwrap_or_else(|error| panic!("{path}: {error}")))
    }

    /// Status, body and `x-guest` of a handshake that is to be denied.
    pub(super) async fn denied(
        &self,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Supported<(u16, String, Option<String>)> {
        match Socket::open_with(self.host.address(), path, headers).await {
            Err(Error::Http(response)) => {
                let body = response.body().clone().unwrap_or_default();
                let header = response.headers().get("x-guest").map(|value| value.to_str().unwrap().to_owned());
                Ok((response.status().as_u16(), String::from_utf8_lossy(&body).into_owned(), header))
            }
            Ok(socket) => match Peer(socket).text().await {
                Ok(text) => panic!("{path} was accepted, and sent {text}"),
                Err(unsupported) => Err(unsupported),
            },
            Err(error) => panic!("{path}: {error}"),
        }
    }

    /// A websocket that hears what is published to a group.
    pub(super) async fn listener(&self, group: &str) -> Supported<Peer> {
        let mut peer = self.open("/ws/listener").await;
        assert_eq!(peer.ask(&format!("join {group}")).await?, "ok");
        Ok(peer)
    }

    /// What these commands over HTTP are answered by.
    pub(super) async fn command(&self, commands: &str, cookie: Option<&str>) -> Supported<Answer> {
        self.post("command", commands, cookie).await
    }

    /// The answer of one command over HTTP.
    pub(super) async fn ask(&self, command: &str, cookie: Option<&str>) -> Supported<String> {
        Ok(self.command(command, cookie).await?.text().to_owned())
    }

    pub(super) async fn post(&self, what: &str, body: impl AsRef<[u8]>, cookie: Option<&str>) -> Supported<Answer> {
        let mut request = Request::post(format!("/http/{what}")).header("host", self.host.address().to_string());
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body.as_ref()))).unwrap();
        let answer = self::request(self.host.address(), request).await;
        let is_supported = |text: &[u8]| text.split(|byte| *byte == b'\n').all(|line| line != b"unsupported");
        if answer.body.as_ref().is_ok_and(|body| is_supported(body)) { Ok(answer) } else { Err(Unsupported) }
    }

    /// The host's log as far as this line, which the guest writes to it.
    pub(super) async fn log_until(&self, line: &str) -> Supported<String> {
        self.ask(&format!("log {line}"), None).await?;
        Ok(self.host.wait_for_log(line))
    }

    /// What the app has used: the CPU of an exchange is in it once its handler has ended.
    pub(super) async fn cpu_micros(&self) -> u64 {
        let listed = self.host.command_to(&["apps", "--json"]).await;
        serde_json::from_slice::<Value>(&listed.stdout).unwrap()["cpu_micros"].as_u64().unwrap()
    }

    /// What `sessile connections` says of the websocket of this path.
    pub(super) async fn connection(&self, path: &str) -> Value {
        let listed = self.host.command_to(&["connections", "--json"]).await;
        let listed = String::from_utf8(listed.stdout).unwrap();
        let mut lines = listed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.find(|line| line["path"] == path).unwrap_or_else(|| panic!("no {path} in {listed}"))
    }

    /// The largest memory of an instance that has served the websocket of this path.
    pub(super) async fn memory(&self, path: &str) -> u64 {
        self.connection(path).await["memory_bytes_max"].as_u64().unwrap()
    }

    /// Makes another version the current one, of the same component.
    pub(super) async fn deploy_again(&self) {
        self.app.edit("[app]", "[app]\n# again");
        let deployed = self.host.deploy(&self.app, &[]).await;
        assert!(deployed.status.success(), "{}", String::from_utf8_lossy(&deployed.stderr));
    }
}

impl Peer {
    /// The next message, which is a text.
    pub(super) async fn text(&mut self) -> Supported<String> {
        let text = self.0.text().await;
        if text == "unsupported" { Err(Unsupported) } else { Ok(text) }
    }

    pub(super) async fn ask(&mut self, command: &str) -> Supported<String> {
        self.0.send(command).await;
        self.text().await
    }

    /// Asks for each of these what is told.
    pub(super) async fn hold(&mut self, told: &[(&str, &str)]) -> Supported<()> {
        for (asked, told) in told {
            let answer = self.ask(asked).await?;
            assert_eq!(answer, *told, "{asked}");
        }
        Ok(())
    }

    /// Asks for what is refused with this case.
    pub(super) async fn refused(&mut self, command: &str, case: &str) -> Supported<()> {
        let answer = self.ask(command).await?;
        assert!(is_refusal(&answer, case), "{command}: {answer:?} is not error {case}");
        Ok(())
    }

    pub(super) async fn send(&mut self, message: impl Into<Message>) {
        self.0.send(message).await;
    }

    /// The next message; a text that says `unsupported` is none.
    pub(super) async fn next(&mut self) -> Supported<Message> {
        match self.0.next().await.unwrap().unwrap() {
            Message::Text(text) if text.as_str() == "unsupported" => Err(Unsupported),
            message => Ok(message),
        }
    }

    pub(super) async fn closed(&mut self) -> (u16, String) {
        self.0.closed().await
    }

    pub(super) async fn close(self, code: u16, reason: &str) -> (u16, String) {
        self.0.close(code, reason).await
    }

    pub(super) async fn close_without_code(self) {
        self.0.close_without_code().await;
    }

    /// A header of the handshake's response.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.0.response.headers().get(name).map(|value| value.to_str().unwrap())
    }

    pub(super) fn cookie(&self) -> Option<String> {
        self.0.cookie()
    }
}

/// Whether an answer is the error of this case, perhaps with values behind it; or of the one case that an SDK has for
/// several of the WIT's, as the guests' README lists them.
pub(super) fn is_refusal(answer: &str, case: &str) -> bool {
    let Some(told) = answer.strip_prefix("error ").and_then(|rest| rest.split(' ').next()) else { return false };
    let folded: &[&str] = match case {
        "invalid-name" | "reason-too-long" => &["too-large", "invalid"],
        "too-many" | "invalid-tag" => &["too-large"],
        "invalid-code" | "invalid-head" | "not-offered" => &["invalid"],
        "wrong-style" | "wrong-order" => &["wrong-state"],
        "not-json" => &["bad-json"],
        "invalid-metadata" => &["bad-json", "not-json"],
        "bad-json" => &["not-json"],
        _ => &[],
    };
    told == case || folded.contains(&told)
}
