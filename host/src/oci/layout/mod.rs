//! The layout of an artifact (docs/deploying.md, "The artifact"): an app as a manifest of OCI with its content, and back. Pure.
//!
//! Owns the media types, and that the same app is the same artifact, byte for byte. One component is the artifact of CNCF's "Wasm OCI
//! Artifact layout", as `wkg` makes and reads it; an app has that one's config and layers of our own beside.

mod error;
mod make;
mod read;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests;

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use self::error::LayoutError;

use super::folder::Folder;
use crate::app::digest::Digest;
use crate::limits;

/// The type of a manifest.
pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The type of a config, by which an artifact is known to be of WebAssembly.
pub const CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// The type of a layer that is a component.
pub const COMPONENT: &str = "application/wasm";
/// The type of the layer that is sessile.toml.
pub const APP: &str = "application/vnd.sessile.manifest.v1+toml";
/// The type of the layer that is sessile.sig.
pub const SIGNED: &str = "application/vnd.sessile.signature.v1";
/// The type of a layer that is a file of a route.
pub const FILE: &str = "application/vnd.sessile.file.v1";
/// The annotation of a layer with its path in the app's folder.
pub const TITLE: &str = "org.opencontainers.image.title";
/// The annotation of a component that is outside of that folder with its handler.
pub const HANDLER: &str = "vnd.sessile.handler";
/// The annotation of the artifact of one component with its signature.
pub const SIGNATURE: &str = "vnd.sessile.signature";

/// What is pushed.
#[derive(Debug)]
pub struct Artifact {
    /// The manifest.
    pub manifest: Bytes,
    /// All that it names.
    pub blobs: BTreeMap<Digest, Bytes>,
}

/// What there is to pull.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// An app.
    App {
        /// Its sessile.toml.
        manifest: Digest,
        /// Its signature.
        signature: Option<Digest>,
        /// All that it has.
        folder: Folder,
        /// The bytes of each.
        sizes: BTreeMap<Digest, u64>,
    },
    /// A component alone.
    Component {
        /// The name of its file, if it says one.
        file: Option<String>,
        /// Its content.
        digest: Digest,
        /// Its bytes.
        size: u64,
        /// Its signature.
        signature: Option<String>,
    },
}

/// A manifest of OCI, as far as it is ours.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Image {
    schema_version: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    annotations: Option<BTreeMap<String, String>>,
}

impl Descriptor {
    fn says(&self, annotation: &str) -> Option<&str> {
        self.annotations.as_ref()?.get(annotation).map(String::as_str)
    }
}

fn check_sizes(layers: &[Descriptor]) -> Result<(), LayoutError> {
    if layers.len() > limits::REGISTRY_LAYERS_MAX {
        return Err(LayoutError::Layers { layers: layers.len() });
    }
    for layer in layers {
        let what = layer.says(TITLE).or(layer.says(HANDLER)).unwrap_or("a layer");
        check(&shown(what), layer.size, limits::BLOB_BYTES_MAX as u64)?;
    }
    // Each once, as it is pulled; none of them is large enough for the sum to overflow.
    let sizes: BTreeMap<_, _> = layers.iter().map(|layer| (layer.digest, layer.size)).collect();
    check("all of it", sizes.values().sum(), limits::REGISTRY_BYTES_MAX)
}

/// A text of somebody else's, for a terminal.
fn shown(text: &str) -> String {
    text.chars().take(200).flat_map(char::escape_debug).collect()
}

fn check(what: &str, bytes: u64, limit: u64) -> Result<(), LayoutError> {
    match bytes > limit {
        true => Err(LayoutError::TooLarge { what: what.to_owned(), bytes, limit }),
        false => Ok(()),
    }
}
