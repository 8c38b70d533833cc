//! `sessile dev`: serves an app's folder, and builds and deploys it anew whenever something in it changes. Websockets
//! stay; what does not build leaves the running version.

mod watch;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail};

use self::watch::Watch;
use super::deploy::shown;
use super::serve::{Serve, serve};
use super::{Done, build, report, say};
use crate::app::read_manifest;
use crate::server::{Origins, Server};

pub(super) fn run(mut dev: Serve) -> anyhow::Result<Done> {
    if !dev.trusted_key.is_empty() {
        bail!("--trusted-key is not for `sessile dev`, which serves what it has just built; use `sessile serve`");
    }
    let dir = dev.dir.get_or_insert_with(|| PathBuf::from(".")).clone();
    build(&dir)?;
    serve(dev, Origins::AndLoopback, async |server| {
        if let Err(error) = follow(server, &dir).await {
            report(&error);
        }
    })
}

/// Never returns, unless the folder cannot be watched.
async fn follow(server: &Server, dir: &Path) -> anyhow::Result<()> {
    let mut watch = Watch::begin(dir).with_context(|| format!("{} cannot be watched", dir.display()))?;
    say(&format!("watching {}: each change is built and put under the open websockets", dir.display()));
    loop {
        let changed = watch.changed(|| outputs(dir)).await;
        let saved = Instant::now();
        say(&format!("changed: {}", changed.display()));
        let folder = dir.to_owned();
        let built = tokio::task::spawn_blocking(move || build(&folder)).await?;
        let deployed = match built {
            Ok(()) => {
                // A large component is compiled for longer than it is built.
                say(&format!("built in {}; the host compiles and checks it", shown(saved.elapsed())));
                server.deploy_folder(dir, |_| ()).await.map_err(anyhow::Error::from)
            }
            Err(error) => Err(error),
        };
        match deployed {
            Ok(Some(deployed)) => {
                let (app, version, all) = (deployed.app, deployed.version, shown(saved.elapsed()));
                say(&format!("{app}: version {version} is live {all} after the change"));
            }
            Ok(None) => say("nothing that is served has changed"),
            Err(error) => {
                report(&error);
                say("the version before serves on");
            }
        }
    }
}

/// What a build writes: no source.
fn outputs(dir: &Path) -> Vec<PathBuf> {
    let Ok((_, manifest)) = read_manifest(dir) else { return Vec::new() };
    manifest.handlers.into_values().map(|handler| handler.component).collect()
}
