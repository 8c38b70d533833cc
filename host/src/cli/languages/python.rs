//! Python: built by componentize-py, of the one version whose event loop the SDK mends.

use std::path::Path;

use super::{Language, output};
use crate::cli::check::Check;
use crate::cli::embedded;

pub(super) const LANGUAGE: Language = Language {
    name: "Python",
    source: "src/app.py",
    events: include_str!("../../../templates/python/events.py"),
    r#loop: include_str!("../../../templates/python/loop.py"),
    http: include_str!("../../../templates/python/http.py"),
    files: &[
        // What editors and type checkers read, so that they know the SDK.
        ("pyproject.toml", include_str!("../../../templates/python/project.toml")),
        (".gitignore", include_str!("../../../templates/python/gitignore")),
    ],
    component: "build/{{package}}.wasm",
    build: include_str!("../../../templates/python/build.toml"),
    readme: "What it can call: `sessile/guest-sdk/python/README.md`.",
    sdk: &[embedded::PYTHON],
    tool: None,
    checks,
};

/// As `sessile build` finds it.
const VARIABLE: &str = "PYTHON";
/// As old as what builds can be; a component runs its own.
const PYTHON_MIN: (u32, u32) = (3, 11);
/// As `COMPONENTIZE_PY` of the SDK's `build.py`.
const COMPONENTIZE_PY: &str = "0.25.1";

fn checks(dir: &Path) -> Vec<Check> {
    let program = std::env::var(VARIABLE).ok().filter(|program| !program.is_empty());
    let program = program.as_deref().unwrap_or("python3");
    let python = output(dir, program, &["-c", "import sys; print(*sys.version_info[:3], sep='.')"]);
    let versions = "from importlib.metadata import version; import componentize_py; print(version('componentize-py'))";
    let tool = python.as_ref().and_then(|_| output(dir, program, &["-c", versions]));
    vec![judged(python), componentize_py(program, tool)]
}

fn judged(version: Option<String>) -> Check {
    let (major, minor) = PYTHON_MIN;
    let fix = format!("a Python of {major}.{minor} or later, and export {VARIABLE}=its-path where it is not python3");
    match version {
        Some(version) if numbers(&version) >= Some(PYTHON_MIN) => Check::ok("python", version),
        Some(version) => Check::warn(
            "python",
            format!("{version}; handlers in Python need {major}.{minor} or later to be built"),
            fix,
        ),
        None => Check::warn("python", "missing; handlers in Python cannot be built here", fix),
    }
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let (major, rest) = version.split_once('.')?;
    Some((major.parse().ok()?, rest.split('.').next()?.parse().ok()?))
}

fn componentize_py(program: &str, version: Option<String>) -> Check {
    let fix = format!("{program} -m pip install componentize-py=={COMPONENTIZE_PY}");
    match version {
        Some(version) if version == COMPONENTIZE_PY => Check::ok("componentize-py", version),
        Some(version) => {
            Check::warn("componentize-py", format!("{version}; the SDK of Python is for {COMPONENTIZE_PY}"), fix)
        }
        None => Check::warn("componentize-py", "missing; handlers in Python cannot be built here", fix),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Status;

    #[test]
    fn python_is_judged_by_number_not_by_text() {
        let of = |version: &str| judged(Some(version.to_owned())).status;
        assert_eq!([of("3.11.2"), of("3.14.0"), of("4.0.0")], [Status::Ok; 3]);
        assert_eq!([of("3.9.18"), of("2.7.18"), judged(None).status], [Status::Warn; 3]);
    }

    #[test]
    fn componentize_py_of_another_version_is_told_with_the_one_that_will_do() {
        let of = |version: Option<&str>| componentize_py("python3", version.map(str::to_owned));
        assert_eq!(of(Some(COMPONENTIZE_PY)).status, Status::Ok);
        for other in [of(Some("0.24.0")), of(Some("0.25.10")), of(None)] {
            let fix = other.fix.as_deref();
            assert_eq!(fix, Some("python3 -m pip install componentize-py==0.25.1"), "{other:?}");
        }
        let sdk = embedded::PYTHON.iter().find(|(path, _)| path.ends_with("/build.py")).unwrap().1;
        assert!(sdk.contains(&format!("COMPONENTIZE_PY = \"{COMPONENTIZE_PY}\"")), "the SDK is for another");
    }
}
