//! The manifest, `sessile.toml`: text in, settings or all of its faults out.
//!
//! Owns the format and its defaults. Reads one text, touches no file: whether a component exists is
//! for others to find out. Nothing starts half-configured, so any fault refuses the whole.

mod error;
mod groups;
mod origin;
mod read;
mod sections;
mod settings;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::DeTable;

pub use self::error::{Fault, FaultKind, ManifestError};
pub use self::origin::{NotAnOrigin, Origin, OriginRule};
pub use self::settings::{
    AppSettings, Autosave, CPU_MAX, CorsSettings, DEADLINE_MAX, DRAIN_MAX, Export, Grants, HandlerLimits,
    HandlerSettings, MEMORY_BYTES_CEILING, MEMORY_BYTES_FLOOR, OUTBOX_BYTES_CEILING, OUTBOX_MESSAGES_CEILING, PACE_MAX,
    PaceSettings, ROLLBACK_WINDOW_MAX, Redirect, RollbackSettings, RouteSettings, RouteTarget, SESSION_AGE_MAX,
    SameSite, Secure, SessionSettings, Store,
};

use self::error::Faults;
use self::read::Section;
use self::sections::{Alarm, Route};
use self::words::nearest;
use crate::alarm::CronAlarm;
use crate::group::Rules;
use crate::limits::{CRON_ALARMS_MAX, MANIFEST_BYTES_MAX};

/// An app as its author describes it; checked as far as the text alone allows.
#[derive(Clone, Debug)]
pub struct Manifest {
    /// `[app]`
    pub app: AppSettings,
    /// `[[routes]]`, at least one, in the manifest's order; no two match the same paths, and each
    /// names one of `handlers`.
    pub routes: Vec<RouteSettings>,
    /// `[handlers.NAME]`; each is used by a route or an alarm.
    pub handlers: BTreeMap<String, HandlerSettings>,
    /// `[[alarms]]`; each names one of `handlers`.
    pub alarms: Vec<CronAlarm>,
    /// `[session]`
    pub session: SessionSettings,
    /// `[cors]`, if there is one
    pub cors: Option<CorsSettings>,
    /// `[http]`
    pub pace: PaceSettings,
    /// `[rollback]`
    pub rollback: RollbackSettings,
    /// `[groups."NAME"]`
    pub groups: Rules,
}

impl Manifest {
    /// Reads a manifest. `file` names it in errors, and its folder is what components are
    /// relative to.
    ///
    /// # Errors
    /// [`ManifestError`] with every fault found; where the text is not TOML, with the first.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ManifestError> {
        let faults = Faults::new(text);
        let manifest = read(text, file, &faults);
        let faults = faults.into_sorted();
        match manifest {
            Some(manifest) if faults.is_empty() => Ok(manifest),
            _ => Err(ManifestError::new(file, faults)),
        }
    }
}

/// None only where there is a fault; there may be faults beside a manifest.
fn read(text: &str, file: &Path, faults: &Faults<'_>) -> Option<Manifest> {
    let (actual, limit) = (text.len(), MANIFEST_BYTES_MAX);
    if actual > limit {
        faults.push(&(0..0), FaultKind::TooLarge { actual, limit });
        return None;
    }
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let span = error.span().unwrap_or(0..0);
            faults.push(&span, FaultKind::Syntax(error.message().trim().to_owned()));
            return None;
        }
    };
    let folder = file.parent().unwrap_or(Path::new(""));
    let mut root = Section::root(table.get_ref(), faults);

    let app = sections::app(root.section("app"));
    let routes: Vec<Route> =
        root.sections("routes").into_iter().map(|section| sections::route(section, folder)).collect();
    let named = root.named_sections("handlers");
    let defined: Vec<_> = named.iter().map(|(name, section)| (name.clone(), section.span())).collect();
    let handlers = handlers(named, folder);
    let prefix = app.as_ref().map_or("", |app| app.prefix.as_str());
    let alarms: Vec<_> = root.sections("alarms").into_iter().map(sections::alarm).collect();
    let session = sections::session(root.section("session"), prefix);
    let cors = root.has("cors");
    let cors = sections::cors(root.section("cors"), cors);
    let pace = sections::pace(root.section("http"));
    let rollback = sections::rollback(root.section("rollback"));
    let groups = groups::groups(root.named_sections("groups"));
    root.finish();

    check_routes(&routes, faults);
    check_alarms(&alarms, faults);
    check_handlers(&routes, &alarms, &defined, faults);
    let routes = routes.into_iter().map(Route::settings).collect::<Option<_>>()?;
    let alarms = alarms.into_iter().map(|alarm| alarm.settings).collect::<Option<_>>()?;
    Some(Manifest { app: app?, routes, handlers: handlers?, alarms, session, cors, pace, rollback, groups })
}

/// None where one of them cannot be had; all of them are read, for their faults.
fn handlers(named: Vec<(String, Section<'_, '_>)>, folder: &Path) -> Option<BTreeMap<String, HandlerSettings>> {
    let mut handlers = Some(BTreeMap::new());
    for (name, section) in named {
        let settings = sections::handler(&name, section, folder);
        handlers = handlers.zip(settings).map(|(mut handlers, settings)| {
            handlers.insert(name, settings);
            handlers
        });
    }
    handlers
}

/// A handler's name, and where it stands.
type Defined = (String, std::ops::Range<usize>);

fn check_routes(routes: &[Route], faults: &Faults<'_>) {
    if routes.is_empty() {
        faults.push(&(0..0), FaultKind::NoRoutes);
    }
    for (index, route) in routes.iter().enumerate() {
        if let Some(first) = routes.iter().take(index).find(|first| first.matches_same(route)) {
            let path = route.path();
            let first_line = faults.line(&first.path_span);
            faults.push(&route.path_span, FaultKind::DuplicateRoute { path, first_line });
        }
    }
}

fn check_alarms(alarms: &[Alarm], faults: &Faults<'_>) {
    let name = |alarm: &Alarm| Some(alarm.settings.as_ref()?.name.clone());
    for (index, alarm) in alarms.iter().enumerate() {
        let Some(known) = name(alarm) else { continue };
        if let Some(first) = alarms.iter().take(index).find(|first| name(first).as_ref() == Some(&known)) {
            let first_line = faults.line(&first.name_span);
            faults.push(&alarm.name_span, FaultKind::DuplicateAlarm { name: known, first_line });
        }
    }
    if let Some(alarm) = alarms.get(CRON_ALARMS_MAX) {
        faults.push(&alarm.name_span, FaultKind::TooManyAlarms { actual: alarms.len(), limit: CRON_ALARMS_MAX });
    }
}

/// Each that is named is there, and each that is there is named.
fn check_handlers(routes: &[Route], alarms: &[Alarm], handlers: &[Defined], faults: &Faults<'_>) {
    let of_routes = routes.iter().map(|route| (&route.handler, &route.handler_span));
    let of_alarms = alarms.iter().map(|alarm| (&alarm.handler, &alarm.handler_span));
    let named: Vec<_> = of_routes.chain(of_alarms).filter_map(|(name, span)| Some((name.as_ref()?, span))).collect();
    for (name, span) in &named {
        check_handler(name, span, handlers, faults);
    }
    for (name, span) in handlers {
        if !named.iter().any(|(known, _)| *known == name) {
            faults.push(span, FaultKind::UnusedHandler { name: name.clone() });
        }
    }
}

fn check_handler(name: &str, span: &std::ops::Range<usize>, handlers: &[Defined], faults: &Faults<'_>) {
    if handlers.iter().any(|(known, _)| known == name) {
        return;
    }
    let names = || handlers.iter().map(|(known, _)| known.as_str());
    let kind = FaultKind::UnknownHandler {
        name: name.to_owned(),
        nearest: nearest(name, names()),
        known: names().map(str::to_owned).collect(),
    };
    faults.push(span, kind);
}
