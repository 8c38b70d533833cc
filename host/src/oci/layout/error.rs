//! What an artifact, or an app that is to be one, may not be.

use super::{APP, COMPONENT, CONFIG, TITLE};
use crate::app::{MANIFEST, VersionError};
use crate::limits;

/// Why an app is no artifact, or an artifact no app.
#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    /// The manifest is of something else.
    #[error(
        "no WebAssembly artifact: its config is of type '{found}', and has to be '{CONFIG}'; `sessile push` makes one"
    )]
    NotWasm {
        /// What it has.
        found: String,
    },
    /// The manifest is none.
    #[error("no manifest of an artifact: {cause}")]
    Malformed {
        /// What is wrong.
        cause: String,
    },
    /// No sessile.toml, and not one component either.
    #[error(
        "{components} layers of type '{COMPONENT}' and none of '{APP}': one component, or an app with its {MANIFEST}, can be deployed"
    )]
    Neither {
        /// How many it has.
        components: usize,
    },
    /// Too many layers.
    #[error("{layers} layers exceed the limit of {limit}", limit = limits::REGISTRY_LAYERS_MAX)]
    Layers {
        /// How many.
        layers: usize,
    },
    /// Too large.
    #[error("{what} of {bytes} bytes exceeds the limit of {limit}")]
    TooLarge {
        /// What it is.
        what: String,
        /// Its size.
        bytes: u64,
        /// The limit.
        limit: u64,
    },
    /// A path that leads out of the folder.
    #[error("{path:?} is not the path of a file within the app; its layer's '{TITLE}' has to be one")]
    Path {
        /// The path.
        path: String,
    },
    /// Two contents of one path.
    #[error("{path:?} is there twice, with different contents")]
    Twice {
        /// The path.
        path: String,
    },
    /// The manifest has files elsewhere.
    #[error(
        "{what} is {path:?}, outside of the app's folder, and would be nowhere once it is pulled; move it into the folder"
    )]
    Outside {
        /// What is there.
        what: String,
        /// Where that is.
        path: String,
    },
    /// What the manifest names is not there.
    #[error("it has no {what}")]
    Missing {
        /// What is missing.
        what: String,
    },
    /// What was read is not there any more.
    #[error("{what} changed while it was read; push anew")]
    Changed {
        /// Where it is.
        what: String,
    },
    /// Not WebAssembly, or no component.
    #[error("{file}: not a WebAssembly component: {cause}")]
    NotAComponent {
        /// Its file.
        file: String,
        /// What is wrong.
        cause: String,
    },
    /// A text that is none.
    #[error("its {what} is not UTF-8")]
    Text {
        /// What it is.
        what: &'static str,
    },
    /// What is pulled would not be what is pushed.
    #[error(
        "a route serves what the artifact cannot tell apart from the app's other files; give it a folder of its own"
    )]
    Ambiguous,
    /// Its sessile.toml is none.
    #[error(transparent)]
    Version(#[from] VersionError),
}
