//! Clients in other languages, by scripts in `tests/clients`.

use std::io::Write as _;
use std::process::Command;

/// Runs a script to its end, which is to print `walked`, unless its program is missing: `probe` are the
/// arguments with which that is tried. Then it prints a line that begins with SKIPPED, which CI repeats.
#[track_caller]
pub fn walk(program: &str, probe: &[&str], script: &str, args: &[String]) {
    let command = || {
        let mut command = Command::new(program);
        command.env("PYTHONPATH", concat!(env!("SESSILE_ROOT"), "/target/python"));
        command
    };
    if !command().args(probe).output().is_ok_and(|tried| tried.status.success()) {
        let mut err = std::io::stderr().lock();
        writeln!(err, "SKIPPED {script}: {program} {} fails", probe.join(" ")).expect("stderr");
        return;
    }
    let script = format!("{}/clients/{script}", env!("CARGO_MANIFEST_DIR"));
    let walked = command().arg(script).args(args).output().expect("the program runs");
    let said = String::from_utf8_lossy(&walked.stderr);
    assert!(walked.status.success() && walked.stdout == b"walked\n", "{said}");
}

/// Runs a script with Python's `websockets`, which `.ci/run` puts into target/python.
#[track_caller]
pub fn walk_python(script: &str, args: &[String]) {
    walk("python3", &["-c", "import websockets.asyncio.client"], script, args);
}
