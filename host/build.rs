//! Makes the WIT and the SDKs part of the program, for `sessile new` to unpack: writes `embedded.rs`, lists of paths with
//! their texts.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// What a project needs, in the repository's own layout: the Rust SDK finds the WIT at `../../wit`.
const LISTS: [(&str, &str, &[&str]); 8] = [
    ("WIT", "The WIT.", &["wit"]),
    ("RUST", "The SDK of Rust.", &["guest-sdk/rust/Cargo.toml", "guest-sdk/rust/src"]),
    ("C", "The SDK of C.", &["guest-sdk/c/sessile.h", "guest-sdk/c/src", "guest-sdk/c/bindings"]),
    ("PYTHON", "The SDK of Python.", &["guest-sdk/python/README.md", "guest-sdk/python/sessile"]),
    ("JS", "The SDK of JavaScript, as it runs.", &["guest-sdk/js/src"]),
    ("JS_TYPES", "The types of that SDK, for editors.", &["guest-sdk/js/sessile.d.ts"]),
    ("ZIG", "What the SDK of Zig has over that of C.", &["guest-sdk/zig/sessile.zig"]),
    ("GO", "The SDK of Go.", &["guest-sdk/go"]),
];

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize()?;
    let mut text = String::new();
    for (name, doc, sources) in LISTS {
        let mut files = Vec::new();
        for source in sources {
            let path = root.join(source);
            println!("cargo::rerun-if-changed={}", path.display());
            gather(path, &mut files)?;
        }
        // A folder's order is the file system's; the program's is always the same.
        files.sort();
        // Writing to a String cannot fail.
        let _infallible =
            writeln!(text, "/// {doc}\npub(super) const {name}: &[(&str, &str)] = {};", list(&root, &files));
    }
    let out = std::env::var_os("OUT_DIR").ok_or_else(|| std::io::Error::other("cargo sets OUT_DIR"))?;
    std::fs::write(Path::new(&out).join("embedded.rs"), text)
}

fn gather(path: PathBuf, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if !path.is_dir() {
        files.push(path);
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        // A link leads to what is in another list; what Python leaves beside its modules is nobody's source.
        if !entry.file_type()?.is_symlink() && entry.file_name() != "__pycache__" {
            gather(entry.path(), files)?;
        }
    }
    Ok(())
}

/// An array of paths and texts.
fn list(root: &Path, files: &[PathBuf]) -> String {
    let mut list = String::from("&[\n");
    for file in files {
        let name = file.strip_prefix(root).unwrap_or(file);
        // Writing to a String cannot fail.
        let _infallible = writeln!(list, "    ({:?}, include_str!({:?})),", name.display().to_string(), file);
    }
    list + "]"
}
