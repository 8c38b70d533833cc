//! Metrics for Prometheus, in the OpenMetrics text format: what is counted anyway, encoded when somebody asks.
//!
//! Owns names and labels: OpenTelemetry's where it has them, `sessile_` for the rest. docs/metrics.md lists them.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, MetricEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::Desk;
use crate::app::App;
use crate::instance::engine::Instances;
use crate::traces::Spans;
use crate::usage::{BOUNDS_MICROS, Timed, Usage};
use crate::websocket::registry::OfApp;

/// The type of the answer.
pub(super) const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What there is to tell now.
#[derive(Debug)]
struct Snapshot {
    apps: Vec<AppSnapshot>,
    instances: Instances,
    outboxes: [usize; 2],
    away: usize,
    spans_dropped: u64,
    process: Process,
}

#[derive(Debug)]
struct AppSnapshot {
    name: String,
    version: u64,
    live: OfApp,
    usage: Usage,
    opened: u64,
    traps: u64,
    events: Timed,
    requests: Timed,
    saves: Timed,
    unsaved: u64,
    alarms_waiting: u64,
    alarms_rang: u64,
    alarms_failed: u64,
    alarms_given_up: u64,
}

/// What the kernel says of this process; nothing where it says nothing.
#[derive(Debug, Default)]
struct Process {
    resident_bytes: Option<u64>,
    cpu_seconds: Option<f64>,
    open_files: Option<u64>,
}

impl Desk {
    /// All metrics, as text. Blocks: reads every live websocket's figures.
    pub(super) fn metrics(&self, alarms: &HashMap<String, u64>) -> String {
        let live = self.service.websockets.by_app();
        let apps = self.service.apps.all().iter().map(|app| AppSnapshot::of(app, &live, alarms)).collect();
        let instances = self.deployer.loader().engine.instances();
        let outboxes = [self.service.outboxes.used(), self.service.outboxes.bytes_max()];
        let spans_dropped = self.deployer.feed().spans().map_or(0, Spans::dropped);
        let away = self.service.websockets.doors.absent();
        let snapshot = Snapshot { apps, instances, outboxes, away, spans_dropped, process: Process::read() };
        let mut registry = Registry::default();
        registry.register_collector(Box::new(snapshot));
        let mut text = String::new();
        // A string takes all.
        let _written = encode(&mut text, &registry);
        text
    }
}

impl AppSnapshot {
    fn of(app: &Arc<App>, live: &HashMap<String, OfApp>, alarms: &HashMap<String, u64>) -> Self {
        let live = live.get(&app.name).copied().unwrap_or_default();
        let totals = &app.usage;
        Self {
            name: app.name.clone(),
            version: app.number(),
            usage: totals.sums().with(live.usage),
            opened: totals.websockets() + live.websockets as u64,
            traps: totals.traps(),
            events: totals.events.counted(),
            requests: totals.requests.counted(),
            saves: app.live_sessions.saves.counted(),
            unsaved: app.live_sessions.unsaved(),
            alarms_waiting: alarms.get(&app.name).copied().unwrap_or_default(),
            alarms_rang: app.alarms().counts.rang.load(Relaxed),
            alarms_failed: app.alarms().counts.failed.load(Relaxed),
            alarms_given_up: app.alarms().counts.given_up.load(Relaxed),
            live,
        }
    }
}

impl Collector for Snapshot {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.encode_apps(&mut page)?;
        self.encode_instances(&mut page)?;
        page.counter("sessile_spans_dropped", "Spans that no collector got", self.spans_dropped)?;
        self.process.encode(&mut page)
    }
}

impl Snapshot {
    fn encode_apps(&self, page: &mut Page<'_>) -> fmt::Result {
        let apps = &self.apps;
        page.gauges("sessile_app_version", "The current version", None, apps, |app| app.version)?;
        page.gauges("sessile_websockets", "Live websockets", None, apps, |app| app.live.websockets as u64)?;
        page.gauges("sessile_outbox", "What waits for peers", Some(Unit::Bytes), apps, |app| {
            app.live.outbox_bytes as u64
        })?;
        page.counters("sessile_websockets_opened", "Handshakes that came to a handler", apps, |app| app.opened)?;
        page.counters("sessile_messages_received", "Messages of peers", apps, |app| app.usage.received)?;
        page.counters("sessile_messages_sent", "Messages to peers", apps, |app| app.usage.sent)?;
        page.counters("sessile_received_bytes", "Payloads of messages and requests", apps, |app| {
            app.usage.received_bytes
        })?;
        page.counters("sessile_sent_bytes", "Payloads of messages and responses", apps, |app| app.usage.sent_bytes)?;
        page.counters("sessile_traps", "Guest calls that trapped or were cut", apps, |app| app.traps)?;
        page.counters("sessile_guest_cpu_microseconds", "CPU of guest code", apps, |app| app.usage.cpu_micros)?;
        page.gauges("sessile_guest_memory_max", "The largest linear memory", Some(Unit::Bytes), apps, |app| {
            app.usage.memory_bytes_max
        })?;
        page.timings("sessile_event_duration", "From an event to the end of its call", apps, |app| &app.events)?;
        let what = "From a request to its answer by a handler";
        page.timings("http_server_request_duration", what, apps, |app| &app.requests)?;
        page.timings("sessile_session_save_duration", "Of a save that was kept", apps, |app| &app.saves)?;
        page.counters("sessile_session_saves_failed", "Saves that the store failed", apps, |app| app.unsaved)?;
        page.gauges("sessile_alarms_waiting", "Alarms that are to ring", None, apps, |app| app.alarms_waiting)?;
        page.counters("sessile_alarms_rang", "Calls of alarms that returned well", apps, |app| app.alarms_rang)?;
        page.counters("sessile_alarms_failed", "Calls of alarms that did not", apps, |app| app.alarms_failed)?;
        page.counters("sessile_alarms_given_up", "Alarms that failed too often", apps, |app| app.alarms_given_up)
    }

    fn encode_instances(&self, page: &mut Page<'_>) -> fmt::Result {
        let Instances { live, warm, pinned, created, evicted, memory_bytes, memory_bytes_max } = self.instances;
        page.gauge("sessile_instances", "Instances", None, live as u64)?;
        page.gauge("sessile_instances_warm", "Those that serve nobody now", None, warm as u64)?;
        page.gauge("sessile_instances_pinned", "Those of loop-style websockets", None, pinned as u64)?;
        page.counter("sessile_instances_created", "Instances that were made", created)?;
        page.counter("sessile_instances_evicted", "Warm ones that made room for others", evicted)?;
        page.gauge("sessile_guest_memory", "Linear memory of all instances", Some(Unit::Bytes), memory_bytes as u64)?;
        page.gauge("sessile_guest_memory_limit", "What it may be", Some(Unit::Bytes), memory_bytes_max as u64)?;
        page.gauge("sessile_websockets_away", "Those that wait for their peers to resume", None, self.away as u64)?;
        let [used, most] = self.outboxes.map(|bytes| bytes as u64);
        page.gauge("sessile_outboxes_shared", "What all outboxes share of their memory", Some(Unit::Bytes), used)?;
        page.gauge("sessile_outboxes_shared_limit", "What it may be", Some(Unit::Bytes), most)
    }
}

impl Process {
    fn read() -> Self {
        let statm = std::fs::read_to_string("/proc/self/statm").ok();
        let pages = statm.as_deref().and_then(|text| text.split(' ').nth(1)?.parse::<u64>().ok());
        let usage = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Self {
            resident_bytes: pages.map(|pages| pages * rustix::param::page_size() as u64),
            cpu_seconds: std::time::Duration::try_from(usage).ok().map(|cpu| cpu.as_secs_f64()),
            open_files: std::fs::read_dir("/proc/self/fd").ok().map(|files| files.count() as u64),
        }
    }

    fn encode(&self, page: &mut Page<'_>) -> fmt::Result {
        if let Some(bytes) = self.resident_bytes {
            page.gauge("process_resident_memory", "Resident memory", Some(Unit::Bytes), bytes)?;
        }
        if let Some(seconds) = self.cpu_seconds {
            let encoder = page.0.encode_descriptor(
                "process_cpu",
                "CPU of all threads",
                Some(&Unit::Seconds),
                MetricType::Counter,
            )?;
            ConstCounter::new(seconds).encode(encoder)?;
        }
        match self.open_files {
            Some(files) => page.gauge("process_open_fds", "Open files", None, files),
            None => Ok(()),
        }
    }
}

/// The text as it is written: one family after the other.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, unit: Option<Unit>, value: u64) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        ConstGauge::new(value).encode(encoder)
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        let encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        ConstCounter::new(value).encode(encoder)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<Unit>,
        apps: &[AppSnapshot],
        of: impl Fn(&AppSnapshot) -> u64,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, unit.as_ref(), MetricType::Gauge)?;
        each(&mut encoder, apps, |encoder, app| ConstGauge::new(of(app)).encode(encoder))
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        apps: &[AppSnapshot],
        of: impl Fn(&AppSnapshot) -> u64,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        each(&mut encoder, apps, |encoder, app| ConstCounter::new(of(app)).encode(encoder))
    }

    fn timings(
        &mut self,
        name: &str,
        help: &str,
        apps: &[AppSnapshot],
        of: impl Fn(&AppSnapshot) -> &Timed,
    ) -> fmt::Result {
        let mut encoder = self.0.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        each(&mut encoder, apps, |mut encoder, app| {
            let timed = of(app);
            let bounds = BOUNDS_MICROS.iter().map(|micros| *micros as f64 / 1e6).chain([f64::INFINITY]);
            let buckets: Vec<_> = bounds.zip(timed.buckets).collect();
            encoder.encode_histogram::<NoLabelSet>(timed.sum.as_secs_f64(), timed.count(), &buckets, None)
        })
    }
}

fn each(
    encoder: &mut MetricEncoder<'_>,
    apps: &[AppSnapshot],
    write: impl Fn(MetricEncoder<'_>, &AppSnapshot) -> fmt::Result,
) -> fmt::Result {
    apps.iter().try_for_each(|app| write(encoder.encode_family(&[("app", app.name.as_str())])?, app))
}
