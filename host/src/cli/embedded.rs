//! What this program carries for projects: the WIT and the SDKs, as lists of paths, in the repository's layout, and texts
//! (`host/build.rs`).

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
