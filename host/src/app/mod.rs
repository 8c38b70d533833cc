//! Apps: manifests, routes, versions, and what is kept of them.

mod apps;
pub mod archive;
mod bundle;
pub mod canary;
pub mod digest;
mod live;
pub mod manifest;
pub mod route;
pub mod signature;
mod trial;
pub mod version;

pub use apps::{Apps, Conflict};
pub use bundle::{Bundle, Source, manifest_of_component};
pub use live::{App, Canary, Lasting, OpenError};
pub use trial::Outcome;
pub use version::{Files, Loader, MANIFEST, Origins, Place, Target, Version, VersionError, read_manifest};
