//! The sources of an app's folder, and when they change.
//!
//! Owns what is not a source: hidden folders, what tools write. Folders are watched one by one, since those of tools
//! may be huge; one that appears is watched from then on.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use notify::event::{AccessKind, EventKind};
use notify::{Event, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use crate::limits;

/// Folders that tools write, in any language.
const TOOLS: [&str; 6] = ["target", "node_modules", "__pycache__", "dist", "build", "venv"];

/// A folder that is watched until this is dropped.
pub(super) struct Watch {
    folder: PathBuf,
    watcher: RecommendedWatcher,
    events: mpsc::Receiver<PathBuf>,
}

impl Watch {
    /// Watches from now on.
    ///
    /// # Errors
    /// What the system says, as where it has no watches left.
    pub(super) fn begin(folder: &Path) -> notify::Result<Self> {
        let (told, events) = mpsc::channel(limits::WATCH_EVENTS_MAX);
        let watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if matches!(event.kind, EventKind::Access(kind) if !matches!(kind, AccessKind::Close(_))) {
                return;
            }
            for path in event.paths {
                // One that finds no room comes beside others, which are enough to begin a build.
                drop(told.try_send(path));
            }
        })?;
        let folder = folder.canonicalize()?;
        let mut watch = Self { folder: folder.clone(), watcher, events };
        watch.add(&folder)?;
        Ok(watch)
    }

    /// The first source that changes, once nothing has changed for a moment: an editor writes in several steps.
    /// `outputs` are files that are no sources.
    pub(super) async fn changed(&mut self, outputs: impl Fn() -> Vec<PathBuf>) -> PathBuf {
        let mut first = None::<PathBuf>;
        loop {
            let next = match &first {
                None => self.events.recv().await,
                Some(_) => match tokio::time::timeout(limits::WATCH_QUIET, self.events.recv()).await {
                    Ok(next) => next,
                    Err(_quiet) => return self.named(first),
                },
            };
            // The watcher, which sends, is ours.
            let Some(path) = next else { return self.named(first) };
            if path.is_dir() && is_source(&self.folder, &path) {
                // One that is gone again needs no watch.
                let _gone = self.add(&path);
            }
            let output = || outputs().iter().any(|output| is_output(&path, output));
            // An editor may write another file first, which then takes the name.
            let better = first.as_ref().is_none_or(|first| !first.exists());
            if better && is_source(&self.folder, &path) && !output() {
                first = Some(path);
            }
        }
    }

    fn named(&self, path: Option<PathBuf>) -> PathBuf {
        let path = path.unwrap_or_default();
        path.strip_prefix(&self.folder).map(Path::to_owned).unwrap_or(path)
    }

    fn add(&mut self, folder: &Path) -> notify::Result<()> {
        self.watcher.watch(folder, RecursiveMode::NonRecursive)?;
        for entry in std::fs::read_dir(folder)?.flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) && is_source(&self.folder, &path) {
                self.add(&path)?;
            }
        }
        Ok(())
    }
}

/// Whether a path within a folder may be something that somebody wrote.
fn is_source(folder: &Path, path: &Path) -> bool {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.iter().all(is_source_name) && inside != Path::new("")
}

/// An output, or a file on the way to it: linkers, and `sessile build`, write `x.wasm.tmp…` first.
fn is_output(path: &Path, output: &Path) -> bool {
    let (Some(folder), Some(name)) = (output.parent(), output.file_name()) else { return false };
    let (Some(in_folder), Some(found)) = (path.parent(), path.file_name()) else { return false };
    let rest = found.to_string_lossy().strip_prefix(&*name.to_string_lossy()).map(str::to_owned);
    let named = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(".tmp"));
    named && folder.canonicalize().is_ok_and(|folder| folder == in_folder)
}

fn is_source_name(name: &OsStr) -> bool {
    let name = name.to_string_lossy();
    // Editors write beside a file: `.x.swp`, `x~`, `4913`, `#x#`.
    let scratch = name.starts_with(['.', '#']) || name.ends_with('~') || name == "4913";
    !scratch && !TOOLS.contains(&&*name) && name != "Cargo.lock"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_is_no_source_nor_is_what_becomes_one() {
        let folder = tempfile::TempDir::new().unwrap();
        let (folder, output) = (folder.path().canonicalize().unwrap(), folder.path().join("x.wasm"));
        let of = |name: &str| is_output(&folder.join(name), &output);
        assert!(of("x.wasm") && of("x.wasm.tmp") && of("x.wasm.tmp4f2a"));
        assert!(!of("x.wasm.c") && !of("y.wasm") && !of("x.was") && !of("sub/x.wasm"));
    }

    #[test]
    fn source_is_what_somebody_wrote() {
        let app = Path::new("/app");
        for source in ["/app/src/lib.rs", "/app/sessile.toml", "/app/public/index.html", "/app/src"] {
            assert!(is_source(app, Path::new(source)), "{source}");
        }
        for other in [
            "/app",
            "/app/target/x.wasm",
            "/app/.sessile/lock",
            "/app/src/.lib.rs.swp",
            "/app/src/lib.rs~",
            "/app/4913",
        ] {
            assert!(!is_source(app, Path::new(other)), "{other}");
        }
    }
}
