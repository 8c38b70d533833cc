//! Deploys: from what somebody sent to the current version of an app; and back.
//!
//! Owns the order of things: verified, compiled, checked against what the running version may reach, started once,
//! written to disk, and only then swapped in. Whatever fails on the way leaves the running version untouched. One change of an app
//! at a time.

mod audit;
mod canary;
mod error;
mod rollback;
mod steps;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, OwnedRwLockWriteGuard, RwLock};

pub use self::audit::{Action, Audit};
pub use self::error::DeployError;
pub use self::steps::Step;

use self::canary::no_canary;
use self::error::disk;
use self::steps::{Steps, compiled_said, contents_said, grants_said, smoke, swap_said};
use crate::alarm::Alarms;
use crate::app::archive::{Archive, Contents, Record, Shelf};
use crate::app::canary::Share;
use crate::app::{App, Apps, Lasting, Loader, Version, VersionError, version};
use crate::feed::{Feed, What};
use crate::group::Groups;
use crate::histories;
use crate::http::Service;
use crate::limits;

/// What changes the apps of a host.
pub struct Deployer {
    loader: Loader,
    service: Arc<Service>,
    audit: Arc<Audit>,
    busy: Mutex<BTreeSet<String>>,
    /// From where a version is compared with all that is served to where it is served itself.
    gate: tokio::sync::Mutex<()>,
    /// Whoever counts on content that no version names yet shares it; forgetting such content takes it alone.
    content: Arc<RwLock<()>>,
    failed: Arc<Notify>,
    ring: Arc<Notify>,
}

/// What is to become the current version.
#[derive(Clone, Debug)]
pub struct Order {
    /// What it is made of; the archive has it.
    pub contents: Contents,
    /// Who says so.
    pub by: String,
    /// What they say of it.
    pub note: Option<String>,
    /// Its signature, if it has one.
    pub signature: Option<String>,
    /// What if it can reach more than the running version.
    pub new_grants: NewGrants,
    /// What it serves beside the current version; none: it takes that one's place.
    pub canary: Option<Share>,
}

/// What a deploy does about grants that the running version does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewGrants {
    /// Refuse.
    Refuse,
    /// Take them.
    Allow,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deployed {
    /// The app.
    pub app: String,
    /// The version that is current now; of a canary, that.
    pub version: u64,
    /// The one that was, if any; of a canary, the one that serves the rest.
    pub previous: Option<u64>,
    /// What a canary serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Share>,
}

impl Deployer {
    /// Of these apps, none of which is there yet.
    pub fn new(loader: Loader, service: Arc<Service>, audit: Audit) -> Self {
        Self {
            loader,
            service,
            audit: Arc::new(audit),
            busy: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            content: Arc::default(),
            failed: Arc::default(),
            ring: Arc::default(),
        }
    }

    /// What loads versions, and has the archive.
    pub fn loader(&self) -> &Loader {
        &self.loader
    }

    /// Woken when an alarm of an app is to ring earlier than was known, and when another version has taken over.
    pub fn ring(&self) -> &Notify {
        &self.ring
    }

    /// The audit log.
    pub fn audit(&self) -> &Arc<Audit> {
        &self.audit
    }

    /// Serves the current version of every app in the archive. One that cannot be served is named in the log, and the
    /// others are served. Blocks.
    ///
    /// # Errors
    /// `Disk`.
    pub fn restore(&self) -> Result<(), DeployError> {
        for name in self.loader.archive.apps().map_err(disk("the apps of the data folder"))? {
            match self.restore_app(&name) {
                Ok(app) => self.apps().insert(Arc::new(app)),
                Err(error) => tracing::error!(app = name, "not served: {error}"),
            }
        }
        Ok(())
    }

    fn restore_app(&self, name: &str) -> Result<App, DeployError> {
        let shelf = self.shelf(name)?;
        let number = shelf.current().map_err(disk("the current version"))?.unwrap_or_default();
        let record = shelf.record(number).map_err(disk("the record of the current version"))?;
        let lasting = self.lasting(&shelf);
        let version = self.loader.load(&shelf, &record, &lasting)?;
        Ok(App::open(shelf, version, lasting, self.failed.clone())?)
    }

    /// What the versions of an app that is not served yet will share.
    fn lasting(&self, shelf: &Shelf) -> Lasting {
        let groups = Arc::new(Groups::new(self.service.presence.clone()));
        let alarms = Arc::new(Alarms::new(shelf.folder(), self.ring.clone()));
        Lasting { groups, live: Arc::default(), alarms }
    }

    /// Makes an order the current version of its app, or its canary. `tell` hears of each step as it is done.
    ///
    /// # Errors
    /// See [`DeployError`]; nothing has changed.
    ///
    /// # Cancel safety
    /// None: dropped between two writes, what is served would differ from what is on disk. To be spawned.
    pub async fn deploy(&self, order: Order, tell: impl FnMut(Step)) -> Result<Deployed, DeployError> {
        let mut steps = Steps::new(tell);
        // Before anything of it is looked at, and again as it is loaded.
        let signed = self.loader.trusted.check(&order.contents, order.signature.as_deref());
        signed.map_err(VersionError::from)?;
        let manifest = version::check(&order.contents)?;
        let name = manifest.app.name;
        let _turn = self.turn(&name)?;
        let running = self.apps().get(&name);
        self.may_come(&name, running.as_deref(), order.canary)?;
        let content = self.content.read().await;
        let missing: Vec<_> = order.contents.digests().into_iter().filter(|digest| !self.has(digest)).collect();
        if !missing.is_empty() {
            return Err(DeployError::Missing(missing));
        }
        steps.done("verify", contents_said(&order.contents));
        let (version, record, shelf, lasting) =
            self.prepare(order.clone(), &name, running.as_deref(), &mut steps).await?;
        // No two apps come to one place at once.
        let _gate = self.gate.lock().await;
        let grants = self.check(&version, running.as_deref(), &order)?;
        steps.done("check", grants_said(&grants));
        steps.done("smoke", smoke(&version).await?);
        let previous = running.as_ref().map(|app| app.number());
        let number = record.number;
        let next = self.next(running, version, lasting).await?;
        let share = order.canary;
        let action = match share {
            None => Action::Deploy { version: number, new_grants: grants },
            Some(share) => Action::Canary { version: number, share, new_grants: grants },
        };
        self.commit(&order.by, &name, action, move || {
            shelf.add(&record)?;
            if share.is_none() { shelf.set_current(number) } else { Ok(()) }
        })
        .await?;
        match next {
            Next::Version(app, version) => match share {
                None => self.swap(&app, version),
                Some(share) => self.share(&app, version, share, &order.by),
            },
            Next::App(app) => {
                self.apps().insert(app);
                self.ring.notify_one();
            }
        }
        steps.done("swap", swap_said(previous, share));
        drop(content);
        self.tidy(&name).await;
        if share.is_none() {
            self.feed().tell(&name, number, || What::Deployed { previous, by: order.by.clone() });
        }
        tracing::info!(app = name, version = number, by = order.by, "deployed");
        Ok(Deployed { app: name, version: number, previous, canary: share })
    }

    /// Whether there is a place for a version of an app, before anything of it is looked at.
    fn may_come(&self, name: &str, running: Option<&App>, canary: Option<Share>) -> Result<(), DeployError> {
        let app = || name.to_owned();
        match running {
            None if canary.is_some() => Err(DeployError::CanaryAlone { app: app() }),
            None if self.apps().all().len() >= limits::APPS_MAX => Err(DeployError::TooManyApps),
            None => Ok(()),
            Some(running) => no_canary(running),
        }
    }

    /// Serves an app no more; its versions and its sessions stay on disk.
    ///
    /// # Errors
    /// See [`DeployError`]; nothing has changed.
    ///
    /// # Cancel safety
    /// As [`Self::deploy`].
    pub async fn undeploy(&self, name: &str, by: &str) -> Result<Arc<App>, DeployError> {
        let app = self.app(name)?;
        let _turn = self.turn(name)?;
        let shelf = app.shelf.clone();
        self.commit(by, name, Action::Undeploy { version: app.number() }, move || shelf.retire()).await?;
        self.apps().remove(name);
        self.service.websockets.undeployed(&app);
        self.feed().tell(name, app.number(), || What::Undeployed { by: by.to_owned() });
        tracing::info!(app = name, by, "undeployed");
        Ok(app)
    }

    /// The app of a name.
    ///
    /// # Errors
    /// `NoApp`.
    pub fn app(&self, name: &str) -> Result<Arc<App>, DeployError> {
        self.apps().get(name).ok_or_else(|| DeployError::NoApp { app: name.to_owned() })
    }

    /// Compiles and loads, off the I/O workers.
    async fn prepare<T: FnMut(Step)>(
        &self,
        order: Order,
        name: &str,
        running: Option<&App>,
        steps: &mut Steps<T>,
    ) -> Result<(Version, Record, Shelf, Lasting), DeployError> {
        let shelf = self.shelf(name)?;
        let lasting = running.map_or_else(|| self.lasting(&shelf), |app| app.lasting().clone());
        let loader = self.loader.clone();
        // Both at once: each wait for a thread costs as much as a small component does.
        let ((all, fresh), span, prepared) = blocking(move || {
            let begun = Instant::now();
            let compiled = loader.compile(&order.contents)?;
            let span = begun.elapsed();
            let newest = shelf.numbers().map_err(disk("the versions"))?.last().copied().unwrap_or_default();
            let Order { contents, by, note, signature, .. } = order;
            let record = Record { number: newest + 1, deployed_at: now(), by, note, contents, signature };
            let version = loader.load(&shelf, &record, &lasting)?;
            Ok((compiled, span, (version, record, shelf, lasting)))
        })
        .await?;
        steps.took("compile", span, compiled_said(all, fresh));
        Ok(prepared)
    }

    /// What a version can reach that the running one cannot.
    fn check(&self, version: &Version, running: Option<&App>, order: &Order) -> Result<Vec<String>, DeployError> {
        self.apps().check(version)?;
        let Some(running) = running else { return Ok(version.wants.iter().cloned().collect()) };
        if !running.keeps(version) {
            return Err(DeployError::Store);
        }
        let current = running.current();
        if order.canary.is_some() && current.place != version.place {
            return Err(DeployError::CanaryElsewhere);
        }
        let new: Vec<_> = version.wants.difference(&current.wants).cloned().collect();
        match order.new_grants {
            NewGrants::Refuse if !new.is_empty() => Err(DeployError::NewGrants(new)),
            _ => Ok(new),
        }
    }

    fn swap(&self, app: &Arc<App>, version: Arc<Version>) {
        self.apps().swap(app, version);
        self.ring.notify_one();
        self.service.websockets.swapped(app, Instant::now());
    }

    async fn next(&self, running: Option<Arc<App>>, version: Version, lasting: Lasting) -> Result<Next, DeployError> {
        if let Some(app) = running {
            let version = Arc::new(version);
            // Most apps have none, and need not wait for a thread.
            if version.groups.any_durable() {
                let (ready, rules) = (app.clone(), version.clone());
                blocking(move || {
                    Ok(histories::prepare(ready.groups(), &rules.groups, ready.shelf.folder())
                        .map_err(crate::app::OpenError::from)?)
                })
                .await?;
            }
            return Ok(Next::Version(app, version));
        }
        let (shelf, failed) = (self.shelf(&version.name)?, self.failed.clone());
        let app = blocking(move || Ok(App::open(shelf, version, lasting, failed)?)).await?;
        Ok(Next::App(Arc::new(app)))
    }

    /// Writes what is about to happen to the audit log, then makes it so on disk.
    async fn commit(
        &self,
        by: &str,
        app: &str,
        action: Action,
        change: impl FnOnce() -> std::io::Result<()> + Send + 'static,
    ) -> Result<(), DeployError> {
        let (audit, by, app) = (self.audit.clone(), by.to_owned(), app.to_owned());
        blocking(move || {
            audit.write(&by, &app, &action).map_err(disk("the audit log"))?;
            change().map_err(disk("the version's files"))
        })
        .await
    }

    /// Forgets content that no version names, even if it has just come: the disk has no room for more. Whoever sent it
    /// sends it again.
    pub async fn reclaim(&self) {
        if let Ok(alone) = self.content.clone().try_write_owned() {
            let archive = self.loader.archive.clone();
            // A panic is logged by its thread.
            let _swept = tokio::task::spawn_blocking(move || sweep(&archive, Duration::ZERO, alone)).await;
        }
    }

    /// With the app's turn: forgets versions that are not kept, then what they alone named. A failure costs room on the
    /// disk.
    async fn tidy(&self, name: &str) {
        let (shelf, app) = (self.shelf(name), name.to_owned());
        let pruned = blocking(move || shelf?.prune().map_err(disk("old versions"))).await;
        if let Err(error) = pruned {
            tracing::warn!(app, "old versions could not be forgotten: {error}");
        }
        let (archive, content) = (self.loader.archive.clone(), self.content.clone());
        tokio::spawn(async move {
            let alone = content.write_owned().await;
            tokio::task::spawn_blocking(move || sweep(&archive, limits::BLOB_GRACE, alone));
        });
    }

    fn apps(&self) -> &Apps {
        &self.service.apps
    }

    /// Where what happens is told.
    pub fn feed(&self) -> &Arc<Feed> {
        self.loader.engine.feed()
    }

    fn has(&self, digest: &crate::app::digest::Digest) -> bool {
        self.loader.archive.blobs.has(digest)
    }

    fn shelf(&self, name: &str) -> Result<Shelf, DeployError> {
        self.loader.archive.shelf(name).map_err(disk("the app's folder"))
    }

    fn turn(&self, name: &str) -> Result<Turn<'_>, DeployError> {
        match self.lock().insert(name.to_owned()) {
            true => Ok(Turn { deployer: self, name: name.to_owned() }),
            false => Err(DeployError::Busy { app: name.to_owned() }),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is left to do once all is on disk: nothing that can fail.
enum Next {
    Version(Arc<App>, Arc<Version>),
    App(Arc<App>),
}

/// Nobody else changes this app until it is dropped.
struct Turn<'a> {
    deployer: &'a Deployer,
    name: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.deployer.lock().remove(&self.name);
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DeployError> + Send + 'static,
) -> Result<T, DeployError> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|lost| Err(DeployError::Lost(lost.to_string())))
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// Forgets content that no version names any more; a failure costs room on the disk.
fn sweep(archive: &Archive, grace: Duration, _alone: OwnedRwLockWriteGuard<()>) {
    match archive.sweep(grace) {
        Ok(0) => {}
        Ok(forgotten) => tracing::debug!(forgotten, "content of versions that are not kept"),
        Err(error) => tracing::warn!("old content could not be forgotten: {error}"),
    }
}
