//! A manifest, as an operator wrote it or a registry gave it: any text.
//!
//! Holds that nothing panics, that a refusal names at least one fault and a place within the text, and that what is
//! taken is whole: every route has its handler, every handler a route.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use sessile_fuzz::app::manifest::{Manifest, RouteTarget};

fuzz_target!(|text: &str| {
    match Manifest::parse(text, Path::new("app/sessile.toml")) {
        Ok(manifest) => check(&manifest),
        Err(error) => {
            assert!(!error.faults.is_empty() && !error.to_string().is_empty());
            for fault in &error.faults {
                let line = text.split('\n').nth(fault.line - 1);
                let line = line.unwrap_or_else(|| panic!("line {} of {:?}", fault.line, fault.kind));
                let columns = line.chars().count() + 1;
                assert!((1..=columns).contains(&fault.column), "column {} of {:?}", fault.column, fault.kind);
            }
        }
    }
});

fn check(manifest: &Manifest) {
    assert!(!manifest.routes.is_empty());
    let handler = |target: &RouteTarget| match target {
        RouteTarget::Handler(name) => Some(name.clone()),
        _ => None,
    };
    let used: Vec<_> = manifest.routes.iter().filter_map(|route| handler(&route.to)).collect();
    assert!(used.iter().all(|name| manifest.handlers.contains_key(&**name)), "a route without its handler");
    assert!(manifest.handlers.keys().all(|name| used.iter().any(|used| **used == **name)), "a handler without a route");
}
