//! The WIT is the product's reference: it parses, and every item says what it is.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use wit_parser::{Docs, Resolve};

#[test]
fn wit_parses_and_every_item_is_documented() {
    let mut wit = Resolve::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    let (package, _) = wit.push_dir(folder).expect("the WIT parses");
    assert_eq!(wit.packages[package].name.to_string(), "sessile:handler@0.1.0");
    let mut bare = Vec::new();
    let mut look = |docs: &Docs, name: String| {
        if docs.contents.as_deref().is_none_or(|docs| docs.trim().is_empty()) {
            bare.push(name);
        }
    };
    for (_, interface) in wit.interfaces.iter() {
        let name = interface.name.clone().unwrap_or_default();
        look(&interface.docs, name.clone());
        for (item, function) in &interface.functions {
            look(&function.docs, format!("{name}.{item}"));
        }
        for (item, id) in &interface.types {
            // What an interface uses of another is documented there.
            if !matches!(wit.types[*id].kind, wit_parser::TypeDefKind::Type(wit_parser::Type::Id(_))) {
                look(&wit.types[*id].docs, format!("{name}.{item}"));
            }
        }
    }
    for (_, world) in wit.worlds.iter() {
        look(&world.docs, world.name.clone());
    }
    assert!(bare.is_empty(), "without a word: {bare:?}");
}
