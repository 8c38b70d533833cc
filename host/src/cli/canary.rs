//! `sessile promote` and `abort`: what becomes of a canary; and how it looks among the apps.

use std::time::Duration;

use clap::Args;

use super::deploy::{now_live, shown};
use super::to::{OfApp, ask};
use super::{Done, say};
use crate::admin::wire::{CanaryInfo, PromoteRequest};
use crate::app::canary::Share;
use crate::deploy::Deployed;

#[derive(Args)]
pub(super) struct Promote {
    #[command(flatten)]
    of: OfApp,
    /// Let it serve this share, and the running version the rest [default: all, as the running version]
    #[arg(long, value_name = "PERCENT")]
    share: Option<Share>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Promote {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let (mut client, app) = self.of.connect().await?;
            let request = PromoteRequest { share: self.share };
            let promoted: Deployed = client.post(&format!("/v1/apps/{app}/promote"), &request).await?;
            say(&if self.json { serde_json::to_string(&promoted)? } else { now_live(&promoted) });
            Ok(Done::Well)
        })
    }
}

#[derive(Args)]
pub(super) struct Abort {
    #[command(flatten)]
    of: OfApp,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Abort {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let (mut client, app) = self.of.connect().await?;
            let aborted: Deployed = client.post(&format!("/v1/apps/{app}/abort"), &()).await?;
            if self.json {
                say(&serde_json::to_string(&aborted)?);
                return Ok(Done::Well);
            }
            let Deployed { version, previous, .. } = aborted;
            let canary = previous.map(|canary| format!(" (version {canary} was the canary)")).unwrap_or_default();
            say(&format!("{app}: version {version} is live alone{canary}"));
            Ok(Done::Well)
        })
    }
}

/// A canary, on the line below its app.
pub(super) fn beside(canary: &CanaryInfo) -> String {
    let CanaryInfo { version, share, calls, traps, p99_micros, current_p99_micros } = canary;
    let p99 = match (p99_micros, current_p99_micros) {
        (Some(own), Some(current)) => {
            let [own, current] = [own, current].map(|micros| shown(Duration::from_micros(*micros)));
            format!("p99 {own} beside {current}")
        }
        _ => "too few calls for a p99".to_owned(),
    };
    let name = format!("  canary {share}");
    format!("{name:<20} {version:>7}  {:>10}  {calls:>9}  {traps:>5}  {p99}", "")
}
