//! Whether a component is as new as what it is built from, where the manifest says what that is.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::app::MANIFEST;
use crate::app::manifest::HandlerSettings;

/// Whether there is nothing to build: there is a component, and no source, nor the manifest, is newer. Never where the
/// manifest names no sources: then only the command knows.
///
/// # Errors
/// A source that cannot be read.
pub(super) fn is_fresh(dir: &Path, handler: &HandlerSettings) -> io::Result<bool> {
    if handler.sources.is_empty() {
        return Ok(false);
    }
    let mut newest = fs::metadata(dir.join(MANIFEST))?.modified()?;
    for source in &handler.sources {
        newest = newest.max(last_change(source, &handler.component)?);
    }
    let built = fs::metadata(&handler.component).and_then(|found| found.modified());
    Ok(built.is_ok_and(|built| newest < built))
}

/// Of a file, or of anything in a folder but hidden files and the component itself.
fn last_change(path: &Path, component: &Path) -> io::Result<SystemTime> {
    let named = |cause: io::Error| io::Error::new(cause.kind(), format!("{}: {cause}", path.display()));
    let found = fs::metadata(path).map_err(named)?;
    if !found.is_dir() {
        return found.modified();
    }
    // What is taken out of a folder changes the folder; and so does the component that is put there.
    let mut newest = if component.starts_with(path) { SystemTime::UNIX_EPOCH } else { found.modified()? };
    for entry in fs::read_dir(path).map_err(named)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden || entry.path() == component || leads_round(&entry.path()) {
            continue;
        }
        match last_change(&entry.path(), component) {
            Ok(change) => newest = newest.max(change),
            // An editor's, gone since it was listed; or a link to nothing.
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(newest)
}

/// A link to a folder may lead back to where it is.
fn leads_round(path: &Path) -> bool {
    path.is_symlink() && path.is_dir()
}

/// Dates a component, if there is one.
pub(super) fn date(component: &Path, date: SystemTime) -> io::Result<()> {
    match File::open(component) {
        Ok(file) => file.set_modified(date),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(cause),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;

    fn at(path: &Path, seconds: u64) {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::open(path).unwrap().set_modified(time).unwrap();
    }

    #[test]
    fn last_change_is_that_of_the_newest_but_hidden_files_and_the_component() {
        let folder = TempDir::new().unwrap();
        let [deep, component] = ["deep", "deep/x.wasm"].map(|name| folder.path().join(name));
        fs::create_dir(&deep).unwrap();
        for (name, seconds) in [("a.c", 10), ("deep/b.h", 20), ("deep/.b.h.swp", 30), ("deep/x.wasm", 40)] {
            fs::write(folder.path().join(name), "").unwrap();
            at(&folder.path().join(name), seconds);
        }
        let last = |path: &Path, component: &Path| {
            last_change(path, component).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs()
        };
        let elsewhere = Path::new("/elsewhere/x.wasm");
        assert_eq!([last(&folder.path().join("a.c"), elsewhere), last(&deep.join("b.h"), elsewhere)], [10, 20]);
        assert_eq!(last(folder.path(), &component), 20, "a folder with the component changes with it");
        fs::remove_file(&component).unwrap();
        at(&deep, 50);
        assert_eq!(last(&deep, elsewhere), 50, "what is taken out of a folder counts");
        std::os::unix::fs::symlink(folder.path(), deep.join("round")).unwrap();
        std::os::unix::fs::symlink("nowhere", deep.join("lost")).unwrap();
        at(&deep, 60);
        assert_eq!(last(&deep, elsewhere), 60, "links to folders and to nothing do not count");
        let error = last_change(&folder.path().join("none"), elsewhere).unwrap_err();
        assert!(error.to_string().contains("none: "), "{error}");
    }
}
