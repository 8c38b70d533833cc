//! An app's way to a registry.

use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::folder::Folder;
use super::layout::Artifact;
use super::registry::{Purpose, Registry};
use super::{OciError, Reference};
use crate::app::Bundle;
use crate::app::digest::Digest;
use crate::limits;

/// What was pushed.
#[derive(Debug)]
pub struct Pushed {
    /// Where it is, with its digest.
    pub reference: Reference,
    /// That digest.
    pub digest: Digest,
    /// The app's name.
    pub app: String,
    /// Handlers whose components are outside of the app's folder: it can be deployed, but not pulled to a folder.
    pub outside: Vec<String>,
}

impl Pushed {
    /// Pushes the app of a folder, or one component. The tag is set last, when all else is there.
    ///
    /// # Errors
    /// See [`OciError`]; what is there under the tag stays then.
    pub async fn of(from: &Path, to: &Reference, ca: Option<PathBuf>) -> Result<Self, OciError> {
        if to.digest.is_some() {
            return Err(OciError::Digest { reference: to.clone().into() });
        }
        let refused = OciError::layout(to);
        let (bundle, artifact) = match from.is_dir() {
            true => {
                let bundle = Bundle::read(from)?;
                let artifact = Artifact::of_app(&bundle).map_err(refused)?;
                (bundle, artifact)
            }
            false => {
                let bundle = Bundle::of_component(from)?;
                let artifact = Artifact::of_component(from, &bundle).map_err(refused)?;
                (bundle, artifact)
            }
        };
        let outside = Folder::of(&bundle.contents).map_err(refused)?.outside.into_keys().collect();
        let registry = Registry::connect(to, ca, Purpose::Push).await?;
        let blobs = artifact.blobs.iter().map(|(digest, bytes)| registry.put(*digest, bytes.clone()));
        stream::iter(blobs).buffer_unordered(limits::REGISTRY_PARALLEL).try_collect::<()>().await?;
        registry.put_manifest(artifact.manifest.clone()).await?;
        let digest = artifact.digest();
        Ok(Self { reference: to.with_digest(digest), digest, app: bundle.name, outside })
    }
}
