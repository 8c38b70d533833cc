//! The threads of a host, and how the kernel weighs them: what serves sockets comes first, and a guest that burns its budget is the
//! one that can wait.
//!
//! One of the two files with `unsafe`: a system call that no safe crate has.

#![allow(unsafe_code, reason = "sched_setattr, argued for at its call")]

use tokio::runtime::{Builder, Runtime};

use crate::limits;

/// The threads on which sockets are served: one for each core, or as many as told.
///
/// # Errors
/// What the system says.
pub fn io_runtime(workers: Option<usize>) -> std::io::Result<Runtime> {
    let mut io = Builder::new_multi_thread();
    if let Some(workers) = workers {
        io.worker_threads(workers);
    }
    io.thread_name("io").enable_all().on_thread_start(run_as_soon_as_woken).build()
}

/// The threads on which guests spin.
///
/// # Errors
/// What the system says.
pub fn guest_runtime() -> std::io::Result<Runtime> {
    let yields = || {
        // Refused only where a policy forbids it; then they compete as equals.
        let _equal = rustix::process::nice(5);
    };
    Builder::new_multi_thread().thread_name("guest").enable_all().on_thread_start(yields).build()
}

/// Makes this thread's turns on a core short. Linux lets who is woken wait until the turn of who runs is over, nicer or not,
/// unless its own is shorter (EEVDF: `sched_attr::sched_runtime` is the turn of an ordinary thread since 6.12; older kernels take no
/// notice). Refused only where a policy forbids it.
fn run_as_soon_as_woken() {
    const KEEP_POLICY: u64 = 0x08;
    let Ok(nice) = rustix::process::getpriority_process(None) else { return };
    let attributes = libc::sched_attr {
        // Of the first version of the structure, which is what this is.
        size: size_of::<libc::sched_attr>() as u32,
        sched_policy: 0,
        sched_flags: KEEP_POLICY,
        sched_nice: nice,
        sched_priority: 0,
        sched_runtime: limits::IO_SLICE.as_nanos() as u64,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: The kernel reads `size` bytes of the structure, which lives until the call returns, and keeps no pointer; thread 0 is
    // the caller, and no memory of this process changes.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// As the kernel tells it: what it is called, and the number after it.
    fn told(of: &str, name: &str) -> Option<u64> {
        let line = of.lines().find(|line| line.starts_with(name))?;
        line.rsplit(' ').next()?.parse().ok()
    }

    fn scheduled(runtime: &Runtime) -> String {
        let read = async { std::fs::read_to_string("/proc/thread-self/sched") };
        runtime.block_on(runtime.spawn(read)).unwrap().unwrap_or_default()
    }

    #[test]
    fn io_threads_have_short_turns_and_guest_threads_yield() {
        let (io, guests) = (scheduled(&io_runtime(Some(1)).unwrap()), scheduled(&guest_runtime().unwrap()));
        let (Some(turn), Some(usual)) = (told(&io, "se.slice"), told(&guests, "se.slice")) else {
            // Not by `eprintln!`, which the harness keeps to itself.
            let mut out = std::io::stderr().lock();
            writeln!(out, "SKIPPED the turns of threads: this kernel does not tell them").unwrap();
            return;
        };
        assert!(u128::from(turn) == limits::IO_SLICE.as_nanos() && turn < usual, "{turn} ns beside {usual}");
        assert_eq!(told(&guests, "prio").unwrap() - told(&io, "prio").unwrap(), 5);
    }
}
