//! Compilation in a process of its own, so that a component which is made to be hard to compile takes that process
//! down and nothing else.
//!
//! Owns how the process is started, and what its end means. The bounds on it are its own first act
//! ([`confine`]).

use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::cache::Uncompiled;
use crate::limits;

/// What a compilation may take.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// CPU, in whole seconds.
    pub cpu: Duration,
    /// Address space.
    pub memory_bytes: u64,
}

const BOUNDS: Bounds = Bounds { cpu: limits::COMPILE_CPU, memory_bytes: limits::COMPILE_BYTES_MAX as u64 };

/// Compiles into a file.
///
/// # Errors
/// What the compiler says of the component, or how its process ended.
pub(super) fn compile(program: &Path, bytes: &[u8], path: &Path) -> Result<(), Uncompiled> {
    let ended = run(program, bytes, path).map_err(Uncompiled::host)?;
    if ended.status.success() { Ok(()) } else { Err(verdict(&ended)) }
}

fn run(program: &Path, bytes: &[u8], path: &Path) -> std::io::Result<Output> {
    let mut child = Command::new(program)
        .arg("compile-component")
        .arg(path)
        .args(["--cpu-s", &BOUNDS.cpu.as_secs().to_string()])
        .args(["--memory-bytes", &BOUNDS.memory_bytes.to_string()])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        // One that has ended already says why below.
        let _ended = stdin.write_all(bytes);
    }
    child.wait_with_output()
}

/// Bounds this process, which compiles; past them the kernel ends it.
///
/// # Errors
/// What the system says.
pub fn confine(bounds: Bounds) -> std::io::Result<()> {
    let bound = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::As, bound(bounds.memory_bytes))?;
    setrlimit(Resource::Core, bound(0))?;
    Ok(setrlimit(Resource::Cpu, bound(bounds.cpu.as_secs()))?)
}

/// What the end of a compilation means.
fn verdict(ended: &Output) -> Uncompiled {
    let said = String::from_utf8_lossy(&ended.stderr);
    let said = said.trim().trim_start_matches("error: ");
    match (ended.status.signal(), ended.status.code()) {
        (None, Some(2)) => Uncompiled::Component(said.to_owned()),
        (None, Some(1)) => Uncompiled::Host(said.to_owned()),
        // SIGXCPU, or SIGKILL at the hard limit.
        (Some(9 | 24), _) => Uncompiled::Component(format!("it takes more than {:?} of CPU to compile", BOUNDS.cpu)),
        _ if said.contains("memory") => {
            let mib = BOUNDS.memory_bytes / limits::MIB as u64;
            Uncompiled::Component(format!("it takes more than {mib} MiB to compile"))
        }
        _ => Uncompiled::Host(format!("its compiler ended with {}: {said}", ended.status)),
    }
}
