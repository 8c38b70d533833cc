//! A client in another language: Python's `websockets`, which `.ci/run` puts into target/python.
//!
//! Where it is not installed this prints a line that begins with SKIPPED, and CI repeats it.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::io::Write;
use std::process::Command;

use sessile_tests::{App, Host, Way, each_way};

each_way!(python_websockets_walks_through_accept_subprotocol_json_close_codes_and_denial);

async fn python_websockets_walks_through_accept_subprotocol_json_close_codes_and_denial(way: Way) {
    let python = || {
        let mut python = Command::new("python3");
        python.env("PYTHONPATH", concat!(env!("SESSILE_ROOT"), "/target/python"));
        python
    };
    if !python().args(["-c", "import websockets.asyncio.client"]).output().is_ok_and(|tried| tried.status.success()) {
        let mut err = std::io::stderr().lock();
        writeln!(err, "SKIPPED the Python test: no python3 with websockets").unwrap();
        return;
    }
    let host = Host::start(&App::faults(way), way);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/walk.py");
    let walked = python().arg(script).arg(format!("ws://{}", host.address())).output().unwrap();
    let said = String::from_utf8_lossy(&walked.stderr);
    assert!(walked.status.success() && walked.stdout == b"walked\n", "{said}");
}
