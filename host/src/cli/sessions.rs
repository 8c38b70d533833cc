//! `sessile sessions`: for support and for backup.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};

use super::{Done, say};
use crate::app::read_manifest;
use crate::session::{Listed, SessionFile, sqlite_file};

#[derive(Args)]
pub(super) struct Sessions {
    /// The app's folder: where its sessile.toml is
    dir: PathBuf,
    /// The host's data folder [default: DIR/.sessile]
    #[arg(long, value_name = "DIR", global = true)]
    data: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Those that were used last
    List {
        /// At most so many
        #[arg(long, default_value_t = 50)]
        max: u32,
        /// As JSON lines
        #[arg(long)]
        json: bool,
    },
    /// One with its values, as JSON
    Show {
        /// The start of its key, as `list` shows it
        key: String,
    },
    /// End one for good: whoever holds it cannot save it any more
    Delete {
        /// The start of its key
        key: String,
    },
    /// All, as JSON lines on stdout; the host may run
    Export,
    /// Put back what was exported, from stdin: all or nothing; newer ones stay
    Import,
}

pub(super) fn run(sessions: Sessions) -> anyhow::Result<Done> {
    let data = sessions.data.unwrap_or_else(|| super::default_data(&sessions.dir));
    let app = read_manifest(&sessions.dir)?.1.app.name;
    let mut file = SessionFile::open(&sqlite_file(&data.join("apps").join(app)))?;
    match sessions.command {
        Command::List { max, json } => list(&file.list(max)?, json)?,
        Command::Show { key } => say(&serde_json::to_string_pretty(&file.show(&key)?)?),
        Command::Delete { key } => say(&format!("deleted {}", file.delete(&key)?)),
        Command::Export => {
            let mut out = std::io::stdout().lock();
            file.export(|session| -> anyhow::Result<()> {
                serde_json::to_writer(&mut out, &session)?;
                Ok(out.write_all(b"\n")?)
            })?;
        }
        Command::Import => say(&format!("{} sessions put back", file.import(std::io::stdin().lock().lines())?)),
    }
    Ok(Done::Well)
}

fn list(sessions: &[Listed], json: bool) -> Result<(), serde_json::Error> {
    if json {
        for session in sessions {
            say(&serde_json::to_string(session)?);
        }
        return Ok(());
    }
    if sessions.is_empty() {
        say("no sessions");
        return Ok(());
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    say("KEY           VERSION     BYTES  CREATED     USED  ENDS IN");
    for session in sessions {
        let (created, seen) = (now.saturating_sub(session.created_at), now.saturating_sub(session.seen_at));
        let left = session.expires_at.saturating_sub(now);
        let ends = if session.flushed { "flushed".to_owned() } else { span(left) };
        let (key, version, bytes) = (&session.key, session.version, session.bytes);
        say(&format!("{key}  {version:>7}  {bytes:>8}  {:>7}  {:>7}  {ends:>7}", span(created), span(seen)));
    }
    Ok(())
}

/// Seconds in the unit that a person would choose.
pub(super) fn span(seconds: u64) -> String {
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}
