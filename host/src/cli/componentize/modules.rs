//! The modules of a script: files of its folder, and the SDK that this program carries.

use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::cli::{embedded, note};
use crate::instance::script::Modules;

/// Names of modules of the SDK begin with this.
const SDK: &str = "sessile:";
/// What the SDK runs first.
pub(super) const ENTRY: &str = "sessile:entry.js";
/// By which the entry imports the script.
const SCRIPT: &str = "sessile:script";
/// By which the entry tells, in the end, what the script handles: interfaces of the WIT, joined by commas.
const HANDLES: &str = "sessile:handles/";

pub(super) struct Project {
    /// The folder to which names of files are relative.
    folder: PathBuf,
    script: String,
    handles: Mutex<Option<Vec<String>>>,
}

impl Project {
    /// `script` is relative to the folder.
    pub(super) fn new(folder: &Path, script: &str) -> Self {
        Self { folder: folder.to_owned(), script: script.to_owned(), handles: Mutex::new(None) }
    }

    pub(super) fn script(&self) -> &str {
        &self.script
    }

    /// The exports that the script has told of.
    pub(super) fn handles(&self) -> Option<Vec<String>> {
        self.handles.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Modules for Project {
    fn resolve(&self, referrer: &str, specifier: &str) -> Result<String, String> {
        if let Some(interfaces) = specifier.strip_prefix(HANDLES) {
            let named = |name: &str| format!("sessile:handler/{name}@{}", env!("CARGO_PKG_VERSION"));
            let interfaces = interfaces.split(',').filter(|name| !name.is_empty()).map(named).collect();
            *self.handles.lock().unwrap_or_else(PoisonError::into_inner) = Some(interfaces);
            return Ok(specifier.to_owned());
        }
        match specifier {
            SCRIPT => Ok(self.script.clone()),
            "sessile" => Ok(format!("{SDK}index.js")),
            _ if specifier.starts_with("./") || specifier.starts_with("../") => match referrer.strip_prefix(SDK) {
                Some(own) => joined(own, specifier).map(|name| format!("{SDK}{name}")),
                None => joined(referrer, specifier),
            },
            _ => Err(format!(
                "{referrer} imports '{specifier}', which is neither 'sessile' nor a file ('./{specifier}'); packages are bundled \
                 before, by esbuild for example"
            )),
        }
    }

    fn load(&self, name: &str) -> Result<String, String> {
        if name.starts_with(HANDLES) {
            return Ok(String::new());
        }
        if let Some(own) = name.strip_prefix(SDK) {
            let path = format!("guest-sdk/js/src/{own}");
            let found = embedded::JS.iter().find(|(known, _)| **known == path);
            return found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| format!("the SDK has no {own}"));
        }
        std::fs::read_to_string(self.folder.join(name)).map_err(|error| format!("{name}: {error}"))
    }

    fn say(&self, line: &str) {
        note(line);
    }
}

/// A path that is relative to a file's folder, and leads out of none.
fn joined(referrer: &str, specifier: &str) -> Result<String, String> {
    let mut path = PathBuf::from(referrer);
    path.pop();
    for part in Path::new(specifier).components() {
        let inside = match part {
            Component::ParentDir => path.pop(),
            Component::Normal(name) => {
                path.push(name);
                true
            }
            _ => true,
        };
        if !inside {
            return Err(format!("{referrer} imports '{specifier}', which is outside of the folder"));
        }
    }
    Ok(path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(referrer: &str, specifier: &str) -> Result<String, String> {
        Project::new(Path::new("."), "src/main.js").resolve(referrer, specifier)
    }

    #[test]
    fn specifier_is_a_file_beside_who_imports_it_or_the_sdk() {
        let ok = |name: &str| Ok(name.to_owned());
        assert_eq!(resolved("src/main.js", "./a.js"), ok("src/a.js"));
        assert_eq!(resolved("src/deep/a.js", "../../b.js"), ok("b.js"));
        assert_eq!(resolved("src/main.js", "sessile"), ok("sessile:index.js"));
        assert_eq!(resolved("sessile:web/url.js", "../error.js"), ok("sessile:error.js"));
        assert_eq!(resolved(ENTRY, SCRIPT), ok("src/main.js"));
    }

    #[test]
    fn specifier_of_a_package_or_out_of_the_folder_is_told_with_the_way_out() {
        assert!(
            resolved("src/main.js", "lodash").unwrap_err().contains("'lodash', which is neither 'sessile' nor a file")
        );
        assert!(resolved("main.js", "../x.js").unwrap_err().contains("outside of the folder"));
    }

    #[test]
    fn sdk_is_carried_whole() {
        let project = Project::new(Path::new("."), "main.js");
        assert!(project.load(ENTRY).unwrap().contains(SCRIPT));
        assert!(project.load("sessile:index.js").is_ok() && project.load("sessile:none.js").is_err());
    }

    #[test]
    fn handlers_are_those_that_were_told() {
        let project = Project::new(Path::new("."), "main.js");
        assert_eq!(project.handles(), None);
        let name = project.resolve(ENTRY, "sessile:handles/http-handler,websocket-events").unwrap();
        assert_eq!(project.load(&name), Ok(String::new()));
        let version = env!("CARGO_PKG_VERSION");
        let named = |name: &str| format!("sessile:handler/{name}@{version}");
        assert_eq!(project.handles(), Some(vec![named("http-handler"), named("websocket-events")]));
    }
}
