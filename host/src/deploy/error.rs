//! Why a deploy, a rollback or an undeploy has changed nothing.

use std::io;

use crate::app::digest::Digest;
use crate::app::{Conflict, OpenError, VersionError};
use crate::failure::Fault;
use crate::limits;

/// Nothing was changed: the running version serves on.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// Another change of this app is under way.
    #[error("another deploy of '{app}' is under way; try again when it is done")]
    Busy {
        /// The app.
        app: String,
    },
    /// Content that was never sent, or was forgotten since.
    #[error("{} of its contents are not here; send them first", .0.len())]
    Missing(Vec<Digest>),
    /// What was deployed is no version.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// It can reach more than the running version.
    #[error("it can reach what the running version cannot: {}; deploy with --allow-new-grants if it shall", .0.join(", "))]
    NewGrants(Vec<String>),
    /// A component does not start.
    #[error("handler '{handler}' does not start: {fault}")]
    Start {
        /// The handler.
        handler: String,
        /// What happened.
        fault: Fault,
    },
    /// The health path does not answer.
    #[error("{0}")]
    Health(String),
    /// It would be served where another app is.
    #[error(transparent)]
    Conflict(#[from] Conflict),
    /// It would be served on more apps than a host has.
    #[error("this host serves {limit} apps already, which is its limit; undeploy one", limit = limits::APPS_MAX)]
    TooManyApps,
    /// Its sessions cannot be had.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// Its sessions would be kept elsewhere.
    #[error("`session.store` is another than the running version's; restart the host to change the store")]
    Store,
    /// A canary runs: it is to be decided first.
    #[error("version {version} of '{app}' is a canary; `sessile promote {app}` or `sessile abort {app}` first")]
    Canary {
        /// The app.
        app: String,
        /// The canary.
        version: u64,
    },
    /// No canary runs.
    #[error("'{app}' has no canary: `sessile deploy --canary 10%` begins one, and a restart of the host ends it")]
    NoCanary {
        /// The app.
        app: String,
    },
    /// A canary without a version beside it.
    #[error("'{app}' is not served yet: a canary needs a running version beside it; deploy without --canary first")]
    CanaryAlone {
        /// The app.
        app: String,
    },
    /// A canary that would be served elsewhere.
    #[error(
        "`hosts` or `prefix` in [app] are others than the running version's, and a canary is served where that is; deploy without --canary"
    )]
    CanaryElsewhere,
    /// No app of this name.
    #[error("no app is named '{app}' here; `sessile apps` lists them")]
    NoApp {
        /// The name.
        app: String,
    },
    /// No version of this number.
    #[error("'{app}' has no version {version}; kept are {}", .kept.iter().map(u64::to_string).collect::<Vec<_>>().join(", "))]
    NoVersion {
        /// The app.
        app: String,
        /// The number.
        version: u64,
        /// Those that are kept.
        kept: Vec<u64>,
    },
    /// There is nothing to go back to.
    #[error("'{app}' has no version before {version}")]
    NoEarlier {
        /// The app.
        app: String,
        /// The current version.
        version: u64,
    },
    /// The disk.
    #[error("{what}: {cause}")]
    Disk {
        /// What was written or read.
        what: &'static str,
        /// What the system says.
        cause: io::Error,
    },
    /// The host lost the task: never by a guest's doing.
    #[error("the deploy was lost: {0}")]
    Lost(String),
}

/// Says what of the disk failed.
pub(super) fn disk(what: &'static str) -> impl Fn(io::Error) -> DeployError {
    move |cause| DeployError::Disk { what, cause }
}
