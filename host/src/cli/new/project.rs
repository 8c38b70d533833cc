//! What is in a new project: the files of each language and style, with the app's name in them, and the embedded SDK with
//! its WIT.
//!
//! Plain texts in, plain texts out; writes nothing.

use std::iter;

use clap::ValueEnum;

use crate::cli::embedded;
use crate::cli::languages::Language;

/// Where a project has the SDK and the WIT.
const SDK_FOLDER: &str = "sessile";
const PAGE: &str = include_str!("../../../templates/index.html");

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

    fn source(self, language: &Language) -> &'static str {
        match self {
            Self::Events => language.events,
            Self::Loop => language.r#loop,
            Self::Http => language.http,
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
pub(super) fn files(language: &Language, style: Style, app: &str) -> Vec<(String, String)> {
    let written = [
        (language.source, Some(style.source(language))),
        ("sessile.toml", Some(style.manifest())),
        ("public/index.html", style.page()),
        ("README.md", Some(style.readme())),
    ];
    let written = written.into_iter().filter_map(|(path, text)| Some((path, text?)));
    let written = written.chain(language.files.iter().copied());
    let own = written.map(|(path, text)| (path.to_owned(), filled(text, language, style, app)));
    let sdk = iter::once(&embedded::WIT).chain(language.sdk).copied().flatten();
    own.chain(sdk.map(|(path, text)| (format!("{SDK_FOLDER}/{path}"), (*text).to_owned()))).collect()
}

/// Those first that have marks of their own.
fn filled(text: &str, language: &Language, style: Style, app: &str) -> String {
    let package = package(app);
    [
        ("{{build}}", language.build.trim_end()),
        ("{{component}}", language.component),
        ("{{name}}", app),
        ("{{crate}}", &package.replace('-', "_")),
        ("{{package}}", &package),
        ("{{handler}}", style.handler()),
        ("{{source}}", language.source),
        ("{{more}}", language.readme),
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
    use crate::cli::languages::Lang;

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
            let files = files(lang.language(), style, "my-app");
            let manifest = Manifest::parse(&text(&files, "sessile.toml"), Path::new("sessile.toml")).unwrap();
            assert_eq!(manifest.app.name, "my-app");
            let handler = manifest.handlers.values().next().unwrap();
            let component = if lang == Lang::Rust { "wasm32-wasip2/release/my_app.wasm" } else { "build/my-app.wasm" };
            assert!(handler.component.ends_with(component), "{}", handler.component.display());
            let own: Vec<_> = files.iter().filter(|(path, _)| !path.starts_with("sessile/")).collect();
            assert!(own.len() >= 4 && own.iter().all(|(_, text)| !text.contains("{{")), "{own:?}");
            for source in &handler.sources {
                let holds = |path: &str| source == Path::new(".") || Path::new(path).starts_with(source);
                assert!(files.iter().any(|(path, _)| holds(path)), "{}", source.display());
            }
        }
    }

    #[test]
    fn sdk_finds_the_wit_where_it_looks_for_it() {
        let files = files(Lang::Rust.language(), Style::Http, "a");
        assert!(text(&files, "sessile/guest-sdk/rust/src/bindings.rs").contains("path: \"../../wit\""));
        assert!(text(&files, "sessile/wit/types.wit").contains("interface types"));
        assert!(text(&files, "Cargo.toml").contains("path = \"sessile/guest-sdk/rust\""));
        assert!(text(&files, "sessile/guest-sdk/rust/Cargo.toml").contains("name = \"sessile-sdk\""));
    }

    #[test]
    fn sdk_of_c_is_where_its_build_looks_for_it() {
        let files = files(Lang::C.language(), Style::Http, "a");
        assert!(text(&files, "sessile.toml").contains("-Isessile/guest-sdk/c "));
        assert!(text(&files, "sessile/guest-sdk/c/sessile.h").contains("SESSILE_HTTP"));
        assert!(text(&files, "sessile/guest-sdk/c/bindings/wit.c").contains("sessile_handler_http_send"));
    }

    #[test]
    fn sdk_of_zig_comes_with_the_header_that_it_is_made_of() {
        let files = files(Lang::Zig.language(), Style::Events, "a");
        assert!(text(&files, "sessile/guest-sdk/zig/sessile.zig").contains("pub fn events"));
        assert!(text(&files, "sessile/guest-sdk/c/sessile.h").contains("SESSILE_OK"));
        assert!(text(&files, "sessile.toml").contains("-Msessile=sessile/guest-sdk/zig/sessile.zig "));
    }

    #[test]
    fn sdk_of_go_is_where_its_module_looks_for_it() {
        let files = files(Lang::Go.language(), Style::Loop, "a");
        assert!(text(&files, "go.mod").contains("replace sessile => ./sessile/guest-sdk/go"));
        assert!(text(&files, "sessile/guest-sdk/go/go.mod").starts_with("module sessile\n"));
        assert!(text(&files, "sessile/guest-sdk/go/loop/loop.go").contains("websocket-handler@0.1.0#handle"));
    }

    #[test]
    fn package_is_named_as_cargo_allows() {
        assert_eq!(package("my-app"), "my-app");
        assert_eq!([package("2048"), package("-"), package("sessile-sdk")], ["app-2048", "app--", "app-sessile-sdk"]);
    }

    /// Without a domain `log` and `time` would be Go's own, and `go` and `all` none at all.
    #[test]
    fn module_of_go_has_a_domain() {
        let files = files(Lang::Go.language(), Style::Events, "go");
        assert!(text(&files, "go.mod").starts_with("module example.com/go\n"));
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
