//! Bodies of 100 MiB through a guest and back: CPU and rate beside hyper's, and what they add to the
//! host's memory.

use std::net::SocketAddr;
use std::time::Instant;

use futures_util::future::join_all;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;

use crate::apps;
use crate::server::{Program, Station};
use crate::table::{Figure, Goal, Table};

const MIB: usize = 1024 * 1024;
/// The largest body that the host takes.
const BODY: usize = 100 * MIB;
/// Exchanges at once, so that what one adds shows above what the process moves by itself.
const AT_ONCE: usize = 8;

/// The medians of a server's rounds.
struct Streaming {
    /// CPU µs of the server for a MiB.
    cpu: f64,
    /// MiB a second, in and out again.
    rate: f64,
    /// KiB that the process grew by for each exchange, at its largest.
    growth: f64,
}

pub(crate) async fn run(rounds: usize, table: &mut Table) {
    let title = "100 MiB in and out, memory of each of 8 at once";
    if !table.wants(title) {
        return;
    }
    let native = measure(Program::Native("stream"), "/", rounds).await;
    let sessile = measure(Program::Sessile(apps::faults), "/fresh/echo", rounds).await;
    for (name, measured, goal) in
        [("hyper", &native, Goal::Reported), ("a guest that reads and writes", &sessile, Goal::AtMost(2048.0))]
    {
        let Streaming { cpu, rate, growth } = measured;
        let more = format!("CPU {cpu:.0} µs/MiB, {:.2} of native; one exchange {rate:.0} MiB/s", native.cpu / cpu);
        table.row(&format!("{title}: {name}"), goal, Figure { value: *growth, unit: " KiB", decimals: 0 }, &more);
    }
}

async fn measure(program: Program, path: &str, rounds: usize) -> Streaming {
    let station = Station::new(program);
    let (mut cpus, mut rates, mut growths) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let server = station.start();
        // What the first of them make resident once is not theirs.
        join_all((0..AT_ONCE).map(|_| echo(server.address, path, MIB))).await;
        let before = server.begin_peak();
        join_all((0..AT_ONCE).map(|_| echo(server.address, path, BODY))).await;
        growths.push(server.peak().saturating_sub(before) as f64 / AT_ONCE as f64);
        let (cpu, begun) = (server.cpu(), Instant::now());
        echo(server.address, path, BODY).await;
        let mebibytes = (BODY / MIB) as f64;
        rates.push(mebibytes / begun.elapsed().as_secs_f64());
        cpus.push((server.cpu() - cpu).as_secs_f64() * 1e6 / mebibytes);
    }
    Streaming { cpu: median(cpus), rate: median(rates), growth: median(growths) }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Sends a body and takes it back, both at once.
async fn echo(address: SocketAddr, path: &str, bytes: usize) {
    let (read, mut write) = TcpStream::connect(address).await.expect("a connection").into_split();
    let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {bytes}\r\n\r\n");
    let sending = async {
        write.write_all(head.as_bytes()).await.expect("the head is sent");
        let part = vec![7; MIB];
        for _ in 0..bytes / MIB {
            write.write_all(&part).await.expect("the body is sent");
        }
    };
    let (back, ()) = tokio::join!(receive(BufReader::with_capacity(MIB, read)), sending);
    assert_eq!(back, bytes, "the body comes back");
}

/// The length of a body, chunked or by its length.
async fn receive(mut stream: BufReader<OwnedReadHalf>) -> usize {
    let mut length = None;
    loop {
        let line = line(&mut stream).await.to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().ok();
        }
    }
    if let Some(length) = length {
        skip(&mut stream, length).await;
        return length;
    }
    let mut received = 0;
    loop {
        let size = usize::from_str_radix(&line(&mut stream).await, 16).expect("a chunk's size");
        skip(&mut stream, size).await;
        line(&mut stream).await;
        received += size;
        if size == 0 {
            return received;
        }
    }
}

async fn line(stream: &mut BufReader<OwnedReadHalf>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).await.expect("a line");
    line.trim_end().to_owned()
}

async fn skip(stream: &mut BufReader<OwnedReadHalf>, mut bytes: usize) {
    while bytes > 0 {
        let buffered = stream.fill_buf().await.expect("the body");
        assert!(!buffered.is_empty(), "the body is cut");
        let taken = buffered.len().min(bytes);
        stream.consume(taken);
        bytes -= taken;
    }
}
