//! The versions of one app on disk, and which of them is current.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Blobs, Contents, Record, folder_of_ours, sync_folder, write_whole};
use crate::limits;

const RECORD: &str = "record.json";

/// An app's versions.
#[derive(Clone, Debug)]
pub struct Shelf {
    folder: PathBuf,
    blobs: Blobs,
}

impl Shelf {
    pub(super) fn open(folder: &Path, blobs: Blobs) -> io::Result<Self> {
        folder_of_ours(&folder.join("versions"))?;
        Ok(Self { folder: folder.to_owned(), blobs })
    }

    /// The app's folder, for what else it keeps.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of the current version; none of an app that was undeployed, or never deployed.
    ///
    /// # Errors
    /// What the system says.
    pub fn current(&self) -> io::Result<Option<u64>> {
        Ok(self.pointer()?.map(|(current, _)| current))
    }

    /// The current version, and the newest that ever was.
    fn pointer(&self) -> io::Result<Option<(u64, u64)>> {
        let text = match std::fs::read_to_string(self.folder.join("current")) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let numbers = text.trim().split_once(' ').and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        numbers.map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Makes a version that is kept the current one. Returns once that is on disk.
    ///
    /// # Errors
    /// What the system says; then the old one is current.
    pub fn set_current(&self, number: u64) -> io::Result<()> {
        let newest = self.pointer()?.map_or(number, |(_, newest)| newest.max(number));
        write_whole(&self.folder.join("current"), format!("{number} {newest}\n").as_bytes())
    }

    /// No version is current any more; what the app has kept stays.
    ///
    /// # Errors
    /// What the system says.
    pub fn retire(&self) -> io::Result<()> {
        let current = self.folder.join("current");
        std::fs::remove_file(&current)?;
        sync_folder(&current)
    }

    /// All versions that are kept, from the oldest.
    ///
    /// # Errors
    /// What the system says.
    pub fn records(&self) -> io::Result<Vec<Record>> {
        self.numbers()?.into_iter().map(|number| self.record(number)).collect()
    }

    /// One that is kept.
    ///
    /// # Errors
    /// `NotFound`, or what else the system says.
    pub fn record(&self, number: u64) -> io::Result<Record> {
        let text = std::fs::read(self.version(number).join(RECORD))?;
        serde_json::from_slice(&text).map_err(io::Error::from)
    }

    /// The newest that was ever current, which it need not be now. A host that was killed in a deploy may have kept
    /// one that never was.
    ///
    /// # Errors
    /// What the system says.
    pub fn newest(&self) -> io::Result<Option<Record>> {
        self.pointer()?.map(|(_, newest)| self.record(newest)).transpose()
    }

    /// Keeps a version, whose content is in the archive. Returns once it is on disk.
    ///
    /// # Errors
    /// What the system says; then nothing of it is there.
    pub fn add(&self, record: &Record) -> io::Result<()> {
        let version = self.version(record.number);
        let partial = version.with_extension("partial");
        remove_all(&partial)?;
        folder_of_ours(&partial)?;
        self.lay_out(&record.contents, &partial)?;
        write_whole(&partial.join(RECORD), &serde_json::to_vec_pretty(record)?)?;
        std::fs::rename(&partial, &version)?;
        sync_folder(&version)
    }

    /// Where the files of a route of a version are.
    pub fn files(&self, number: u64, route: &str) -> PathBuf {
        self.version(number).join("files").join(folder_name(route))
    }

    /// Forgets all but the newest and the current.
    ///
    /// # Errors
    /// What the system says.
    pub fn prune(&self) -> io::Result<()> {
        let (numbers, current) = (self.numbers()?, self.current()?);
        for number in numbers.iter().rev().skip(limits::VERSIONS_KEPT).filter(|number| Some(**number) != current) {
            // Renamed first, so that no half of it is ever taken for a version.
            let gone = self.version(*number).with_extension("partial");
            remove_all(&gone)?;
            std::fs::rename(self.version(*number), &gone)?;
            remove_all(&gone)?;
        }
        Ok(())
    }

    fn lay_out(&self, contents: &Contents, version: &Path) -> io::Result<()> {
        for (route, files) in &contents.files {
            let root = version.join("files").join(folder_name(route));
            folder_of_ours(&root)?;
            for (path, digest) in files {
                let path = root.join(path);
                path.parent().map_or(Ok(()), folder_of_ours)?;
                self.blobs.place(digest, &path)?;
                File::open(path.parent().unwrap_or(&root))?.sync_all()?;
            }
        }
        Ok(())
    }

    /// The numbers of the versions that are kept, from the oldest.
    ///
    /// # Errors
    /// What the system says.
    pub fn numbers(&self) -> io::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        for entry in std::fs::read_dir(self.folder.join("versions"))? {
            numbers.extend(entry?.file_name().to_string_lossy().parse::<u64>());
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn version(&self, number: u64) -> PathBuf {
        self.folder.join("versions").join(number.to_string())
    }
}

/// A route's path as the name of a folder.
fn folder_name(route: &str) -> String {
    percent_encoding::utf8_percent_encode(route, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn remove_all(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::app::archive::Archive;
    use crate::app::digest::Digest;

    fn record(archive: &Archive, number: u64) -> Record {
        let text = format!("page {number}");
        let page = Digest::of(text.as_bytes());
        archive.blobs.put(page, text.as_bytes()).unwrap();
        let files = BTreeMap::from([("/{rest...}".to_owned(), BTreeMap::from([("a/b.html".to_owned(), page)]))]);
        let contents = Contents { manifest: "m".into(), components: BTreeMap::new(), files };
        Record { number, deployed_at: 1, by: "ada".into(), note: None, contents, signature: None }
    }

    #[test]
    fn version_is_found_again_with_its_files_and_is_not_current_by_itself() {
        let data = TempDir::new().unwrap();
        let archive = Archive::open(data.path()).unwrap();
        let shelf = archive.shelf("chat").unwrap();
        let one = record(&archive, 1);
        shelf.add(&one).unwrap();
        assert_eq!((shelf.current().unwrap(), archive.apps().unwrap().len()), (None, 0));
        shelf.set_current(1).unwrap();
        let archive = Archive::open(data.path()).unwrap();
        let shelf = archive.shelf("chat").unwrap();
        assert_eq!((shelf.current().unwrap(), archive.apps().unwrap()), (Some(1), vec!["chat".to_owned()]));
        assert_eq!(shelf.newest().unwrap(), Some(one));
        shelf.add(&record(&archive, 2)).unwrap();
        assert_eq!(shelf.newest().unwrap().unwrap().number, 1, "the second was never current");
        shelf.set_current(2).unwrap();
        shelf.set_current(1).unwrap();
        assert_eq!((shelf.current().unwrap(), shelf.newest().unwrap().unwrap().number), (Some(1), 2));
        let page = shelf.files(1, "/{rest...}").join("a/b.html");
        assert_eq!(std::fs::read_to_string(page).unwrap(), "page 1");
    }

    #[test]
    fn prune_keeps_the_newest_and_the_current_and_sweep_what_they_name() {
        let data = TempDir::new().unwrap();
        let archive = Archive::open(data.path()).unwrap();
        let shelf = archive.shelf("chat").unwrap();
        for number in 1..=9 {
            shelf.add(&record(&archive, number)).unwrap();
        }
        shelf.set_current(2).unwrap();
        shelf.prune().unwrap();
        let kept: Vec<_> = shelf.records().unwrap().iter().map(|record| record.number).collect();
        assert_eq!(kept, [2, 5, 6, 7, 8, 9]);
        assert_eq!(archive.sweep(Duration::ZERO).unwrap(), 3);
        assert!(archive.blobs.read(Digest::of(b"page 2")).is_ok() && !archive.blobs.has(&Digest::of(b"page 3")));
    }

    #[test]
    fn version_that_was_half_written_is_not_one() {
        let data = TempDir::new().unwrap();
        let archive = Archive::open(data.path()).unwrap();
        let shelf = archive.shelf("chat").unwrap();
        let mut torn = record(&archive, 1);
        let files = torn.contents.files.values_mut().next().unwrap();
        files.insert("c".into(), Digest::of(b"not there"));
        assert!(shelf.add(&torn).is_err());
        assert!(shelf.records().unwrap().is_empty());
        shelf.add(&record(&archive, 1)).unwrap();
        assert_eq!(shelf.records().unwrap().len(), 1);
    }

    #[test]
    fn content_that_is_not_what_it_is_called_is_refused() {
        let data = TempDir::new().unwrap();
        let archive = Archive::open(data.path()).unwrap();
        let named = Digest::of(b"a");
        let refused = archive.blobs.put(named, b"b").unwrap_err().to_string();
        assert!(refused.contains("altered") && !archive.blobs.has(&named), "{refused}");
        archive.blobs.put(named, b"a").unwrap();
        std::fs::write(data.path().join("blobs").join(named.hex()), "b").unwrap();
        assert!(archive.blobs.read(named).is_err());
    }
}
