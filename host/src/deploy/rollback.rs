//! The way back: to a version that is kept, by hand or because the current one traps.

use std::sync::Arc;

use super::canary::no_canary;
use super::error::disk;
use super::{Action, DeployError, Deployed, Deployer, blocking};
use crate::app::{App, Version};
use crate::feed::What;
use crate::limits;

impl Deployer {
    /// Makes a kept version the current one again; by itself the one before.
    ///
    /// # Errors
    /// See [`DeployError`]; nothing has changed.
    ///
    /// # Cancel safety
    /// As [`Self::deploy`].
    pub async fn rollback(&self, name: &str, to: Option<u64>, by: &str) -> Result<Deployed, DeployError> {
        let app = self.app(name)?;
        let _turn = self.turn(name)?;
        no_canary(&app)?;
        self.go_back(&app, to, by).await
    }

    /// Rolls back, as they fail their trial, versions that trap, and aborts canaries. Never returns.
    pub async fn watch(&self) -> ! {
        loop {
            self.failed.notified().await;
            for app in self.apps().all() {
                let ended = match self.end_canary_trial(&app).await {
                    Ok(()) => self.end_trial(&app).await,
                    busy => busy,
                };
                match ended {
                    Ok(()) => {}
                    Err(DeployError::Busy { .. }) => {
                        // What is under way may replace it; if not, its turn comes.
                        tokio::time::sleep(limits::TRIAL_RETRY).await;
                        self.failed.notify_one();
                    }
                    Err(error) => tracing::error!(app = app.name, "not rolled back: {error}"),
                }
            }
        }
    }

    /// Rolls an app back, if its current version has failed its trial and there is one before.
    async fn end_trial(&self, app: &Arc<App>) -> Result<(), DeployError> {
        if !app.tried().trial.has_failed() {
            return Ok(());
        }
        let _turn = self.turn(&app.name)?;
        let tried = app.tried();
        let ((calls, traps), version) = (tried.trial.counted(), tried.version.number);
        if !tried.trial.has_failed() || self.target(app, None).is_err() {
            return Ok(());
        }
        tracing::error!(app = app.name, version, calls, traps, "the version traps: rolling back");
        let before = app.previous_number().filter(|previous| *previous < version);
        if let Some(canary) = app.canary() {
            // It was to be compared with a version that goes.
            self.end_canary(app, &canary, "host").await?;
        }
        self.go_back(app, before, "host").await.map(drop)
    }

    /// With the app's turn.
    async fn go_back(&self, app: &Arc<App>, to: Option<u64>, by: &str) -> Result<Deployed, DeployError> {
        let (name, from) = (&app.name, app.number());
        let version = self.target(app, to)?;
        let loaded = match app.previous(version) {
            Some(loaded) => loaded,
            None => self.load(app, version).await?,
        };
        if !app.keeps(&loaded) {
            return Err(DeployError::Store);
        }
        let _gate = self.gate.lock().await;
        self.apps().check(&loaded)?;
        let shelf = app.shelf.clone();
        let current = move || shelf.set_current(version);
        self.commit(by, name, Action::Rollback { from, version }, current).await?;
        self.swap(app, loaded);
        self.feed().tell(name, version, || What::RolledBack { from, by: by.to_owned() });
        tracing::warn!(app = name, from, version, by, "rolled back");
        Ok(Deployed { app: name.clone(), version, previous: Some(from), canary: None })
    }

    fn target(&self, app: &App, to: Option<u64>) -> Result<u64, DeployError> {
        let (name, current) = (app.name.clone(), app.number());
        let kept = app.shelf.numbers().map_err(disk("the versions"))?;
        match to {
            Some(version) if kept.contains(&version) => Ok(version),
            Some(version) => Err(DeployError::NoVersion { app: name, version, kept }),
            None => {
                let earlier = kept.into_iter().rfind(|number| *number < current);
                earlier.ok_or(DeployError::NoEarlier { app: name, version: current })
            }
        }
    }

    async fn load(&self, app: &Arc<App>, number: u64) -> Result<Arc<Version>, DeployError> {
        let (loader, app) = (self.loader.clone(), app.clone());
        blocking(move || {
            let record = app.shelf.record(number).map_err(disk("the version's record"))?;
            Ok(Arc::new(loader.load(&app.shelf, &record, app.lasting())?))
        })
        .await
    }
}
