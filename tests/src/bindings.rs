//! The WIT in C: `guest-sdk/c/bindings`, as wit-bindgen writes it.

use std::path::{Path, PathBuf};

use wit_bindgen_core::wit_parser::Resolve;
use wit_bindgen_core::{AsyncFilterSet, Files};

/// Where the files are committed.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-sdk/c/bindings")
}

/// The files, made of `wit/`: names and bytes.
///
/// As `wit-bindgen c --world imports --rename-world wit --async=-all --no-object-file wit` does: what a handler exports is the
/// SDK's to write, so that a component has what it uses and no more; and `sessile build` adds the types.
pub fn generated() -> Vec<(String, Vec<u8>)> {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = resolve.push_path(wit).expect("the WIT is valid");
    let world = resolve.select_world(&[package], Some("imports")).expect("the world is there");
    let options = wit_bindgen_c::Opts {
        rename_world: Some("wit".to_owned()),
        no_object_file: true,
        async_: AsyncFilterSet::all(false),
        ..wit_bindgen_c::Opts::default()
    };
    let mut files = Files::default();
    options.build().generate(&mut resolve, world, &mut files).expect("C is written of it");
    files.iter().map(|(name, bytes)| (name.to_owned(), bytes.to_vec())).collect()
}
