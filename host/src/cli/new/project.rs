//! What is in a new project: the files of each language and style, with the app's name in them, and the embedded SDK with
//! its WIT.
//!
//! Plain texts in, plain texts out; writes nothing.

use clap::ValueEnum;

use crate::cli::embedded;

/// Where a project has the SDK and the WIT.
const SDK_FOLDER: &str = "sessile";
const PAGE: &str = include_str!("../../../templates/index.html");

/// What the handler is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Lang {
    /// Built by cargo
    Rust,
    /// Built by clang
    C,
    /// Built by zig 0.17
    Zig,
}

impl Lang {
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Zig => "Zig",
        }
    }

    /// What only this language's projects have: paths, and texts with marks.
    fn own(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Rust => &[
                ("Cargo.toml", include_str!("../../../templates/rust/project.toml")),
                (".gitignore", include_str!("../../../templates/rust/gitignore")),
            ],
            // What clangd reads, so that editors know the header.
            Self::C => &[
                ("compile_flags.txt", include_str!("../../../templates/c/flags.txt")),
                (".gitignore", include_str!("../../../templates/c/gitignore")),
            ],
            Self::Zig => &[(".gitignore", include_str!("../../../templates/zig/gitignore"))],
        }
    }

    fn source(self) -> &'static str {
        match self {
            Self::Rust => "src/lib.rs",
            Self::C => "src/main.c",
            Self::Zig => "src/main.zig",
        }
    }

    fn component(self, package: &str) -> String {
        match self {
            Self::Rust => format!("target/wasm32-wasip2/release/{}.wasm", package.replace('-', "_")),
            Self::C | Self::Zig => format!("build/{package}.wasm"),
        }
    }

    /// Lines of a manifest.
    fn build(self) -> &'static str {
        match self {
            Self::Rust => "build = \"cargo build --release --target wasm32-wasip2\"",
            Self::C => include_str!("../../../templates/c/build.toml").trim_ascii_end(),
            Self::Zig => include_str!("../../../templates/zig/build.toml").trim_ascii_end(),
        }
    }

    /// What a README says of this language.
    fn more(self) -> &'static str {
        match self {
            Self::Rust => "Test it: `cargo test`.",
            Self::C => "What it can call: `sessile/guest-sdk/c/sessile.h`.",
            Self::Zig => "What it can call: `sessile/guest-sdk/zig/sessile.zig` and `sessile/guest-sdk/c/sessile.h`.",
        }
    }

    fn sdk(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Rust => embedded::RUST.to_vec(),
            Self::C => embedded::C.to_vec(),
            Self::Zig => [embedded::C, embedded::ZIG].concat(),
        }
    }
}

/// What kind of handler a project begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Style {
    /// A websocket handler that is called when something happens: a room
    Events,
    /// A websocket handler that runs as long as its websocket: an echo that counts
    Loop,
    /// A handler of HTTP requests: a page that counts visits
    Http,
}

impl Style {
    /// What its project does, for the person who made it.
    pub(super) fn described(self) -> &'static str {
        match self {
            Self::Events => "a room, in event style",
            Self::Loop => "an echo that counts, in loop style",
            Self::Http => "a page that counts visits",
        }
    }

    fn handler(self) -> &'static str {
        match self {
            Self::Events => "room",
            Self::Loop => "echo",
            Self::Http => "hello",
        }
    }

    fn source(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Rust, Self::Events) => include_str!("../../../templates/rust/events.rs"),
            (Lang::Rust, Self::Loop) => include_str!("../../../templates/rust/loop.rs"),
            (Lang::Rust, Self::Http) => include_str!("../../../templates/rust/http.rs"),
            (Lang::C, Self::Events) => include_str!("../../../templates/c/events.c"),
            (Lang::C, Self::Loop) => include_str!("../../../templates/c/loop.c"),
            (Lang::C, Self::Http) => include_str!("../../../templates/c/http.c"),
            (Lang::Zig, Self::Events) => include_str!("../../../templates/zig/events.zig"),
            (Lang::Zig, Self::Loop) => include_str!("../../../templates/zig/loop.zig"),
            (Lang::Zig, Self::Http) => include_str!("../../../templates/zig/http.zig"),
        }
    }

    fn manifest(self) -> &'static str {
        match self {
            Self::Events | Self::Loop => include_str!("../../../templates/websocket.toml"),
            Self::Http => include_str!("../../../templates/http.toml"),
        }
    }

    fn readme(self) -> &'static str {
        match self {
            Self::Events | Self::Loop => include_str!("../../../templates/websocket.md"),
            Self::Http => include_str!("../../../templates/http.md"),
        }
    }

    fn page(self) -> Option<&'static str> {
        match self {
            Self::Events | Self::Loop => Some(PAGE),
            Self::Http => None,
        }
    }
}

/// Every file of a project: its path, with `/`, and its text.
pub(super) fn files(lang: Lang, style: Style, app: &str) -> Vec<(String, String)> {
    let written = [
        (lang.source(), Some(style.source(lang))),
        ("sessile.toml", Some(style.manifest())),
        ("public/index.html", style.page()),
        ("README.md", Some(style.readme())),
    ];
    let written = written.into_iter().filter_map(|(path, text)| Some((path, text?)));
    let written = written.chain(lang.own().iter().copied());
    let own = written.map(|(path, text)| (path.to_owned(), filled(text, lang, style, app)));
    let sdk = embedded::WIT.iter().copied().chain(lang.sdk());
    own.chain(sdk.map(|(path, text)| (format!("{SDK_FOLDER}/{path}"), text.to_owned()))).collect()
}

/// `{{build}}` first: it has marks of its own.
fn filled(text: &str, lang: Lang, style: Style, app: &str) -> String {
    let package = package(app);
    let component = lang.component(&package);
    [
        ("{{build}}", lang.build()),
        ("{{name}}", app),
        ("{{package}}", &package),
        ("{{component}}", &component),
        ("{{handler}}", style.handler()),
        ("{{source}}", lang.source()),
        ("{{more}}", lang.more()),
    ]
    .into_iter()
    .fold(text.to_owned(), |text, (mark, value)| text.replace(mark, value))
}

/// An app may be called what a package may not: `2048`, `-`, or as its own dependency.
fn package(app: &str) -> String {
    let fits = app.starts_with(|first: char| first.is_ascii_lowercase()) && app != "sessile-sdk";
    if fits { app.to_owned() } else { format!("app-{app}") }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use clap::CommandFactory as _;

    use super::*;
    use crate::app::manifest::Manifest;
    use crate::cli::Cli;

    fn all() -> impl Iterator<Item = (Lang, Style)> {
        let styles = |lang: &Lang| Style::value_variants().iter().map(move |style| (*lang, *style)).collect::<Vec<_>>();
        Lang::value_variants().iter().flat_map(styles)
    }

    fn text(files: &[(String, String)], path: &str) -> String {
        files.iter().find(|(name, _)| name == path).map(|(_, text)| text.clone()).unwrap()
    }

    #[test]
    fn project_of_each_language_and_style_has_a_valid_manifest_and_no_mark_left() {
        for (lang, style) in all() {
            let files = files(lang, style, "my-app");
            let manifest = Manifest::parse(&text(&files, "sessile.toml"), Path::new("sessile.toml")).unwrap();
            assert_eq!(manifest.app.name, "my-app");
            let handler = manifest.handlers.values().next().unwrap();
            let component = if lang == Lang::Rust { "wasm32-wasip2/release/my_app.wasm" } else { "build/my-app.wasm" };
            assert!(handler.component.ends_with(component), "{}", handler.component.display());
            let own: Vec<_> = files.iter().filter(|(path, _)| !path.starts_with("sessile/")).collect();
            assert!(own.len() >= 4 && own.iter().all(|(_, text)| !text.contains("{{")), "{own:?}");
            for source in &handler.sources {
                let source = format!("{}/", source.display());
                assert!(files.iter().any(|(path, _)| path.starts_with(&source)), "{source}");
            }
        }
    }

    #[test]
    fn sdk_finds_the_wit_where_it_looks_for_it() {
        let files = files(Lang::Rust, Style::Http, "a");
        assert!(text(&files, "sessile/guest-sdk/rust/src/bindings.rs").contains("path: \"../../wit\""));
        assert!(text(&files, "sessile/wit/types.wit").contains("interface types"));
        assert!(text(&files, "Cargo.toml").contains("path = \"sessile/guest-sdk/rust\""));
        assert!(text(&files, "sessile/guest-sdk/rust/Cargo.toml").contains("name = \"sessile-sdk\""));
    }

    #[test]
    fn sdk_of_c_is_where_its_build_looks_for_it() {
        let files = files(Lang::C, Style::Http, "a");
        assert!(text(&files, "sessile.toml").contains("-Isessile/guest-sdk/c "));
        assert!(text(&files, "sessile/guest-sdk/c/sessile.h").contains("SESSILE_HTTP"));
        assert!(text(&files, "sessile/guest-sdk/c/bindings/wit.c").contains("sessile_handler_http_send"));
    }

    #[test]
    fn sdk_of_zig_comes_with_the_header_that_it_is_made_of() {
        let files = files(Lang::Zig, Style::Events, "a");
        assert!(text(&files, "sessile/guest-sdk/zig/sessile.zig").contains("pub fn events"));
        assert!(text(&files, "sessile/guest-sdk/c/sessile.h").contains("SESSILE_OK"));
        assert!(text(&files, "sessile.toml").contains("-Msessile=sessile/guest-sdk/zig/sessile.zig "));
    }

    #[test]
    fn package_is_named_as_cargo_allows() {
        assert_eq!(package("my-app"), "my-app");
        assert_eq!([package("2048"), package("-"), package("sessile-sdk")], ["app-2048", "app--", "app-sessile-sdk"]);
    }

    /// A README that teaches a command which is not there would be the first thing that fails.
    #[test]
    fn readme_names_commands_that_there_are() {
        let cli = Cli::command();
        for style in Style::value_variants() {
            let readme = style.readme();
            let named: Vec<_> = readme.split("sessile ").skip(1).filter_map(|rest| rest.split(' ').next()).collect();
            assert!(named.len() >= 3, "{readme}");
            for name in named {
                assert!(cli.find_subcommand(name).is_some(), "sessile {name}");
            }
        }
    }
}
