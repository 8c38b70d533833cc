//! A real browser, by WebDriver, Debian's Chromium: the chat's page in two tabs, and a page that walks
//! through what a browser can see of a websocket.
//!
//! Where there is no chromedriver it prints a line that begins with SKIPPED, and CI repeats it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hyper::{Method, Request};
use serde_json::{Value, json};
use sessile_tests::{App, Certificate, Host, Settings, Way, request};
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(20);

struct Browser {
    driver: Child,
    address: SocketAddr,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// None where there is no driver.
    async fn start() -> Option<Self> {
        let mut driver =
            Command::new("chromedriver").arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
        let out = BufReader::new(driver.stdout.take().expect("stdout is piped"));
        let port = out.lines().map_while(Result::ok).find_map(|line| {
            line.strip_prefix("ChromeDriver was started successfully on port ")?
                .trim_end_matches('.')
                .parse::<u16>()
                .ok()
        });
        let profile = TempDir::new().expect("a profile");
        let address = SocketAddr::from(([127, 0, 0, 1], port.expect("chromedriver says its port")));
        let mut browser = Self { driver, address, session: String::new(), _profile: profile };
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-sync",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--window-size=900,700",
            // The hosts' own certificates, which nobody has signed.
            "--ignore-certificate-errors",
        ];
        let mut args: Vec<String> = args.map(str::to_owned).into();
        args.push(format!("--user-data-dir={}", browser._profile.path().display()));
        let wanted = json!({ "capabilities": { "alwaysMatch": { "goog:chromeOptions": { "args": args } } } });
        let session = browser.call(Method::POST, "/session", wanted).await;
        browser.session = format!("/session/{}", session["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    async fn call(&self, method: Method, path: &str, body: Value) -> Value {
        self.try_call(method, path, body).await.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    async fn try_call(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        let request = Request::builder().method(method).uri(path).header("host", self.address.to_string());
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let request = request.header("content-type", "application/json").body(body.into()).expect("a request");
        let answer = self::request(self.address, request).await;
        let mut value: Value = serde_json::from_str(answer.text()).expect("JSON");
        let value = value["value"].take();
        if answer.status.is_success() { Ok(value) } else { Err(value) }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.call(Method::POST, &format!("{}{path}", self.session), body).await
    }

    /// What an expression is in the page; an error where the page is just being left.
    async fn look(&self, expression: &str) -> Result<Value, Value> {
        let script = json!({ "script": format!("return {expression}"), "args": [] });
        self.try_call(Method::POST, &format!("{}/execute/sync", self.session), script).await
    }

    /// Waits until a condition holds in the page. WebDriver has no events, so it is asked again.
    async fn wait_for(&self, condition: &str) {
        let asked = async {
            while self.look(condition).await != Ok(Value::Bool(true)) {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("{condition} does not come true"));
    }

    async fn open_tab(&self, url: &str) -> String {
        let tab =
            self.post("/window/new", json!({ "type": "tab" })).await["handle"].as_str().expect("a tab").to_owned();
        self.switch(&tab).await;
        self.post("/url", json!({ "url": url })).await;
        tab
    }

    async fn switch(&self, tab: &str) {
        self.post("/window", json!({ "handle": tab })).await;
    }

    /// Submits a form as a person would: types into a field, presses enter.
    async fn type_into(&self, field: &str, text: &str) {
        let found = self.post("/element", json!({ "using": "css selector", "value": field })).await;
        let element =
            found.as_object().and_then(|found| found.values().next()?.as_str()).expect("the field").to_owned();
        self.post(&format!("/element/{element}/value"), json!({ "text": format!("{text}\u{e007}") })).await;
    }

    /// Moves the mouse within the page's window.
    async fn point_to(&self, x: u32, y: u32) {
        let moved = json!({ "type": "pointerMove", "x": x, "y": y });
        let mouse = json!({ "type": "pointer", "id": "mouse", "actions": [moved] });
        self.post("/actions", json!({ "actions": [mouse] })).await;
    }

    async fn screenshot(&self) -> Value {
        self.call(Method::GET, &format!("{}/screenshot", self.session), Value::Null).await
    }
}

impl Browser {
    fn end_session(&self) -> std::io::Result<()> {
        let mut stream = std::net::TcpStream::connect(self.address)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let Self { session, address, .. } = self;
        write!(stream, "DELETE {session} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        // The answer comes once it has ended; the connection may stay.
        stream.read(&mut [0; 64]).map(drop)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session; one whose driver is killed stays.
        let _closed = self.end_session();
        // It may have ended already.
        let _ended = self.driver.kill();
        let _reaped = self.driver.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chat_in_chromium_carries_messages_between_two_tabs_and_keeps_the_name() {
    let Some(browser) = Browser::start().await else {
        let mut out = std::io::stderr().lock();
        writeln!(out, "SKIPPED the browser test: chromedriver is not installed").expect("stderr");
        return;
    };
    let host = Host::start(&App::example("chat"), Way::Keep);
    let page = format!("http://{}/?room=den", host.address());
    let first = browser.open_tab(&page).await;
    browser.wait_for("document.getElementById('state').textContent === 'connected'").await;
    browser.type_into("#name", "Ada").await;
    let joined = |name: &str| format!("document.getElementById('log').textContent.includes('{name} came in')");
    browser.wait_for(&joined("Ada")).await;

    let second = browser.open_tab(&page).await;
    browser.wait_for(&joined("Ada")).await;
    browser.type_into("#text", "hello <b>there</b>").await;
    let said =
        |text: &str| format!("[...document.querySelectorAll('#log li')].some(line => line.textContent === '{text}')");
    browser.wait_for(&said("Ada hello <b>there</b>")).await;
    browser.switch(&first).await;
    browser.wait_for(&said("Ada hello <b>there</b>")).await;
    browser.type_into("#text", "hello back").await;
    browser.switch(&second).await;
    browser.wait_for(&said("Ada hello back")).await;
    assert_eq!(
        browser.look("document.querySelectorAll('#log li b b').length").await,
        Ok(json!(0)),
        "text is not markup"
    );
    if let Ok(file) = std::env::var("SESSILE_SCREENSHOT") {
        std::fs::write(file, browser.screenshot().await.as_str().expect("base64")).expect("the screenshot is kept");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn presence_in_chromium_shows_who_is_there_where_they_point_and_that_they_left() {
    let Some(browser) = Browser::start().await else {
        let mut out = std::io::stderr().lock();
        writeln!(out, "SKIPPED the browser test: chromedriver is not installed").expect("stderr");
        return;
    };
    let host = Host::start(&App::example("presence"), Way::Keep);
    let page = format!("http://{}/?board=plan", host.address());
    let people = |names: &str| {
        format!(
            "[...document.querySelectorAll('#people li')].map(line => line.textContent).sort().join() === '{names}'"
        )
    };
    let first = browser.open_tab(&page).await;
    browser.type_into("#name", "Ada").await;
    browser.wait_for(&people("Ada (you)")).await;
    let second = browser.open_tab(&page).await;
    browser.wait_for(&people("Ada,somebody (you)")).await;
    browser.type_into("#name", "Grace").await;
    browser.switch(&first).await;
    browser.wait_for(&people("Ada (you),Grace")).await;
    browser.switch(&second).await;
    browser.point_to(300, 400).await;
    // The page says it with its next frame, and one in the background has none.
    browser.wait_for("next === undefined").await;
    browser.switch(&first).await;
    browser.wait_for("document.querySelector('.pointer span')?.textContent === 'Grace'").await;
    if let Ok(file) = std::env::var("SESSILE_SCREENSHOT") {
        std::fs::write(file, browser.screenshot().await.as_str().expect("base64")).expect("the screenshot is kept");
    }
    browser.switch(&second).await;
    browser.call(Method::DELETE, &format!("{}/window", browser.session), Value::Null).await;
    browser.switch(&first).await;
    browser.wait_for(&people("Ada (you)")).await;
    assert_eq!(browser.look("document.querySelectorAll('.pointer').length").await, Ok(json!(0)), "nor where she was");
}

#[tokio::test(flavor = "multi_thread")]
async fn reminder_in_chromium_rings_and_one_that_was_due_while_the_host_was_dead_too() {
    let Some(browser) = Browser::start().await else {
        let mut out = std::io::stderr().lock();
        writeln!(out, "SKIPPED the browser test: chromedriver is not installed").expect("stderr");
        return;
    };
    let (app, data) = (App::example("reminder"), TempDir::new().expect("a data folder"));
    let start = || Host::start_with(&app, Settings { data: Some(data.path()), ..Settings::new(Way::Keep) });
    let host = start();
    let first = browser.open_tab(&format!("http://{}/", host.address())).await;
    browser.wait_for("document.getElementById('state').textContent === 'connected'").await;
    let has = |list: &str, text: &str| {
        format!("[...document.querySelectorAll('#{list} li')].some(line => line.textContent.startsWith('{text}'))")
    };
    let remind = async |text: &str, seconds: u32| {
        browser.look(&format!("document.getElementById('in').value = {seconds}")).await.expect("the page is there");
        browser.type_into("#text", text).await;
    };
    // It waits for a second, which is soon over.
    let watch = "(list => (window.waited = '', new MutationObserver(() => window.waited += list.textContent)\
                 .observe(list, {childList: true, subtree: true}), true))(document.getElementById('waiting'))";
    browser.look(watch).await.expect("the page is there");
    remind("tea", 1).await;
    browser.wait_for("window.waited.includes('tea')").await;
    browser.wait_for(&has("rang", "tea")).await;
    browser.wait_for(&format!("!{}", has("waiting", "tea"))).await;
    remind("coffee", 10).await;
    let due = Instant::now() + Duration::from_secs(10);
    browser.wait_for(&has("waiting", "coffee")).await;
    // By SIGKILL.
    drop(host);
    tokio::time::sleep_until(due.into()).await;
    let host = start();
    // The cookie is the same on another port.
    let second = browser.open_tab(&format!("http://{}/", host.address())).await;
    browser.wait_for(&has("rang", "coffee")).await;
    if let Ok(file) = std::env::var("SESSILE_SCREENSHOT") {
        std::fs::write(file, browser.screenshot().await.as_str().expect("base64")).expect("the screenshot is kept");
    }
    assert_ne!(first, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn feed_in_chromium_misses_nothing_over_a_lost_network_and_a_killed_host() {
    let Some(browser) = Browser::start().await else {
        let mut out = std::io::stderr().lock();
        writeln!(out, "SKIPPED the browser test: chromedriver is not installed").expect("stderr");
        return;
    };
    let (app, data) = (App::example("feed"), TempDir::new().expect("a data folder"));
    let start =
        |listen| Host::start_with(&app, Settings { data: Some(data.path()), listen, ..Settings::new(Way::Keep) });
    let host = start(None);
    let address = host.address();
    let publish = async |text: &str| {
        let post = Request::post("/publish").header("host", "x").body(text.to_owned().into()).expect("a request");
        assert_eq!(request(address, post).await.status, 204);
    };
    let network = async |offline: bool| {
        let conditions = json!({ "offline": offline, "latency": 0, "throughput": -1 });
        browser.post("/chromium/network_conditions", json!({ "network_conditions": conditions })).await;
    };
    let shows = |list: &str, texts: &str| {
        format!("[...document.querySelectorAll('#{list} li')].map(line => line.textContent).join() === '{texts}'")
    };
    browser.open_tab(&format!("http://{address}/")).await;
    browser.wait_for("document.getElementById('live-state').textContent === 'open'").await;
    publish("one").await;
    browser.wait_for(&shows("live", "one")).await;
    browser.wait_for(&shows("events", "one")).await;
    network(true).await;
    browser.wait_for("document.getElementById('live-state').textContent !== 'open'").await;
    publish("two").await;
    publish("three").await;
    // What the page says while it is offline leaves when it is back.
    browser.type_into("#text", "four").await;
    network(false).await;
    browser.wait_for(&shows("live", "one,two,three,four")).await;
    // What the host has not acknowledged would come again.
    browser.wait_for("live.bufferedAmount === 0").await;
    // By SIGKILL.
    drop(host);
    browser.wait_for("document.getElementById('live-state').textContent !== 'open'").await;
    // A host that comes back is where the page knows it to be.
    let host = start(Some(address));
    publish("five").await;
    browser.wait_for(&shows("live", "one,two,three,four,five")).await;
    browser.wait_for(&shows("events", "one,two,three,four,five")).await;
    if let Ok(file) = std::env::var("SESSILE_SCREENSHOT") {
        std::fs::write(file, browser.screenshot().await.as_str().expect("base64")).expect("the screenshot is kept");
    }
    drop(host);
}

/// The versions of HTTP that a page and its websocket came by.
const VERSION: &str = r#"
const done = arguments[arguments.length - 1];
(async () => {
    const page = await (await fetch("/http/head")).json();
    const ws = new WebSocket(`${location.protocol.replace("http", "ws")}//${location.host}/ws`);
    ws.onopen = () => ws.send("context");
    ws.onmessage = ({ data }) => { done([page.version, JSON.parse(data).version]); ws.close(); };
})();
"#;

/// What a page sees: each step adds to the list that is compared in the end.
const WALK: &str = r#"
const done = arguments[arguments.length - 1], seen = [];
const walk = (path, protocols, sends, close) => new Promise(resolve => {
    const ws = new WebSocket(`${location.protocol.replace('http', 'ws')}//${location.host}${path}`, protocols);
    ws.binaryType = "arraybuffer";
    const next = () => sends.length ? ws.send(sends.shift()) : close && ws.close(...close);
    ws.onopen = () => { seen.push(["open", ws.protocol]); next(); };
    ws.onmessage = ({ data }) => { seen.push(data instanceof ArrayBuffer ? [...new Uint8Array(data)] : data); next(); };
    ws.onclose = ({ code, reason, wasClean }) => { seen.push([code, reason, wasClean]); resolve(); };
});
(async () => {
    for (const path of ["/ws", "/loop"]) {
        const json = ['json { "a" : [ 1, 2 ] }', new Uint8Array([0, 255])];
        await walk(`${path}?subprotocol=b`, ["a", "b"], json, [4001, "bye"]);
        await walk(path, [], ["close 4003 forbidden"]);
        await walk(`${path}?open=reject`, [], []);
        await walk(path, [], [], [4000 + path.length]);
    }
    done(seen);
})();
"#;

#[tokio::test(flavor = "multi_thread")]
async fn page_in_chromium_walks_through_accept_subprotocol_json_close_codes_and_denial() {
    let Some(browser) = Browser::start().await else {
        let mut out = std::io::stderr().lock();
        writeln!(out, "SKIPPED the browser test: chromedriver is not installed").expect("stderr");
        return;
    };
    let certificate = Certificate::default();
    for (way, scheme) in [(Way::Keep, "http"), (Way::Concurrent, "http"), (Way::Keep, "https")] {
        let args = if scheme == "https" { certificate.args() } else { Vec::new() };
        let host = Host::start_with(&App::faults(way), Settings { args, ..Settings::new(way) });
        browser.open_tab(&format!("{scheme}://{}/http/status/200", host.address())).await;
        let version = browser.post("/execute/async", json!({ "script": VERSION, "args": [] })).await;
        assert_eq!(version, if scheme == "https" { json!(["2", "2"]) } else { json!(["1.1", "1.1"]) });
        let seen = browser.post("/execute/async", json!({ "script": WALK, "args": [] })).await;
        let expected: Vec<Value> = ["/ws", "/loop"]
            .into_iter()
            .flat_map(|path| {
                [
                    json!(["open", "b"]),
                    json!("{\"a\":[1,2]}"),
                    json!([0, 255]),
                    json!([4001, "bye", true]),
                    json!(["open", ""]),
                    json!([4003, "forbidden", true]),
                    json!([1006, "", false]),
                    json!(["open", ""]),
                    json!([4000 + path.len(), "", true]),
                ]
            })
            .collect();
        assert_eq!(seen, json!(expected));
    }
}

/// Opens a websocket by the host's client and keeps what comes.
const RESUME: &str = r#"
const done = arguments[arguments.length - 1];
(async () => {
    const { ResumeSocket } = await import("/-/resume.js");
    const socket = new ResumeSocket(`ws://${location.host}/ws`, { key: "resume", backoff: 50 });
    Object.assign(window, { socket, seen: [], opens: [] });
    socket.addEventListener("message", ({ data }) => seen.push(data));
    socket.addEventListener("open", ({ recovered }) => { opens.push(recovered); done(recovered); });
})();
"#;

#[tokio::test(flavor = "multi_thread")]
async fn websocket_of_a_page_in_chromium_goes_on_over_a_lost_network_and_a_reload() {
    let Some(browser) = Browser::start().await else {
        let mut out = std::io::stderr().lock();
        writeln!(out, "SKIPPED the browser test: chromedriver is not installed").expect("stderr");
        return;
    };
    let host = Host::start(&App::faults_with(Way::Keep, "resume_s = 30"), Way::Keep);
    browser.open_tab(&format!("http://{}/http/status/200", host.address())).await;
    let open = json!({ "script": RESUME, "args": [] });
    assert_eq!(browser.post("/execute/async", open.clone()).await, json!(false));
    let network = async |offline: bool| {
        let conditions = json!({ "offline": offline, "latency": 0, "throughput": -1 });
        browser.post("/chromium/network_conditions", json!({ "network_conditions": conditions })).await;
    };
    for round in 0..3 {
        browser.look(&format!("socket.send('before {round}')")).await.expect("it is sent");
        network(true).await;
        browser.wait_for("socket.status === 'waiting' || socket.status === 'connecting'").await;
        browser.look(&format!("socket.send('while {round}')")).await.expect("it is kept");
        network(false).await;
        browser.wait_for("socket.status === 'open'").await;
    }
    browser.wait_for("seen.length >= 6").await;
    let expected: Vec<_> = (0..3).flat_map(|round| [format!("before {round}"), format!("while {round}")]).collect();
    assert_eq!(browser.look("seen").await, Ok(json!(expected)));
    assert_eq!(browser.look("opens").await, Ok(json!([false, true, true, true])));
    browser.post("/refresh", json!({})).await;
    assert_eq!(browser.post("/execute/async", open).await, json!(true), "the page loaded again goes on");
    browser.look("socket.send('after')").await.expect("it is sent");
    browser.wait_for("seen.join() === 'after'").await;
    browser.look("socket.close()").await.expect("it is closed");
    host.wait_for_log("code=1000");
}
