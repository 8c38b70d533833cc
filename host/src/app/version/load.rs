//! From what is kept of a version to what answers its routes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Component, Path};
use std::sync::Arc;

use super::{Files, MANIFEST, Place, Target, Version, VersionError};
use crate::app::Lasting;
use crate::app::archive::{Archive, Contents, Record, Shelf};
use crate::app::digest::Digest;
use crate::app::manifest::{self, Autosave, Export, HandlerSettings, Manifest, Redirect, RouteSettings, RouteTarget};
use crate::app::route::Router;
use crate::app::signature::TrustedKeys;
use crate::bindings::Identity;
use crate::feed::Source;
use crate::instance::cache::Cache;
use crate::instance::engine::Engine;
use crate::instance::load::{self, Exports, LoadError, Loaded, Wanted};
use crate::instance::{Handler, Isolation, Settings};
use crate::limits;
use crate::outbound::Outbound;
use crate::outbox::{Bounds, Held};
use crate::port::websocket::{Patience, Resumption, Rules};
use crate::rate::Quota;
use crate::session::{CookieSettings, Lifetimes, SameSite, Secure};

/// What versions are loaded with.
#[derive(Clone)]
pub struct Loader {
    /// What runs them.
    pub engine: Arc<Engine>,
    /// Compiled code.
    pub cache: Arc<Cache>,
    /// What they are made of.
    pub archive: Archive,
    /// Whose pages may open websockets.
    pub origins: Origins,
    /// Whose signature a version must have.
    pub trusted: TrustedKeys,
}

/// Whose pages may open websockets, on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origins {
    /// The app's own, and those that its manifest lists.
    Listed,
    /// Also those that this machine serves on any port, as in development.
    AndLoopback,
}

impl Loader {
    /// Loads a version that is kept, once its signature is verified. Blocks: reads, and compiles what is not cached.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub fn load(&self, shelf: &Shelf, record: &Record, lasting: &Lasting) -> Result<Version, VersionError> {
        self.trusted.check(&record.contents, record.signature.as_deref())?;
        let manifest = manifest_of(&record.contents)?;
        let app: Arc<str> = manifest.app.name.as_str().into();
        let mut handlers = HashMap::<_, Arc<Handler>>::new();
        let cookies = Arc::new(cookies(&manifest.session));
        let mut wants = BTreeSet::new();
        for (name, settings) in &manifest.handlers {
            let loaded = self.component(&record.contents, name, settings)?;
            wants.extend(loaded.imports.iter().map(|import| format!("interface {import}")));
            wants.extend(granted_by(name, settings));
            let source = Source {
                feed: self.engine.feed().clone(),
                app: app.clone(),
                version: record.number,
                handler: name.as_str().into(),
            };
            handlers.insert(name.clone(), Arc::new(self.handler(loaded, lasting, source, settings)?));
        }
        let place = Place { hosts: manifest.app.hosts.clone(), prefix: manifest.app.prefix.clone() };
        let files = |route: &RouteSettings| files(shelf, record, route);
        let guest = |name: &str, route: &RouteSettings| {
            let (handler, settings) = (handlers.get(name)?, manifest.handlers.get(name)?);
            let rules = for_websockets(&manifest, settings, route, handler.name.clone(), cookies.clone());
            Some(Target::Handler(handler.clone(), Arc::new(rules)))
        };
        let routes = routes(&manifest, &place, guest, files)?;
        Ok(Version {
            number: record.number,
            name: manifest.app.name.clone(),
            place,
            wants,
            drain: manifest.app.drain,
            health: manifest.app.health.clone(),
            rollback: manifest.rollback,
            cookies,
            lifetimes: Arc::new(Lifetimes { idle: manifest.session.idle, absolute: manifest.session.absolute }),
            store: manifest.session.store,
            groups: manifest.groups.clone(),
            origins: manifest.app.origins(self.origins == Origins::AndLoopback),
            cors: manifest.cors.clone(),
            pace: Arc::new(manifest.pace),
            alarms: manifest.alarms.clone(),
            router: Router::new(routes)?,
            handlers,
        })
    }

    /// Compiles what is not compiled yet. Blocks. Returns how many components there are, and how many of them
    /// were.
    ///
    /// # Errors
    /// See [`VersionError`].
    pub fn compile(&self, contents: &Contents) -> Result<(usize, usize), VersionError> {
        let manifest = manifest_of(contents)?;
        let names: BTreeMap<_, _> = contents.components.iter().map(|(name, digest)| (digest, name)).collect();
        let mut compiled = 0;
        for (digest, name) in &names {
            let Some(settings) = manifest.handlers.get(*name) else { continue };
            let bytes = || self.bytes(**digest);
            let wanted = Wanted { path: &settings.component, digest: digest.hex(), bytes: &bytes };
            let fresh = load::compile(&self.engine, &self.cache, &wanted);
            compiled += usize::from(fresh.map_err(|cause| VersionError::Load { handler: (*name).clone(), cause })?);
        }
        Ok((names.len(), compiled))
    }

    fn component(&self, contents: &Contents, name: &str, settings: &HandlerSettings) -> Result<Loaded, VersionError> {
        let digest = contents.components.get(name).copied();
        let digest =
            digest.ok_or_else(|| VersionError::Incomplete { what: format!("component of handler '{name}'") })?;
        let bytes = || self.bytes(digest);
        let wanted = Wanted { path: &settings.component, digest: digest.hex(), bytes: &bytes };
        load::load(&self.engine, &self.cache, &wanted)
            .map_err(|cause| VersionError::Load { handler: name.to_owned(), cause })
    }

    fn bytes(&self, digest: Digest) -> Result<Vec<u8>, LoadError> {
        self.archive.blobs.read(digest).map_err(|error| LoadError::Lost(error.to_string()))
    }

    fn handler(
        &self,
        loaded: Loaded,
        lasting: &Lasting,
        source: Source,
        settings: &HandlerSettings,
    ) -> Result<Handler, VersionError> {
        let exports = choose(loaded.exports, settings.export, &source.handler)?;
        if settings.autosave == Autosave::Event && exports.events.is_none() {
            return Err(VersionError::Autosave { handler: source.handler.to_string() });
        }
        if settings.isolation != Isolation::Connection && exports.looped.is_some() {
            return Err(VersionError::Isolation { handler: source.handler.to_string() });
        }
        let identity = identity(&self.engine, lasting, source, settings, exports.alarm.is_some());
        Ok(Handler::new(self.engine.clone(), loaded.pre, exports, identity, for_instances(settings)))
    }
}

/// The manifest of a version, which names its content by digests.
///
/// # Errors
/// `Manifest`.
pub fn manifest_of(contents: &Contents) -> Result<Manifest, VersionError> {
    Ok(Manifest::parse(&contents.manifest, Path::new(MANIFEST))?)
}

/// Whether contents that came from elsewhere are what a folder could have been read to.
///
/// # Errors
/// `Manifest`, `Incomplete`, `Path`.
pub fn check(contents: &Contents) -> Result<Manifest, VersionError> {
    let manifest = manifest_of(contents)?;
    if let Some(name) = manifest.handlers.keys().find(|name| !contents.components.contains_key(*name)) {
        return Err(VersionError::Incomplete { what: format!("component of handler '{name}'") });
    }
    for route in &manifest.routes {
        let path = route.pattern.to_string();
        if matches!(route.to, RouteTarget::Files(_)) && !contents.files.contains_key(&path) {
            return Err(VersionError::Incomplete { what: format!("files of route '{path}'") });
        }
    }
    let paths = || contents.files.values().flat_map(BTreeMap::keys);
    let inside =
        |path: &str| !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if let Some(path) = paths().find(|path| !inside(path) || path.contains('\0')) {
        return Err(VersionError::Path { path: path.chars().take(200).collect() });
    }
    if paths().count() > limits::FILES_MAX {
        return Err(VersionError::Incomplete { what: format!("room for more than {} files", limits::FILES_MAX) });
    }
    Ok(manifest)
}

/// What a handler may reach by its manifest, one line each.
fn granted_by(name: &str, settings: &HandlerSettings) -> Vec<String> {
    let env = settings.grants.env.iter().map(|variable| format!("handler {name}: env {variable}"));
    env.chain(settings.grants.outbound.iter().map(|grant| format!("handler {name}: outbound {grant}"))).collect()
}

fn routes(
    manifest: &Manifest,
    place: &Place,
    guest: impl Fn(&str, &RouteSettings) -> Option<Target>,
    files: impl Fn(&RouteSettings) -> Option<Files>,
) -> Result<Vec<(crate::app::route::Pattern, Target)>, VersionError> {
    let mut routes = Vec::with_capacity(manifest.routes.len());
    for route in &manifest.routes {
        let target = match &route.to {
            RouteTarget::Handler(name) => guest(name, route),
            RouteTarget::Files(_) => files(route).map(|files| Target::Files(Arc::new(files))),
            RouteTarget::Redirect(redirect) => Some(Target::Redirect(Arc::new(placed(redirect, place)))),
        };
        routes.extend(target.map(|target| (route.pattern.clone(), target)));
    }
    Ok(routes)
}

/// A redirect within the app stays within it.
fn placed(redirect: &Redirect, place: &Place) -> Redirect {
    let within = if redirect.to.starts_with('/') { place.prefix.as_str() } else { "" };
    Redirect { to: format!("{within}{}", redirect.to), status: redirect.status }
}

fn files(shelf: &Shelf, record: &Record, route: &RouteSettings) -> Option<Files> {
    let path = route.pattern.to_string();
    let root = shelf.files(record.number, &path);
    match route.pattern.rest() {
        Some(rest) => Some(Files { root, rest: Some(rest.to_owned()) }),
        None => {
            let name = record.contents.files.get(&path)?.keys().next()?;
            Some(Files { root: root.join(name), rest: None })
        }
    }
}

fn identity(engine: &Engine, lasting: &Lasting, source: Source, settings: &HandlerSettings, rings: bool) -> Identity {
    let limits = &settings.limits;
    Identity {
        handler: source.handler.clone(),
        groups: lasting.groups.clone(),
        live: lasting.live.clone(),
        alarms: lasting.alarms.clone(),
        rings,
        config: settings.config.clone().into_iter().collect(),
        env: granted(&settings.grants.env),
        outbound: Outbound {
            handler: source.handler.clone(),
            grants: settings.grants.outbound.clone(),
            idle: limits.outbound,
            client: engine.outbound().clone(),
        },
        memory_bytes_max: limits.memory_bytes_max,
        memory: engine.memory().clone(),
        message_bytes_max: limits.message_bytes_max,
        source: Arc::new(source),
        hostcall_bytes_max: (2 * limits::MIB).max(limits.message_bytes_max + 64 * limits::KIB),
    }
}

fn for_instances(settings: &HandlerSettings) -> Settings {
    let limits = &settings.limits;
    Settings {
        isolation: settings.isolation,
        cpu: limits.cpu,
        deadline: limits.deadline,
        deflate: settings.deflate,
        in_flight_max: limits.in_flight_max,
        messages: limits.messages_per_s.map(|rate| Quota::a_second(rate, rate)),
        autosave: settings.autosave == Autosave::Event,
    }
}

fn for_websockets(
    manifest: &Manifest,
    settings: &HandlerSettings,
    route: &RouteSettings,
    handler: Arc<str>,
    cookies: Arc<CookieSettings>,
) -> Rules {
    let limits = &settings.limits;
    let outbox = Bounds {
        bytes_max: limits.outbox_bytes_max,
        messages_max: u32::try_from(limits.outbox_messages_max).unwrap_or(u32::MAX),
        overflow: settings.overflow,
        held: Held::UntilWritten,
    };
    Rules {
        route: route.pattern.to_string().into(),
        handler,
        cookies,
        message_bytes_max: limits.message_bytes_max,
        resume: settings.resume.map(|patience| Resumption {
            patience,
            outbox: Arc::new(Bounds { held: Held::UntilAcknowledged, ..outbox }),
        }),
        outbox: Arc::new(outbox),
        auto_response: settings.auto_response.clone(),
        patience: Patience { message: manifest.pace.message, stall: manifest.pace.stall },
    }
}

/// Leaves the export that the manifest chooses; without a choice all, but two that could serve the same are
/// ambiguous.
///
/// What rings serves nothing of a route, and stays beside any.
fn choose(exports: Exports, chosen: Option<Export>, name: &str) -> Result<Exports, VersionError> {
    let (none, alarm) = (Exports::default(), exports.alarm);
    let (export, left) = match chosen {
        None => return unambiguous(exports, name),
        Some(Export::WebsocketEvents) => {
            let Exports { events, upgrade, publications, .. } = exports;
            ("websocket-events", Exports { events, upgrade, publications, ..none })
        }
        Some(Export::WebsocketHandler) => ("websocket-handler", Exports { looped: exports.looped, ..none }),
        Some(Export::HttpHandler) => ("http-handler", Exports { http: exports.http, ..none }),
        Some(Export::Incoming) => (INCOMING, Exports { incoming: exports.incoming, ..none }),
        Some(Export::Standard) => (STANDARD, Exports { standard: exports.standard, ..none }),
    };
    match left.is_empty() {
        true => Err(VersionError::Missing { handler: name.to_owned(), export }),
        false => Ok(Exports { alarm, ..left }),
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
