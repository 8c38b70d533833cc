//! Why an app's folder is no version.

use std::path::PathBuf;

use super::MANIFEST;
use crate::app::archive::BlobError;
use crate::app::manifest::ManifestError;
use crate::app::route::DuplicateRoute;
use crate::app::signature::SignatureError;
use crate::instance::load::LoadError;
use crate::limits;

/// Why a version could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The manifest cannot be read.
    #[error("{}: {cause}; a Sessile app is a folder with a {MANIFEST}", .path.display())]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What a route is to serve is not there.
    #[error("route '{route}': {}: {cause}; 'files' is a folder where the path ends with {{name...}}, else a file", .path.display())]
    Files {
        /// The route's path.
        route: String,
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The manifest is larger than any could be.
    #[error("{}: {bytes} bytes exceed the limit of {limit}", .path.display(), limit = limits::MANIFEST_BYTES_MAX)]
    TooLarge {
        /// The manifest.
        path: PathBuf,
        /// Its size.
        bytes: usize,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Two routes match the same paths.
    #[error(transparent)]
    Route(#[from] DuplicateRoute),
    /// A component is wrong.
    #[error("handler '{handler}': {cause}")]
    Load {
        /// The handler.
        handler: String,
        /// What is wrong.
        cause: LoadError,
    },
    /// A component exports several handlers that could serve, and the manifest does not choose.
    #[error(
        "handler '{handler}': the component exports {one} and {other}; choose with `export = \"{other}\"` or \
         `export = \"{one}\"`"
    )]
    Ambiguous {
        /// The handler.
        handler: String,
        /// An export that could serve.
        one: &'static str,
        /// Another.
        other: &'static str,
    },
    /// A handler that is to be saved after each event has no events.
    #[error("handler '{handler}': `autosave = \"event\"` needs a component that exports websocket-events; call `save`")]
    Autosave {
        /// The handler.
        handler: String,
    },
    /// A loop has its instance to itself.
    #[error(
        "handler '{handler}': a loop-style handler has one instance for each websocket; leave `isolation` out, or write it in event style"
    )]
    Isolation {
        /// The handler.
        handler: String,
    },
    /// The signature is not one that this host takes.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signature's file cannot be read.
    #[error("{}: {cause}; `sessile sign` writes it anew", .path.display())]
    SignatureFile {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What was deployed cannot be had any more.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// A deploy that does not fit its manifest.
    #[error("the deploy has no {what}; deploy the app's folder anew")]
    Incomplete {
        /// What is missing.
        what: String,
    },
    /// A deploy with a path that leads out of the app.
    #[error("{path:?} is not the path of a file within the app")]
    Path {
        /// The path.
        path: String,
    },
    /// The manifest chooses an export that the component does not have.
    #[error("handler '{handler}': `export = \"{export}\"`, but the component does not export it")]
    Missing {
        /// The handler.
        handler: String,
        /// The export.
        export: &'static str,
    },
}
