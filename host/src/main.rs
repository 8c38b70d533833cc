//! The `sessile` program.

use std::process::ExitCode;

/// glibc gives little memory back after a burst of connections (docs/performance.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sessile::cli::main()
}
