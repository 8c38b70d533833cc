//! Content by its digest.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{folder_of_ours, write_whole};
use crate::app::digest::Digest;

/// A folder of content, each file named by its digest. What is there was written whole.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: PathBuf,
}

/// Why content cannot be had or kept.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// It is not what its name says.
    #[error("content of {named} has the digest {found}: it was altered on its way, or on disk; deploy it again")]
    Altered {
        /// What it was called.
        named: Digest,
        /// What it is.
        found: Digest,
    },
    /// The disk.
    #[error("{named}: {cause}")]
    Disk {
        /// The content.
        named: Digest,
        /// What the system says.
        cause: io::Error,
    },
}

impl Blobs {
    pub(super) fn open(folder: &Path) -> io::Result<Self> {
        folder_of_ours(folder)?;
        Ok(Self { folder: folder.to_owned() })
    }

    /// Whether it is there.
    pub fn has(&self, digest: &Digest) -> bool {
        self.path(digest).exists()
    }

    /// Keeps content. Returns once it is on disk.
    ///
    /// # Errors
    /// See [`BlobError`]; nothing is kept then.
    pub fn put(&self, named: Digest, bytes: &[u8]) -> Result<(), BlobError> {
        let found = Digest::of(bytes);
        if found != named {
            return Err(BlobError::Altered { named, found });
        }
        if self.has(&named) {
            return Ok(());
        }
        write_whole(&self.path(&named), bytes).map_err(|cause| BlobError::Disk { named, cause })
    }

    /// The content, which is what it is called.
    ///
    /// # Errors
    /// See [`BlobError`].
    pub fn read(&self, named: Digest) -> Result<Vec<u8>, BlobError> {
        let bytes = std::fs::read(self.path(&named)).map_err(|cause| BlobError::Disk { named, cause })?;
        match Digest::of(&bytes) {
            found if found == named => Ok(bytes),
            found => Err(BlobError::Altered { named, found }),
        }
    }

    /// Puts it into another folder, under a name. It is the same file, where the disk can do that.
    pub(super) fn place(&self, digest: &Digest, path: &Path) -> io::Result<()> {
        let blob = self.path(digest);
        std::fs::hard_link(&blob, path).or_else(|_| std::fs::copy(&blob, path).map(drop))
    }

    /// Forgets all content but this and what is younger; returns how much of it was forgotten.
    pub(super) fn keep(&self, named: &BTreeSet<Digest>, grace: Duration) -> io::Result<usize> {
        let named: BTreeSet<_> = named.iter().map(Digest::hex).collect();
        let mut forgotten = 0;
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            let age = entry.metadata()?.modified()?.elapsed().unwrap_or_default();
            if age >= grace && !named.contains(&*entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path())?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder.join(digest.hex())
    }
}
