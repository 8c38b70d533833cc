//! Traces, as a collector gets them: one span an event and an exchange, in the trace that the request names.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use rustix::process::Signal;
use serde_json::Value;
use sessile_tests::{App, Host, Settings, Socket, Way, each_way, get, request};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

each_way!(events_and_exchanges_are_spans_in_the_trace_of_their_request);

/// A span waits a second for others.
const PATIENCE: Duration = Duration::from_secs(30);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const UNSAMPLED: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";

/// What came to a collector of ours: its head's service and authorization, and a span.
struct Collected {
    service: String,
    authorization: Option<String>,
    span: Value,
    attributes: BTreeMap<String, String>,
}

struct Collector {
    address: SocketAddr,
    spans: mpsc::Receiver<Collected>,
}

impl Collector {
    async fn start() -> Self {
        Self::start_with("{}").await
    }

    /// One that answers so.
    async fn start_with(body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (told, spans) = mpsc::channel(1024);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let told = told.clone();
                let answer = service_fn(move |request| {
                    let told = told.clone();
                    async move {
                        collect(request, &told).await;
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from(body)))
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(async move { http.serve_connection(TokioIo::new(stream), answer).await });
            }
        });
        Self { address, spans }
    }

    fn settings(&self, way: Way) -> Settings<'static> {
        Settings { args: vec!["--otlp".into(), format!("http://{}", self.address)], ..Settings::new(way) }
    }

    /// The next so many spans.
    async fn next(&mut self, spans: usize) -> Vec<Collected> {
        let mut collected = Vec::new();
        while collected.len() < spans {
            let next = tokio::time::timeout(PATIENCE, self.spans.recv()).await;
            collected.push(next.expect("a span in time").unwrap());
        }
        collected
    }
}

/// Reads a request as the protocol has it, field by field: what is not so fails the test.
async fn collect(request: Request<Incoming>, told: &mpsc::Sender<Collected>) {
    assert_eq!((request.method().as_str(), request.uri().path()), ("POST", "/v1/traces"));
    assert_eq!(request.headers()["content-type"], "application/json");
    let authorization = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&body).unwrap();
    for resource in body["resourceSpans"].as_array().unwrap() {
        let service = attributes(&resource["resource"])["service.name"].clone();
        for span in
            resource["scopeSpans"].as_array().unwrap().iter().flat_map(|scope| scope["spans"].as_array().unwrap())
        {
            let (service, authorization) = (service.clone(), authorization.clone());
            told.send(Collected { service, authorization, span: span.clone(), attributes: attributes(span) })
                .await
                .unwrap();
        }
    }
}

fn attributes(of: &Value) -> BTreeMap<String, String> {
    let list = of["attributes"].as_array().unwrap().iter();
    list.map(|pair| {
        let value = pair["value"].get("stringValue").or(pair["value"].get("intValue")).unwrap();
        (pair["key"].as_str().unwrap().to_owned(), value.as_str().unwrap().to_owned())
    })
    .collect()
}

impl Collected {
    fn is(&self, attribute: &str) -> &str {
        self.attributes.get(attribute).map_or("", String::as_str)
    }

    fn of_event<'a>(spans: &'a [Self], event: &str) -> &'a Self {
        let found: Vec<_> = spans.iter().filter(|span| span.is("sessile.event") == event).collect();
        let [one] = found.as_slice() else { panic!("{} spans of {event:?}", found.len()) };
        one
    }
}

async fn events_and_exchanges_are_spans_in_the_trace_of_their_request(way: Way) {
    let mut collector = Collector::start().await;
    let host = Host::start_with(&App::faults(way), collector.settings(way));
    let traced = [("traceparent", SAMPLED)];
    let mut socket = Socket::open_with(host.address(), "/ws?session=1", &traced).await.unwrap();
    let cookie = socket.cookie().unwrap();
    assert_eq!(socket.ask("1234").await, "1234");
    socket.close(1000, "").await;
    let spans = collector.next(3).await;
    let id = spans[0].is("sessile.websocket");
    for span in &spans {
        assert_eq!(
            (span.service.as_str(), span.is("sessile.app"), span.is("sessile.version")),
            ("sessile", "faults", "1")
        );
        assert_eq!((&span.span["traceId"], &span.span["parentSpanId"]), (&TRACE.into(), &"b7ad6b7169203331".into()));
        assert_eq!((span.is("sessile.websocket"), span.is("sessile.outcome"), id.len()), (id, "done", 16));
        let number = |key: &str| span.span[key].as_str().unwrap().parse::<u64>().unwrap();
        assert!(number("startTimeUnixNano") < number("endTimeUnixNano"), "{}", span.span);
        assert!(
            !cookie.contains(span.is("sessile.session")) && span.is("sessile.session").len() == 12,
            "{}",
            span.span
        );
    }
    let messages = Collected::of_event(&spans, "messages");
    assert_eq!((messages.is("sessile.messages"), messages.is("sessile.bytes")), ("1", "4"));
    assert!(messages.span["name"].as_str().unwrap().starts_with("messages "), "{}", messages.span);

    let posted = Request::post("/http/echo?x=1").header("host", "x").header("traceparent", SAMPLED);
    let answer = request(host.address(), posted.body(Full::from("12345")).unwrap()).await;
    assert_eq!(answer.text(), "12345");
    let [span] = collector.next(1).await.try_into().ok().unwrap();
    assert_eq!((&span.span["traceId"], &span.span["kind"]), (&TRACE.into(), &2.into()));
    assert_eq!((span.is("http.request.method"), span.is("url.path")), ("POST", "/http/echo"));
    assert_eq!((span.is("http.response.status_code"), span.is("sessile.bytes")), ("200", "10"));
    assert_eq!((span.is("sessile.exchange").len(), span.is("sessile.outcome")), (16, "done"));
}

#[tokio::test]
async fn call_that_traps_is_a_span_that_says_so() {
    let mut collector = Collector::start().await;
    let host = Host::start_with(&App::faults(Way::Keep), collector.settings(Way::Keep));
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send("panic").await;
    assert_eq!(socket.closed().await.0, 1011);
    let spans = collector.next(3).await;
    let trapped = Collected::of_event(&spans, "messages");
    assert_eq!((trapped.is("sessile.outcome"), trapped.is("error.type")), ("trapped", "trapped"));
    assert_eq!(trapped.span["status"]["code"], 2);
    assert!(!trapped.span.to_string().contains("boom"), "a guest's words are the log's");
    assert!(trapped.span.get("parentSpanId").is_none() && trapped.span["traceId"] != TRACE);

    let mut looped = Socket::open(host.address(), "/loop").await;
    assert_eq!(looped.ask("one").await, "one");
    assert_eq!(looped.ask("three").await, "three");
    looped.close(1000, "").await;
    let [span] = collector.next(1).await.try_into().ok().unwrap();
    assert_eq!((span.is("sessile.event"), span.is("sessile.outcome")), ("loop", "done"));
    assert_eq!((span.is("sessile.messages"), span.is("sessile.bytes")), ("2", "8"));

    assert_eq!(get(host.address(), "/http/panic", None).await.status, 500);
    let [span] = collector.next(1).await.try_into().ok().unwrap();
    assert_eq!((span.is("sessile.outcome"), span.is("http.response.status_code")), ("trapped", ""));
}

#[tokio::test]
async fn call_that_the_host_cuts_is_a_span_that_says_so() {
    let mut collector = Collector::start().await;
    let app = App::faults_with(Way::Keep, "limits = { deadline_ms = 200 }");
    let host = Host::start_with(&app, collector.settings(Way::Keep));
    let mut socket = Socket::open(host.address(), "/ws").await;
    socket.send("sleep 600000").await;
    assert_eq!(socket.closed().await.0, 1011);
    let spans = collector.next(3).await;
    let cut = Collected::of_event(&spans, "messages");
    assert_eq!((cut.is("sessile.outcome"), &cut.span["status"]["code"]), ("cut", &2.into()));
    assert_eq!(cut.is("sessile.websocket"), Collected::of_event(&spans, "open").is("sessile.websocket"));
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_is_not_sampled_has_no_span() {
    let mut collector = Collector::start().await;
    let host = Host::start_with(&App::faults(Way::Keep), collector.settings(Way::Keep));
    for parent in [UNSAMPLED, SAMPLED] {
        let asked = Request::get("/http/status/200").header("host", "x").header("traceparent", parent);
        assert_eq!(request(host.address(), asked.body(Full::default()).unwrap()).await.text(), "200");
    }
    // In order: the first would have come before.
    let [span] = collector.next(1).await.try_into().ok().unwrap();
    assert_eq!(span.is("sessile.outcome"), "done");
    host.signal(Signal::TERM);
    assert!(host.wait().success());
    assert!(collector.spans.try_recv().is_err(), "one that was not sampled");
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_left_at_the_end_are_sent_as_the_environment_says() {
    let mut collector = Collector::start().await;
    let env = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{}/", collector.address)),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20abc".to_owned()),
        ("OTEL_SERVICE_NAME", "shop".to_owned()),
    ];
    let settings = Settings { env: env.into(), ..Settings::new(Way::Keep) };
    let host = Host::start_with(&App::faults(Way::Keep), settings);
    assert_eq!(get(host.address(), "/http/status/200", None).await.text(), "200");
    host.signal(Signal::TERM);
    assert!(host.wait().success());
    let [span] = collector.next(1).await.try_into().ok().unwrap();
    assert_eq!((span.service.as_str(), span.authorization.as_deref()), ("shop", Some("Bearer abc")));
}

#[tokio::test]
async fn collector_that_is_down_costs_a_line_and_is_counted() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let settings = Settings { args: vec!["--otlp".into(), format!("http://{nobody}")], ..Settings::new(Way::Keep) };
    let host = Host::start_with(&App::faults(Way::Keep), settings);
    let mut socket = Socket::open(host.address(), "/ws").await;
    assert_eq!(socket.ask("1").await, "1");
    let log = host.wait_for_log("spans could not be sent");
    assert!(log.contains(&nobody.to_string()), "{log}");
    for number in 0..100 {
        assert_eq!(socket.ask(&number.to_string()).await, number.to_string());
    }
    let metrics = crate::metrics::scrape(&host).await.1;
    assert!(metrics["sessile_spans_dropped_total"] >= 1.0);
    host.signal(Signal::TERM);
    let log = host.wait_for_log("draining");
    assert_eq!(log.matches("spans could not be sent").count(), 1, "{log}");
    assert!(host.wait().success());
}

#[tokio::test]
async fn span_that_the_collector_refuses_is_counted() {
    let mut collector = Collector::start_with(r#"{"partialSuccess": {"rejectedSpans": "1"}}"#).await;
    let host = Host::start_with(&App::faults(Way::Keep), collector.settings(Way::Keep));
    assert_eq!(get(host.address(), "/http/status/200", None).await.text(), "200");
    collector.next(1).await;
    // The answer is on its way.
    while crate::metrics::scrape(&host).await.1["sessile_spans_dropped_total"] != 1.0 {}
}

#[tokio::test]
async fn endpoint_that_is_none_starts_nothing() {
    let host = Host::run(&["serve", "--otlp", "collector:4318"]);
    let said = String::from_utf8(host.stderr).unwrap();
    assert!(!host.status.success() && said.contains("is no collector's URL, such as http://127.0.0.1:4318"), "{said}");
    let args = ["serve", "/nowhere"];
    let host = Host::run_with_env(&args, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense")]).await;
    let said = String::from_utf8(host.stderr).unwrap();
    assert!(!host.status.success() && said.contains("OTEL_EXPORTER_OTLP_ENDPOINT"), "{said}");
}
