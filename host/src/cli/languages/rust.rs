//! Rust: built by cargo and rustc, new enough, with the wasm target.

use std::path::{Path, PathBuf};

use super::{Language, output};
use crate::cli::check::Check;
use crate::cli::embedded;

pub(super) const LANGUAGE: Language = Language {
    name: "Rust",
    source: "src/lib.rs",
    events: include_str!("../../../templates/rust/events.rs"),
    r#loop: include_str!("../../../templates/rust/loop.rs"),
    http: include_str!("../../../templates/rust/http.rs"),
    files: &[
        ("Cargo.toml", include_str!("../../../templates/rust/project.toml")),
        (".gitignore", include_str!("../../../templates/rust/gitignore")),
    ],
    component: "target/wasm32-wasip2/release/{{crate}}.wasm",
    build: "build = \"cargo build --release --target wasm32-wasip2\"",
    readme: "Test it: `cargo test`.",
    sdk: &[embedded::RUST],
    tool: None,
    checks,
};

/// Rust's target of components.
pub(in crate::cli) const WASM: &str = "wasm32-wasip2";
/// As old as the SDK, and a generated project, can do with.
const RUST_MIN: &str = env!("CARGO_PKG_RUST_VERSION");
const RUSTUP: &str = "curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh";

fn checks(dir: &Path) -> Vec<Check> {
    let sysroot = output(dir, "rustc", &["--print", "sysroot"]).map(PathBuf::from);
    let target = sysroot.map(|sysroot| sysroot.join("lib/rustlib").join(WASM).is_dir());
    vec![
        rustup(output(dir, "rustup", &["--version"])),
        cargo(output(dir, "cargo", &["--version"])),
        rustc(output(dir, "rustc", &["--version"])),
        wasm(target),
    ]
}

fn rustup(version: Option<String>) -> Check {
    match version {
        Some(version) => Check::ok("rustup", version),
        None => Check::warn("rustup", "missing; it adds compilers and targets", RUSTUP),
    }
}

fn cargo(version: Option<String>) -> Check {
    match version {
        Some(version) => Check::ok("cargo", version),
        None => Check::warn("cargo", "missing; handlers in Rust cannot be built here", RUSTUP),
    }
}

fn rustc(version: Option<String>) -> Check {
    let Some(version) = version else {
        return Check::warn("rustc", "missing; handlers in Rust cannot be built here", RUSTUP);
    };
    if numbers(version.split(' ').nth(1).unwrap_or_default()) < numbers(RUST_MIN) {
        return Check::warn("rustc", format!("{version}; the SDK needs {RUST_MIN}"), "rustup update");
    }
    Check::ok("rustc", version)
}

/// `1.95.0-nightly` as `[1, 95, 0]`.
fn numbers(version: &str) -> Vec<u32> {
    version.split(['.', '-']).map_while(|part| part.parse().ok()).collect()
}

fn wasm(installed: Option<bool>) -> Check {
    let fix = format!("rustup target add {WASM}");
    match installed {
        Some(true) => Check::ok("wasm target", WASM),
        Some(false) => Check::warn("wasm target", format!("{WASM} is missing; `sessile build` adds it"), fix),
        None => Check::warn("wasm target", format!("{WASM}: no compiler to have it"), fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Status;

    #[test]
    fn rustc_is_judged_by_number_not_by_text() {
        let of = |version: &str| rustc(Some(format!("rustc {version} (abc 2026-01-01)"))).status;
        assert_eq!([of("1.100.0"), of("1.95.0"), of("1.96.0-nightly")], [Status::Ok; 3]);
        assert_eq!([of("1.94.1"), of("1.9.0")], [Status::Warn; 2]);
    }

    #[test]
    fn toolchain_that_is_missing_prevents_no_serving() {
        for check in [rustup(None), cargo(None), rustc(None), wasm(None), wasm(Some(false))] {
            assert_eq!(check.status, Status::Warn, "{check:?}");
            assert!(check.fix.is_some_and(|fix| !fix.is_empty()));
        }
    }
}
