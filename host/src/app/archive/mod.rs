//! What is deployed, on disk: content by its digest, the versions of each app, which is current.
//!
//! Owns that every change is whole or has not happened, whenever the host or the machine ends: what is named
//! exists, synced, before the name does. Knows files, not what they mean; the data folder's lock keeps others out.
//!
//! ```text
//! DATA/blobs/HEX              content, by its SHA-256
//! DATA/apps/NAME/current      the number of the current version, and of the newest that ever was
//! DATA/apps/NAME/versions/7/  record.json, and files/ROUTE/... for what is served as it is
//! ```

mod blobs;
mod record;
mod shelf;

use std::fs::{DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

pub use self::blobs::{BlobError, Blobs};
pub use self::record::{Contents, Record};
pub use self::shelf::Shelf;

/// The archive of a data folder.
#[derive(Clone, Debug)]
pub struct Archive {
    folder: PathBuf,
    /// Content by digest.
    pub blobs: Blobs,
}

impl Archive {
    /// Opens it, making its folders (0700) if need be.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(data: &Path) -> io::Result<Self> {
        // Without links, as files that are looked for in it will be.
        let data = data.canonicalize()?;
        let folder = data.join("apps");
        folder_of_ours(&folder)?;
        Ok(Self { folder, blobs: Blobs::open(&data.join("blobs"))? })
    }

    /// The names of the apps that have a current version.
    ///
    /// # Errors
    /// What the system says.
    pub fn apps(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if self.shelf(&name)?.current()?.is_some() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// The versions of an app; `name` is one that a manifest may have.
    ///
    /// # Errors
    /// What the system says.
    pub fn shelf(&self, name: &str) -> io::Result<Shelf> {
        Shelf::open(&self.folder.join(name), self.blobs.clone())
    }

    /// Forgets content that no kept version names and that is older than `grace`: what is younger may be on its way into
    /// a version.
    ///
    /// # Errors
    /// What the system says.
    pub fn sweep(&self, grace: Duration) -> io::Result<usize> {
        let mut named = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let shelf = self.shelf(&entry?.file_name().to_string_lossy())?;
            named.extend(shelf.records()?.iter().flat_map(|record| record.contents.digests()));
        }
        self.blobs.keep(&named, grace)
    }
}

fn folder_of_ours(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file so that it is there whole, and on disk, or not at all.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let partial = path.with_extension(format!("{}.partial", WRITTEN.fetch_add(1, Ordering::Relaxed)));
    let mut file = File::create(&partial)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&partial, path)?;
    sync_folder(path)
}

/// The name of a file is on disk once its folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}
