//! Which host a command is for, and which of its apps.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;
use http::Uri;

use super::{Done, default_data, report};
use crate::admin::client::{Address, Client, ClientError};
use crate::admin::wire::AppInfo;
use crate::app::read_manifest;
use crate::oci::OciError;
use crate::tls::Connector;

/// A running host.
#[derive(Args)]
pub(super) struct To {
    /// The host: its data folder, or http(s)://HOST:PORT of its admin API, with the token in $SESSILE_TOKEN and an
    /// authority of one's own in the file $SESSILE_CA [default: $SESSILE_TO, or .sessile of the app's folder, or of this
    /// one]
    #[arg(long, value_name = "DIR|URL")]
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

/// Where a host is.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    Folder(PathBuf),
    Plain(Address),
    Secure(Address),
}

impl To {
    /// Connects; `folder` is an app's, if it is known.
    pub(super) async fn connect(&self, folder: Option<&Path>) -> anyhow::Result<Client> {
        let named = self.to.clone().or_else(|| std::env::var_os("SESSILE_TO").map(PathBuf::from));
        let named = named.unwrap_or_else(|| default_data(folder.unwrap_or(Path::new("."))));
        Ok(match place(named)? {
            Place::Folder(data) => Client::connect(&data).await?,
            Place::Plain(address) => Client::connect_plain(&address, &token(&address)?).await?,
            Place::Secure(address) => {
                let connector = Connector::new(authority().as_deref()).context("$SESSILE_CA")?;
                Client::connect_secure(&address, &token(&address)?, &connector).await?
            }
        })
    }
}

/// What `--to` names.
fn place(named: PathBuf) -> anyhow::Result<Place> {
    let Some(text) = named.to_str().filter(|text| text.starts_with("http://") || text.starts_with("https://")) else {
        return Ok(Place::Folder(named));
    };
    let uri: Uri = text.parse().with_context(|| format!("--to {text}"))?;
    let authority = uri.authority().with_context(|| format!("--to {text}: no host"))?;
    if authority.as_str().contains('@') || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        bail!("--to wants http(s)://HOST:PORT and no more; the token comes from $SESSILE_TOKEN");
    }
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = |default| authority.port_u16().unwrap_or(default);
    Ok(match text.starts_with("https:") {
        true => Place::Secure(Address { host, port: port(443) }),
        false => Place::Plain(Address { host, port: port(80) }),
    })
}

/// The file of a certificate authority of one's own.
pub(super) fn authority() -> Option<PathBuf> {
    std::env::var_os("SESSILE_CA").map(PathBuf::from)
}

/// Never an argument: those are seen by everyone on the machine, and kept by shells.
fn token(address: &Address) -> anyhow::Result<String> {
    let token = std::env::var("SESSILE_TOKEN").ok().filter(|token| !token.is_empty());
    token.with_context(|| {
        format!("{address} wants a token in $SESSILE_TOKEN; `sessile token create` on that machine makes one")
    })
}

impl OfApp {
    pub(super) fn new(app: Option<String>, to: To) -> Self {
        Self { app, to }
    }

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

/// Runs what asks a host or a registry; what these refuse is a failure, whatever else is a mistake of the caller's.
pub(super) fn ask(asked: impl Future<Output = anyhow::Result<Done>>) -> anyhow::Result<Done> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(asked) {
        Err(error) if error.is::<ClientError>() || error.is::<OciError>() => {
            report(&error);
            Ok(Done::Badly)
        }
        asked => asked,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    #[test]
    fn place_is_a_folder_or_an_address_and_holds_no_secret() {
        let place = |text: &str| super::place(text.into());
        let address = |host: &str, port| Address { host: host.into(), port };
        assert_eq!(place("/var/lib/sessile").unwrap(), Place::Folder("/var/lib/sessile".into()));
        assert_eq!(place("http:").unwrap(), Place::Folder("http:".into()));
        assert_eq!(place("https://a.example").unwrap(), Place::Secure(address("a.example", 443)));
        assert_eq!(place("http://[::1]:9000/").unwrap(), Place::Plain(address("::1", 9000)));
        for wrong in ["https://", "https://sst_x@a.example", "https://a.example/v1", "https://a.example/?token=x"] {
            let refused = place(wrong).unwrap_err().to_string();
            assert!(refused.contains("--to"), "{wrong}: {refused}");
        }
    }
}
