//! What a host runs for each component that is to be compiled: this program, bounded.

use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::anyhow;
use clap::Args;

use super::{Done, report};
use crate::instance::cache;
use crate::instance::child::{self, Bounds};
use crate::limits;

/// Bounds that a host sets, and the component's way.
#[derive(Args)]
pub(super) struct CompileComponent {
    /// Where the code goes; the component comes from stdin
    file: PathBuf,
    /// Seconds of CPU
    #[arg(long)]
    cpu_s: u64,
    /// Bytes of address space
    #[arg(long)]
    memory_bytes: u64,
}

pub(super) fn run(CompileComponent { file, cpu_s, memory_bytes }: CompileComponent) -> anyhow::Result<Done> {
    child::confine(Bounds { cpu: Duration::from_secs(cpu_s), memory_bytes })?;
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(limits::BLOB_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    match cache::compile_to(&bytes, &file) {
        Ok(()) => Ok(Done::Well),
        Err(error) if error.is::<std::io::Error>() => {
            report(&anyhow!("{error:#}"));
            Ok(Done::Badly)
        }
        Err(error) => Err(anyhow!("{error:#}")),
    }
}
