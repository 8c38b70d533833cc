//! The audit log: who changed what, one JSON line each, on disk before the change is made.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::now;
use crate::app::canary::Share;

/// The log of a data folder, which only ever grows.
pub struct Audit {
    file: Mutex<File>,
}

/// What is about to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "action")]
pub enum Action {
    /// A version becomes the current one for the first time.
    Deploy {
        /// Its number.
        version: u64,
        /// What it can reach that the one before could not.
        new_grants: Vec<String>,
    },
    /// A version begins to serve a share beside the current one, or another share.
    Canary {
        /// Its number.
        version: u64,
        /// What it serves, in percent.
        share: Share,
        /// What it can reach that the current one cannot.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        new_grants: Vec<String>,
    },
    /// The canary becomes the current version.
    Promote {
        /// The current one.
        from: u64,
        /// The canary.
        version: u64,
    },
    /// The canary serves no more.
    Abort {
        /// The canary.
        version: u64,
    },
    /// An older version becomes the current one again.
    Rollback {
        /// The current one.
        from: u64,
        /// The one that becomes it.
        version: u64,
    },
    /// An app is served no more.
    Undeploy {
        /// The current version.
        version: u64,
    },
    /// Something is published to a group; what, is not said.
    Publish {
        /// The group.
        group: String,
        /// Of the message.
        bytes: usize,
    },
    /// A websocket is closed.
    Close {
        /// Its id.
        websocket: String,
    },
}

#[derive(Serialize)]
struct Line<'a> {
    at: u64,
    by: &'a str,
    app: &'a str,
    #[serde(flatten)]
    action: &'a Action,
}

impl Audit {
    /// Opens the log (0600), making it if need be.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(data: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(data.join("audit.jsonl"))?;
        Ok(Self { file: Mutex::new(file) })
    }

    /// Writes a line. Blocks; returns once it is on disk.
    ///
    /// # Errors
    /// What the system says; the change is then not to be made.
    pub fn write(&self, by: &str, app: &str, action: &Action) -> io::Result<()> {
        let mut line = serde_json::to_vec(&Line { at: now(), by, app, action })?;
        line.push(b'\n');
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line)?;
        file.sync_data()
    }
}
