//! A version: one immutable deployment of an app, and the atomic pointer to the current one.
//!
//! Owns the loading of a manifest with its components, all or nothing. A reload builds a new version
//! beside the old and swaps the pointer; an invalid one leaves everything as it was.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

use super::manifest::{self, Autosave, Export, HandlerSettings, Manifest, ManifestError, RouteTarget, Store};
use super::route::{DuplicateRoute, Params, Pattern, Router};
use super::trial::Trials;
use crate::bindings::Identity;
use crate::group::Groups;
use crate::instance::cache::Cache;
use crate::instance::engine::Engine;
use crate::instance::load::{self, Exports, LoadError};
use crate::instance::{Handler, Isolation, Settings};
use crate::limits;
use crate::outbound::Outbound;
use crate::outbox::Bounds;
use crate::session::{CookieSettings, Lifetimes, SameSite, Secure};

/// The manifest's name in an app's folder.
pub const MANIFEST: &str = "sessile.toml";

/// One deployment.
pub struct Version {
    /// Counts up from 1 in this process.
    pub number: u64,
    /// The app's name.
    pub name: String,
    /// How the session cookie is set.
    pub cookies: Arc<CookieSettings>,
    /// How long sessions last.
    pub lifetimes: Lifetimes,
    /// Where sessions are kept; what the first version says counts until the host is restarted.
    pub store: Store,
    /// Which origins may open websockets.
    pub origins: manifest::OriginRule,
    /// Which other origins' pages may read what it answers.
    pub cors: Option<manifest::CorsSettings>,
    /// What time a peer has.
    pub pace: manifest::PaceSettings,
    /// What time its successor leaves to loop-style websockets that stay on it; then 1012.
    pub drain: Duration,
    router: Router<Target>,
    handlers: HashMap<String, Arc<Handler>>,
}

/// What answers a route.
#[derive(Clone)]
pub enum Target {
    /// A guest.
    Handler(Arc<Handler>),
    /// Files of the app's folder.
    Files(Arc<Files>),
    /// Another address.
    Redirect(Arc<manifest::Redirect>),
}

/// Files that a route serves.
#[derive(Debug)]
pub struct Files {
    /// The folder, or the one file; without links.
    pub root: PathBuf,
    /// The parameter that names the file in the folder; none for the one file.
    pub rest: Option<String>,
}

/// Why a version could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// The manifest cannot be read.
    #[error("{}: {cause}; a Sessile app is a folder with a {MANIFEST}", .path.display())]
    Unreadable {
        /// The manifest.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// What a route is to serve is not there.
    #[error("route '{route}': {}: {cause}; 'files' is a folder where the path ends with {{name...}}, else a file", .path.display())]
    Files {
        /// The route's path.
        route: String,
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The manifest is larger than any could be.
    #[error("{}: {bytes} bytes exceed the limit of {limit}", .path.display(), limit = limits::MANIFEST_BYTES_MAX)]
    TooLarge {
        /// The manifest.
        path: PathBuf,
        /// Its size.
        bytes: usize,
    },
    /// The manifest is wrong.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Two routes match the same paths.
    #[error(transparent)]
    Route(#[from] DuplicateRoute),
    /// A component is wrong.
    #[error("handler '{handler}': {cause}")]
    Load {
        /// The handler.
        handler: String,
        /// What is wrong.
        cause: LoadError,
    },
    /// A component exports several handlers that could serve, and the manifest does not choose.
    #[error(
        "handler '{handler}': the component exports {one} and {other}; choose with `export = \"{other}\"` or \
         `export = \"{one}\"`"
    )]
    Ambiguous {
        /// The handler.
        handler: String,
        /// An export that could serve.
        one: &'static str,
        /// Another.
        other: &'static str,
    },
    /// A handler that is to be saved after each event has no events.
    #[error("handler '{handler}': `autosave = \"event\"` needs a component that exports websocket-events; call `save`")]
    Autosave {
        /// The handler.
        handler: String,
    },
    /// A running host cannot change where its sessions are.
    #[error("`session.store` is another than the running host's; restart it to change the store")]
    Store,
    /// The manifest chooses an export that the component does not have.
    #[error("handler '{handler}': `export = \"{export}\"`, but the component does not export it")]
    Missing {
        /// The handler.
        handler: String,
        /// The export.
        export: &'static str,
    },
}

/// An app: the folder it comes from, and its current version.
pub struct App {
    folder: PathBuf,
    cache: Cache,
    groups: Arc<Groups>,
    current: ArcSwap<Version>,
    pub(super) trials: Trials,
}

impl App {
    /// Loads the first version. Blocks: reads and compiles.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub fn load(engine: &Arc<Engine>, folder: &Path, cache: Cache) -> Result<Self, VersionError> {
        let groups = Arc::new(Groups::default());
        let version = Version::load(engine, folder, &cache, &groups, 1)?;
        let current = ArcSwap::from_pointee(version);
        Ok(Self { folder: folder.to_owned(), cache, groups, current, trials: Trials::default() })
    }

    /// Loads the folder again and makes it current. Blocks: reads and compiles. Returns its number.
    ///
    /// # Errors
    /// See [`VersionError`]; the current version stays.
    pub fn reload(&self, engine: &Arc<Engine>) -> Result<u64, VersionError> {
        let number = self.current.load().number + 1;
        let version = Version::load(engine, &self.folder, &self.cache, &self.groups, number)?;
        if version.store != self.current.load().store {
            return Err(VersionError::Store);
        }
        self.current.store(Arc::new(version));
        Ok(number)
    }

    /// The current version.
    pub fn current(&self) -> arc_swap::Guard<Arc<Version>> {
        self.current.load()
    }

    /// The app's groups; they outlive versions.
    pub fn groups(&self) -> &Arc<Groups> {
        &self.groups
    }
}

impl Version {
    fn load(
        engine: &Arc<Engine>,
        folder: &Path,
        cache: &Cache,
        groups: &Arc<Groups>,
        number: u64,
    ) -> Result<Self, VersionError> {
        let manifest = read_manifest(folder)?;
        let mut handlers = HashMap::new();
        for (name, settings) in &manifest.handlers {
            let handler = load_handler(engine, cache, groups, name, settings)?;
            handlers.insert(name.clone(), Arc::new(handler));
        }
        let mut routes = Vec::with_capacity(manifest.routes.len());
        for route in &manifest.routes {
            let target = match &route.to {
                RouteTarget::Handler(name) => handlers.get(name).cloned().map(Target::Handler),
                RouteTarget::Files(path) => Some(Target::Files(Arc::new(files(&route.pattern, path)?))),
                RouteTarget::Redirect(redirect) => Some(Target::Redirect(Arc::new(redirect.clone()))),
            };
            routes.extend(target.map(|target| (route.pattern.clone(), target)));
        }
        Ok(Self {
            number,
            name: manifest.app.name.clone(),
            cookies: Arc::new(cookies(&manifest.session)),
            lifetimes: Lifetimes { idle: manifest.session.idle, absolute: manifest.session.absolute },
            store: manifest.session.store,
            origins: manifest.app.origins(),
            cors: manifest.cors.clone(),
            pace: manifest.pace,
            drain: manifest.app.drain,
            router: Router::new(routes)?,
            handlers,
        })
    }

    /// What answers a path.
    pub fn find(&self, path: &str) -> Option<(&Target, Params)> {
        self.router.find(path)
    }

    /// The handler of a name.
    pub fn handler(&self, name: &str) -> Option<&Arc<Handler>> {
        self.handlers.get(name)
    }
}

fn files(pattern: &Pattern, path: &Path) -> Result<Files, VersionError> {
    let unusable = |cause| VersionError::Files { route: pattern.to_string(), path: path.to_owned(), cause };
    let root = path.canonicalize().map_err(unusable)?;
    let rest = pattern.rest().map(str::to_owned);
    if root.is_dir() != rest.is_some() {
        let kind = if rest.is_some() { std::io::ErrorKind::NotADirectory } else { std::io::ErrorKind::IsADirectory };
        return Err(unusable(kind.into()));
    }
    Ok(Files { root, rest })
}

/// Reads and checks the manifest of an app's folder.
///
/// # Errors
/// `Unreadable`, `TooLarge`, `Manifest`.
pub fn read_manifest(folder: &Path) -> Result<Manifest, VersionError> {
    let path = folder.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) if text.len() > limits::MANIFEST_BYTES_MAX => {
            return Err(VersionError::TooLarge { path, bytes: text.len() });
        }
        Ok(text) => text,
        Err(cause) => return Err(VersionError::Unreadable { path, cause }),
    };
    Ok(Manifest::parse(&text, &path)?)
}

fn load_handler(
    engine: &Arc<Engine>,
    cache: &Cache,
    groups: &Arc<Groups>,
    name: &str,
    settings: &HandlerSettings,
) -> Result<Handler, VersionError> {
    let (pre, exports) = load::load(engine, cache, &settings.component)
        .map_err(|cause| VersionError::Load { handler: name.to_owned(), cause })?;
    let exports = choose(exports, settings.export, name)?;
    if settings.autosave == Autosave::Event && exports.events.is_none() {
        return Err(VersionError::Autosave { handler: name.to_owned() });
    }
    let limits = &settings.limits;
    let identity = Identity {
        handler: name.into(),
        groups: groups.clone(),
        config: settings.config.clone().into_iter().collect(),
        env: granted(&settings.grants.env),
        outbound: Outbound {
            handler: name.into(),
            grants: settings.grants.outbound.clone(),
            idle: limits.outbound,
            client: engine.outbound().clone(),
        },
        memory_bytes_max: limits.memory_bytes_max,
        message_bytes_max: limits.message_bytes_max,
        hostcall_bytes_max: (2 * limits::MIB).max(limits.message_bytes_max + 64 * limits::KIB),
    };
    let settings = Settings {
        isolation: match settings.isolation {
            manifest::Isolation::Connection => Isolation::Connection,
            manifest::Isolation::Shared => Isolation::Shared,
        },
        cpu: limits.cpu,
        deadline: limits.deadline,
        message_bytes_max: limits.message_bytes_max,
        outbox: Bounds {
            bytes_max: limits.outbox_bytes_max,
            messages_max: limits.outbox_messages_max,
            overflow: settings.overflow,
        },
        deflate: settings.deflate,
        auto_response: settings.auto_response.clone().map(Arc::new),
        autosave: settings.autosave == Autosave::Event,
    };
    Ok(Handler::new(engine.clone(), pre, exports, identity, settings))
}

/// Leaves the export that the manifest chooses; without a choice all, but two that could serve the same are
/// ambiguous.
fn choose(exports: Exports, chosen: Option<Export>, name: &str) -> Result<Exports, VersionError> {
    let none = Exports::default();
    let (export, left) = match chosen {
        None => return unambiguous(exports, name),
        Some(Export::WebsocketEvents) => {
            ("websocket-events", Exports { events: exports.events, upgrade: exports.upgrade, ..none })
        }
        Some(Export::WebsocketHandler) => ("websocket-handler", Exports { looped: exports.looped, ..none }),
        Some(Export::HttpHandler) => ("http-handler", Exports { http: exports.http, ..none }),
        Some(Export::Incoming) => (INCOMING, Exports { incoming: exports.incoming, ..none }),
        Some(Export::Standard) => (STANDARD, Exports { standard: exports.standard, ..none }),
    };
    match left.is_empty() {
        true => Err(VersionError::Missing { handler: name.to_owned(), export }),
        false => Ok(left),
    }
}

const INCOMING: &str = "wasi:http/incoming-handler";
const STANDARD: &str = "wasi:http/handler";

fn unambiguous(exports: Exports, name: &str) -> Result<Exports, VersionError> {
    let Exports { events, looped, http, incoming, standard, .. } = &exports;
    let websocket = [(looped.is_some(), "websocket-handler"), (events.is_some(), "websocket-events")];
    let http = [(http.is_some(), "http-handler"), (incoming.is_some(), INCOMING), (standard.is_some(), STANDARD)];
    for alike in [&websocket[..], &http] {
        let mut there = alike.iter().filter(|(there, _)| *there).map(|(_, export)| *export);
        if let (Some(one), Some(other)) = (there.next(), there.next()) {
            return Err(VersionError::Ambiguous { handler: name.to_owned(), one, other });
        }
    }
    Ok(exports)
}

/// The manifest's `[session]` as the session layer has it.
fn cookies(settings: &manifest::SessionSettings) -> CookieSettings {
    CookieSettings {
        name: settings.cookie.clone(),
        domain: settings.domain.clone(),
        path: settings.path.clone(),
        secure: match settings.secure {
            manifest::Secure::Auto => Secure::Auto,
            manifest::Secure::Always => Secure::Always,
            manifest::Secure::Never => Secure::Never,
        },
        http_only: settings.http_only,
        same_site: match settings.same_site {
            manifest::SameSite::Lax => SameSite::Lax,
            manifest::SameSite::Strict => SameSite::Strict,
            manifest::SameSite::None => SameSite::None,
        },
        max_age: settings.max_age,
        save_every_request: settings.save_every_request,
    }
}

fn granted(names: &[String]) -> Vec<(String, String)> {
    names.iter().filter_map(|name| std::env::var(name).ok().map(|value| (name.clone(), value))).collect()
}
