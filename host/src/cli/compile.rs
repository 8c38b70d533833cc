//! What a host runs for each component that is to be compiled: this program, bounded.

use std::io::Read as _;
use std::path::Path;

use super::Done;
use crate::instance::{cache, child};
use crate::limits;

pub(super) fn run(file: &Path) -> anyhow::Result<Done> {
    child::confine()?;
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(limits::BLOB_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
    cache::compile_to(&bytes, file).map_err(|error| anyhow::anyhow!("{error:#}"))?;
    Ok(Done::Well)
}
