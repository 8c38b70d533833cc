//! Which host a command is for, and which of its apps.

use std::path::{Path, PathBuf};

use anyhow::bail;
use clap::Args;

use super::{Done, default_data, report};
use crate::admin::client::{Client, ClientError};
use crate::admin::wire::AppInfo;
use crate::app::read_manifest;

/// A running host.
#[derive(Args)]
pub(super) struct To {
    /// The host: its data folder [default: $SESSILE_TO, or .sessile of the app's folder, or of this one]
    #[arg(long, value_name = "DIR")]
    to: Option<PathBuf>,
}

/// One of its apps.
#[derive(Args)]
pub(super) struct OfApp {
    /// The app: its name, or its folder; may be left out where the host serves one
    app: Option<String>,
    #[command(flatten)]
    to: To,
}

impl To {
    /// Connects; `folder` is an app's, if it is known.
    pub(super) async fn connect(&self, folder: Option<&Path>) -> Result<Client, ClientError> {
        let named = self.to.clone().or_else(|| std::env::var_os("SESSILE_TO").map(PathBuf::from));
        Client::connect(&named.unwrap_or_else(|| default_data(folder.unwrap_or(Path::new("."))))).await
    }
}

impl OfApp {
    /// Connects, and finds out which app is meant.
    pub(super) async fn connect(&self) -> anyhow::Result<(Client, String)> {
        let folder = self.app.as_ref().map(Path::new).filter(|folder| folder.join("sessile.toml").exists());
        let mut client = self.to.connect(folder).await?;
        let name = match (&self.app, folder) {
            (_, Some(folder)) => read_manifest(folder)?.1.app.name,
            (Some(name), None) => name.clone(),
            (None, None) => only(client.get("/v1/apps").await?)?,
        };
        Ok((client, name))
    }
}

fn only(apps: Vec<AppInfo>) -> anyhow::Result<String> {
    match apps.as_slice() {
        [app] => Ok(app.app.clone()),
        [] => bail!("this host serves no app"),
        several => {
            let names: Vec<_> = several.iter().map(|app| app.app.as_str()).collect();
            bail!("this host serves several apps; name one of {}", names.join(", "))
        }
    }
}

/// Runs what asks a host; what the host refuses is a failure, whatever else is a mistake of the caller's.
pub(super) fn ask(asked: impl Future<Output = anyhow::Result<Done>>) -> anyhow::Result<Done> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(asked) {
        Err(error) if error.is::<ClientError>() => {
            report(&error);
            Ok(Done::Badly)
        }
        asked => asked,
    }
}
