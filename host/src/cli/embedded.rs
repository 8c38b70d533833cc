//! What this program carries for projects: the WIT and the SDKs, as lists of paths, in the repository's layout, and texts
//! (`host/build.rs`).

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

use wit_parser::{PackageId, Resolve, SourceMap};

/// The WIT that this program carries.
pub(super) fn wit(resolve: &mut Resolve) -> anyhow::Result<PackageId> {
    let mut sources = SourceMap::new();
    for (path, text) in WIT {
        sources.push_str(path, *text);
    }
    let package = sources.parse().map_err(|(_, error)| error)?;
    Ok(resolve.push_group(package)?)
}
