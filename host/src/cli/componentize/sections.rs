//! A component's sections, and what is left of them once its script has run: nobody loads modules any more, and only handlers
//! that the script has are exported.

use std::convert::Infallible;

use anyhow::Context as _;
use wasm_encoder::reencode::{Reencode, ReencodeComponent};
use wasm_encoder::{
    Component, ComponentAliasSection, ComponentExportKind, ComponentExportSection, ComponentImportSection,
    ComponentInstanceSection, ComponentSectionId, Module, ProducersField, ProducersSection, RawSection,
};
use wasmparser::{ComponentAlias, ComponentExternalKind, ComponentTypeRef, Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

use crate::instance::script::LOADER;

/// The types of [`LOADER`], as exports.
const NO_LOADER: &str = "package local:none;
world none {
    export resolve: func(referrer: string, specifier: string) -> result<string, string>;
    export load: func(path: string) -> result<string, string>;
}";

/// The top-level sections of a component or module: what each is, its id, its bytes.
pub(super) fn sections(component: &[u8]) -> wasmparser::Result<Vec<(Payload<'_>, u8, &[u8])>> {
    let mut sections = Vec::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let top = depth == 0;
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) if !top => depth -= 1,
            _ => {}
        }
        if let Some((id, range)) = payload.as_section().filter(|_| top) {
            sections.push((payload, id, &component[range]));
        }
    }
    Ok(sections)
}

/// The component without the import of [`LOADER`], in whose place is a component within it that traps, and without those
/// exports of handlers that `keep` does not name.
pub(super) fn finished(component: &[u8], keep: &[String]) -> anyhow::Result<Vec<u8>> {
    let nested = no_loader()?;
    let sections = sections(component)?;
    let mut moved = Moved::new(&sections, keep)?;
    let mut output = Component::new();
    output.section(&RawSection { id: ComponentSectionId::Component.into(), data: &nested });
    for (payload, id, data) in sections {
        moved.section(&mut output, payload, id, data)?;
    }
    output.section(&producers());
    Ok(output.finish())
}

/// What it is written in, and what made it; not what its interpreter is written in.
fn producers() -> ProducersSection {
    let (mut language, mut tool) = (ProducersField::new(), ProducersField::new());
    language.value("JavaScript", "");
    tool.value("sessile", env!("CARGO_PKG_VERSION"));
    let mut section = ProducersSection::new();
    section.field("language", &language).field("processed-by", &tool);
    section
}

/// A module without what it says of its making.
fn anonymous(module: &[u8]) -> wasmparser::Result<Vec<u8>> {
    let mut output = Module::new();
    for (payload, id, data) in sections(module)? {
        if !matches!(payload, Payload::CustomSection(section) if section.name() == "producers") {
            output.section(&RawSection { id, data });
        }
    }
    Ok(output.finish())
}

/// A component that exports what [`LOADER`] has; each call of it traps.
fn no_loader() -> anyhow::Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let package = resolve.push_source("none.wit", NO_LOADER)?;
    let world = resolve.select_world(&[package], None)?;
    let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().module(&module)?.encode()
}

/// Where things are once there is one more component before all, and some exports are gone: an export counts as an instance.
struct Moved<'a> {
    keep: &'a [String],
    /// Those instances, by the number that each had.
    gone: Vec<u32>,
}

impl<'a> Moved<'a> {
    fn new(sections: &[(Payload<'_>, u8, &[u8])], keep: &'a [String]) -> wasmparser::Result<Self> {
        let mut moved = Self { keep, gone: Vec::new() };
        let mut next = 0;
        for (payload, _, _) in sections {
            next += match payload {
                Payload::ComponentInstanceSection(section) => section.count(),
                Payload::ComponentImportSection(section) => {
                    count(section.clone(), |import| matches!(import.ty, ComponentTypeRef::Instance(_)))?
                }
                Payload::ComponentAliasSection(section) => count(section.clone(), is_instance)?,
                Payload::ComponentExportSection(section) => {
                    for (export, number) in section.clone().into_iter().zip(next..) {
                        let export = export?;
                        // wit-component exports instances alone where a world exports interfaces.
                        if export.kind == ComponentExternalKind::Instance && !moved.keeps(export.name.name) {
                            moved.gone.push(number);
                        }
                    }
                    count(section.clone(), |export| export.kind == ComponentExternalKind::Instance)?
                }
                _ => 0,
            };
        }
        Ok(moved)
    }

    fn keeps(&self, export: &str) -> bool {
        self.keep.iter().any(|kept| kept == export)
    }

    fn section(&mut self, to: &mut Component, payload: Payload<'_>, id: u8, data: &[u8]) -> anyhow::Result<()> {
        match payload {
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    let import = import?;
                    if import.name.name == LOADER {
                        let mut section = ComponentInstanceSection::new();
                        section.instantiate(0, Vec::<(&str, ComponentExportKind, u32)>::new());
                        to.section(&section);
                    } else {
                        let mut section = ComponentImportSection::new();
                        section.import(import.name.name, self.component_type_ref(import.ty).context("an import")?);
                        to.section(&section);
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                let mut section = ComponentInstanceSection::new();
                self.parse_component_instance_section(&mut section, instances)?;
                to.section(&section);
            }
            Payload::ComponentAliasSection(aliases) => {
                let mut section = ComponentAliasSection::new();
                self.parse_component_alias_section(&mut section, aliases)?;
                to.section(&section);
            }
            Payload::ComponentExportSection(exports) => {
                let mut section = ComponentExportSection::new();
                for export in exports {
                    let export = export?;
                    if self.keeps(export.name.name) {
                        self.parse_component_export(&mut section, export)?;
                    }
                }
                to.section(&section);
            }
            Payload::ModuleSection { .. } => {
                to.section(&RawSection { id, data: &anonymous(data)? });
            }
            Payload::CustomSection(section) if section.name() == "producers" => {}
            _ => {
                to.section(&RawSection { id, data });
            }
        }
        Ok(())
    }
}

impl Reencode for Moved<'_> {
    type Error = Infallible;
}

impl ReencodeComponent for Moved<'_> {
    fn component_index(&mut self, index: u32) -> u32 {
        index + 1
    }

    fn component_instance_index(&mut self, index: u32) -> u32 {
        index - self.gone.iter().map(|gone| u32::from(*gone < index)).sum::<u32>()
    }
}

fn is_instance(alias: &ComponentAlias<'_>) -> bool {
    matches!(alias, ComponentAlias::InstanceExport { kind: ComponentExternalKind::Instance, .. })
}

fn count<T>(
    section: impl IntoIterator<Item = wasmparser::Result<T>>,
    which: impl Fn(&T) -> bool,
) -> wasmparser::Result<u32> {
    section.into_iter().try_fold(0, |count, item| Ok(count + u32::from(which(&item?))))
}
