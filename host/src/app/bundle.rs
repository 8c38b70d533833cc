//! An app's folder on its way to a version: what of it is content, and under which digest.
//!
//! Owns which files belong to an app: its manifest, its components, and what its routes serve. Reads; keeps
//! nothing. What comes from a registry is a bundle too, in memory ([`crate::oci`]).

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::archive::{Archive, BlobError, Contents};
use super::digest::Digest;
use super::manifest::{Manifest, RouteTarget};
use super::route::Pattern;
use super::signature;
use super::version::{MANIFEST, VersionError, read_manifest};
use crate::instance::load::LoadError;
use crate::limits;

/// Where content is.
#[derive(Clone, Debug)]
pub enum Source {
    /// On disk, where it may have changed since.
    File(PathBuf),
    /// Here.
    Memory(Bytes),
}

/// An app, read.
pub struct Bundle {
    /// The app's name.
    pub name: String,
    /// What it is made of.
    pub contents: Contents,
    /// Its signature, if it has one; not verified.
    pub signature: Option<String>,
    /// Where that is.
    pub sources: BTreeMap<Digest, Source>,
}

/// The manifest of the app that serves one component on all paths, named as its file is.
pub fn manifest_of_component(file: &Path) -> String {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = stem.replace(|c: char| !c.is_ascii_alphanumeric(), "-");
    // Its name alone, so that it is the same app wherever the file is: a signature holds elsewhere too.
    let component = toml::Value::from(file.file_name().unwrap_or_default().to_string_lossy().into_owned());
    format!(
        "[app]\nname = \"{name}\"\n\n[[routes]]\npath = \"/{{rest...}}\"\nhandler = \"main\"\n\n\
         [handlers.main]\ncomponent = {component}\n"
    )
}

impl Source {
    /// The content. Blocks.
    ///
    /// # Errors
    /// What the system says.
    pub fn read(&self) -> io::Result<Bytes> {
        match self {
            Self::File(path) => std::fs::read(path).map(Bytes::from),
            Self::Memory(bytes) => Ok(bytes.clone()),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => path.display().fmt(f),
            Self::Memory(bytes) => write!(f, "{} bytes in memory", bytes.len()),
        }
    }
}

impl Bundle {
    /// Reads the app of a folder.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub fn read(folder: &Path) -> Result<Self, VersionError> {
        let (text, manifest) = read_manifest(folder)?;
        Self::of(text, &manifest, &signature::file_of(folder))
    }

    /// The app that serves one component on all paths, named as its file is.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub fn of_component(file: &Path) -> Result<Self, VersionError> {
        let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let text = manifest_of_component(&file);
        let manifest = Manifest::parse(&text, &file.with_file_name(MANIFEST))?;
        Self::of(text, &manifest, &signature::file_of(&file))
    }

    /// Keeps what it is made of.
    ///
    /// # Errors
    /// `Blob`; some of it may be kept then.
    pub fn keep(&self, archive: &Archive) -> Result<(), VersionError> {
        for (digest, source) in self.sources.iter().filter(|(digest, _)| !archive.blobs.has(digest)) {
            let bytes = source.read().map_err(|cause| BlobError::Disk { named: *digest, cause })?;
            archive.blobs.put(*digest, &bytes)?;
        }
        Ok(())
    }

    fn of(text: String, manifest: &Manifest, signature: &Path) -> Result<Self, VersionError> {
        let mut sources = BTreeMap::new();
        let mut components = BTreeMap::new();
        for (handler, settings) in &manifest.handlers {
            let digest = component(handler, &settings.component)?;
            sources.insert(digest, Source::File(settings.component.clone()));
            components.insert(handler.clone(), digest);
        }
        let mut files = BTreeMap::new();
        for route in &manifest.routes {
            if let RouteTarget::Files(path) = &route.to {
                let found = Found::of(&route.pattern, path)?;
                sources.extend(found.sources);
                files.insert(route.pattern.to_string(), found.files);
            }
        }
        let contents = Contents { manifest: text, components, files };
        Ok(Self { name: manifest.app.name.clone(), contents, signature: read_signature(signature)?, sources })
    }
}

/// What a signature's file holds; none if there is no such file.
fn read_signature(path: &Path) -> Result<Option<String>, VersionError> {
    let mut text = String::new();
    let limit = limits::SIGNATURE_BYTES_MAX as u64;
    // One byte more than it may have, so that one that is too large is refused by the check.
    let read = std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_string(&mut text));
    match read {
        Ok(_) => Ok(Some(text)),
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(VersionError::SignatureFile { path: path.to_owned(), cause }),
    }
}

fn component(handler: &str, path: &Path) -> Result<Digest, VersionError> {
    let refused = |cause| VersionError::Load { handler: handler.to_owned(), cause };
    match std::fs::read(path) {
        Ok(bytes) if bytes.len() > limits::BLOB_BYTES_MAX => {
            Err(refused(LoadError::TooLarge { path: path.to_owned(), bytes: bytes.len() }))
        }
        Ok(bytes) => Ok(Digest::of(&bytes)),
        Err(cause) => Err(refused(LoadError::Unreadable { path: path.to_owned(), cause })),
    }
}

/// The files of a route.
struct Found<'a> {
    route: &'a Pattern,
    /// The folder without links, which everything must be in.
    root: PathBuf,
    files: BTreeMap<String, Digest>,
    sources: BTreeMap<Digest, Source>,
}

impl<'a> Found<'a> {
    fn of(route: &'a Pattern, path: &Path) -> Result<Self, VersionError> {
        let mut found = Self { route, root: path.to_owned(), files: BTreeMap::new(), sources: BTreeMap::new() };
        found.root = path.canonicalize().map_err(|cause| found.unusable(path, cause))?;
        if found.root.is_dir() != route.rest().is_some() {
            let folder = std::io::ErrorKind::IsADirectory;
            let kind = if route.rest().is_some() { std::io::ErrorKind::NotADirectory } else { folder };
            return Err(found.unusable(path, kind.into()));
        }
        if found.root.is_dir() {
            found.folder(&found.root.clone(), "")?;
        } else {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.file(&found.root.clone(), name)?;
        }
        Ok(found)
    }

    /// All of a folder but what begins with a dot, a signature (which cannot sign itself), and links that lead out.
    fn folder(&mut self, folder: &Path, inside: &str) -> Result<(), VersionError> {
        let entries = std::fs::read_dir(folder).map_err(|cause| self.unusable(folder, cause))?;
        for entry in entries {
            let entry = entry.map_err(|cause| self.unusable(folder, cause))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let Some(path) = entry.path().canonicalize().ok().filter(|path| path.starts_with(&self.root)) else {
                continue;
            };
            if name.starts_with('.') || name == signature::FILE || (path.is_dir() && folder.starts_with(&path)) {
                continue;
            }
            match path.is_dir() {
                true => self.folder(&path, &format!("{inside}{name}/"))?,
                false => self.file(&path, format!("{inside}{name}"))?,
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, name: String) -> Result<(), VersionError> {
        if self.files.len() == limits::FILES_MAX {
            let many = format!("more than {} files", limits::FILES_MAX);
            return Err(self.unusable(path, std::io::Error::other(many)));
        }
        let bytes = std::fs::read(path).map_err(|cause| self.unusable(path, cause))?;
        if bytes.len() > limits::BLOB_BYTES_MAX {
            let large = format!("{} bytes exceed the limit of {}", bytes.len(), limits::BLOB_BYTES_MAX);
            return Err(self.unusable(path, std::io::Error::other(large)));
        }
        let digest = Digest::of(&bytes);
        self.files.insert(name, digest);
        self.sources.insert(digest, Source::File(path.to_owned()));
        Ok(())
    }

    fn unusable(&self, path: &Path, cause: std::io::Error) -> VersionError {
        VersionError::Files { route: self.route.to_string(), path: path.to_owned(), cause }
    }
}
