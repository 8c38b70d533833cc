//! How soon there is an answer: of a host that starts, and of a component that lies on disk beside one that runs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use sessile::admin::client::Client;
use sessile::admin::wire::DeployRequest;
use sessile::app::Bundle;
use sessile_tests::App;
use tempfile::TempDir;

use crate::apps;
use crate::server::{Program, Station};
use crate::table::{Figure, Goal, Table};

const STARTS: usize = 5;
const DEPLOYS: usize = 30;
/// Of a deploy, all but the last, which writes down what the version is and waits for the disk thrice.
const STEPS: [&str; 4] = ["verify", "compile", "check", "smoke"];
const SWAP: &str = "swap (not counted)";
const FIRST: &str = "first request";
const PADDING: usize = 20 * 1024 * 1024;

pub(crate) async fn run(table: &mut Table) {
    let name = "start to `listening`, compilation cached";
    if table.wants(name) {
        let station = Station::new(Program::Sessile(apps::example));
        drop(station.start());
        let spans = (0..STARTS).map(|_| {
            let begun = Instant::now();
            let server = station.start();
            let span = begun.elapsed();
            drop(server);
            span
        });
        let spans: Vec<_> = spans.collect();
        table.row(name, Goal::AtMost(100.0), milliseconds(median(spans)), "");
    }
    let echo = App::component("echo");
    let folder = TempDir::new().expect("a folder");
    let padded = folder.path().join("padded.wasm");
    std::fs::write(&padded, with_padding(std::fs::read(&echo).expect("the component"))).expect("the padded component");
    for (name, component, most) in [("Rust", &echo, 1.0), ("the same with a custom section of 20 MB", &padded, 5.0)] {
        let name = format!("component on disk to its first answer, compilation cached: {name}");
        if table.wants(&name) {
            cold(&name, component, most, table).await;
        }
    }
}

async fn cold(name: &str, component: &Path, most: f64, table: &mut Table) {
    let component = component.to_str().expect("a path in UTF-8");
    let deploys = deploys(|number| apps::one(component, number), "/", "HTTP/1.1 200", "\r\n\r\nhello").await;
    let each = STEPS.iter().chain(&[SWAP, FIRST]).map(|step| {
        let spans = deploys.iter().map(|deploy| deploy.step(step)).collect();
        format!("{step} {:.2}", median(spans).as_secs_f64() * 1e3)
    });
    let whole = median(deploys.iter().map(Deploy::whole).collect());
    table.row(name, Goal::AtMost(most), milliseconds(whole), &each.collect::<Vec<_>>().join(", "));
}

/// What a deploy took, by step.
pub(crate) struct Deploy(Vec<(String, Duration)>);

impl Deploy {
    pub(crate) fn step(&self, name: &str) -> Duration {
        self.0.iter().filter(|(step, _)| step == name).map(|(_, span)| *span).sum()
    }

    /// From the component on disk to the first answer, without the step that waits for the disk.
    pub(crate) fn whole(&self) -> Duration {
        self.0.iter().filter(|(step, _)| step != SWAP).map(|(_, span)| *span).sum()
    }
}

/// A running host, which serves the app of the manifest 0, is given the versions of those that follow. Where their component was
/// compiled before, it has it on disk with its compiled form, but not in memory: the steps of that
/// deploy by the host's own clock, from the read of the component to an instance of it (its smoke test), and the first request
/// after, on a connection that was open before.
pub(crate) async fn deploys(manifest: impl Fn(usize) -> String, path: &str, begin: &str, end: &str) -> Vec<Deploy> {
    let station = Station::new(Program::Sessile(apps::example));
    let app = station.app().expect("an app");
    app.write(&manifest(0));
    let server = station.start();
    let mut admin = Client::connect(station.data()).await.expect("the admin socket");
    let mut all = Vec::new();
    for number in 1..=DEPLOYS {
        let mut peer = connect(server.address);
        app.write(&manifest(number));
        let bundle = Bundle::read(app.path()).expect("the app");
        let contents = bundle.contents.clone();
        let request = DeployRequest { contents, note: None, signature: None, allow_new_grants: true, canary: None };
        let mut steps = Vec::new();
        let tell = |step: &sessile::deploy::Step| {
            let name = if STEPS.contains(&step.step.as_str()) { step.step.as_str() } else { SWAP };
            steps.push((name.to_owned(), Duration::from_micros(step.micros)));
        };
        admin.deploy(&bundle, &request, tell).await.expect("it is deployed");
        if number == 1 {
            // It has compiled, for longer perhaps than a connection may idle.
            peer = connect(server.address);
        }
        let begun = Instant::now();
        ask(&mut peer, path, begin, end);
        steps.push((FIRST.to_owned(), begun.elapsed()));
        all.push(Deploy(steps));
    }
    all
}

fn connect(address: SocketAddr) -> TcpStream {
    let peer = TcpStream::connect(address).expect("a connection");
    peer.set_nodelay(true).expect("nodelay");
    peer
}

/// Asks, and reads the answer, which comes in one piece.
fn ask(peer: &mut TcpStream, path: &str, begin: &str, end: &str) {
    peer.write_all(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes()).expect("a request");
    let mut answer = [0; 4096];
    let length = peer.read(&mut answer).expect("an answer");
    let answer = String::from_utf8_lossy(&answer[..length]);
    assert!(answer.starts_with(begin) && answer.ends_with(end), "a wrong answer: {answer}");
}

/// A component with another section at its end, which nothing reads: an id of 0, a size in LEB128, a name, bytes.
fn with_padding(mut component: Vec<u8>) -> Vec<u8> {
    let name = b"padding";
    let mut section = vec![name.len() as u8];
    section.extend(name);
    // Bytes that do not compress, should a file system try.
    let mut state = 1_u32;
    section.extend((0..PADDING).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    }));
    component.push(0);
    let mut size = section.len();
    while size > 0x7f {
        component.push(size as u8 | 0x80);
        size >>= 7;
    }
    component.push(size as u8);
    component.extend(section);
    component
}

pub(crate) fn median(mut spans: Vec<Duration>) -> Duration {
    spans.sort();
    spans[spans.len() / 2]
}

fn milliseconds(span: Duration) -> Figure {
    Figure { value: span.as_secs_f64() * 1e3, unit: " ms", decimals: 2 }
}
