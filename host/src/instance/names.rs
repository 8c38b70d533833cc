//! What a component says of itself, read without compiling it: the names of its imports and exports, and who made it.

use wasmparser::{BinaryReaderError, CustomSectionReader, KnownCustom, Parser, Payload};

use crate::limits::PRODUCERS_MAX;

/// What bytes are, by their first eight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// A component.
    Component,
    /// A core module.
    Module,
    /// No WebAssembly.
    Other,
}

impl Encoding {
    /// Looks at the preamble alone.
    pub fn of(bytes: &[u8]) -> Self {
        if Parser::is_component(bytes) {
            Self::Component
        } else if Parser::is_core_wasm(bytes) {
            Self::Module
        } else {
            Self::Other
        }
    }
}

/// What a component imports and exports, and what made it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// As `wasi:cli/environment@0.2.6`, in its order.
    pub imports: Vec<String>,
    /// The same.
    pub exports: Vec<String>,
    /// From the `producers` sections of the component and the modules in it, each once.
    pub producers: Vec<Producer>,
}

/// A language or tool that made a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub field: String,
    /// As `Rust`.
    pub name: String,
    /// As `1.95.0`; often empty.
    pub version: String,
}

impl Names {
    /// Reads them.
    ///
    /// # Errors
    /// What is wrong with bytes that are no component.
    pub fn of(component: &[u8]) -> Result<Self, BinaryReaderError> {
        let mut names = Self::default();
        let mut depth = 0;
        for payload in Parser::new(0).parse_all(component) {
            match payload? {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    for import in section {
                        names.imports.push(import?.name.name.to_owned());
                    }
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    for export in section {
                        names.exports.push(export?.name.name.to_owned());
                    }
                }
                Payload::CustomSection(section) => names.take_producers(&section),
                _ => {}
            }
        }
        Ok(names)
    }

    /// A custom section may be malformed in a component that is none the worse for it.
    fn take_producers(&mut self, section: &CustomSectionReader<'_>) {
        let KnownCustom::Producers(fields) = section.as_known() else { return };
        for field in fields.into_iter().flatten() {
            for value in field.values.into_iter().flatten() {
                let [field, name, version] = [field.name, value.name, value.version].map(str::to_owned);
                let producer = Producer { field, name, version };
                if self.producers.len() < PRODUCERS_MAX && !self.producers.contains(&producer) {
                    self.producers.push(producer);
                }
            }
        }
    }
}

/// Interfaces of a release candidate of WASI 0.3, which no final version understands.
///
/// # Errors
/// What is wrong with bytes that are no component.
pub(super) fn candidates(component: &[u8]) -> Result<Vec<String>, BinaryReaderError> {
    let Names { imports, exports, .. } = Names::of(component)?;
    Ok(imports.into_iter().chain(exports).filter(|name| is_candidate(name)).collect())
}

fn is_candidate(name: &str) -> bool {
    name.starts_with("wasi:") && name.split_once("@0.3.0-").is_some()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;
    use crate::instance::blocking::tests::component;
    use wit_parser::LiftLowerAbi;

    fn found(version: &str) -> Vec<String> {
        let wit = format!(
            "package wasi:http@{version}; interface types {{ f: func(); }} interface handler {{ handle: func(); }} \
             world w {{ import types; export handler; }}"
        );
        candidates(&component(&wit, "w", LiftLowerAbi::Sync)).unwrap()
    }

    #[test]
    fn candidates_are_found_by_name_and_final_versions_are_none() {
        let candidate = "0.3.0-rc-2026-03-15";
        assert_eq!(found(candidate), ["types", "handler"].map(|name| format!("wasi:http/{name}@{candidate}")));
        assert!(found("0.3.0").is_empty() && found("0.2.12").is_empty() && found("0.3.1").is_empty());
    }

    #[test]
    fn candidates_of_what_is_no_component_is_an_error() {
        assert!(candidates(b"no wasm").is_err());
    }

    #[test]
    fn producers_are_read_and_told_once() {
        let wit = "package a:b; interface i { f: func(); } world w { import i; }";
        let names = Names::of(&component(wit, "w", LiftLowerAbi::Sync)).unwrap();
        assert_eq!((names.imports, names.exports), (vec!["a:b/i".to_owned()], Vec::new()));
        let made_by = names.producers.iter().filter(|producer| producer.name == "wit-component").count();
        assert_eq!(made_by, 1, "{:?}", names.producers);
    }

    #[test]
    fn encoding_tells_components_modules_and_others_apart() {
        let wit = "package a:b; world w { }";
        assert_eq!(Encoding::of(&component(wit, "w", LiftLowerAbi::Sync)), Encoding::Component);
        assert_eq!(Encoding::of(b"\0asm\x01\0\0\0"), Encoding::Module);
        assert_eq!(Encoding::of(b"(component)"), Encoding::Other);
        assert_eq!(Encoding::of(b""), Encoding::Other);
    }
}
