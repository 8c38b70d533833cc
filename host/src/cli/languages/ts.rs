//! TypeScript: checked by tsc and bundled by esbuild, both from npm, into the JavaScript that this program builds.

use std::path::Path;

use super::{Language, output};
use crate::cli::check::Check;
use crate::cli::embedded;

pub(super) const LANGUAGE: Language = Language {
    name: "TypeScript",
    source: "src/main.ts",
    events: include_str!("../../../templates/ts/events.ts"),
    r#loop: include_str!("../../../templates/ts/loop.ts"),
    http: include_str!("../../../templates/ts/http.ts"),
    files: &[
        ("package.json", include_str!("../../../templates/ts/package.json")),
        ("tsconfig.json", include_str!("../../../templates/ts/tsconfig.json")),
        (".gitignore", include_str!("../../../templates/ts/gitignore")),
    ],
    component: "build/{{package}}.wasm",
    build: include_str!("../../../templates/ts/build.toml"),
    readme: "What it can call: `sessile/guest-sdk/js/sessile.d.ts`, which editors know.",
    sdk: &[embedded::JS_TYPES],
    tool: Some("esbuild"),
    checks,
};

/// What the versions of esbuild and tsc in the template ask for.
const NODE_MIN: u32 = 18;
const APT: &str = "apt-get install nodejs npm";

fn checks(dir: &Path) -> Vec<Check> {
    vec![node(output(dir, "node", &["--version"])), npm(output(dir, "npm", &["--version"]))]
}

fn node(version: Option<String>) -> Check {
    let Some(version) = version else {
        return Check::warn("node", "missing; handlers in TypeScript cannot be built here", APT);
    };
    let major = version.strip_prefix('v').and_then(|version| version.split('.').next()?.parse::<u32>().ok());
    match major {
        Some(major) if major < NODE_MIN => {
            Check::warn("node", format!("{version}; handlers in TypeScript need {NODE_MIN} or newer"), APT)
        }
        _ => Check::ok("node", version),
    }
}

fn npm(version: Option<String>) -> Check {
    match version {
        Some(version) => Check::ok("npm", version),
        None => Check::warn("npm", "missing; it gets esbuild and tsc for handlers in TypeScript", APT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Status;

    #[test]
    fn node_is_judged_by_its_major_version() {
        let of = |version: &str| node(Some(version.to_owned())).status;
        assert_eq!([of("v18.0.0"), of("v24.1.0"), of("mine")], [Status::Ok; 3]);
        assert_eq!(of("v16.20.2"), Status::Warn);
        assert!([node(None), npm(None)].iter().all(|check| check.fix.as_deref() == Some(APT)));
    }
}
