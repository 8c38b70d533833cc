//! Apps: manifests, routes, versions, and what is kept of them.

mod apps;
pub mod archive;
mod bundle;
pub mod digest;
mod live;
pub mod manifest;
pub mod route;
pub mod signature;
mod trial;
pub mod version;

pub use apps::{Apps, Conflict};
pub use bundle::Bundle;
pub use live::{App, OpenError};
pub use trial::Outcome;
pub use version::{Files, Loader, Origins, Place, Target, Version, VersionError, read_manifest};
