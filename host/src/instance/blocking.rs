//! Components that use the sync ABI everywhere, made fit for an engine without concurrency.
//!
//! `async func` is a word of the WIT: it lets a guest await. A guest that lifts and lowers all of its
//! functions synchronously blocks in each call instead, and for it an `async func` is as good as a
//! `func`. wasmtime runs such a component in an engine without its concurrency machinery at half the
//! cost of a call, but only where no type says `async`; so the word is taken out of the types.
//! Nothing else is changed, core modules are copied as they are (docs/adr/0004).

use std::borrow::Cow;

use wasm_encoder::reencode::{self, Reencode, ReencodeComponent};
use wasm_encoder::{ComponentFuncTypeEncoder, ComponentSectionId, RawSection};
use wasmparser::{
    BinaryReaderError, CanonicalFunction, CanonicalOption, ComponentDefinedType, ComponentFuncType, ComponentType,
    ComponentTypeDeclaration, InstanceTypeDeclaration, Parser, Payload,
};

use crate::bindings::Calls;

/// How a component makes its calls. Core modules are passed over: it takes microseconds.
///
/// # Errors
/// What is wrong with bytes that are no component.
pub(super) fn calls(component: &[u8]) -> Result<Calls, BinaryReaderError> {
    let mut parser = Parser::new(0);
    let mut rest = component;
    let mut open = Vec::new();
    loop {
        let wasmparser::Chunk::Parsed { consumed, payload } = parser.parse(rest, true)? else {
            return Ok(Calls::Concurrent);
        };
        rest = rest.get(consumed..).unwrap_or_default();
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => {
                rest = rest.get(unchecked_range.end - unchecked_range.start..).unwrap_or_default();
            }
            Payload::ComponentSection { parser: inner, .. } => open.push(std::mem::replace(&mut parser, inner)),
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    if !blocks(&function?) {
                        return Ok(Calls::Concurrent);
                    }
                }
            }
            Payload::ComponentTypeSection(section) => {
                for ty in section {
                    if streams(&ty?) {
                        return Ok(Calls::Concurrent);
                    }
                }
            }
            Payload::End(_) => match open.pop() {
                Some(outer) => parser = outer,
                None => return Ok(Calls::Blocking),
            },
            _ => {}
        }
    }
}

/// A component as the engine for its kind of calls takes it.
///
/// # Errors
/// What is wrong with bytes that are no component.
pub(super) fn fit(bytes: &[u8], calls: Calls) -> wasmtime::Result<Cow<'_, [u8]>> {
    match calls {
        Calls::Blocking => Ok(Cow::Owned(rewrite(bytes)?)),
        Calls::Concurrent => Ok(Cow::Borrowed(bytes)),
    }
}

/// Whether a canonical function is of the sync ABI.
fn blocks(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            !options.iter().any(|option| matches!(option, CanonicalOption::Async))
        }
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => true,
        _ => false,
    }
}

/// Whether a type has streams or futures in it, which are values of the concurrent engine only: WASI 0.3 has.
fn streams(ty: &ComponentType<'_>) -> bool {
    match ty {
        ComponentType::Defined(ty) => {
            matches!(ty, ComponentDefinedType::Stream(_) | ComponentDefinedType::Future(_))
        }
        ComponentType::Component(parts) => parts.iter().any(|part| match part {
            ComponentTypeDeclaration::Type(ty) => streams(ty),
            _ => false,
        }),
        ComponentType::Instance(parts) => parts.iter().any(|part| match part {
            InstanceTypeDeclaration::Type(ty) => streams(ty),
            _ => false,
        }),
        ComponentType::Func(_) | ComponentType::Resource { .. } => false,
    }
}

/// The same component, without `async` in its types.
///
/// # Errors
/// What is wrong with bytes that are no component.
pub(super) fn rewrite(component: &[u8]) -> Result<Vec<u8>, reencode::Error> {
    let mut rewritten = wasm_encoder::Component::new();
    Plain.parse_component(&mut rewritten, Parser::new(0), component)?;
    Ok(rewritten.finish())
}

struct Plain;

impl Reencode for Plain {
    type Error = std::convert::Infallible;
}

impl ReencodeComponent for Plain {
    fn parse_component_func_type(
        &mut self,
        encoder: ComponentFuncTypeEncoder<'_>,
        mut ty: ComponentFuncType<'_>,
    ) -> Result<(), reencode::Error> {
        ty.async_ = false;
        reencode::component_utils::parse_component_func_type(self, encoder, ty)
    }

    fn parse_component_submodule(
        &mut self,
        component: &mut wasm_encoder::Component,
        _parser: Parser,
        module: &[u8],
    ) -> Result<(), reencode::Error> {
        component.section(&RawSection { id: ComponentSectionId::CoreModule.into(), data: module });
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use wasmparser::{Validator, WasmFeatures};
    use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
    use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve};

    use super::*;
    use crate::instance::engine::{Engine, Memory};

    /// A component that imports and exports everything that the WIT has.
    fn everything(abi: LiftLowerAbi) -> Vec<u8> {
        let mut wit = Resolve::default();
        let (package, _) = wit.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit")).unwrap();
        let world = wit.select_world(&[package], Some("all")).unwrap();
        let mut module = dummy_module(&wit, world, ManglingAndAbi::Legacy(abi));
        embed_component_metadata(&mut module, &wit, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    /// A component of the world of a WIT text.
    pub(in crate::instance) fn component(wit: &str, world: &str, abi: LiftLowerAbi) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("test.wit", wit).unwrap();
        let world = resolve.select_world(&[package], Some(world)).unwrap();
        let mut module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(abi));
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8).unwrap();
        ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
    }

    fn is_valid_without_concurrency(component: &[u8]) -> bool {
        let concurrent = WasmFeatures::CM_ASYNC
            | WasmFeatures::CM_ASYNC_STACKFUL
            | WasmFeatures::CM_MORE_ASYNC_BUILTINS
            | WasmFeatures::CM_THREADING
            | WasmFeatures::CM_ERROR_CONTEXT;
        Validator::new_with_features(WasmFeatures::default() - concurrent).validate_all(component).is_ok()
    }

    #[test]
    fn calls_of_the_sync_abi_block_and_of_the_async_abi_do_not() {
        assert_eq!(calls(&everything(LiftLowerAbi::Sync)).unwrap(), Calls::Blocking);
        assert_eq!(calls(&everything(LiftLowerAbi::AsyncCallback)).unwrap(), Calls::Concurrent);
        assert_eq!(calls(&everything(LiftLowerAbi::AsyncStackful)).unwrap(), Calls::Concurrent);
    }

    #[test]
    fn calls_about_streams_and_futures_do_not_block() {
        for ty in ["stream<u8>", "future<u8>", "tuple<u8, result<stream<u8>>>"] {
            let wit = format!("package a:b; interface i {{ f: func() -> {ty}; }} world w {{ import i; }}");
            assert_eq!(calls(&component(&wit, "w", LiftLowerAbi::Sync)).unwrap(), Calls::Concurrent, "{ty}");
        }
    }

    #[test]
    fn calls_of_what_is_no_component_is_an_error() {
        let whole = everything(LiftLowerAbi::Sync);
        for bytes in [&b""[..], b"no wasm", &whole[..whole.len() - 1], &whole[..9]] {
            assert!(calls(bytes).is_err(), "{} bytes", bytes.len());
        }
    }

    #[test]
    fn rewrite_leaves_no_async_type() {
        let component = everything(LiftLowerAbi::Sync);
        assert!(!is_valid_without_concurrency(&component));
        assert!(is_valid_without_concurrency(&rewrite(&component).unwrap()));
    }

    #[tokio::test]
    async fn every_function_of_the_wit_is_linked_with_its_types_for_both_kinds() {
        let engine = Engine::new(Memory::Keep, crate::limits::MIB, tokio::runtime::Handle::current()).unwrap();
        for (kind, bytes) in [
            (Calls::Blocking, rewrite(&everything(LiftLowerAbi::Sync)).unwrap()),
            (Calls::Concurrent, everything(LiftLowerAbi::AsyncCallback)),
            (Calls::Concurrent, everything(LiftLowerAbi::Sync)),
        ] {
            let machine = engine.machine(kind).unwrap();
            let component = wasmtime::component::Component::new(&machine.wasmtime, bytes).unwrap();
            let linked = machine.linker.instantiate_pre(&component).map(drop);
            assert!(linked.is_ok(), "{kind:?}: {:#}", linked.unwrap_err());
        }
    }
}
