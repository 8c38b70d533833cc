//! The component of which every script becomes one: QuickJS, and all of the WIT between it and the host.

use anyhow::{Context as _, ensure};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wasm_encoder::reencode::{ReencodeComponent as _, RoundtripReencoder};
use wasm_encoder::{Component, ComponentExportSection, RawSection};
use wasmparser::Payload;
use wit_component::{Linker, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::sections::sections;
use crate::cli::embedded;

/// Of componentize-qjs; where it is from: guest-sdk/js/runtime/README.md.
const RUNTIME: &[u8] = include_bytes!("../../../../guest-sdk/js/runtime/runtime.wasm");
/// Fresh randomness in each instance, for what a snapshot has frozen.
const RANDOM: &str = "package wasi:random@0.2.12;
interface random {
    get-random-bytes: func(len: u64) -> list<u8>;
    get-random-u64: func() -> u64;
}";
const WORLD: &str = "package sessile:script;
world script {
    include sessile:handler/all@0.1.0;
    import wasi:random/random@0.2.12;
}";
/// The export that runs a script, by the name that [`linked`] gives it: one that no core module has, for it is taken out by name.
pub(super) const INIT: &str = "sessile-init";

/// The component before a script has run in it.
pub(super) fn linked() -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    embedded::wit(&mut resolve)?;
    resolve.push_source("random.wit", RANDOM)?;
    let package = resolve.push_source("script.wit", WORLD)?;
    let world = resolve.select_world(&[package], None)?;
    let (mut bindings, _) = wit_dylib::create_with_metadata(&resolve, world, None);
    embed_component_metadata(&mut bindings, &resolve, world, StringEncoding::UTF8)?;
    let mut linker = Linker::default();
    linker.encoder().adapter(PREVIEW1, ADAPTER)?;
    linker.library("runtime.wasm", RUNTIME, false)?;
    linker.library("bindings.wasm", &bindings, false)?;
    renamed(&linker.encode().context("the interpreter and the WIT do not fit")?)
}

fn renamed(component: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut output = Component::new();
    let mut found = 0;
    for (payload, id, data) in sections(component)? {
        let Payload::ComponentExportSection(exports) = payload else {
            output.section(&RawSection { id, data });
            continue;
        };
        let mut section = ComponentExportSection::new();
        for export in exports {
            let mut export = export?;
            if export.name.name == "init" {
                export.name.name = INIT;
                found += 1;
            }
            RoundtripReencoder.parse_component_export(&mut section, export)?;
        }
        output.section(&section);
    }
    ensure!(found == 1, "the interpreter has {found} exports `init`");
    Ok(output.finish())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use sha2::{Digest as _, Sha256};

    use super::*;

    /// Whoever changes the interpreter says what it is.
    #[test]
    fn runtime_has_the_digest_that_is_written_down() {
        let written = include_str!("../../../../guest-sdk/js/runtime/runtime.wasm.sha256");
        let digest = Sha256::digest(RUNTIME).iter().fold(String::new(), |mut text, byte| {
            let _infallible = write!(text, "{byte:02x}");
            text
        });
        assert_eq!(written.split_whitespace().next(), Some(digest.as_str()));
    }
}
