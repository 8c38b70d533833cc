//! An app's way from a registry: to a bundle in memory, and from there to a folder.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};

use super::folder::{Folder, Kind, Served, served};
use super::layout::{Layout, LayoutError};
use super::registry::{Purpose, Registry};
use super::{OciError, Reference};
use crate::app::archive::Contents;
use crate::app::digest::Digest;
use crate::app::version::{check, manifest_of};
use crate::app::{Bundle, MANIFEST, Source, manifest_of_component, signature};
use crate::limits;

/// What was pulled: all of it is what its digests say.
pub struct Pulled {
    /// Where it is from, with its digest.
    pub reference: Reference,
    /// That digest.
    pub digest: Digest,
    /// The app.
    pub bundle: Bundle,
}

impl Pulled {
    /// Pulls an app, or a component, into memory.
    ///
    /// # Errors
    /// See [`OciError`].
    pub async fn of(from: &Reference, ca: Option<PathBuf>) -> Result<Self, OciError> {
        let registry = Registry::connect(from, ca, Purpose::Pull).await?;
        let manifest = registry.manifest().await?;
        let found = Digest::of(&manifest);
        let reference = from.with_digest(found);
        let refused = OciError::layout(&reference);
        let bundle = match Layout::read(&manifest).map_err(refused)? {
            Layout::App { manifest, signature, folder, sizes } => {
                app(&registry, &reference, [Some(manifest), signature], &folder, &sizes).await?
            }
            Layout::Component { file, digest, size, signature } => {
                let file = file.unwrap_or_else(|| format!("{}.wasm", from.name()));
                let text = manifest_of_component(Path::new(&file));
                let folder = Folder { paths: [(file, (Kind::Component, digest))].into(), ..Folder::default() };
                let contents = folder.contents(&text).map_err(refused)?;
                let sources = [(digest, Source::Memory(registry.blob(digest, size).await?))].into();
                bundle(contents, signature, sources).map_err(refused)?
            }
        };
        Ok(Self { reference, digest: found, bundle })
    }

    /// Whether a folder can be written to: it is not there, or empty. Blocks.
    ///
    /// # Errors
    /// `Occupied`, `Disk`.
    pub fn check_room(into: &Path) -> Result<(), OciError> {
        match std::fs::read_dir(into).map(|mut entries| entries.next().is_some()) {
            Ok(true) => Err(OciError::Occupied(into.to_owned())),
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                Err(OciError::Disk { path: into.to_owned(), cause })
            }
            _ => Ok(()),
        }
    }

    /// Writes it to a folder, which is made, or empty. Blocks.
    ///
    /// # Errors
    /// `Occupied`; `Layout` where a component would have to be outside of the folder; `Disk`, and then what was written stays.
    pub fn write_to(&self, into: &Path) -> Result<(), OciError> {
        let disk = |path: &Path, cause| OciError::Disk { path: path.to_owned(), cause };
        let refused = OciError::layout(&self.reference);
        let folder = Folder::of(&self.bundle.contents).map_err(refused)?;
        if let Some(handler) = folder.outside.keys().next() {
            return Err(refused(self.outside(handler)));
        }
        Self::check_room(into)?;
        for path in self.folders(&folder).map_err(refused)? {
            let path = into.join(path);
            std::fs::create_dir_all(&path).map_err(|cause| disk(&path, cause))?;
        }
        let content = folder.paths.iter().filter(|(_, (kind, _))| *kind != Kind::Manifest);
        for (path, (_, digest)) in content {
            let bytes = self.bundle.sources.get(digest).map(Source::read).transpose();
            let path = into.join(path);
            let written = bytes.and_then(|bytes| write_new(&path, &bytes.unwrap_or_default()));
            written.map_err(|cause| disk(&path, cause))?;
        }
        let signature = self.bundle.signature.as_ref().map(|text| (signature::FILE, text));
        // The manifest last: until then it is nobody's app.
        for (name, text) in signature.into_iter().chain([(MANIFEST, &self.bundle.contents.manifest)]) {
            let path = into.join(name);
            write_new(&path, text.as_bytes()).map_err(|cause| disk(&path, cause))?;
        }
        Ok(())
    }

    /// The folders that it has: those of its files, and of routes whose folder is empty.
    fn folders(&self, folder: &Folder) -> Result<Vec<PathBuf>, LayoutError> {
        let manifest = manifest_of(&self.bundle.contents)?;
        let routes = served(&manifest)?.into_iter().filter(|(_, _, kind)| *kind == Served::Folder);
        let routes = routes.map(|(_, root, _)| PathBuf::from(root));
        let parents = folder.paths.keys().filter_map(|path| Path::new(path).parent().map(Path::to_owned));
        Ok(routes.chain(parents).collect())
    }

    fn outside(&self, handler: &str) -> LayoutError {
        let manifest = manifest_of(&self.bundle.contents).ok();
        let settings = manifest.as_ref().and_then(|manifest| manifest.handlers.get(handler));
        let path = settings.map(|settings| settings.component.display().to_string()).unwrap_or_default();
        LayoutError::Outside { what: format!("the component of handler '{handler}'"), path }
    }
}

/// An app's bundle.
async fn app(
    registry: &Registry,
    reference: &Reference,
    named: [Option<Digest>; 2],
    folder: &Folder,
    sizes: &BTreeMap<Digest, u64>,
) -> Result<Bundle, OciError> {
    let refused = OciError::layout(reference);
    let fetch = async |digest: Digest| {
        let size = sizes.get(&digest).copied().unwrap_or_default();
        Ok::<_, OciError>((digest, registry.blob(digest, size).await?))
    };
    let mut texts = [None, None];
    for ((text, digest), what) in texts.iter_mut().zip(named).zip([MANIFEST, signature::FILE]) {
        let Some(digest) = digest else { continue };
        let (_, bytes) = fetch(digest).await?;
        *text = Some(String::from_utf8(bytes.into()).map_err(|_| refused(LayoutError::Text { what }))?);
    }
    let [text, signature] = texts;
    let contents = folder.contents(&text.unwrap_or_default()).map_err(refused)?;
    let content = stream::iter(contents.digests()).map(fetch).buffer_unordered(limits::REGISTRY_PARALLEL);
    let content: BTreeMap<_, _> =
        content.map_ok(|(digest, bytes)| (digest, Source::Memory(bytes))).try_collect().await?;
    bundle(contents, signature, content).map_err(refused)
}

fn bundle(
    contents: Contents,
    signature: Option<String>,
    sources: BTreeMap<Digest, Source>,
) -> Result<Bundle, LayoutError> {
    let name = check(&contents)?.app.name;
    Ok(Bundle { name, contents, signature, sources })
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(bytes)
}
