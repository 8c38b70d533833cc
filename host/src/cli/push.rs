//! `sessile push`: an app's way to a registry.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::to::{ask, authority};
use super::{Done, note, say};
use crate::oci::{Pushed, Reference};

const EXAMPLES: &str = "Examples:
  sessile push my-app oci://ghcr.io/me/my-app:1.2
  sessile push echo.wasm oci://localhost:5000/echo
  sessile deploy oci://ghcr.io/me/my-app:1.2 --to https://host.example:9000

Who you are for the registry is in docker's config.json (`docker login`), or in $SESSILE_REGISTRY_USER and
$SESSILE_REGISTRY_PASSWORD. Registries are asked over TLS, but those on this machine; $SESSILE_CA names the file of a
certificate authority of your own. A signature that is beside the app (`sessile sign`) goes with it.";

#[derive(Args)]
#[command(after_help = EXAMPLES, allow_missing_positional = true)]
pub(super) struct Push {
    /// The app's folder, built, or a component
    #[arg(default_value = ".")]
    from: PathBuf,
    /// Where to: oci://HOST[:PORT]/REPOSITORY[:TAG], the tag `latest` if there is none
    to: Reference,
    /// Print reference, digest and app as JSON
    #[arg(long)]
    json: bool,
}

impl Push {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let Pushed { reference, digest, app, outside } = Pushed::of(&self.from, &self.to, authority()).await?;
            match self.json {
                true => say(&json!({ "reference": reference.to_string(), "digest": digest, "app": app }).to_string()),
                false => say(&format!("{app}: pushed to {reference}")),
            }
            if !outside.is_empty() {
                let handlers = outside.join(", ");
                note(&format!(
                    "components outside of the app's folder: of {handlers}; it can be deployed from the registry, but \
                     `sessile pull` could not write them where sessile.toml has them"
                ));
            }
            Ok(Done::Well)
        })
    }
}
