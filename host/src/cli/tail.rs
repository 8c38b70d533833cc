//! `sessile tail`: what happens on a running host, for a person or as JSON lines.

use clap::Args;

use super::to::{To, ask};
use super::{Done, say};
use crate::admin::wire::TailLine;
use crate::feed::{Told, What};

#[derive(Args)]
#[command(after_help = "Examples:
  sessile tail          all that happens
  sessile tail 3f0a     to the websocket or exchange whose id begins so
  sessile tail --json   for a program: one JSON value a line")]
pub(super) struct Tail {
    /// The id of a websocket or exchange, or its start
    id: Option<String>,
    #[command(flatten)]
    to: To,
    /// As JSON lines
    #[arg(long)]
    json: bool,
}

impl Tail {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            tokio::select! {
                followed = self.follow() => followed,
                _ = tokio::signal::ctrl_c() => Ok(Done::Well),
            }
        })
    }

    async fn follow(&self) -> anyhow::Result<Done> {
        let query = self.id.iter().map(|id| ("id", id)).collect::<Vec<_>>();
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
        let mut client = self.to.connect(None).await?;
        let mut lines = client.lines(&format!("/v1/tail?{query}")).await?;
        super::note("following; Ctrl-C ends it");
        while let Some(line) = lines.next::<TailLine>().await? {
            match line {
                _ if self.json => say(&serde_json::to_string(&line)?),
                TailLine::Told(told) => say(&shown(&told)),
                TailLine::Missed { missed } => say(&format!("… {missed} events were missed: this was too slow")),
            }
        }
        Ok(Done::Well)
    }
}

fn shown(told: &Told) -> String {
    let Told { at_ms, app, version, .. } = told;
    let (id, handler) = (told.id.as_deref().unwrap_or("-"), told.handler.as_deref().unwrap_or("-"));
    let (word, says) = said(&told.what);
    let says = plain(&says);
    format!("{}  {id:<16}  {app} {version} {handler}  {word:<11}  {says}", time_of_day(*at_ms)).trim_end().to_owned()
}

/// An event in a word and the rest.
fn said(what: &What) -> (&'static str, String) {
    match what {
        What::Opened { path, peer } => ("opened", format!("{path} from {peer}")),
        What::Closed { code, reason, received, sent, age_ms } => {
            let age = super::sessions::span(age_ms / 1000);
            ("closed", format!("{code} {reason:?} after {age}, {received} received, {sent} sent"))
        }
        What::Delivered { messages, bytes, micros: Some(micros) } => {
            ("delivered", format!("{messages} of {bytes} bytes in {micros} µs"))
        }
        What::Delivered { messages, bytes, micros: None } => ("delivered", format!("{messages} of {bytes} bytes")),
        What::Hibernated { why } => ("hibernated", why.clone()),
        What::Woken { why } => ("woken", why.clone()),
        What::Rang { alarm, attempt, micros } => ("rang", format!("{alarm:?}, call {attempt}, in {micros} µs")),
        What::Log { level, text } => ("log", format!("{level}: {text}")),
        What::Failed { report, fault } => ("failed", format!("report {report}: {fault}")),
        What::Deployed { previous: None, by } => ("deployed", format!("the first version, by {by}")),
        What::Deployed { previous: Some(previous), by } => ("deployed", format!("was {previous}, by {by}")),
        What::Canary { percent, by } => ("canary", format!("{percent}%, by {by}")),
        What::Promoted { from, by } => ("promoted", format!("was {from}, by {by}")),
        What::Aborted { by } => ("aborted", format!("by {by}")),
        What::RolledBack { from, by } => ("rolled back", format!("was {from}, by {by}")),
        What::Undeployed { by } => ("undeployed", format!("by {by}")),
    }
}

/// Without what would move the cursor: guests and peers have written some of it.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// UTC.
fn time_of_day(at_ms: u64) -> String {
    let (seconds, ms) = (at_ms / 1000 % 86_400, at_ms % 1000);
    format!("{:02}:{:02}:{:02}.{ms:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_one_of_its_event_and_moves_no_cursor() {
        let what = What::Log { level: "info".into(), text: "a\u{1b}[2Jb".into() };
        let (handler, id) = (Some("h".into()), Some("00000000000000ab".into()));
        let told = Told { at_ms: 86_400_000 + 3_723_004, app: "a".into(), version: 2, handler, id, what };
        assert_eq!(shown(&told), "01:02:03.004  00000000000000ab  a 2 h  log          info: a\u{fffd}[2Jb");
    }
}
