//! Loading a component: what it exports, what it imports, and whether this host can run it.
//!
//! Errors name the component, what is wrong, and what is available, since their readers are authors
//! of guests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use super::blocking;
use super::cache::{Cache, Uncompiled};
use super::engine::{Engine, Machine};
use super::names::{self, Encoding};
use crate::bindings::{GuestState, qualified};
use crate::limits;

/// A component's handlers, found by inspection: where their functions are.
#[derive(Debug, Default)]
pub struct Exports {
    /// `websocket-events`: `on-open`, `on-messages`, `on-close`.
    pub events: Option<[ComponentExportIndex; 3]>,
    /// `websocket-upgrade`, beside those: `on-upgrade`.
    pub upgrade: Option<[ComponentExportIndex; 1]>,
    /// `publication-handler`, beside those: `on-publications`.
    pub publications: Option<[ComponentExportIndex; 1]>,
    /// `websocket-handler`: `handle`.
    pub looped: Option<[ComponentExportIndex; 1]>,
    /// `http-handler`: `handle`.
    pub http: Option<[ComponentExportIndex; 1]>,
    /// `alarm-handler`, beside any of the others or alone: `on-alarm`.
    pub alarm: Option<[ComponentExportIndex; 1]>,
    /// `wasi:http/incoming-handler@0.2`: `handle`.
    pub incoming: Option<[ComponentExportIndex; 1]>,
    /// `wasi:http/handler@0.3`: `handle`.
    pub standard: Option<[ComponentExportIndex; 1]>,
}

impl Exports {
    /// Whether there is no handler.
    pub fn is_empty(&self) -> bool {
        self.events.is_none() && self.looped.is_none() && self.alarm.is_none() && !self.answers_http()
    }

    /// Whether one of them answers HTTP requests.
    pub fn answers_http(&self) -> bool {
        self.http.is_some() || self.incoming.is_some() || self.standard.is_some()
    }
}

/// Why a component cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: {cause}; build it with `sessile build`", .path.display())]
    Unreadable {
        /// The component.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The file is larger than any component may be.
    #[error("{}: {bytes} bytes exceed the limit of {limit}", .path.display(), limit = limits::BLOB_BYTES_MAX)]
    TooLarge {
        /// The component.
        path: PathBuf,
        /// Its size.
        bytes: usize,
    },
    /// Its bytes cannot be had.
    #[error("{0}")]
    Lost(String),
    /// The bytes are no component.
    #[error("{}: not a WebAssembly component: {cause}", .path.display())]
    NotAComponent {
        /// The component.
        path: PathBuf,
        /// What wasmtime says.
        cause: String,
    },
    /// The host could not compile it, and it may be sound.
    #[error("{}: this host could not compile it: {cause}", .path.display())]
    Uncompiled {
        /// The component.
        path: PathBuf,
        /// What the system says.
        cause: String,
    },
    /// It imports what the host does not have.
    #[error(
        "{}: imports what this host does not provide: {unknown}; available are sessile:handler@0.1.0 \
         (types, websocket, raw, http, session, groups, connections, alarms, time, log), WASI 0.2 and 0.3.0 with wasi:http, \
         and wasi:config",
        .path.display()
    )]
    Imports {
        /// The component.
        path: PathBuf,
        /// The imports, or the mismatch.
        unknown: String,
    },
    /// It was built for a version of WASI that was never final.
    #[error(
        "{}: built for a release candidate of WASI 0.3 ({found}), which differs from the final version; \
         build it with bindings of WASI 0.3.0 (in Rust: a `wasip3` crate that names +wasi-0.3.0)",
        .path.display()
    )]
    Candidate {
        /// The component.
        path: PathBuf,
        /// The interfaces.
        found: String,
    },
    /// It exports no handler.
    #[error(
        "{}: exports no handler (it exports {found}); available are websocket-handler, \
         websocket-events, http-handler and alarm-handler of sessile:handler@0.1.0, wasi:http/incoming-handler@0.2 \
         and wasi:http/handler@0.3.0",
        .path.display()
    )]
    NoHandler {
        /// The component.
        path: PathBuf,
        /// What it exports instead.
        found: String,
    },
    /// An export lacks a function of the WIT's.
    #[error("{}: export {export} does not fit the WIT of this host: {cause}", .path.display())]
    Export {
        /// The component.
        path: PathBuf,
        /// The interface.
        export: &'static str,
        /// What is wrong with it.
        cause: String,
    },
}

/// A component, ready to be instantiated.
pub struct Loaded {
    /// What instances are made of.
    pub pre: InstancePre<GuestState>,
    /// Its handlers.
    pub exports: Exports,
    /// The interfaces that it imports, without their versions.
    pub imports: BTreeSet<String>,
}

/// A component that is to be loaded.
pub struct Wanted<'a> {
    /// What errors call it.
    pub path: &'a Path,
    /// The SHA-256 of its bytes, in hexadecimal digits.
    pub digest: String,
    /// Its bytes, if they are needed.
    pub bytes: &'a dyn Fn() -> Result<Vec<u8>, LoadError>,
}

/// Compiles, where it is not compiled yet, and checks a component.
///
/// # Errors
/// See [`LoadError`].
pub fn load(engine: &Engine, cache: &Cache, wanted: &Wanted<'_>) -> Result<Loaded, LoadError> {
    let (machine, component) = match cache.kept(engine, &wanted.digest) {
        Some(kept) => kept,
        None => compiled(engine, cache, wanted)?,
    };
    link(machine, &component, wanted.path)
}

/// Compiles a component, if it is not compiled yet: whether it was not.
///
/// # Errors
/// See [`LoadError`].
pub fn compile(engine: &Engine, cache: &Cache, wanted: &Wanted<'_>) -> Result<bool, LoadError> {
    if cache.has(engine, &wanted.digest) {
        return Ok(false);
    }
    compiled(engine, cache, wanted).map(|_| true)
}

/// Compiles and checks a component's bytes as [`load`] does, and keeps nothing: whether this host could serve it.
/// `path` names it in errors. Takes as long as compiling it.
///
/// # Errors
/// See [`LoadError`].
pub fn check(path: &Path, bytes: &[u8]) -> Result<Exports, LoadError> {
    refuse_modules(path, bytes)?;
    refuse_candidates(path, bytes)?;
    let compiled = || {
        let calls = blocking::calls(bytes).map_err(Uncompiled::component)?;
        let machine = Machine::new(calls).map_err(Uncompiled::host)?;
        let component = machine.compile(calls, bytes).map_err(Uncompiled::component)?;
        Ok((machine, component))
    };
    let (machine, component) = compiled().map_err(|cause| refused(path, cause))?;
    link(&machine, &component, path).map(|loaded| loaded.exports)
}

fn compiled<'e>(engine: &'e Engine, cache: &Cache, wanted: &Wanted<'_>) -> Result<(&'e Machine, Component), LoadError> {
    let bytes = (wanted.bytes)()?;
    refuse_modules(wanted.path, &bytes)?;
    refuse_candidates(wanted.path, &bytes)?;
    cache.compile(engine, &wanted.digest, &bytes).map_err(|cause| refused(wanted.path, cause))
}

/// What the compiler would say of one helps nobody.
fn refuse_modules(path: &Path, bytes: &[u8]) -> Result<(), LoadError> {
    match Encoding::of(bytes) {
        Encoding::Module => Err(LoadError::NotAComponent {
            path: path.to_owned(),
            cause: "a core module; `sessile build` makes a component of it".to_owned(),
        }),
        Encoding::Component | Encoding::Other => Ok(()),
    }
}

fn refuse_candidates(path: &Path, bytes: &[u8]) -> Result<(), LoadError> {
    match names::candidates(bytes) {
        Ok(found) if !found.is_empty() => Err(LoadError::Candidate { path: path.to_owned(), found: found.join(", ") }),
        // What is no component, the compiler refuses with more words.
        _ => Ok(()),
    }
}

fn refused(path: &Path, cause: Uncompiled) -> LoadError {
    let path = path.to_owned();
    match cause {
        Uncompiled::Component(cause) => LoadError::NotAComponent { path, cause },
        Uncompiled::Host(cause) => LoadError::Uncompiled { path, cause },
    }
}

/// Resolves what it imports, and finds its handlers.
fn link(machine: &Machine, component: &Component, path: &Path) -> Result<Loaded, LoadError> {
    let pre = machine.linker.instantiate_pre(component).map_err(|cause| {
        let unknown = unknown_imports(component).unwrap_or_else(|| format!("{cause:#}"));
        LoadError::Imports { path: path.to_owned(), unknown }
    })?;
    let ty = component.component_type();
    let imports = ty.imports(component.engine()).map(|(name, _)| unversioned(name)).collect();
    Ok(Loaded { pre, exports: exports(component, path)?, imports })
}

fn unversioned(import: &str) -> String {
    import.split_once('@').map_or(import, |(name, _)| name).to_owned()
}

fn exports(component: &Component, path: &Path) -> Result<Exports, LoadError> {
    let exports = Exports {
        events: functions(component, path, "websocket-events", ["on-open", "on-messages", "on-close"])?,
        upgrade: functions(component, path, "websocket-upgrade", ["on-upgrade"])?,
        publications: functions(component, path, "publication-handler", ["on-publications"])?,
        looped: functions(component, path, "websocket-handler", ["handle"])?,
        http: functions(component, path, "http-handler", ["handle"])?,
        alarm: functions(component, path, "alarm-handler", ["on-alarm"])?,
        incoming: standard(component, "wasi:http/incoming-handler@0.2."),
        standard: standard(component, "wasi:http/handler@0.3."),
    };
    if exports.is_empty() {
        let found = names(component.component_type().exports(component.engine()).map(|(name, _)| name));
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        return Err(LoadError::NoHandler { path: path.to_owned(), found });
    }
    Ok(exports)
}

/// The functions of an exported interface; none where it is not exported.
fn functions<const N: usize>(
    component: &Component,
    path: &Path,
    export: &'static str,
    names: [&str; N],
) -> Result<Option<[ComponentExportIndex; N]>, LoadError> {
    let Some(interface) = component.get_export_index(None, qualified(export)) else { return Ok(None) };
    let mut found = [interface; N];
    for (found, name) in found.iter_mut().zip(names) {
        *found = component.get_export_index(Some(&interface), name).ok_or_else(|| LoadError::Export {
            path: path.to_owned(),
            export,
            cause: format!("it has no function {name}"),
        })?;
    }
    Ok(Some(found))
}

/// `handle` of a standard interface, in whichever patch of its version. That its types fit is seen when an
/// instance is made: they are made of types that it imports, which are linked.
fn standard(component: &Component, version: &str) -> Option<[ComponentExportIndex; 1]> {
    let ty = component.component_type();
    let name = ty.exports(component.engine()).map(|(name, _)| name).find(|name| name.starts_with(version))?;
    let interface = component.get_export_index(None, name)?;
    component.get_export_index(Some(&interface), "handle").map(|handle| [handle])
}

/// The imports that no version of ours could satisfy; none where it is a matter of types.
fn unknown_imports(component: &Component) -> Option<String> {
    let known = [
        "sessile:handler/",
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:config/",
        "wasi:filesystem/",
        "wasi:http/",
        "wasi:io/",
        "wasi:random/",
        "wasi:sockets/",
    ];
    let imports = names(component.component_type().imports(component.engine()).map(|(name, _)| name));
    let unknown: Vec<_> =
        imports.into_iter().filter(|name| !known.iter().any(|known| name.starts_with(known))).collect();
    (!unknown.is_empty()).then(|| unknown.join(", "))
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.map(str::to_owned).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use wit_parser::LiftLowerAbi;

    use super::*;
    use crate::instance::blocking::tests::component;
    use crate::instance::cache::Compiler;
    use crate::instance::engine::Memory;

    /// What `load` says of a component that exports an interface `handler` of `wasi:http`, in a version.
    fn loaded(engine: &Engine, version: &str) -> Result<Exports, LoadError> {
        let wit = format!(
            "package wasi:http@{version}; interface handler {{ handle: func(); }} world w {{ export handler; }}"
        );
        let folder = tempfile::TempDir::new().unwrap();
        let cache = Cache::open(folder.path(), Compiler::Here).unwrap();
        let bytes = component(&wit, "w", LiftLowerAbi::Sync);
        let (path, bytes) = (Path::new("it.wasm"), &|| Ok(bytes.clone()));
        load(engine, &cache, &Wanted { path, digest: version.to_owned(), bytes }).map(|loaded| loaded.exports)
    }

    #[tokio::test]
    async fn release_candidate_is_refused_by_name_and_with_what_to_do() {
        let engine = Engine::new(Memory::Keep, crate::limits::MIB, tokio::runtime::Handle::current()).unwrap();
        let refused = loaded(&engine, "0.3.0-rc-2026-03-15").unwrap_err().to_string();
        for said in ["(wasi:http/handler@0.3.0-rc-2026-03-15)", "release candidate", "WASI 0.3.0"] {
            assert!(refused.contains(said), "{refused}");
        }
        assert!(loaded(&engine, "0.3.0").unwrap().standard.is_some());
        let another = loaded(&engine, "0.4.0").unwrap_err().to_string();
        assert!(another.contains("exports no handler (it exports wasi:http/handler@0.4.0)"), "{another}");
    }
}
