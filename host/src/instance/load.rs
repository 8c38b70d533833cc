//! Loading a component: what it exports, what it imports, and whether this host can run it.
//!
//! Errors name the component, what is wrong, and what is available, since their readers are authors
//! of guests.

use std::path::{Path, PathBuf};

use wasmtime::component::{Component, ComponentExportIndex, InstancePre};

use super::cache::Cache;
use super::engine::Engine;
use crate::bindings::{GuestState, qualified};

/// A component's handlers, found by inspection: where their functions are.
pub struct Exports {
    /// `websocket-events`: `on-open`, `on-messages`, `on-close`.
    pub events: Option<[ComponentExportIndex; 3]>,
    /// `websocket-handler`: `handle`.
    pub looped: Option<[ComponentExportIndex; 1]>,
    /// `http-handler`: `handle`.
    pub http: Option<[ComponentExportIndex; 1]>,
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
    /// The bytes are no component.
    #[error("{}: not a WebAssembly component: {cause}", .path.display())]
    NotAComponent {
        /// The component.
        path: PathBuf,
        /// What wasmtime says.
        cause: String,
    },
    /// It imports what the host does not have.
    #[error(
        "{}: imports what this host does not provide: {unknown}; available are sessile:handler@0.1.0 \
         (types, websocket, http, session, groups, time, log), WASI 0.2 and wasi:config",
        .path.display()
    )]
    Imports {
        /// The component.
        path: PathBuf,
        /// The imports, or the mismatch.
        unknown: String,
    },
    /// It exports no handler.
    #[error(
        "{}: exports no handler (it exports {found}); available are websocket-handler, \
         websocket-events and http-handler of sessile:handler@0.1.0",
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

/// Reads, compiles and checks a component.
///
/// # Errors
/// See [`LoadError`].
pub fn load(engine: &Engine, cache: &Cache, path: &Path) -> Result<(InstancePre<GuestState>, Exports), LoadError> {
    let path = path.to_owned();
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(cause) => return Err(LoadError::Unreadable { path, cause }),
    };
    let (machine, component) = match cache.component(engine, &bytes) {
        Ok(found) => found,
        Err(cause) => return Err(LoadError::NotAComponent { path, cause: format!("{cause:#}") }),
    };
    let pre = match machine.linker.instantiate_pre(&component) {
        Ok(pre) => pre,
        Err(cause) => {
            let unknown = unknown_imports(&component).unwrap_or_else(|| format!("{cause:#}"));
            return Err(LoadError::Imports { path, unknown });
        }
    };
    let exports = exports(&component, &path)?;
    Ok((pre, exports))
}

fn exports(component: &Component, path: &Path) -> Result<Exports, LoadError> {
    let exports = Exports {
        events: functions(component, path, "websocket-events", ["on-open", "on-messages", "on-close"])?,
        looped: functions(component, path, "websocket-handler", ["handle"])?,
        http: functions(component, path, "http-handler", ["handle"])?,
    };
    if exports.events.is_none() && exports.looped.is_none() && exports.http.is_none() {
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

/// The imports that no version of ours could satisfy; none where it is a matter of types.
fn unknown_imports(component: &Component) -> Option<String> {
    let known = [
        "sessile:handler/",
        "wasi:cli/",
        "wasi:clocks/",
        "wasi:config/",
        "wasi:filesystem/",
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
