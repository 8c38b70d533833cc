//! Makes the WIT and the Rust SDK part of the program, for `sessile new` to unpack: writes `embedded.rs`, a list of
//! paths with their texts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a project needs, in the repository's own layout: the SDK finds the WIT at `../../wit`.
const SOURCES: [&str; 3] = ["guest-sdk/rust/Cargo.toml", "guest-sdk/rust/src", "wit"];

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut files = Vec::new();
    for source in SOURCES {
        let path = root.join(source);
        println!("cargo::rerun-if-changed={}", path.display());
        gather(path, &mut files)?;
    }
    // A folder's order is the file system's; the program's is always the same.
    files.sort();
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| std::io::Error::other("cargo sets OUT_DIR"))?;
    std::fs::write(Path::new(&out).join("embedded.rs"), list(&root, &files))
}

fn gather(path: PathBuf, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path);
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        gather(entry?.path(), files)?;
    }
    Ok(())
}

/// The expression that `include!` takes.
fn list(root: &Path, files: &[PathBuf]) -> String {
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(file);
        // Writing to a String cannot fail.
        let _infallible = writeln!(list, "    ({:?}, include_str!({:?})),", name.display().to_string(), file);
    }
    list + "]\n"
}
