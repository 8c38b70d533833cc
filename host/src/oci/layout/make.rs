//! From an app to its artifact: always the same one.

use std::collections::BTreeMap;
use std::path::Path;

use bytes::Bytes;
use serde::Serialize;

use super::{
    APP, Artifact, COMPONENT, CONFIG, Descriptor, FILE, HANDLER, IMAGE, Image, LayoutError, SIGNATURE, SIGNED, TITLE,
    check, check_sizes,
};
use crate::app::digest::Digest;
use crate::app::{Bundle, MANIFEST, signature};
use crate::instance::names::{Encoding, Names};
use crate::limits;
use crate::oci::folder::{Folder, Kind};

/// A config of CNCF's layout. That has a date; ours is always the same, lest the same app be another artifact tomorrow.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    created: &'static str,
    architecture: &'static str,
    os: &'static str,
    layer_digests: Vec<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<World>,
}

#[derive(Serialize)]
struct World {
    exports: Vec<String>,
    imports: Vec<String>,
    target: Option<String>,
}

impl Artifact {
    /// An app's.
    ///
    /// # Errors
    /// `Version`, `Ambiguous`, `NotAComponent`, `Changed`, `Layers`, `TooLarge`.
    pub fn of_app(bundle: &Bundle) -> Result<Self, LayoutError> {
        let folder = Folder::of(&bundle.contents)?;
        if folder.contents(&bundle.contents.manifest)? != bundle.contents {
            return Err(LayoutError::Ambiguous);
        }
        let mut making = Making::default();
        let text = Bytes::from(bundle.contents.manifest.clone());
        making.layer(APP, text, [(TITLE, MANIFEST.to_owned())])?;
        if let Some(signature) = &bundle.signature {
            making.layer(SIGNED, signature.clone().into(), [(TITLE, signature::FILE.to_owned())])?;
        }
        for kind in [Kind::Component, Kind::File] {
            let media_type = if kind == Kind::Component { COMPONENT } else { FILE };
            for (path, (_, digest)) in folder.paths.iter().filter(|(_, (of, _))| *of == kind) {
                let bytes = read(bundle, *digest)?;
                if kind == Kind::Component {
                    check_encoding(path, &bytes)?;
                }
                making.layer(media_type, bytes, [(TITLE, path.clone())])?;
            }
        }
        for (handler, digest) in &folder.outside {
            let bytes = read(bundle, *digest)?;
            check_encoding(handler, &bytes)?;
            making.layer(COMPONENT, bytes, [(HANDLER, handler.clone())])?;
        }
        making.finish(None, None)
    }

    /// One component's, of a file of this name.
    ///
    /// # Errors
    /// `NotAComponent`, `Changed`, `TooLarge`.
    pub fn of_component(file: &Path, bundle: &Bundle) -> Result<Self, LayoutError> {
        let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let missing = || LayoutError::Missing { what: "component".to_owned() };
        let digest = bundle.contents.components.values().next().ok_or_else(missing)?;
        let bytes = read(bundle, *digest)?;
        let named = file.display().to_string();
        check_encoding(&named, &bytes)?;
        let world = Names::of(&bytes);
        let world = world.map_err(|error| LayoutError::NotAComponent { file: named, cause: error.to_string() })?;
        let world = World { exports: world.exports, imports: world.imports, target: None };
        let mut making = Making::default();
        making.layer(COMPONENT, bytes, [(TITLE, name)])?;
        let signature = bundle.signature.clone().map(|text| BTreeMap::from([(SIGNATURE.to_owned(), text)]));
        making.finish(Some(world), signature)
    }

    /// Its name.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.manifest)
    }
}

/// Content of a bundle, which is still what it was.
fn read(bundle: &Bundle, digest: Digest) -> Result<Bytes, LayoutError> {
    let source = bundle.sources.get(&digest);
    let source = source.ok_or_else(|| LayoutError::Missing { what: digest.to_string() })?;
    let bytes = source.read().ok().filter(|bytes| Digest::of(bytes) == digest);
    bytes.ok_or_else(|| LayoutError::Changed { what: source.to_string() })
}

/// Others would take it for a component, by its layer's type.
fn check_encoding(file: &str, bytes: &[u8]) -> Result<(), LayoutError> {
    let cause = match Encoding::of(bytes) {
        Encoding::Component => return Ok(()),
        Encoding::Module => "a core module; `sessile build` makes a component of it",
        Encoding::Other => "it does not begin as WebAssembly does",
    };
    Err(LayoutError::NotAComponent { file: file.to_owned(), cause: cause.to_owned() })
}

/// An artifact on its way.
#[derive(Default)]
struct Making {
    layers: Vec<Descriptor>,
    blobs: BTreeMap<Digest, Bytes>,
    bytes: u64,
}

impl Making {
    /// Refuses what is too large before more of it is read.
    fn layer(&mut self, media_type: &str, bytes: Bytes, annotation: [(&str, String); 1]) -> Result<(), LayoutError> {
        let annotations = annotation.map(|(key, value)| (key.to_owned(), value));
        let mut layer = self.blob(media_type, bytes);
        layer.annotations = Some(annotations.into());
        self.layers.push(layer);
        check("all of it", self.bytes, limits::REGISTRY_BYTES_MAX)
    }

    fn blob(&mut self, media_type: &str, bytes: Bytes) -> Descriptor {
        let (digest, size) = (Digest::of(&bytes), bytes.len() as u64);
        if self.blobs.insert(digest, bytes).is_none() {
            self.bytes += size;
        }
        Descriptor { media_type: media_type.to_owned(), digest, size, annotations: None }
    }

    fn finish(
        mut self,
        component: Option<World>,
        annotations: Option<BTreeMap<String, String>>,
    ) -> Result<Artifact, LayoutError> {
        check_sizes(&self.layers)?;
        let layer_digests = self.layers.iter().map(|layer| layer.digest).collect();
        let created = "1970-01-01T00:00:00Z";
        let config = Config { created, architecture: "wasm", os: "wasip2", layer_digests, component };
        let config = self.blob(CONFIG, json(&config)?);
        let image = Image {
            schema_version: 2,
            media_type: Some(IMAGE.to_owned()),
            config: Some(config),
            layers: self.layers,
            annotations,
        };
        let manifest = json(&image)?;
        check("a manifest", manifest.len() as u64, limits::REGISTRY_MANIFEST_BYTES_MAX as u64)?;
        Ok(Artifact { manifest, blobs: self.blobs })
    }
}

fn json(value: &impl Serialize) -> Result<Bytes, LayoutError> {
    let text = serde_json::to_vec(value).map_err(|error| LayoutError::Malformed { cause: error.to_string() })?;
    Ok(text.into())
}
