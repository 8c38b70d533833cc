//! C: built by clang, which knows wasm, its linker, and the two libraries that it links.

use std::path::Path;

use super::{Language, output};
use crate::cli::check::Check;
use crate::cli::embedded;

pub(super) const LANGUAGE: Language = Language {
    name: "C",
    source: "src/main.c",
    events: include_str!("../../../templates/c/events.c"),
    r#loop: include_str!("../../../templates/c/loop.c"),
    http: include_str!("../../../templates/c/http.c"),
    files: &[
        // What clangd reads, so that editors know the header.
        ("compile_flags.txt", include_str!("../../../templates/c/flags.txt")),
        (".gitignore", include_str!("../../../templates/c/gitignore")),
    ],
    component: "build/{{package}}.wasm",
    build: include_str!("../../../templates/c/build.toml"),
    readme: "What it can call: `sessile/guest-sdk/c/sessile.h`.",
    sdk: &[embedded::C],
    tool: Some("clang"),
    checks,
};

/// As old as what the SDK was built with.
const CLANG_MIN: u32 = 14;
const APT: &str = "apt-get install clang lld wasi-libc libclang-rt-dev-wasm32";
const TARGET: &str = "--target=wasm32-wasi";

fn checks(dir: &Path) -> Vec<Check> {
    let version = output(dir, "clang", &["--version"]);
    if version.is_none() {
        return vec![clang(version)];
    }
    // What clang would run and link, asked of clang itself: it knows its own folders.
    let linker = output(dir, "clang", &[TARGET, "-print-prog-name=wasm-ld"]);
    let start = output(dir, "clang", &[TARGET, "-print-file-name=crt1-reactor.o"]);
    let builtins = output(dir, "clang", &[TARGET, "-print-libgcc-file-name"]);
    vec![
        clang(version),
        part(
            "wasm-ld",
            linker.is_some_and(|path| output(dir, &path, &["--version"]).is_some()),
            "clang's linker for wasm",
        ),
        part("wasi-libc", is_file(start), "C's library for wasm"),
        part("compiler-rt", is_file(builtins), "clang's own library for wasm"),
    ]
}

/// clang prints the mere name of what it has not found.
fn is_file(path: Option<String>) -> bool {
    path.is_some_and(|path| Path::new(&path).is_absolute() && Path::new(&path).is_file())
}

fn clang(version: Option<String>) -> Check {
    let Some(version) = version else {
        return Check::warn("clang", "missing; handlers in C cannot be built here", APT);
    };
    match major(&version) {
        Some(major) if major < CLANG_MIN => {
            Check::warn("clang", format!("{version}; handlers in C need {CLANG_MIN} or newer"), APT)
        }
        _ => Check::ok("clang", version),
    }
}

/// `Debian clang version 14.0.6` as 14.
fn major(version: &str) -> Option<u32> {
    version.split_once("version ")?.1.split('.').next()?.parse().ok()
}

fn part(name: &'static str, found: bool, what: &str) -> Check {
    match found {
        true => Check::ok(name, what),
        false => Check::warn(name, format!("missing: {what}"), APT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::Status;

    #[test]
    fn clang_is_judged_by_its_major_version() {
        let of = |version: &str| clang(Some(version.to_owned())).status;
        assert_eq!([of("Debian clang version 14.0.6"), of("clang version 21.1.0 (x)")], [Status::Ok; 2]);
        assert_eq!(of("Apple clang version 9.0.0"), Status::Warn);
        assert_eq!(of("clang of my own"), Status::Ok, "what is not understood is tried");
    }

    #[test]
    fn part_that_is_missing_comes_with_the_way_to_get_it() {
        for check in [clang(None), part("wasm-ld", false, "clang's linker"), part("wasi-libc", is_file(None), "")] {
            assert_eq!((check.status, check.fix.as_deref()), (Status::Warn, Some(APT)));
        }
        assert!(!is_file(Some("crt1-reactor.o".to_owned())), "a mere name is what clang says of what it has not");
    }
}
