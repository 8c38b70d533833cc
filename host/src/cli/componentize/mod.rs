//! `sessile componentize`: makes a component of a script in JavaScript.
//!
//! The interpreter runs the script once, here and now; its memory as it is then is the component, so that an instance begins where
//! the script's top level has ended. Needs nothing but this program: no Node, no compiler.

mod link;
mod modules;
mod sections;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use self::modules::{ENTRY, Project};
use super::Done;
use crate::instance::script::{self, Modules as _, Start};

const EXAMPLES: &str = "Examples:
  sessile componentize src/main.js -o build/room.wasm
  build = '${SESSILE:-sessile} componentize src/main.js -o build/room.wasm'   in a sessile.toml: with the sessile that builds

Exit codes: 0 made, 2 not: what is wrong with the script, by file and line, is on stderr.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Componentize {
    /// A module of JavaScript within this folder, whose default export has the handlers
    script: PathBuf,
    /// Where the component goes; folders to it are made
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

pub(super) fn run(Componentize { script, output }: &Componentize) -> anyhow::Result<Done> {
    let component = component_of(&std::env::current_dir()?, script)?;
    let written = || {
        output.parent().map_or(Ok(()), std::fs::create_dir_all)?;
        std::fs::write(output, component)
    };
    written().with_context(|| output.display().to_string())?;
    Ok(Done::Well)
}

/// # Errors
/// What is wrong with the script, by its interpreter's words.
fn component_of(folder: &Path, script: &Path) -> anyhow::Result<Vec<u8>> {
    let name = script.to_str().filter(|_| script.is_relative()).context("the script is to be within this folder")?;
    let name = name.strip_prefix("./").unwrap_or(name);
    if !folder.join(name).is_file() {
        bail!("{name}: there is no such file");
    }
    let project = Arc::new(Project::new(folder, name));
    let run = ran(&link::linked()?, &project)?;
    let handles = project.handles().context("the SDK has not told what the script handles")?;
    let component = sections::finished(&run, &handles)?;
    wasmparser::Validator::new_with_features(wasmparser::WasmFeatures::all())
        .validate_all(&component)
        .context("the component that was made is none")?;
    Ok(component)
}

/// The component in which the script has run.
fn ran(component: &[u8], project: &Arc<Project>) -> anyhow::Result<Vec<u8>> {
    let entry = project.load(ENTRY).map_err(|said| anyhow!(said))?;
    let start = Start { export: link::INIT, prelude: "globalThis.wit = {};", text: &entry, name: ENTRY };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let modules = Arc::clone(project) as Arc<dyn script::Modules>;
    let snapshot = runtime.block_on(script::snapshot(component, start, modules));
    snapshot.map_err(|error| anyhow!("{error:#}"))?.map_err(|said| anyhow!("{}: {}", project.script(), words(&said)))
}

/// What the interpreter says of a script, without what it says of itself; and where in the script it was, not where in the SDK.
fn words(said: &str) -> String {
    let mut rest = said;
    while let Some((_, after)) =
        rest.split_once(" JavaScript module").filter(|(before, _)| before.starts_with("Failed to "))
    {
        rest = after.split_once(": ").map_or("", |(_, after)| after);
    }
    let rest = rest.strip_prefix("Error: ").unwrap_or(rest);
    let own = |line: &&str| !line.trim().is_empty() && !line.contains("(sessile:");
    rest.lines().filter(own).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instance::names::Names;

    #[test]
    fn component_exports_what_its_script_handles_and_loads_no_modules() {
        let folder = tempfile::TempDir::new().unwrap();
        std::fs::write(
            folder.path().join("main.js"),
            "import { x } from './x.js'; export default { [x]() {}, fetch() {} };",
        )
        .unwrap();
        std::fs::write(folder.path().join("x.js"), "export const x = 'message';").unwrap();
        let names = Names::of(&component_of(folder.path(), Path::new("./main.js")).unwrap()).unwrap();
        let handler = |name: &str| format!("sessile:handler/{name}@{}", env!("CARGO_PKG_VERSION"));
        assert_eq!(names.exports, [handler("websocket-events"), handler("http-handler")]);
        let strange = |name: &&String| !name.starts_with("sessile:handler/") && !name.starts_with("wasi:");
        assert_eq!(names.imports.iter().find(strange), None);
        let made: Vec<_> = names.producers.iter().map(|producer| producer.name.as_str()).collect();
        assert!(made.contains(&"JavaScript") && made.contains(&"sessile") && !made.contains(&"rustc"), "{made:?}");
    }

    #[test]
    fn words_of_the_interpreter_are_those_of_the_script() {
        for (said, left) in [
            (
                "Failed to evaluate user JavaScript module: Failed to declare JavaScript module: Error: expecting ';'\n    at s.js:1:37\n",
                "expecting ';'\n    at s.js:1:37",
            ),
            (
                "Failed to evaluate user JavaScript module: Failed to finish JavaScript module evaluation: Error: no x\n    at \
                 handled (sessile:handlers.js:1:1)\n    at f (s.js:3:1)",
                "no x\n    at f (s.js:3:1)",
            ),
            ("it fell over", "it fell over"),
        ] {
            assert_eq!(words(said), left);
        }
    }
}
