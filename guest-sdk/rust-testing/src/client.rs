//! A peer: HTTP exchanges and websockets with one set of cookies.

use std::collections::BTreeMap;
use std::net::TcpStream;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cookie::Cookie;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use tungstenite::client::IntoClientRequest as _;
use tungstenite::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use tungstenite::{Error, HandshakeError};
use ureq::http::Request;

use crate::app::Running;
use crate::{ClientSession, PATIENCE, Response, WebSocket};

/// A peer of an [`App`](crate::App), with cookies of its own. It follows no redirects.
pub struct Client {
    running: Running,
    agent: ureq::Agent,
    cookies: Mutex<BTreeMap<String, String>>,
}

/// A websocket that was refused.
#[derive(Debug)]
pub struct Denied {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
}

impl Client {
    pub(crate) fn new(running: Running) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .allow_non_standard_methods(true)
            .timeout_global(Some(PATIENCE))
            .build();
        Self { running, agent: config.new_agent(), cookies: Mutex::default() }
    }

    /// GET.
    ///
    /// # Panics
    /// Without an answer.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.send(self.builder("GET", path), Vec::new())
    }

    /// POST of a form.
    ///
    /// # Panics
    /// Without an answer.
    #[track_caller]
    pub fn post_form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        let field = |(name, value): &(&str, &str)| {
            format!("{}={}", utf8_percent_encode(name, NON_ALPHANUMERIC), utf8_percent_encode(value, NON_ALPHANUMERIC))
        };
        let body = fields.iter().map(field).collect::<Vec<_>>().join("&");
        let request = self.builder("POST", path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(request, body.into_bytes())
    }

    /// POST of JSON.
    ///
    /// # Panics
    /// Without an answer.
    #[track_caller]
    pub fn post_json(&self, path: &str, value: &impl Serialize) -> Response {
        let body = serde_json::to_vec(value).expect("a value that JSON can express");
        self.send(self.builder("POST", path).header(header::CONTENT_TYPE, "application/json"), body)
    }

    /// Any other request.
    ///
    /// # Panics
    /// Without an answer, or where name or value of a header cannot be sent.
    #[track_caller]
    pub fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let request =
            headers.iter().fold(self.builder(method, path), |request, (name, value)| request.header(*name, *value));
        self.send(request, body.to_vec())
    }

    /// Opens a websocket, as a page of the app's own origin does.
    ///
    /// # Errors
    /// The denial.
    ///
    /// # Panics
    /// Without an answer.
    #[track_caller]
    pub fn connect(&self, path: &str) -> Result<WebSocket, Denied> {
        self.connect_with(path, &[])
    }

    /// Opens a websocket with these headers, such as `sec-websocket-protocol` or another `origin`.
    ///
    /// # Errors
    /// The denial.
    ///
    /// # Panics
    /// Without an answer, or where name or value of a header cannot be sent.
    #[track_caller]
    pub fn connect_with(&self, path: &str, headers: &[(&str, &str)]) -> Result<WebSocket, Denied> {
        let address = self.running.address;
        let mut request = format!("ws://{address}{path}").into_client_request().expect("a path");
        let own = [(header::ORIGIN, format!("http://{address}")), (header::COOKIE, self.cookie_header())];
        let given = headers.iter().map(|(name, value)| {
            (HeaderName::from_bytes(name.as_bytes()).expect("a header's name"), (*value).to_owned())
        });
        for (name, value) in own.into_iter().filter(|(_, value)| !value.is_empty()).chain(given) {
            request.headers_mut().insert(name, HeaderValue::from_str(&value).expect("a header's value"));
        }
        let stream = TcpStream::connect(address).expect("the host accepts");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        match tungstenite::client(request, stream) {
            Ok((stream, response)) => {
                self.take_cookies(response.headers());
                Ok(WebSocket::new(stream, response))
            }
            Err(HandshakeError::Failure(Error::Http(response))) => {
                self.take_cookies(response.headers());
                let body = response.body().as_deref().unwrap_or_default();
                let (status, body) = (response.status().as_u16(), String::from_utf8_lossy(body).into_owned());
                Err(Denied { status, body })
            }
            Err(error) => panic!("the handshake of {path} was not answered: {error}"),
        }
    }

    /// Its session, to prepare it or to look into it.
    pub fn session(&self) -> ClientSession<'_> {
        ClientSession::new(self)
    }

    /// A cookie that it holds.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies().get(name).cloned()
    }

    /// Gives it a cookie.
    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies().insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    fn builder(&self, method: &str, path: &str) -> ureq::http::request::Builder {
        let request = Request::builder().method(method).uri(format!("http://{}{path}", self.running.address));
        match self.cookie_header() {
            cookies if cookies.is_empty() => request,
            cookies => request.header(header::COOKIE, cookies),
        }
    }

    #[track_caller]
    fn send(&self, request: ureq::http::request::Builder, body: Vec<u8>) -> Response {
        let request = request.body(body).expect("a request that can be sent");
        let what = format!("{} {}", request.method(), request.uri().path());
        // Also GET may have a body; nobody sends an empty one.
        let answer =
            if request.body().is_empty() { self.agent.run(request.map(|_| ())) } else { self.agent.run(request) };
        let answer = answer.unwrap_or_else(|error| panic!("{what} was not answered: {error}"));
        self.take_cookies(answer.headers());
        Response::new(what, answer)
    }

    fn cookie_header(&self) -> String {
        let pairs = self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>();
        pairs.join("; ")
    }

    fn take_cookies(&self, headers: &HeaderMap) {
        let set = headers.get_all(header::SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
        for cookie in set.filter_map(|text| Cookie::parse(text).ok()) {
            if cookie.max_age().is_some_and(|age| age.is_zero()) {
                self.cookies().remove(cookie.name());
            } else {
                self.set_cookie(cookie.name(), cookie.value());
            }
        }
    }

    fn cookies(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
