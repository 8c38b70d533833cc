//! A canary: a version beside the current one, on its way to take its place or to go.

use std::sync::Arc;
use std::time::Instant;

use super::{Action, DeployError, Deployed, Deployer};
use crate::app::canary::{Share, Standing};
use crate::app::{App, Canary, Version};
use crate::feed::What;

impl Deployer {
    /// Makes the canary of an app its current version; or with a share lets it serve that much.
    ///
    /// # Errors
    /// See [`DeployError`]; nothing has changed.
    ///
    /// # Cancel safety
    /// As [`Self::deploy`].
    pub async fn promote(&self, name: &str, share: Option<Share>, by: &str) -> Result<Deployed, DeployError> {
        let app = self.app(name)?;
        let _turn = self.turn(name)?;
        let (canary, from) = (canary_of(&app)?, app.number());
        let (version, number) = (canary.version.clone(), canary.version.number);
        let deployed = Deployed { app: name.to_owned(), version: number, previous: Some(from), canary: share };
        if let Some(share) = share {
            let action = Action::Canary { version: number, share, new_grants: Vec::new() };
            self.commit(by, name, action, || Ok(())).await?;
            self.share(&app, version, share, by);
            return Ok(deployed);
        }
        let _gate = self.gate.lock().await;
        self.apps().check(&version)?;
        let shelf = app.shelf.clone();
        self.commit(by, name, Action::Promote { from, version: number }, move || shelf.set_current(number)).await?;
        self.swap(&app, version);
        self.feed().tell(name, number, || What::Promoted { from, by: by.to_owned() });
        tracing::info!(app = name, version = number, from, by, "the canary is the current version");
        Ok(deployed)
    }

    /// Lets the current version of an app serve alone again; the canary's stays on disk.
    ///
    /// # Errors
    /// See [`DeployError`]; nothing has changed.
    ///
    /// # Cancel safety
    /// As [`Self::deploy`].
    pub async fn abort(&self, name: &str, by: &str) -> Result<Deployed, DeployError> {
        let app = self.app(name)?;
        let _turn = self.turn(name)?;
        let canary = canary_of(&app)?;
        self.end_canary(&app, &canary, by).await
    }

    /// Aborts the canary of an app, if it has failed its trial.
    pub(super) async fn end_canary_trial(&self, app: &Arc<App>) -> Result<(), DeployError> {
        let failed = || app.canary().filter(|canary| canary.has_failed());
        if failed().is_none() {
            return Ok(());
        }
        let _turn = self.turn(&app.name)?;
        let Some(canary) = failed() else { return Ok(()) };
        let (version, (calls, traps)) = (canary.version.number, canary.trial.counted());
        match canary.race.standing() {
            Some(Standing { canary, current }) => {
                tracing::error!(app = app.name, version, calls, traps, p99 = ?canary, current_p99 = ?current, "aborting the canary");
            }
            None => tracing::error!(app = app.name, version, calls, traps, "aborting the canary"),
        }
        self.end_canary(app, &canary, "host").await.map(drop)
    }

    /// With the app's turn.
    pub(super) async fn end_canary(&self, app: &Arc<App>, canary: &Canary, by: &str) -> Result<Deployed, DeployError> {
        let (name, version, current) = (&app.name, canary.version.number, app.number());
        self.commit(by, name, Action::Abort { version }, || Ok(())).await?;
        app.end_canary();
        self.service.websockets.swapped(app, Instant::now());
        self.feed().tell(name, version, || What::Aborted { by: by.to_owned() });
        tracing::warn!(app = name, version, current, by, "the canary was aborted");
        Ok(Deployed { app: name.clone(), version: current, previous: Some(version), canary: None })
    }

    /// Lets a version serve a share, once that is in the audit log.
    pub(super) fn share(&self, app: &Arc<App>, version: Arc<Version>, share: Share, by: &str) {
        let number = version.number;
        app.share(version, share);
        self.service.websockets.swapped(app, Instant::now());
        self.feed().tell(&app.name, number, || What::Canary { percent: share.percent(), by: by.to_owned() });
        tracing::info!(app = app.name, version = number, %share, by, "a canary serves");
    }
}

/// That no canary is to be decided on first.
pub(super) fn no_canary(app: &App) -> Result<(), DeployError> {
    match app.canary() {
        Some(canary) => Err(DeployError::Canary { app: app.name.clone(), version: canary.version.number }),
        None => Ok(()),
    }
}

fn canary_of(app: &App) -> Result<Arc<Canary>, DeployError> {
    app.canary().ok_or_else(|| DeployError::NoCanary { app: app.name.clone() })
}
