//! `sessile token`: who may ask for what over the admin API on TCP. Works on the data folder; the host may run.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};

use super::sessions::span;
use super::{Done, default_data, note, say};
use crate::admin::tokens::{Scope, Token, TokenFile};

#[derive(Args)]
#[command(after_help = "Examples:
  sessile token create --scope deploy --name ci       prints the token, once
  SESSILE_TOKEN=sst_... sessile deploy my-app --to https://host.example:9000
  sessile token revoke ci                             from its next request on")]
pub(super) struct Tokens {
    /// The host's data folder [default: .sessile of this folder]
    #[arg(long, value_name = "DIR", global = true)]
    to: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make one, and print it: it is not kept, and cannot be shown again
    Create {
        /// What it is good for: read (look), deploy (also deploy and roll back), admin (all)
        #[arg(long)]
        scope: Scope,
        /// What the audit log calls it
        #[arg(long)]
        name: String,
    },
    /// List them, without their secrets
    List {
        /// As JSON lines
        #[arg(long)]
        json: bool,
    },
    /// End one: the host takes it no more
    Revoke {
        /// Its name
        name: String,
    },
}

pub(super) fn run(tokens: Tokens) -> anyhow::Result<Done> {
    let data = tokens.to.unwrap_or_else(|| default_data(".".as_ref()));
    let file = TokenFile::of(&data);
    match tokens.command {
        Command::Create { scope, name } => {
            let secret = file.create(&name, scope)?;
            note(&format!("token '{name}' with the scope '{scope}'; it is shown this once, for $SESSILE_TOKEN:"));
            say(&secret);
        }
        Command::List { json } => list(&file.list()?, json)?,
        Command::Revoke { name } => {
            file.revoke(&name)?;
            say(&format!("revoked {name}"));
        }
    }
    Ok(Done::Well)
}

fn list(tokens: &[Token], json: bool) -> Result<(), serde_json::Error> {
    if json {
        for Token { name, scope, created_at, .. } in tokens {
            say(&serde_json::to_string(
                &serde_json::json!({ "name": name, "scope": scope, "created_at": created_at }),
            )?);
        }
        return Ok(());
    }
    if tokens.is_empty() {
        say("no tokens");
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    say("NAME                  SCOPE            CREATED");
    for Token { name, scope, created_at, .. } in tokens {
        let ago = format!("{} ago", span(now.saturating_sub(*created_at)));
        say(&format!("{name:<20}  {:<6}  {ago:>16}", scope.to_string()));
    }
    Ok(())
}
