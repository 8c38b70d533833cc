//! Spans on their way to a collector: OTLP over HTTP, in JSON.
//!
//! Owns the endpoint, and that one which is down costs a request now and then, and a line of the log a minute. What it does
//! not take is dropped and counted: spans are not worth a second try.

use std::time::Instant;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::limits;
use crate::tls;
use crate::traces::{Queued, Span, encode};

const PATH: &str = "v1/traces";

/// Where spans are sent, and as whose.
#[derive(Clone)]
pub struct Endpoint {
    url: Url,
    headers: HeaderMap,
    service: String,
}

/// The text leads to no collector.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// It is no URL of HTTP.
    #[error("{0:?} is no collector's URL, such as http://127.0.0.1:4318")]
    Url(String),
    /// A header. Its value may be a secret.
    #[error("header {0:?} cannot be sent; OTEL_EXPORTER_OTLP_HEADERS is NAME=VALUE,NAME=VALUE, percent-encoded")]
    Header(String),
}

/// The task that sends; it ends with its drop.
pub(super) struct Exporter {
    stop: CancellationToken,
    task: AbortOnDropHandle<()>,
}

struct Sender {
    client: Client,
    endpoint: Endpoint,
    queued: Queued,
    complained: Option<Instant>,
}

/// Why spans were not taken.
#[derive(Debug, thiserror::Error)]
enum SendError {
    #[error("{}", cause_of(.0))]
    Lost(reqwest::Error),
    #[error("the collector answers {0}")]
    Refused(StatusCode),
}

impl Endpoint {
    /// A collector's URL, to which `/v1/traces` is added where it does not end with that already.
    ///
    /// # Errors
    /// `Url`.
    pub fn parse(text: &str) -> Result<Self, EndpointError> {
        let unusable = || EndpointError::Url(text.to_owned());
        let mut url = Url::parse(text).map_err(|_| unusable())?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(unusable());
        }
        let path = url.path().trim_end_matches('/');
        let whole = if path.ends_with(PATH) { path.to_owned() } else { format!("{path}/{PATH}") };
        url.set_path(&whole);
        Ok(Self { url, headers: HeaderMap::new(), service: "sessile".to_owned() })
    }

    /// With headers, as `OTEL_EXPORTER_OTLP_HEADERS` has them.
    ///
    /// # Errors
    /// `Header`.
    pub fn with_headers(mut self, text: &str) -> Result<Self, EndpointError> {
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let unusable = || EndpointError::Header(name.to_owned());
            let value = percent_encoding::percent_decode_str(value.trim()).decode_utf8().map_err(|_| unusable())?;
            let name = HeaderName::try_from(name.trim()).map_err(|_| unusable())?;
            let mut value = HeaderValue::try_from(&*value).map_err(|_| unusable())?;
            value.set_sensitive(true);
            self.headers.append(name, value);
        }
        Ok(self)
    }

    /// As this service.
    #[must_use]
    pub fn with_service(self, service: String) -> Self {
        Self { service, ..self }
    }

    /// Whom a line of the log names: no user, no query.
    fn origin(&self) -> String {
        self.url.origin().ascii_serialization()
    }

    fn is_loopback(&self) -> bool {
        let address =
            self.url.host_str().and_then(|host| host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().ok());
        address.is_some_and(|address| address.is_loopback()) || self.url.host_str() == Some("localhost")
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Endpoint({})", self.origin())
    }
}

impl Exporter {
    /// Sends what is queued, until its end.
    ///
    /// # Errors
    /// What the system says of its certificates.
    pub(super) fn start(endpoint: Endpoint, queued: Queued) -> std::io::Result<Self> {
        tls::provide();
        let client = Client::builder()
            .timeout(limits::SPANS_SEND)
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("sessile/", env!("CARGO_PKG_VERSION")));
        // A proxy is for what is elsewhere.
        let client = if endpoint.is_loopback() { client.no_proxy() } else { client };
        let client = client.build().map_err(std::io::Error::other)?;
        let stop = CancellationToken::new();
        let sender = Sender { client, endpoint, queued, complained: None };
        let task = AbortOnDropHandle::new(tokio::spawn(sender.run(stop.clone())));
        Ok(Self { stop, task })
    }

    /// Sends what is left, if that can be had in time.
    pub(super) async fn finish(self) {
        self.stop.cancel();
        // Past it they are lost with the task.
        let _in_time = tokio::time::timeout(limits::SPANS_FLUSH, self.task).await;
    }
}

impl Sender {
    async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(limits::SPANS_PER_REQUEST);
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.gather(&mut batch) => {}
                () = stop.cancelled() => break,
            }
            if self.deliver(&mut batch).await.is_err() {
                tokio::select! {
                    () = tokio::time::sleep(limits::SPANS_PAUSE) => {}
                    () = stop.cancelled() => {}
                }
            }
        }
        self.queued.close();
        loop {
            self.queued.take(&mut batch).await;
            if batch.is_empty() || self.deliver(&mut batch).await.is_err() {
                return;
            }
        }
    }

    /// A first span, and what follows it soon.
    async fn gather(&mut self, batch: &mut Vec<Span>) {
        self.queued.take(batch).await;
        let more = async {
            while batch.len() < limits::SPANS_PER_REQUEST {
                self.queued.take(batch).await;
            }
        };
        let _full = tokio::time::timeout(limits::SPANS_WAIT, more).await;
    }

    async fn deliver(&mut self, batch: &mut Vec<Span>) -> Result<(), SendError> {
        let sent = self.send(batch).await;
        match &sent {
            Ok(refused) => {
                self.queued.lost(*refused);
                self.complained = None;
            }
            Err(error) => {
                self.queued.lost(batch.len());
                self.complain(error);
            }
        }
        batch.clear();
        sent.map(drop)
    }

    /// How many of them the collector has refused.
    async fn send(&self, batch: &[Span]) -> Result<usize, SendError> {
        let Endpoint { url, headers, service } = &self.endpoint;
        let request = self.client.post(url.clone()).headers(headers.clone()).header(CONTENT_TYPE, "application/json");
        let answer = request.body(encode(batch, service)).send().await.map_err(SendError::Lost)?;
        match answer.status() {
            status if status.is_success() => Ok(refused(answer).await.unwrap_or_default()),
            status => Err(SendError::Refused(status)),
        }
    }

    fn complain(&mut self, error: &SendError) {
        if self.complained.is_some_and(|at| at.elapsed() < limits::SPANS_COMPLAINT) {
            return;
        }
        self.complained = Some(Instant::now());
        let (collector, dropped) = (self.endpoint.origin(), self.queued.dropped());
        tracing::warn!(collector, dropped, "spans could not be sent: {error}");
    }
}

/// OTLP's partial success. Read whole also for that the connection can be used again.
async fn refused(mut answer: Response) -> Option<usize> {
    let mut body = Vec::new();
    while let Some(part) = answer.chunk().await.ok()? {
        body.extend_from_slice(&part);
        if body.len() > limits::SPANS_ANSWER_BYTES_MAX {
            return None;
        }
    }
    let answer: Value = serde_json::from_slice(&body).ok()?;
    let refused = answer.get("partialSuccess")?.get("rejectedSpans")?;
    // A 64-bit number, which the mapping has as text, and some as a number.
    match refused {
        Value::String(text) => text.parse().ok(),
        number => usize::try_from(number.as_u64()?).ok(),
    }
}

/// The innermost cause: what is around it names the URL, which may hold a secret.
fn cause_of(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return format!("no answer in {:?}", limits::SPANS_SEND);
    }
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoint_is_the_collectors_url_with_the_path_of_traces() {
        let url = |text| Endpoint::parse(text).unwrap().url.to_string();
        assert_eq!(url("http://127.0.0.1:4318"), "http://127.0.0.1:4318/v1/traces");
        assert_eq!(url("https://x.example/otlp/"), "https://x.example/otlp/v1/traces");
        assert_eq!(url("https://x.example/v1/traces"), "https://x.example/v1/traces");
        for text in ["", "x", "ftp://x.example", "127.0.0.1:4318", "/v1/traces"] {
            assert!(Endpoint::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn headers_are_decoded_and_shown_to_nobody() {
        let endpoint = Endpoint::parse("https://u:p@x.example/?key=k").unwrap();
        let endpoint = endpoint.with_headers("authorization=Bearer%20abc, x-a = 1,").unwrap();
        assert_eq!(
            (&endpoint.headers["authorization"], &endpoint.headers["x-a"]),
            (&"Bearer abc".parse().unwrap(), &"1".parse().unwrap())
        );
        assert_eq!(format!("{endpoint:?}"), "Endpoint(https://x.example)");
        let error = Endpoint::parse("http://x").unwrap().with_headers("a b=secret").err().unwrap();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
