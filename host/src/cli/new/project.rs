//! What is in a new project: the files of each style, with the app's name in them, and the embedded SDK with its WIT.
//!
//! Plain texts in, plain texts out; writes nothing.

use clap::ValueEnum;

/// The WIT and the Rust SDK, in the repository's layout (`host/build.rs`).
const EMBEDDED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
/// Where a project has them.
const SDK_FOLDER: &str = "sessile";

const CARGO: &str = include_str!("../../../templates/project.toml");
const IGNORED: &str = include_str!("../../../templates/gitignore");
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

    fn source(self) -> &'static str {
        match self {
            Self::Events => include_str!("../../../templates/events.rs"),
            Self::Loop => include_str!("../../../templates/loop.rs"),
            Self::Http => include_str!("../../../templates/http.rs"),
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
pub(super) fn files(style: Style, app: &str) -> Vec<(String, String)> {
    let own = [
        ("Cargo.toml", Some(CARGO)),
        ("src/lib.rs", Some(style.source())),
        ("sessile.toml", Some(style.manifest())),
        ("public/index.html", style.page()),
        (".gitignore", Some(IGNORED)),
        ("README.md", Some(style.readme())),
    ];
    let own = own.into_iter().filter_map(|(path, text)| Some((path.to_owned(), filled(text?, style, app))));
    let sdk = EMBEDDED.iter().map(|(path, text)| (format!("{SDK_FOLDER}/{path}"), (*text).to_owned()));
    own.chain(sdk).collect()
}

fn filled(text: &str, style: Style, app: &str) -> String {
    let package = package(app);
    let component = format!("target/wasm32-wasip2/release/{}.wasm", package.replace('-', "_"));
    [("{{name}}", app), ("{{package}}", &package), ("{{component}}", &component), ("{{handler}}", style.handler())]
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

    fn text(files: &[(String, String)], path: &str) -> String {
        files.iter().find(|(name, _)| name == path).map(|(_, text)| text.clone()).unwrap()
    }

    #[test]
    fn project_of_each_style_has_a_valid_manifest_and_no_mark_left() {
        for style in Style::value_variants() {
            let files = files(*style, "my-app");
            let manifest = Manifest::parse(&text(&files, "sessile.toml"), Path::new("sessile.toml")).unwrap();
            assert_eq!(manifest.app.name, "my-app");
            let component = &manifest.handlers.values().next().unwrap().component;
            assert!(component.ends_with("target/wasm32-wasip2/release/my_app.wasm"), "{}", component.display());
            let own: Vec<_> = files.iter().filter(|(path, _)| !path.starts_with("sessile/")).collect();
            assert!(own.len() >= 5 && own.iter().all(|(_, text)| !text.contains("{{")), "{own:?}");
        }
    }

    #[test]
    fn sdk_finds_the_wit_where_it_looks_for_it() {
        let files = files(Style::Http, "a");
        assert!(text(&files, "sessile/guest-sdk/rust/src/bindings.rs").contains("path: \"../../wit\""));
        assert!(text(&files, "sessile/wit/types.wit").contains("interface types"));
        assert!(text(&files, "Cargo.toml").contains("path = \"sessile/guest-sdk/rust\""));
        assert!(text(&files, "sessile/guest-sdk/rust/Cargo.toml").contains("name = \"sessile-sdk\""));
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
