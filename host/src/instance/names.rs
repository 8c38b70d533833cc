//! The names of what a component imports and exports, read without compiling it.

use wasmparser::{BinaryReaderError, Parser, Payload};

/// Interfaces of a release candidate of WASI 0.3, which no final version understands.
///
/// # Errors
/// What is wrong with bytes that are no component.
pub(super) fn candidates(component: &[u8]) -> Result<Vec<String>, BinaryReaderError> {
    let mut found = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    found.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    found.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    found.retain(|name| is_candidate(name));
    Ok(found)
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
}
