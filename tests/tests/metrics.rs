//! Metrics, as Prometheus would read them; the page that lists them has all of them and no others.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sessile_tests::{App, Host, Socket, Way, get};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;

const PAGE: &str = include_str!("../../docs/metrics.md");

/// Samples by their name with labels.
pub(crate) async fn scrape(host: &Host) -> (String, BTreeMap<String, f64>) {
    let mut stream = UnixStream::connect(host.data().join("admin.sock")).await.unwrap();
    stream.write_all(b"GET /v1/metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    assert!(body.ends_with("# EOF\n"), "{body}");
    let samples = body.lines().filter(|line| !line.starts_with('#'));
    let samples = samples.map(|line| line.rsplit_once(' ').unwrap());
    let samples = samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect();
    (body.to_owned(), samples)
}

/// Waits for what the host counts once it has noted the end of a call, a moment after the peer has seen it.
pub(crate) async fn counted(host: &Host, metric: &str, value: f64) {
    let comes = async { while scrape(host).await.1[metric] != value {} };
    tokio::time::timeout(Duration::from_secs(10), comes).await.unwrap_or_else(|_| panic!("{metric} is never {value}"));
}

#[tokio::test]
async fn metrics_count_what_has_happened() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let (_, before) = scrape(&host).await;
    // Those with which the deploy saw that the four handlers start wait a little for a call.
    assert!(before["sessile_websockets{app=\"faults\"}"] == 0.0 && before["sessile_instances"] <= 4.0, "{before:?}");
    let mut socket = Socket::open(host.address(), "/ws?session=1").await;
    assert_eq!(socket.ask("1234").await, "1234");
    assert_eq!(socket.ask("session put a 1").await, "put");
    let mut bad = Socket::open(host.address(), "/ws").await;
    bad.send("panic").await;
    bad.closed().await;
    let _looped = Socket::open(host.address(), "/loop").await;
    assert_eq!(get(host.address(), "/http/status/200", None).await.text(), "200");
    // The end of the one that trapped is told to its task, and what an event took is noted, a moment after the peer.
    counted(&host, "sessile_websockets{app=\"faults\"}", 2.0).await;
    // Opens, messages, and the close of the one that trapped.
    counted(&host, "sessile_event_duration_seconds_count{app=\"faults\"}", 6.0).await;
    let (_, samples) = scrape(&host).await;
    let of = |name: &str| samples[&format!("{name}{{app=\"faults\"}}")];
    assert_eq!(of("sessile_app_version"), 1.0);
    assert_eq!((of("sessile_websockets_opened_total"), of("sessile_traps_total")), (3.0, 1.0));
    assert_eq!((of("sessile_messages_received_total"), of("sessile_messages_sent_total")), (3.0, 2.0));
    assert_eq!(of("sessile_received_bytes_total"), (4 + 15 + 5) as f64);
    assert!(of("sessile_guest_cpu_microseconds_total") > 0.0);
    assert_eq!(of("http_server_request_duration_seconds_count"), 1.0);
    assert_eq!(of("sessile_session_save_duration_seconds_count"), 1.0);
    assert!(of("sessile_session_save_duration_seconds_sum") > 0.0);
    assert_eq!(samples["http_server_request_duration_seconds_bucket{le=\"+Inf\",app=\"faults\"}"], 1.0);
    assert_eq!(samples["sessile_instances_pinned"], 1.0);
    assert!(samples["sessile_instances_created_total"] >= 4.0 && samples["sessile_guest_memory_bytes"] > 1e6);
    assert!(samples["process_resident_memory_bytes"] > 1e6 && samples["process_open_fds"] > 3.0);
    assert!(samples["process_cpu_seconds_total"] > 0.0);
}

#[tokio::test]
async fn page_lists_all_metrics_and_no_others() {
    let host = Host::start(&App::faults(Way::Keep), Way::Keep);
    let (text, _) = scrape(&host).await;
    let told = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let told: BTreeSet<_> = told.map(|line| line.replace(' ', " | ")).collect();
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `"));
    let listed: BTreeSet<_> =
        rows.map(|row| row.split(" | ").take(2).collect::<Vec<_>>().join(" | ").replace('`', "")).collect();
    assert_eq!(told, listed);
}
