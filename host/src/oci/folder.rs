//! An app's content by the paths of its folder, and back: pure.
//!
//! Owns which paths those are. Everything is named from the folder; what the manifest has outside of it has no path here, and so
//! no path that anybody sends leads out.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use super::layout::LayoutError;
use crate::app::archive::Contents;
use crate::app::digest::Digest;
use crate::app::manifest::{Manifest, RouteTarget};
use crate::app::version::manifest_of;
use crate::app::{MANIFEST, signature};

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// sessile.toml.
    Manifest,
    /// A component of a handler.
    Component,
    /// What a route serves, and nothing else.
    File,
}

/// The content of an app.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folder {
    /// By path, with `/`.
    pub paths: BTreeMap<String, (Kind, Digest)>,
    /// Components that the manifest has outside of the folder, by their handlers.
    pub outside: BTreeMap<String, Digest>,
}

impl Folder {
    /// The folder that contents could have been read from.
    ///
    /// # Errors
    /// `Version` for a manifest that is none; `Missing`; `Twice`.
    pub fn of(contents: &Contents) -> Result<Self, LayoutError> {
        let manifest = manifest_of(contents)?;
        let mut folder = Self::default();
        folder.put(MANIFEST.to_owned(), Kind::Manifest, Digest::of(contents.manifest.as_bytes()))?;
        for (handler, settings) in &manifest.handlers {
            let digest = contents.components.get(handler).copied();
            let digest =
                digest.ok_or_else(|| LayoutError::Missing { what: format!("component of handler '{handler}'") })?;
            match place(&settings.component) {
                Some(path) => folder.put(path, Kind::Component, digest)?,
                None => drop(folder.outside.insert(handler.clone(), digest)),
            }
        }
        for (route, root, kind) in served(&manifest)? {
            for (path, digest) in contents.files.get(&route).into_iter().flatten() {
                let path = match kind {
                    Served::Folder => format!("{}{path}", prefix(&root)),
                    Served::File => root.clone(),
                };
                folder.put(path, Kind::File, *digest)?;
            }
        }
        Ok(folder)
    }

    /// The contents that would be read from this folder, with its manifest's text.
    ///
    /// # Errors
    /// `Version`, `Outside`, `Missing`.
    pub fn contents(&self, text: &str) -> Result<Contents, LayoutError> {
        let mut contents = Contents { manifest: text.to_owned(), components: BTreeMap::new(), files: BTreeMap::new() };
        let manifest = manifest_of(&contents)?;
        let missing = |what: String| LayoutError::Missing { what };
        for (handler, settings) in &manifest.handlers {
            let inside = || Some(self.paths.get(&place(&settings.component)?)?.1);
            let digest = self.outside.get(handler).copied().or_else(inside);
            let digest =
                digest.ok_or_else(|| missing(format!("component of handler '{handler}', {:?}", settings.component)))?;
            contents.components.insert(handler.clone(), digest);
        }
        for (route, root, kind) in served(&manifest)? {
            let files = match kind {
                Served::Folder => self.below(&root),
                Served::File => {
                    let found =
                        self.paths.get(&root).ok_or_else(|| missing(format!("file of route '{route}', {root:?}")))?;
                    let name = root.rsplit('/').next().unwrap_or(&root);
                    BTreeMap::from([(name.to_owned(), found.1)])
                }
            };
            contents.files.insert(route, files);
        }
        Ok(contents)
    }

    /// What a route that serves a folder serves: as when it is read, neither what begins with a dot nor signatures.
    fn below(&self, root: &str) -> BTreeMap<String, Digest> {
        let prefix = prefix(root);
        let hidden = |part: &str| part.starts_with('.') || part == signature::FILE;
        let inside = self.paths.iter().filter_map(|(path, (_, digest))| Some((path.strip_prefix(&prefix)?, *digest)));
        let shown = inside.filter(|(path, _)| !path.split('/').any(hidden));
        shown.map(|(path, digest)| (path.to_owned(), digest)).collect()
    }

    /// Takes something in; what is both a component and a file is a component.
    ///
    /// # Errors
    /// `Path`, `Twice`.
    pub fn put(&mut self, path: String, kind: Kind, digest: Digest) -> Result<(), LayoutError> {
        if !is_inside(&path) {
            return Err(LayoutError::Path { path: path.chars().take(200).collect() });
        }
        match self.paths.get(&path) {
            Some((_, other)) if *other != digest => Err(LayoutError::Twice { path }),
            Some((first, _)) if *first <= kind => Ok(()),
            _ => {
                self.paths.insert(path, (kind, digest));
                Ok(())
            }
        }
    }
}

/// What a route with `files` serves.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Served {
    Folder,
    File,
}

/// The routes that serve files: their paths, and from where in the folder.
pub(super) fn served(manifest: &Manifest) -> Result<Vec<(String, String, Served)>, LayoutError> {
    let mut served = Vec::new();
    for route in &manifest.routes {
        let RouteTarget::Files(from) = &route.to else { continue };
        let kind = if route.pattern.rest().is_some() { Served::Folder } else { Served::File };
        let root = place(from).ok_or_else(|| LayoutError::Outside {
            what: format!("what route '{}' serves", route.pattern),
            path: from.display().to_string(),
        })?;
        served.push((route.pattern.to_string(), root, kind));
    }
    Ok(served)
}

/// A path of a manifest, seen from its folder (which it is when that is empty); none of one that leads out, or might.
pub(super) fn place(path: &Path) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part.to_str()?),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

fn prefix(root: &str) -> String {
    if root.is_empty() { String::new() } else { format!("{root}/") }
}

/// Whether a path is one within a folder, and written in the one way that there is.
fn is_inside(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    const TEXT: &str = "[app]\nname = \"x\"\n[[routes]]\npath = \"/{f...}\"\nfiles = \"public\"\n[[routes]]\npath = \"/one\"\n\
                        files = \"./public/a.txt\"\n[[routes]]\npath = \"/h\"\nhandler = \"h\"\n[handlers.h]\ncomponent = \"COMPONENT\"\n";

    fn contents(component: &str) -> Contents {
        let files =
            |all: &[(&str, &[u8])]| all.iter().map(|(path, bytes)| ((*path).into(), Digest::of(bytes))).collect();
        Contents {
            manifest: TEXT.replace("COMPONENT", component),
            components: BTreeMap::from([("h".into(), Digest::of(b"wasm"))]),
            files: BTreeMap::from([
                ("/{f...}".into(), files(&[("a.txt", b"a"), ("b/c.txt", b"c")])),
                ("/one".into(), files(&[("a.txt", b"a")])),
            ]),
        }
    }

    #[test]
    fn folder_has_each_path_once_and_gives_the_same_contents() {
        for component in ["out/h.wasm", "./out//h.wasm"] {
            let contents = contents(component);
            let folder = Folder::of(&contents).unwrap();
            let paths: Vec<_> = folder.paths.iter().map(|(path, (kind, _))| (path.as_str(), *kind)).collect();
            let expected = [
                ("out/h.wasm", Kind::Component),
                ("public/a.txt", Kind::File),
                ("public/b/c.txt", Kind::File),
                ("sessile.toml", Kind::Manifest),
            ];
            assert_eq!(paths, expected);
            assert!(folder.outside.is_empty());
            assert_eq!(folder.contents(&contents.manifest).unwrap(), contents);
        }
    }

    #[test]
    fn component_outside_of_the_folder_goes_by_its_handler() {
        for component in ["/build/h.wasm", "../h.wasm", "a/../../h.wasm", "a/../h.wasm"] {
            let contents = contents(component);
            let folder = Folder::of(&contents).unwrap();
            assert_eq!(folder.outside.keys().collect::<Vec<_>>(), ["h"], "{component}");
            assert_eq!(folder.contents(&contents.manifest).unwrap(), contents);
        }
    }

    #[test]
    fn files_outside_of_the_folder_make_no_manifest() {
        let mut contents = contents("h.wasm");
        let folder = Folder::of(&contents).unwrap();
        contents.manifest = contents.manifest.replace("\"public\"", "\"../public\"");
        assert!(matches!(Folder::of(&contents), Err(LayoutError::Version(_))));
        assert!(matches!(folder.contents(&contents.manifest), Err(LayoutError::Version(_))));
    }

    #[test]
    fn path_that_leads_out_or_is_written_otherwise_is_refused() {
        let digest = Digest::of(b"x");
        for path in ["", "/etc/passwd", "..", "../x", "a/../../x", "a/..", "./a", "a//b", "a/", "a\0b"] {
            let refused = Folder::default().put(path.to_owned(), Kind::File, digest);
            assert!(matches!(refused, Err(LayoutError::Path { .. })), "{path:?}");
        }
        let mut folder = Folder::default();
        folder.put("a..b/.c/...".to_owned(), Kind::File, digest).unwrap();
        let twice = folder.put("a..b/.c/...".to_owned(), Kind::File, Digest::of(b"y"));
        assert!(matches!(twice, Err(LayoutError::Twice { .. })));
    }

    #[test]
    fn route_serves_neither_hidden_files_nor_a_signature_nor_what_is_missing() {
        let all = TEXT.replace("\"public\"", "\".\"").replace("COMPONENT", "h.wasm");
        let mut folder = Folder::default();
        for path in ["h.wasm", "public/a.txt", "sessile.toml", "sessile.sig", "b/sessile.sig", ".env", "c/.d/e"] {
            folder.put(path.to_owned(), Kind::File, Digest::of(path.as_bytes())).unwrap();
        }
        let contents = folder.contents(&all).unwrap();
        assert_eq!(contents.files["/{f...}"].keys().collect::<Vec<_>>(), ["h.wasm", "public/a.txt", "sessile.toml"]);
        for path in ["public/a.txt", "h.wasm"] {
            let mut less = folder.clone();
            less.paths.remove(path);
            assert!(matches!(less.contents(&all), Err(LayoutError::Missing { .. })), "{path}");
        }
    }
}
