//! Apps for tests: a copy of a manifest in a folder of its own, over the components that `build.rs`
//! has built.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::{Host, Way};

/// An app's folder, gone with its drop.
pub struct App {
    path: PathBuf,
    _folder: TempDir,
}

impl App {
    /// One of `examples/`, with the pages beside its manifest.
    pub fn example(name: &str) -> Self {
        let folder = root().join("examples").join(name);
        let app = Self::copy(&folder.join("sessile.toml"));
        for entry in std::fs::read_dir(folder).expect("the example's folder") {
            let path = entry.expect("what is in it").path();
            if path.extension().is_some_and(|extension| extension == "html") {
                std::fs::copy(&path, app.path().join(path.file_name().expect("a name"))).expect("the page is copied");
            }
        }
        app
    }

    /// The guest that does what it is told.
    pub fn faults(way: Way) -> Self {
        let app = Self::copy(&root().join("tests/guests/sessile.toml"));
        if way == Way::Concurrent {
            app.edit("/faults.wasm", "/faults_concurrent.wasm");
        }
        app
    }

    /// Standard components that others have published.
    pub fn samples() -> Self {
        Self::copy(&root().join("tests/guests/samples/sessile.toml"))
    }

    /// Standard components that do what they are told.
    pub fn errands() -> Self {
        Self::copy(&root().join("tests/guests/errand/sessile.toml"))
    }

    /// [`Self::faults`], with more keys for both of its websocket handlers.
    pub fn faults_with(way: Way, keys: &str) -> Self {
        let app = Self::faults(way);
        for handler in ["[handlers.events]", "[handlers.looped]"] {
            app.edit(handler, &format!("{handler}\n{keys}"));
        }
        app
    }

    /// Replaces a text in the manifest, wherever it stands.
    pub fn edit(&self, old: &str, new: &str) {
        let path = self.path().join("sessile.toml");
        let manifest = std::fs::read_to_string(&path).expect("the manifest is there");
        assert!(manifest.contains(old), "no {old} in the manifest");
        std::fs::write(path, manifest.replace(old, new)).expect("the manifest is written");
    }

    /// A manifest of its own; `{components}` stands for where the components are.
    pub fn new(manifest: &str) -> Self {
        let folder = TempDir::new().expect("a folder for the app");
        let app = Self { path: folder.path().to_owned(), _folder: folder };
        app.write(manifest);
        app
    }

    /// What `sessile new NAME` makes with these options, outside the repository. What it builds is put where the
    /// guests' is, so that all share their dependencies.
    pub fn made(name: &str, options: &[&str]) -> Self {
        let folder = TempDir::new().expect("a folder for the app");
        let path = folder.path().join(name);
        let made = Host::run(&[&["new", path.to_str().expect("a path in UTF-8")], options].concat());
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        std::os::unix::fs::symlink(root().join("target/guests"), path.join("target")).expect("the link is made");
        Self { path, _folder: folder }
    }

    /// A component that `build.rs` has built, by its name without `.wasm`.
    pub fn component(name: &str) -> PathBuf {
        components().join(name).with_extension("wasm")
    }

    /// Replaces the manifest.
    pub fn write(&self, manifest: &str) {
        let text = manifest.replace("{components}", &components().to_string_lossy());
        std::fs::write(self.path().join("sessile.toml"), text).expect("the manifest is written");
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn copy(manifest: &Path) -> Self {
        let text = std::fs::read_to_string(manifest).expect("the manifest is there");
        let text = text.replace("../target/wasm32-wasip2/release", "{components}");
        Self::new(&text.replace("target/wasm32-wasip2/release", "{components}"))
    }
}

fn root() -> PathBuf {
    env!("SESSILE_ROOT").into()
}

fn components() -> PathBuf {
    env!("SESSILE_COMPONENTS").into()
}
