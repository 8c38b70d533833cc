//! The languages that handlers are written in, a file each: how a project in it begins, how it is built, and what building
//! needs of the machine.
//!
//! One more language is one more file, and an entry in [`Lang`].

mod c;
mod go;
mod js;
mod python;
mod rust;
mod ts;
mod zig;

use std::path::Path;
use std::process::Command;

use clap::ValueEnum;

use super::check::Check;

pub(super) use self::rust::WASM;

/// Paths, with `/`, and texts.
pub(super) type Files = &'static [(&'static str, &'static str)];

/// What a handler is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    /// Built by cargo
    Rust,
    /// Built by clang
    C,
    /// Built by zig 0.17
    Zig,
    /// Built by componentize-py
    Python,
    /// Built by go 1.24 or newer
    Go,
    /// JavaScript, built by sessile itself
    Js,
    /// TypeScript, built by tsc and esbuild, which npm gets
    Ts,
}

/// Texts have marks: `{{name}}`, `{{package}}`, and the others of `new::project`.
pub(super) struct Language {
    /// As people write it.
    pub(super) name: &'static str,
    /// Where a project has its handler.
    pub(super) source: &'static str,
    /// A handler of each style.
    pub(super) events: &'static str,
    pub(super) r#loop: &'static str,
    pub(super) http: &'static str,
    /// What only this language's projects have.
    pub(super) files: Files,
    /// What the build leaves.
    pub(super) component: &'static str,
    /// Lines of a manifest: how it is built, of what.
    pub(super) build: &'static str,
    /// What a README says of this language.
    pub(super) readme: &'static str,
    /// What `sessile/` in a project has besides the WIT.
    pub(super) sdk: &'static [Files],
    /// What build commands in this language speak of; none where the tool itself says well what it lacks.
    tool: Option<&'static str>,
    /// Looks at this machine, in a folder; nothing here says fail, for a host that only serves needs none of it.
    checks: fn(&Path) -> Vec<Check>,
}

impl Lang {
    pub(super) fn language(self) -> &'static Language {
        match self {
            Self::Rust => &rust::LANGUAGE,
            Self::C => &c::LANGUAGE,
            Self::Zig => &zig::LANGUAGE,
            Self::Python => &python::LANGUAGE,
            Self::Go => &go::LANGUAGE,
            Self::Js => &js::LANGUAGE,
            Self::Ts => &ts::LANGUAGE,
        }
    }

    fn all() -> impl Iterator<Item = &'static Language> {
        Self::value_variants().iter().map(|lang| lang.language())
    }
}

/// What building needs, in every language.
pub(super) fn checks(dir: &Path) -> Vec<Check> {
    Lang::all().flat_map(|language| (language.checks)(dir)).collect()
}

/// What a build command that failed lacks here: what it is, and what would help.
pub(super) fn missing(command: &str, dir: &Path) -> Vec<(String, String)> {
    let spoken_of = |language: &&Language| language.tool.is_some_and(|tool| command.contains(tool));
    let lacks = |check: Check| Some((format!("{}: {}", check.name, check.found), check.fix?));
    Lang::all().filter(spoken_of).flat_map(|language| (language.checks)(dir)).filter_map(lacks).collect()
}

/// The first line that a program prints in a folder, which may have a toolchain of its own; one that is missing is not to be
/// installed by the question.
fn output(dir: &Path, program: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.env("RUSTUP_AUTO_INSTALL", "0");
    if dir.is_dir() {
        command.current_dir(dir);
    }
    let output = command.args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).lines().next()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_that_speaks_of_no_tool_lacks_nothing() {
        assert_eq!(missing("cargo build && cp a b", Path::new(".")), []);
    }
}
