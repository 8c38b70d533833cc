//! The languages whose SDKs are held to FEATURES and measured: one entry each in one table, from which the tests, the
//! benchmark and docs/languages.md follow. What a guest does is in `tests/guests/conformance/README.md`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{App, Host};

/// A language, and how its conformance guest is built.
#[derive(Debug)]
pub struct Language {
    /// As the documents have it.
    pub name: &'static str,
    /// The folder of its guest in `tests/guests/conformance`.
    pub folder: &'static str,
    /// What `sessile doctor` is to find on a machine that builds it.
    pub tools: &'static [&'static str],
    /// Relative to the copy of the folder, or in `{components}`.
    pub component: &'static str,
    /// Run in the copy of the folder; `{root}` stands for the repository.
    pub build: &'static str,
}

/// The table: calls a macro with what else it is given, then `folder { fields of a Language }` of each language, Rust's
/// first.
#[macro_export]
macro_rules! languages {
    ($call:ident $($more:tt)*) => {
        $call! {
            $($more)*
            rust {
                name: "Rust",
                tools: &["cargo", "wasm target"],
                component: "{components}/conformance.wasm",
                build: "cargo build --quiet --release --locked --target wasm32-wasip2 --target-dir {root}/target/guests \
                        --manifest-path {root}/tests/guests/Cargo.toml --package conformance",
            }
            c {
                name: "C",
                tools: &["clang", "wasm-ld", "wasi-libc", "compiler-rt"],
                component: "build/conformance.wasm",
                build: "mkdir -p build && clang --target=wasm32-wasi -mexec-model=reactor -std=c11 -Os -Wall -Wextra -Werror \
                        -Wl,--strip-debug -I{root}/guest-sdk/c *.c {root}/guest-sdk/c/*/*.c -o build/conformance.wasm",
            }
            zig {
                name: "Zig",
                tools: &["zig"],
                component: "build/conformance.wasm",
                build: "mkdir -p build && ${ZIG:-zig} translate-c -target wasm32-wasi -lc -I{root}/guest-sdk/c \
                        {root}/guest-sdk/c/sessile.h > build/sessile_c.zig && \
                        ${ZIG:-zig} build-exe -target wasm32-wasi -O ReleaseSmall -fno-entry -rdynamic \
                        -mexec-model=reactor -lc -I{root}/guest-sdk/c {root}/guest-sdk/c/*/*.c \
                        --dep sessile -Mroot=main.zig --dep sessile_c -Msessile={root}/guest-sdk/zig/sessile.zig \
                        -Msessile_c=build/sessile_c.zig -femit-bin=build/conformance.wasm",
            }
            go {
                name: "Go",
                tools: &["go"],
                component: "build/conformance.wasm",
                build: "${GO:-go} mod edit -replace=sessile={root}/guest-sdk/go && GOOS=wasip1 GOARCH=wasm GOWORK=off ${GO:-go} build \
                        -buildmode=c-shared -trimpath -ldflags='-w -checklinkname=0' -o build/conformance.wasm .",
            }
            js {
                name: "JavaScript",
                tools: &[],
                component: "build/conformance.wasm",
                build: "${SESSILE:-sessile} componentize main.js -o build/conformance.wasm",
            }
            python {
                name: "Python",
                tools: &["python", "componentize-py"],
                component: "build/conformance.wasm",
                build: "PYTHONPATH={root}/guest-sdk/python${PYTHONPATH:+:$PYTHONPATH} ${PYTHON:-python3} -B -m sessile.build \
                        app.py -o build/conformance.wasm",
            }
        }
    };
}

macro_rules! table {
    ($($folder:ident { $($field:ident: $value:expr,)* })*) => {
        /// Rust's first.
        pub const LANGUAGES: &[Language] = &[$(Language { folder: stringify!($folder), $($field: $value,)* }),*];
    };
}

languages!(table);

impl Language {
    /// By its folder.
    pub fn of(folder: &str) -> &'static Self {
        LANGUAGES.iter().find(|language| language.folder == folder).expect("one of the table")
    }

    /// What this machine lacks to build it.
    pub fn missing(&self) -> Option<&'static str> {
        missing(self.tools)
    }

    /// Its guest in a folder elsewhere, not yet built.
    pub fn guest(&self) -> App {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().expect("the repository");
        let build = self.build.replace("{root}", root.to_str().expect("a path in UTF-8"));
        let manifest = fs::read_to_string(guests().join("sessile.toml")).expect("the guests' manifest");
        let app = App::new(&manifest.replace("{component}", self.component).replace("{build}", &build));
        let folder = guests().join(self.folder);
        for source in self.sources() {
            let copy = app.path().join(source.strip_prefix(&folder).expect("a file of the folder"));
            fs::create_dir_all(copy.parent().expect("a folder")).expect("a folder for the copy");
            fs::copy(source, copy).expect("a file is copied");
        }
        app
    }

    /// What was built of such a guest.
    pub fn component(&self, app: &App) -> PathBuf {
        match self.component.strip_prefix("{components}/") {
            Some(name) => App::component(name.trim_end_matches(".wasm")),
            None => app.path().join(self.component),
        }
    }

    /// The files of its folder in the repository.
    pub fn sources(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![guests().join(self.folder)]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("the folder is read") {
                let path = entry.expect("an entry").path();
                if path.is_dir() { folders.push(path) } else { files.push(path) }
            }
        }
        files
    }
}

/// Which of these tools `sessile doctor` does not find on this machine.
pub fn missing(tools: &'static [&'static str]) -> Option<&'static str> {
    let output = Host::run(&["doctor", "--json"]);
    let findings: Value = serde_json::from_slice(&output.stdout).expect("the findings as JSON");
    let checks = findings["checks"].as_array().expect("the checks");
    let is_ok = |name: &&&str| checks.iter().any(|check| check["name"] == **name && check["status"] == "ok");
    tools.iter().find(|name| !is_ok(name)).copied()
}

fn guests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("guests/conformance")
}
