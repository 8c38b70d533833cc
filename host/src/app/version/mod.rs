//! A version: one immutable deployment of an app, loaded.
//!
//! Owns what answers a path. Loading is all or nothing; what it loads is in the archive, so that what is served
//! does not change under it.

mod error;
mod load;

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::error::VersionError;
pub use self::load::{Loader, Origins, check, manifest_of};

use super::manifest::{self, Manifest, RollbackSettings, Store};
use super::route::{Params, Router};
use crate::alarm::CronAlarm;
use crate::group;
use crate::instance::Handler;
use crate::limits;
use crate::port::websocket::Rules;
use crate::session::{CookieSettings, Lifetimes};

/// The manifest's name in an app's folder.
pub const MANIFEST: &str = "sessile.toml";

/// One deployment.
pub struct Version {
    /// Counts up from 1 for each app.
    pub number: u64,
    /// The app's name.
    pub name: String,
    /// Where it is served.
    pub place: Place,
    /// What it can reach: interfaces that its components import, and what its manifest grants, one line each.
    pub wants: BTreeSet<String>,
    /// What time its successor leaves to loop-style websockets that stay on it; then 1012.
    pub drain: Duration,
    /// The path that must answer before it becomes the current one.
    pub health: Option<String>,
    /// When it is rolled back by itself.
    pub rollback: RollbackSettings,
    /// How the session cookie is set.
    pub cookies: Arc<CookieSettings>,
    /// How long sessions last.
    pub lifetimes: Arc<Lifetimes>,
    /// Where sessions are kept; what the first version says counts until the host is restarted.
    pub store: Store,
    /// What its groups keep and tell.
    pub groups: group::Rules,
    /// Which origins may open websockets.
    pub origins: manifest::OriginRule,
    /// Which other origins' pages may read what it answers.
    pub cors: Option<manifest::CorsSettings>,
    /// What time a peer has.
    pub pace: Arc<manifest::PaceSettings>,
    /// The alarms of its manifest.
    pub alarms: Vec<CronAlarm>,
    router: Router<Target>,
    handlers: HashMap<String, Arc<Handler>>,
}

/// Where an app is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Host names; none for all.
    pub hosts: Vec<String>,
    /// What its paths begin with: empty, or `/` and some more without one at its end.
    pub prefix: String,
}

/// What answers a route.
#[derive(Clone)]
pub enum Target {
    /// A guest, and what its websockets have alike.
    Handler(Arc<Handler>, Arc<Rules>),
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

impl Version {
    /// What answers a path, which begins with the place's prefix.
    pub fn find(&self, path: &str) -> Option<(&Target, Params)> {
        let inside = path.strip_prefix(&self.place.prefix)?;
        self.router.find(if inside.is_empty() { "/" } else { inside })
    }

    /// The handler of a name.
    pub fn handler(&self, name: &str) -> Option<&Arc<Handler>> {
        self.handlers.get(name)
    }

    /// All its handlers.
    pub fn handlers(&self) -> impl Iterator<Item = &Arc<Handler>> {
        self.handlers.values()
    }
}

/// Reads and checks the manifest of an app's folder.
///
/// # Errors
/// `Unreadable`, `TooLarge`, `Manifest`.
pub fn read_manifest(folder: &Path) -> Result<(String, Manifest), VersionError> {
    let path = folder.join(MANIFEST);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) if text.len() > limits::MANIFEST_BYTES_MAX => {
            return Err(VersionError::TooLarge { path, bytes: text.len() });
        }
        Ok(text) => text,
        Err(cause) => return Err(VersionError::Unreadable { path, cause }),
    };
    let manifest = Manifest::parse(&text, &path)?;
    Ok((text, manifest))
}
