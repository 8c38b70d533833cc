//! `sessile alarms`: what is to ring in a running host.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Args;

use super::to::{To, ask};
use super::{Done, say};
use crate::admin::wire::{self, AlarmInfo, AlarmOwner};
use crate::alarm::Moment;
use crate::limits;

#[derive(Args)]
#[command(after_help = "Examples:
  sessile alarms              the next of all apps
  sessile alarms chat --json  those of one app, for a program")]
pub(super) struct Alarms {
    /// The app, by its name
    app: Option<String>,
    #[command(flatten)]
    to: To,
    /// At most so many, the next first; up to 10,000
    #[arg(long, value_name = "N", default_value_t = limits::CONNECTIONS_LISTED)]
    limit: usize,
    /// As JSON lines
    #[arg(long)]
    json: bool,
}

impl Alarms {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let mut client = self.to.connect(None).await?;
            let query = super::connections::query(&[("app", self.app.as_deref())], self.limit);
            let listed: wire::Alarms = client.get(&format!("/v1/alarms?{query}")).await?;
            if self.json {
                for alarm in &listed.alarms {
                    say(&serde_json::to_string(alarm)?);
                }
                return Ok(Done::Well);
            }
            say(&table(&listed.alarms));
            let (shown, total) = (listed.alarms.len() as u64, listed.total);
            if shown < total {
                say(&format!("{shown} of {total}; --limit shows more"));
            }
            Ok(Done::Well)
        })
    }
}

fn table(alarms: &[AlarmInfo]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut table = format!(
        "{:>9}  {:<20}  {:>4}  {:<16}  {:<20}  {:<16}  {:<12}  LAST ERROR",
        "RINGS IN", "DUE (UTC)", "CALL", "APP", "NAME", "HANDLER", "OWNER"
    );
    for alarm in alarms {
        let AlarmInfo { app, name, handler, attempt, due_ms, next_ms, .. } = alarm;
        let left = super::sessions::span(Duration::from_millis(*next_ms).saturating_sub(now).as_secs());
        let owner = match (alarm.owner, &alarm.session) {
            (AlarmOwner::App, _) => "app",
            (AlarmOwner::Manifest, _) => "manifest",
            (AlarmOwner::Session, session) => session.as_deref().unwrap_or("session"),
        };
        // A guest's words: one line of them, and nothing that moves the cursor.
        let error = alarm.error.as_deref().and_then(|error| error.lines().next()).unwrap_or_default();
        let plain = |text: &str| text.chars().filter(|c| !c.is_control()).collect::<String>();
        let (name, error, due) = (plain(name), plain(error), date(*due_ms));
        let line =
            format!("\n{left:>9}  {due:<20}  {attempt:>4}  {app:<16}  {name:<20}  {handler:<16}  {owner:<12}  {error}");
        table.push_str(line.trim_end());
    }
    table
}

fn date(at_ms: u64) -> String {
    Moment(0).after(Duration::from_millis(at_ms)).to_string()
}
