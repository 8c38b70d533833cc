//! Zig: built by Zig alone, of the one version that the SDK is written for, since its language still changes.

use std::path::Path;

use super::{Language, output};
use crate::cli::check::Check;
use crate::cli::embedded;

pub(super) const LANGUAGE: Language = Language {
    name: "Zig",
    source: "src/main.zig",
    events: include_str!("../../../templates/zig/events.zig"),
    r#loop: include_str!("../../../templates/zig/loop.zig"),
    http: include_str!("../../../templates/zig/http.zig"),
    files: &[(".gitignore", include_str!("../../../templates/zig/gitignore"))],
    component: "build/{{package}}.wasm",
    build: include_str!("../../../templates/zig/build.toml"),
    readme: "What it can call: `sessile/guest-sdk/zig/sessile.zig` and `sessile/guest-sdk/c/sessile.h`.",
    sdk: &[embedded::C, embedded::ZIG],
    tool: Some("zig"),
    checks,
};

/// As `sessile build` finds it.
const VARIABLE: &str = "ZIG";
const SUPPORTED: &str = "0.17.";
const PIP: &str = "pip install 'ziglang>=0.17,<0.18' && export ZIG='python3 -m ziglang'";

fn checks(dir: &Path) -> Vec<Check> {
    let command = std::env::var(VARIABLE).unwrap_or_default();
    let mut words = command.split_whitespace();
    let program = words.next().unwrap_or("zig");
    let args: Vec<_> = words.chain(["version"]).collect();
    vec![zig(output(dir, program, &args))]
}

fn zig(version: Option<String>) -> Check {
    match version {
        Some(version) if version.starts_with(SUPPORTED) => Check::ok("zig", version),
        Some(version) => Check::warn("zig", format!("{version}; the SDK of Zig is for {SUPPORTED}x"), PIP),
        None => Check::warn("zig", "missing; handlers in Zig cannot be built here", PIP),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Status;

    #[test]
    fn zig_of_another_version_is_told_with_the_one_that_will_do() {
        let of = |version: &str| zig(Some(version.to_owned()));
        assert_eq!(of("0.17.1").status, Status::Ok);
        for other in [of("0.16.0"), of("0.18.0-dev"), of("1.0.0")] {
            assert!(other.status == Status::Warn && other.found.contains("is for 0.17.x"), "{other:?}");
        }
        assert!(zig(None).fix.is_some());
    }
}
