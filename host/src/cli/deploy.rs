//! `sessile deploy`, `apps`, `versions`, `rollback`, `undeploy`: what a running host serves.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use clap::Args;

use super::to::{OfApp, To, ask};
use super::{Done, canary, pull, say};
use crate::admin::wire::{AppInfo, DeployRequest, RollbackRequest, VersionInfo};
use crate::app::Bundle;
use crate::app::canary::Share;
use crate::deploy::{Deployed, Step};
use crate::oci::Pulled;

#[derive(Args)]
#[command(after_help = "Examples:
  sessile deploy my-app                        to the host that serves this folder
  sessile deploy my-app --to /var/lib/sessile  to the host with this data folder
  sessile deploy my-app --to https://host.example:9000
                                               by the admin API, with the token in $SESSILE_TOKEN
  sessile deploy --canary 10%                  beside the running version, for a tenth
  sessile deploy echo.wasm                     one component, on all paths
  sessile deploy oci://ghcr.io/me/my-app:1.2   what `sessile push` has put there; this command asks the registry, not the host")]
pub(super) struct Deploy {
    /// The app's folder, where its sessile.toml is, or a component, or oci://HOST[:PORT]/REPOSITORY[:TAG|@sha256:...]
    #[arg(default_value = ".")]
    from: PathBuf,
    #[command(flatten)]
    to: To,
    /// What to remember it by, as `sessile versions` shows it [default of what is pulled: its reference and digest]
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Let it reach what the running version cannot: other hosts, variables, interfaces
    #[arg(long)]
    allow_new_grants: bool,
    /// Let it serve this share beside the running version, by session or websocket, until `promote` or `abort`; it is
    /// aborted by itself where it traps or is slow
    #[arg(long, value_name = "PERCENT")]
    canary: Option<Share>,
    /// Print steps and result as JSON lines
    #[arg(long)]
    json: bool,
}

impl Deploy {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let begun = Instant::now();
            let folder = self.from.is_dir().then_some(self.from.as_path());
            let (bundle, pulled) = match pull::in_memory(&self.from).await? {
                Some(Pulled { bundle, reference, .. }) => (bundle, Some(reference.to_string())),
                None => match folder {
                    Some(folder) => (Bundle::read(folder)?, None),
                    None => (Bundle::of_component(&self.from)?, None),
                },
            };
            let mut client = self.to.connect(folder).await?;
            let (contents, signature) = (bundle.contents.clone(), bundle.signature.clone());
            let note = self.note.clone().or(pulled);
            let (allow_new_grants, canary) = (self.allow_new_grants, self.canary);
            let request = DeployRequest { contents, note, signature, allow_new_grants, canary };
            let tell = |step: &Step| said(step, self.json);
            let deployed = client.deploy(&bundle, &request, tell).await?;
            if self.json {
                say(&serde_json::to_string(&deployed)?);
            } else {
                say(&format!("{} ({})", now_live(&deployed), shown(begun.elapsed())));
            }
            Ok(Done::Well)
        })
    }
}

pub(super) fn now_live(deployed: &Deployed) -> String {
    let Deployed { app, version, canary, .. } = deployed;
    match canary {
        None => format!("{app}: version {version} is live"),
        Some(share) => {
            format!("{app}: version {version} is live for {share}; next: sessile promote {app}, or abort {app}")
        }
    }
}

pub(super) fn said(step: &Step, json: bool) {
    if json {
        say(&serde_json::to_string(step).unwrap_or_default());
    } else {
        say(&format!("{:<8} {:>9}  {}", step.step, shown(Duration::from_micros(step.micros)), step.says));
    }
}

/// A time as a person reads it.
pub(super) fn shown(time: Duration) -> String {
    match time.as_millis() {
        0..=9 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        10..=9_999 => format!("{} ms", time.as_millis()),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}

#[derive(Args)]
pub(super) struct Apps {
    #[command(flatten)]
    to: To,
    /// As JSON lines
    #[arg(long)]
    json: bool,
}

impl Apps {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let apps: Vec<AppInfo> = self.to.connect(None).await?.get("/v1/apps").await?;
            if !self.json {
                say("APP                  VERSION  WEBSOCKETS      CALLS  TRAPS  SERVED ON");
            }
            for app in &apps {
                if self.json {
                    say(&serde_json::to_string(app)?);
                    continue;
                }
                let AppInfo { app: name, version, websockets, calls, traps, prefix, .. } = app;
                let hosts = if app.hosts.is_empty() { "every host".to_owned() } else { app.hosts.join(", ") };
                let counts = format!("{version:>7}  {websockets:>10}  {calls:>9}  {traps:>5}");
                say(format!("{name:<20} {counts}  {hosts} {prefix}").trim_end());
                if let Some(canary) = &app.canary {
                    say(&canary::beside(canary));
                }
            }
            Ok(Done::Well)
        })
    }
}

#[derive(Args)]
pub(super) struct Versions {
    #[command(flatten)]
    of: OfApp,
    /// As JSON lines
    #[arg(long)]
    json: bool,
}

impl Versions {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let (mut client, app) = self.of.connect().await?;
            let versions: Vec<VersionInfo> = client.get(&format!("/v1/apps/{app}/versions")).await?;
            if !self.json {
                say("VERSION           DEPLOYED  BY               SIGNED BY         NOTE");
            }
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            for version in versions.iter().rev() {
                if self.json {
                    say(&serde_json::to_string(version)?);
                    continue;
                }
                let VersionInfo { version: number, by, key, note, .. } = version;
                let mark = if version.current { '*' } else { ' ' };
                let ago = super::sessions::span(now.saturating_sub(version.deployed_at));
                let (key, note) = (key.as_deref().unwrap_or("-"), note.as_deref().unwrap_or_default());
                say(format!("{mark} {number:>5}  {:>17}  {by:<15}  {key:<16}  {note}", format!("{ago} ago")).trim_end());
            }
            Ok(Done::Well)
        })
    }
}

#[derive(Args)]
pub(super) struct Rollback {
    #[command(flatten)]
    of: OfApp,
    /// The version to go back to [default: the one before the current one]
    #[arg(long, value_name = "VERSION")]
    number: Option<u64>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Rollback {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let (mut client, app) = self.of.connect().await?;
            let request = RollbackRequest { version: self.number };
            let rolled: Deployed = client.post(&format!("/v1/apps/{app}/rollback"), &request).await?;
            if self.json {
                say(&serde_json::to_string(&rolled)?);
                return Ok(Done::Well);
            }
            let from = rolled.previous.map(|from| format!(" (was {from})")).unwrap_or_default();
            say(&format!("{app}: version {} is live{from}", rolled.version));
            Ok(Done::Well)
        })
    }
}

#[derive(Args)]
pub(super) struct Undeploy {
    /// The app's name
    app: String,
    #[command(flatten)]
    to: To,
}

impl Undeploy {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let mut client = self.to.connect(None).await?;
            client.delete(&format!("/v1/apps/{}", self.app), &()).await?;
            say(&format!("{}: not served any more; its versions and sessions stay on disk", self.app));
            Ok(Done::Well)
        })
    }
}
