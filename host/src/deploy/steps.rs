//! The steps of a deploy as they are told, and those that need nothing of the deployer.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::error::DeployError;
use crate::app::Version;
use crate::app::archive::Contents;
use crate::app::canary::Share;
use crate::dispatch;
use crate::failure::Fault;
use crate::http::health;

/// A step that is done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Step {
    /// `verify`, `compile`, `check`, `smoke`, `swap`.
    pub step: String,
    /// How long it took, in microseconds.
    pub micros: u64,
    /// What was found.
    pub says: String,
}

/// Tells of steps, and how long each took.
pub(super) struct Steps<T> {
    tell: T,
    since: Instant,
}

impl<T: FnMut(Step)> Steps<T> {
    pub(super) fn new(tell: T) -> Self {
        Self { tell, since: Instant::now() }
    }

    pub(super) fn done(&mut self, step: &str, says: String) {
        self.took(step, self.since.elapsed(), says);
    }

    /// Of the time since the last step; what is left of it belongs to the next.
    pub(super) fn took(&mut self, step: &str, span: Duration, says: String) {
        let micros = u64::try_from(span.as_micros()).unwrap_or(u64::MAX);
        (self.tell)(Step { step: step.to_owned(), micros, says });
        self.since += span;
    }
}

/// Whether every handler starts, and the health path answers; what to say of it.
pub(super) async fn smoke(version: &Version) -> Result<String, DeployError> {
    for handler in version.handlers() {
        let started = handler.clone().smoke().await;
        let started = started.unwrap_or_else(|lost| Err(Fault::NotStarted(lost.to_string())));
        if let Err(fault) = started {
            let (fault, _) = dispatch::report(fault, handler, None);
            return Err(DeployError::Start { handler: handler.name.to_string(), fault });
        }
    }
    let Some(path) = &version.health else { return Ok("every handler starts".to_owned()) };
    health::check(version, path).await.map_err(DeployError::Health)?;
    Ok(format!("every handler starts, {path} answers"))
}

pub(super) fn contents_said(contents: &Contents) -> String {
    let files = contents.files.values().map(BTreeMap::len).sum();
    format!("{}, {}", counted(contents.components.len(), "handler"), counted(files, "file"))
}

pub(super) fn compiled_said(all: usize, fresh: usize) -> String {
    let components = counted(all, "component");
    match all - fresh {
        0 => components,
        cached if cached == all => format!("{components}, cached"),
        cached => format!("{components}, {cached} of them cached"),
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

pub(super) fn swap_said(previous: Option<u64>, canary: Option<Share>) -> String {
    match (previous, canary) {
        (Some(previous), Some(share)) => format!("{share}, version {previous} the rest"),
        (Some(previous), None) => format!("from version {previous}"),
        (None, _) => "the first version".to_owned(),
    }
}

pub(super) fn grants_said(new: &[String]) -> String {
    match new {
        [] => "nothing new that it can reach".to_owned(),
        new => format!("new: {}", new.join(", ")),
    }
}
