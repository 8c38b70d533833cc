//! Loading a component: what it exports, what it imports, and whether this host can run it.
//!
//! Errors name the component, what is wrong, and what is available, since their readers are authors
//! of guests.

use std::path::{Path, PathBuf};

use wasmtime::component::{Component, InstancePre};

use super::cache::Cache;
use super::engine::Engine;
use crate::bindings::exports::{http_handler, websocket_events, websocket_handler};
use crate::bindings::{GuestState, PACKAGE};

/// A component's handlers, found by inspection.
pub struct Exports {
    /// `websocket-events`.
    pub events: Option<websocket_events::GuestIndices>,
    /// `websocket-handler`.
    pub looped: Option<websocket_handler::GuestIndices>,
    /// `http-handler`.
    pub http: Option<http_handler::GuestIndices>,
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
    /// An export has another shape than the WIT's.
    #[error("{}: export {export} does not fit the WIT of this host: {cause}", .path.display())]
    Export {
        /// The component.
        path: PathBuf,
        /// The interface.
        export: &'static str,
        /// What wasmtime says.
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
    let component = match cache.component(engine, &bytes) {
        Ok(component) => component,
        Err(cause) => return Err(LoadError::NotAComponent { path, cause: format!("{cause:#}") }),
    };
    let pre = match engine.linker.instantiate_pre(&component) {
        Ok(pre) => pre,
        Err(cause) => {
            let unknown = unknown_imports(engine, &component).unwrap_or_else(|| format!("{cause:#}"));
            return Err(LoadError::Imports { path, unknown });
        }
    };
    let exports = exports(engine, &component, &pre, &path)?;
    Ok((pre, exports))
}

fn exports(
    engine: &Engine,
    component: &Component,
    pre: &InstancePre<GuestState>,
    path: &Path,
) -> Result<Exports, LoadError> {
    let found = names(component.component_type().exports(&engine.wasmtime).map(|(name, _)| name));
    let has = |interface: &str| found.contains(&qualified(interface));
    let failed = |export, cause: wasmtime::Error| LoadError::Export {
        path: path.to_owned(),
        export,
        cause: format!("{cause:#}"),
    };
    let mut exports = Exports { events: None, looped: None, http: None };
    if has("websocket-events") {
        let indices = websocket_events::GuestIndices::new(pre);
        exports.events = Some(indices.map_err(|cause| failed("websocket-events", cause))?);
    }
    if has("websocket-handler") {
        let indices = websocket_handler::GuestIndices::new(pre);
        exports.looped = Some(indices.map_err(|cause| failed("websocket-handler", cause))?);
    }
    if has("http-handler") {
        let indices = http_handler::GuestIndices::new(pre);
        exports.http = Some(indices.map_err(|cause| failed("http-handler", cause))?);
    }
    if exports.events.is_none() && exports.looped.is_none() && exports.http.is_none() {
        let found = if found.is_empty() { "nothing".to_owned() } else { found.join(", ") };
        return Err(LoadError::NoHandler { path: path.to_owned(), found });
    }
    Ok(exports)
}

/// `sessile:handler/INTERFACE@0.1.0`.
fn qualified(interface: &str) -> String {
    let (package, version) = PACKAGE.split_once('@').unwrap_or((PACKAGE, ""));
    format!("{package}/{interface}@{version}")
}

/// The imports that no version of ours could satisfy; none where it is a matter of types.
fn unknown_imports(engine: &Engine, component: &Component) -> Option<String> {
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
    let imports = names(component.component_type().imports(&engine.wasmtime).map(|(name, _)| name));
    let unknown: Vec<_> =
        imports.into_iter().filter(|name| !known.iter().any(|known| name.starts_with(known))).collect();
    (!unknown.is_empty()).then(|| unknown.join(", "))
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    names.map(str::to_owned).collect()
}
