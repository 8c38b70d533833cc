//! From an artifact's manifest to what there is to pull.

use super::{APP, COMPONENT, CONFIG, Descriptor, FILE, HANDLER, Image, Layout, LayoutError, SIGNATURE, SIGNED, TITLE};
use super::{check, check_sizes, shown};
use crate::app::{MANIFEST, signature};
use crate::limits;
use crate::oci::folder::{Folder, Kind};

impl Layout {
    /// Reads the manifest of an artifact.
    ///
    /// # Errors
    /// `Malformed`, `NotWasm`, `Neither`, `Layers`, `TooLarge`, `Path`, `Twice`.
    pub fn read(manifest: &[u8]) -> Result<Self, LayoutError> {
        let malformed = |cause: String| LayoutError::Malformed { cause: shown(&cause) };
        let image: Image = serde_json::from_slice(manifest).map_err(|error| malformed(error.to_string()))?;
        let of = image.config.as_ref().map(|config| config.media_type.as_str());
        let found = of.or(image.media_type.as_deref()).unwrap_or("none");
        if found != CONFIG {
            return Err(LayoutError::NotWasm { found: shown(found) });
        }
        if image.schema_version != 2 {
            return Err(malformed(format!("schemaVersion {}, and only 2 is known", image.schema_version)));
        }
        check_sizes(&image.layers)?;
        match image.layers.iter().find(|layer| layer.media_type == APP) {
            Some(manifest) => app(manifest, &image.layers),
            None => component(&image),
        }
    }
}

fn app(manifest: &Descriptor, layers: &[Descriptor]) -> Result<Layout, LayoutError> {
    check(MANIFEST, manifest.size, limits::MANIFEST_BYTES_MAX as u64)?;
    let mut folder = Folder::default();
    folder.put(MANIFEST.to_owned(), Kind::Manifest, manifest.digest)?;
    let mut signature = None;
    for layer in layers {
        match (layer.media_type.as_str(), layer.says(TITLE), layer.says(HANDLER)) {
            (APP, ..) if layer.digest != manifest.digest => {
                return Err(LayoutError::Twice { path: MANIFEST.to_owned() });
            }
            (SIGNED, ..) => {
                check(signature::FILE, layer.size, limits::SIGNATURE_BYTES_MAX as u64)?;
                signature = Some(layer.digest);
            }
            (COMPONENT, None, Some(handler)) => drop(folder.outside.insert(handler.to_owned(), layer.digest)),
            (COMPONENT, Some(path), _) => folder.put(path.to_owned(), Kind::Component, layer.digest)?,
            (FILE, Some(path), _) => folder.put(path.to_owned(), Kind::File, layer.digest)?,
            // Somebody else's, and not for us.
            _ => {}
        }
    }
    let sizes = layers.iter().map(|layer| (layer.digest, layer.size)).collect();
    Ok(Layout::App { manifest: manifest.digest, signature, folder, sizes })
}

fn component(image: &Image) -> Result<Layout, LayoutError> {
    let components: Vec<_> = image.layers.iter().filter(|layer| layer.media_type == COMPONENT).collect();
    let [layer] = components.as_slice() else { return Err(LayoutError::Neither { components: components.len() }) };
    let file = layer.says(TITLE).map(str::to_owned);
    if let Some(path) = file.as_deref().filter(|file| file.contains(['/', '\0']) || matches!(*file, "" | "." | "..")) {
        return Err(LayoutError::Path { path: path.chars().take(200).collect() });
    }
    let signature = image.annotations.as_ref().and_then(|all| all.get(SIGNATURE)).cloned();
    check("its signature", signature.as_ref().map_or(0, String::len) as u64, limits::SIGNATURE_BYTES_MAX as u64)?;
    Ok(Layout::Component { file, digest: layer.digest, size: layer.size, signature })
}
