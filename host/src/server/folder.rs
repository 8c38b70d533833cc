//! The data folder: what a host keeps on disk, and the lock that keeps a second host out.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::admin::socket_of;

/// A locked data folder (0700). The lock falls with the process, however it ends.
pub struct DataFolder {
    path: PathBuf,
    _lock: File,
}

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// It cannot be made, or written to.
    #[error("data folder {}: {cause}; choose another with --data", .path.display())]
    Unusable {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// Another host has it.
    #[error("data folder {}: another host is using it; end it, or choose another with --data", .path.display())]
    Locked {
        /// The folder.
        path: PathBuf,
    },
}

impl DataFolder {
    /// Makes the folder if need be, and locks it.
    ///
    /// # Errors
    /// See [`FolderError`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let path = path.to_owned();
        let opened = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&path);
        let lock = match opened.and_then(|()| File::create(path.join("lock"))) {
            Ok(lock) => lock,
            Err(cause) => return Err(FolderError::Unusable { path, cause }),
        };
        match lock.try_lock() {
            Ok(()) => Ok(Self { path, _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(FolderError::Locked { path }),
            Err(TryLockError::Error(cause)) => Err(FolderError::Unusable { path, cause }),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Binds the admin socket (0600). One that a killed host left behind is replaced: the lock is
    /// ours.
    pub fn admin(&self) -> io::Result<UnixListener> {
        let path = socket_of(&self.path);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(socket)
    }
}
