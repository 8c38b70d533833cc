//! `sessile inspect`: what a component is, what it would want, and whether this host can serve it.
//!
//! Reads the file and asks [`crate::instance`]; runs nothing of it.

mod report;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use self::report::Report;
use super::{Done, say};
use crate::instance::load;
use crate::instance::names::{Encoding, Names};

const EXAMPLES: &str = "Examples:
  sessile inspect target/wasm32-wasip2/release/chat.wasm
  sessile inspect chat.wasm --json | jq .imports

Exit codes: 0 this host can serve it, 1 it cannot, 2 it is no component.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Inspect {
    /// A component: a .wasm file
    file: PathBuf,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(inspect: &Inspect) -> anyhow::Result<Done> {
    let file = inspect.file.as_path();
    let bytes = std::fs::read(file).with_context(|| file.display().to_string())?;
    check_encoding(file, &bytes)?;
    let names = Names::of(&bytes).with_context(|| format!("{}: a component that is damaged", file.display()))?;
    let refusal = load::check(file, &bytes).err().map(|error| reason(file, &error.to_string()));
    let report = Report::new(file, &bytes, &names, refusal);
    if inspect.json {
        say(&serde_json::to_string_pretty(&report)?);
    } else {
        say(report.to_string().trim_end());
    }
    Ok(if report.servable { Done::Well } else { Done::Badly })
}

/// An error, without the file that it begins with and that the report is about.
fn reason(file: &Path, error: &str) -> String {
    error.strip_prefix(&format!("{}: ", file.display())).unwrap_or(error).to_owned()
}

fn check_encoding(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let file = file.display();
    match Encoding::of(bytes) {
        Encoding::Component => Ok(()),
        Encoding::Module => bail!(
            "{file}: a core module, not a component; `sessile build` makes one of it in an app's folder, \
             in Rust build with --target wasm32-wasip2"
        ),
        Encoding::Other if bytes.is_empty() => bail!("{file}: empty, not a WebAssembly component"),
        Encoding::Other => bail!("{file}: not WebAssembly: it does not begin with the bytes 00 61 73 6d"),
    }
}
