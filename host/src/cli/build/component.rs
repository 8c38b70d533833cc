//! A core module made into a component, in its file: what `wasm-tools component new` does, and `component embed`
//! before it where the module carries no types but speaks of our WIT alone.
//!
//! The world is what the module imports and exports: nobody has to name it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME as PREVIEW1, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER as ADAPTER,
};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::fresh;
use crate::cli::embedded;
use crate::instance::names::Encoding;

/// The package whose types we have.
const OURS: &str = "sessile:handler/";
/// What `wit-bindgen` and `wasm-tools component embed` leave in a module.
const TYPES: &str = "component-type";
const MORE: &str = "docs/any-language.md";

/// Makes a component of what is a core module, of the same date; leaves what is anything else, or is not there.
///
/// # Errors
/// Why no component can be made of it.
pub(super) fn complete(file: &Path) -> anyhow::Result<()> {
    let Ok(bytes) = std::fs::read(file) else { return Ok(()) };
    if Encoding::of(&bytes) != Encoding::Module {
        return Ok(());
    }
    let component = component_of(bytes).with_context(|| format!("{}: a core module", file.display()))?;
    replace(file, &component).with_context(|| file.display().to_string())
}

/// By another file first, so that nobody ever reads the half of one.
fn replace(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut beside = file.as_os_str().to_owned();
    beside.push(format!(".tmp{}", std::process::id()));
    let written = (|| {
        let date = std::fs::metadata(file)?.modified()?;
        std::fs::write(&beside, bytes)?;
        fresh::date(Path::new(&beside), date)?;
        std::fs::rename(&beside, file)
    })();
    if written.is_err() {
        // Most likely it is what there was no room for.
        let _gone = std::fs::remove_file(&beside);
    }
    written
}

fn component_of(mut module: Vec<u8>) -> anyhow::Result<Vec<u8>> {
    let words = Words::of(&module).context("it is damaged")?;
    if !words.has_types {
        add_types(&mut module, &words)?;
    }
    let mut encoder = ComponentEncoder::default();
    encoder.validate(true).module(&module)?;
    if words.has_preview1 {
        encoder.adapter(PREVIEW1, ADAPTER)?;
    }
    encoder.encode().context("no component can be made of it")
}

/// What a core module says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
struct Words {
    /// Modules from which it imports, but for WASI's first preview.
    imports: BTreeSet<String>,
    /// Interfaces of which it exports a function.
    exports: BTreeSet<String>,
    has_types: bool,
    has_preview1: bool,
}

impl Words {
    fn of(module: &[u8]) -> wasmparser::Result<Self> {
        let mut words = Self::default();
        for payload in Parser::new(0).parse_all(module) {
            match payload? {
                Payload::ImportSection(section) => {
                    for import in section.into_imports() {
                        words.imports.insert(import?.module.to_owned());
                    }
                }
                Payload::ExportSection(section) => {
                    for export in section {
                        words.exports.extend(interface(export?.name).map(str::to_owned));
                    }
                }
                Payload::CustomSection(section) => words.has_types |= section.name().starts_with(TYPES),
                _ => {}
            }
        }
        words.has_preview1 = words.imports.remove(PREVIEW1);
        Ok(words)
    }
}

/// That of an exported function, which is called `interface#function`, with a mark before it on what belongs to it.
fn interface(export: &str) -> Option<&str> {
    let (interface, _) = export.split_once('#')?;
    let marked = interface.rsplit_once(']').map_or(interface, |(_, rest)| rest);
    Some(marked.strip_prefix("cabi_post_").unwrap_or(marked))
}

fn add_types(module: &mut Vec<u8>, words: &Words) -> anyhow::Result<()> {
    if let Some(stranger) = words.imports.iter().chain(&words.exports).find(|name| !is_ours(name)) {
        bail!(
            "it speaks of `{stranger}` and carries no types: link the object that wit-bindgen writes for its world, or run \
             `wasm-tools component embed` after its build; only of {OURS}* are the types known ({MORE})"
        );
    }
    if words.exports.is_empty() {
        bail!(
            "it exports no handler: export the functions of one, such as `{OURS}websocket-events@{}#on-messages` ({MORE})",
            env!("CARGO_PKG_VERSION")
        );
    }
    let mut resolve = Resolve::default();
    let ours = embedded::wit(&mut resolve)?;
    let known =
        |name: &&String| resolve.packages[ours].interfaces.values().any(|id| resolve.id_of(*id).as_ref() == Some(name));
    if let Some(unknown) =
        words.imports.iter().chain(&words.exports).filter(|name| name.starts_with(OURS)).find(|name| !known(name))
    {
        bail!("there is no `{unknown}` in the WIT of this sessile, {}", env!("CARGO_PKG_VERSION"));
    }
    let package = resolve.push_source("built.wit", &world(words)).context("its world")?;
    let world = resolve.select_world(&[package], None).context("its world")?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
}

/// Ours, or a part of the component model itself: `$root`, `[export]…`.
fn is_ours(name: &str) -> bool {
    name.starts_with(OURS) || name.starts_with(['$', '['])
}

/// The world of just what a module imports and exports.
fn world(words: &Words) -> String {
    let mut text = "package sessile:built;\nworld built {\n".to_owned();
    let ours =
        |names: &BTreeSet<String>| names.iter().filter(|name| name.starts_with(OURS)).cloned().collect::<Vec<_>>();
    for (word, names) in [("import", ours(&words.imports)), ("export", ours(&words.exports))] {
        for name in names {
            // Writing to a String cannot fail.
            let _infallible = writeln!(text, "    {word} {name};");
        }
    }
    text + "}\n"
}

#[cfg(test)]
mod tests {
    use wit_component::dummy_module;
    use wit_parser::{LiftLowerAbi, ManglingAndAbi};

    use super::*;

    fn words(imports: &[&str], exports: &[&str]) -> Words {
        let set = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Words { imports: set(imports), exports: set(exports), ..Words::default() }
    }

    #[test]
    fn interface_is_that_of_a_function_and_of_what_belongs_to_it() {
        for name in [
            "a:b/c@1.0.0#f",
            "cabi_post_a:b/c@1.0.0#f",
            "[async-lift]a:b/c@1.0.0#f",
            "[callback][async-lift]a:b/c@1.0.0#f",
        ] {
            assert_eq!(interface(name), Some("a:b/c@1.0.0"), "{name}");
        }
        assert_eq!([interface("memory"), interface("cabi_realloc"), interface("_initialize")], [None; 3]);
    }

    #[test]
    fn world_is_what_is_imported_and_exported_of_ours() {
        let words = words(&["sessile:handler/log@0.1.0", "$root"], &["sessile:handler/http-handler@0.1.0"]);
        assert_eq!(
            world(&words),
            "package sessile:built;\nworld built {\n    import sessile:handler/log@0.1.0;\n    \
             export sessile:handler/http-handler@0.1.0;\n}\n"
        );
    }

    /// Those of other packages too, which only the module can know.
    #[test]
    fn module_with_types_of_its_own_keeps_them() {
        let mut resolve = Resolve::default();
        let wit = "package a:b; interface i { f: func() -> string; } world w { import i; export i; }";
        let package = resolve.push_source("a.wit", wit).unwrap();
        let world = resolve.select_world(&[package], None).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
        let refused = component_of(module.clone()).unwrap_err().to_string();
        assert!(refused.contains("it speaks of `a:b/i` and carries no types"), "{refused}");
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        let names = crate::instance::names::Names::of(&component_of(module).unwrap()).unwrap();
        assert_eq!((names.imports, names.exports), (vec!["a:b/i".to_owned()], vec!["a:b/i".to_owned()]));
    }

    /// A module of each world, without its types, whatever it exports; blocking or not.
    #[test]
    fn module_of_each_world_of_ours_becomes_a_component() {
        let mut resolve = Resolve::default();
        let ours = embedded::wit(&mut resolve).unwrap();
        let mut seen = 0;
        for (name, world) in resolve.packages[ours].worlds.clone().into_iter().filter(|(name, _)| name != "imports") {
            for abi in [LiftLowerAbi::Sync, LiftLowerAbi::AsyncCallback] {
                let module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(abi));
                let words = Words::of(&module).unwrap();
                assert!(!words.has_types && !words.has_preview1 && !words.exports.is_empty(), "{name}: {words:?}");
                let component = component_of(module).unwrap_or_else(|error| panic!("{name}, {abi:?}: {error:#}"));
                assert_eq!(Encoding::of(&component), Encoding::Component);
                seen += 1;
            }
        }
        assert!(seen >= 12, "{seen} worlds");
    }
}
