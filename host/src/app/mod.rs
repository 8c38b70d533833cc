//! An app: manifest, routes, versions.

pub mod manifest;
pub mod route;
pub mod trial;
pub mod version;

pub use version::{App, Files, Target, Version, VersionError, read_manifest};
