//! `sessile pull`: an app's way from a registry to a folder, or to where it is deployed.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::to::{ask, authority};
use super::{Done, say};
use crate::oci::{Pulled, Reference};

const EXAMPLES: &str = "Examples:
  sessile pull oci://ghcr.io/me/my-app:1.2                  into my-app
  sessile pull oci://ghcr.io/me/my-app@sha256:… --into app  exactly that, into app
  sessile serve app

`sessile deploy oci://…` needs no folder. Credentials are as for `sessile push`.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Pull {
    /// From where: oci://HOST[:PORT]/REPOSITORY[:TAG|@sha256:...], the tag `latest` if there is none
    from: Reference,
    /// A folder that is not there yet, or empty [default: the repository's last part]
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// Print reference, digest, app and folder as JSON
    #[arg(long)]
    json: bool,
}

impl Pull {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let into = self.into.unwrap_or_else(|| PathBuf::from(self.from.name()));
            Pulled::check_room(&into)?;
            let pulled = Pulled::of(&self.from, authority()).await?;
            pulled.write_to(&into)?;
            let Pulled { reference, digest, bundle } = &pulled;
            let (reference, app) = (reference.to_string(), &bundle.name);
            match self.json {
                true => say(&json!({ "reference": reference, "digest": digest, "app": app, "into": into }).to_string()),
                false => say(&format!("{app}: {reference} is in {}", into.display())),
            }
            Ok(Done::Well)
        })
    }
}

/// What an argument of another command names, if it names something in a registry.
pub(super) async fn in_memory(from: &Path) -> anyhow::Result<Option<Pulled>> {
    let Some(text) = from.to_str().filter(|text| Reference::is_meant(text)) else { return Ok(None) };
    Ok(Some(Pulled::of(&text.parse()?, authority()).await?))
}
