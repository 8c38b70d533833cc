//! All apps of a host, and which of them a request is for.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwap;

use super::live::App;
use super::manifest::PaceSettings;
use super::version::{Place, Version};

/// The apps. Bounded by [`APPS_MAX`](crate::limits::APPS_MAX), which who adds them holds.
#[derive(Default)]
pub struct Apps {
    named: Mutex<BTreeMap<String, Arc<App>>>,
    table: ArcSwap<Table>,
}

/// Places with their apps, the most specific first.
#[derive(Default)]
struct Table {
    entries: Vec<Entry>,
    pace: PaceSettings,
}

struct Entry {
    /// None: any host.
    host: Option<String>,
    prefix: String,
    app: Arc<App>,
}

/// Another app is served there.
#[derive(Debug, thiserror::Error)]
#[error(
    "app '{other}' is served at {}{prefix}/ already; give one of them `hosts` or a `prefix` of its own in [app], or undeploy that one",
    .host.as_deref().unwrap_or("*")
)]
pub struct Conflict {
    /// The other app.
    pub other: String,
    /// The host; none: any.
    pub host: Option<String>,
    /// The prefix.
    pub prefix: String,
}

impl Apps {
    /// The app that a request to this authority and path is for.
    pub fn find(&self, authority: Option<&str>, path: &str) -> Option<Arc<App>> {
        let table = self.table.load();
        if let [Entry { host: None, prefix, app }] = table.entries.as_slice()
            && prefix.is_empty()
        {
            return Some(app.clone());
        }
        let host = authority.map(hostname);
        table.entries.iter().find(|entry| entry.holds(host.as_deref(), path)).map(|entry| entry.app.clone())
    }

    /// The app of a name.
    pub fn get(&self, name: &str) -> Option<Arc<App>> {
        self.lock().get(name).cloned()
    }

    /// All of them, by name.
    pub fn all(&self) -> Vec<Arc<App>> {
        self.lock().values().cloned().collect()
    }

    /// What time a peer has before it is known which app it wants: the longest of any app.
    pub fn pace(&self) -> PaceSettings {
        self.table.load().pace
    }

    /// Whether a version of an app could be served where it wants to.
    ///
    /// # Errors
    /// [`Conflict`].
    pub fn check(&self, version: &Version) -> Result<(), Conflict> {
        let table = self.table.load();
        let others = table.entries.iter().filter(|entry| entry.app.name != version.name);
        for (host, prefix) in places(&version.place) {
            if let Some(taken) = others.clone().find(|entry| entry.host == host && entry.prefix == prefix) {
                return Err(Conflict { other: taken.app.name.clone(), host, prefix });
            }
        }
        Ok(())
    }

    /// Adds an app.
    pub fn insert(&self, app: Arc<App>) {
        let mut named = self.lock();
        named.insert(app.name.clone(), app);
        self.table.store(Arc::new(Table::of(&named)));
    }

    /// Takes an app out: requests find it no more.
    pub fn remove(&self, name: &str) -> Option<Arc<App>> {
        let mut named = self.lock();
        let removed = named.remove(name);
        self.table.store(Arc::new(Table::of(&named)));
        removed
    }

    /// Makes a version the current one of its app, and serves it where it wants to be.
    pub fn swap(&self, app: &App, version: Arc<Version>) {
        let named = self.lock();
        app.swap(version);
        self.table.store(Arc::new(Table::of(&named)));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<App>>> {
        self.named.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn of(named: &BTreeMap<String, Arc<App>>) -> Self {
        let mut entries = Vec::new();
        let mut pace = None::<PaceSettings>;
        for app in named.values() {
            let version = app.current();
            let here = places(&version.place);
            entries.extend(here.into_iter().map(|(host, prefix)| Entry { host, prefix, app: app.clone() }));
            pace = Some(pace.map_or(*version.pace, |pace| pace.longest(*version.pace)));
        }
        entries.sort_by_key(|entry| (entry.host.is_none(), std::cmp::Reverse(entry.prefix.len())));
        Self { entries, pace: pace.unwrap_or_default() }
    }
}

impl Entry {
    fn holds(&self, host: Option<&str>, path: &str) -> bool {
        let here = self.host.is_none() || self.host.as_deref() == host;
        here && path.strip_prefix(&self.prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

fn places(place: &Place) -> Vec<(Option<String>, String)> {
    let prefix = || place.prefix.clone();
    match place.hosts.as_slice() {
        [] => vec![(None, prefix())],
        hosts => hosts.iter().map(|host| (Some(host.clone()), prefix())).collect(),
    }
}

/// An authority's host, without its port, as `hosts` has it (RFC 3986 §3.2.2: case means nothing).
fn hostname(authority: &str) -> String {
    let host = authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit()));
    let host = host.map_or(authority, |(host, _)| host);
    host.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostname_is_lower_case_without_a_port() {
        for (authority, host) in [
            ("X.example:8000", "x.example"),
            ("x.example.", "x.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("", ""),
        ] {
            assert_eq!(hostname(authority), host);
        }
    }
}
