//! JavaScript: built by this program alone (`sessile componentize`).

use std::path::Path;

use super::Language;
use crate::cli::check::Check;
use crate::cli::embedded;

pub(super) const LANGUAGE: Language = Language {
    name: "JavaScript",
    source: "src/main.js",
    events: include_str!("../../../templates/js/events.js"),
    r#loop: include_str!("../../../templates/js/loop.js"),
    http: include_str!("../../../templates/js/http.js"),
    files: &[
        // What editors read, so that they know the SDK and the web that a handler has.
        ("jsconfig.json", include_str!("../../../templates/js/jsconfig.json")),
        (".gitignore", include_str!("../../../templates/js/gitignore")),
    ],
    component: "build/{{package}}.wasm",
    build: include_str!("../../../templates/js/build.toml"),
    readme: "What it can call: `sessile/guest-sdk/js/sessile.d.ts`, which editors know.",
    sdk: &[embedded::JS_TYPES],
    tool: None,
    checks,
};

fn checks(_dir: &Path) -> Vec<Check> {
    vec![Check::ok("javascript", "built by sessile itself")]
}
