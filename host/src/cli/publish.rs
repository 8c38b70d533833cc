//! `sessile publish`: a message to a group, from a terminal or a script.

use std::io::Read as _;

use clap::Args;

use super::to::{OfApp, To, ask};
use super::{Done, say};
use crate::admin::wire::{PublishRequest, Published};
use crate::limits;

#[derive(Args)]
#[command(after_help = "Examples:
  sessile publish lobby 'we go down for a minute'   to everybody in the group lobby
  sessile publish --app chat lobby - < notice.txt   what stdin has
  sessile publish --json lobby hello                {\"queued\":3,\"full\":0,\"gone\":0,\"offset\":null}")]
pub(super) struct Publish {
    /// The group, by its name
    group: String,
    /// The message; - for what stdin has
    text: String,
    /// The app: its name, or its folder; may be left out where the host serves one
    #[arg(long)]
    app: Option<String>,
    #[command(flatten)]
    to: To,
    /// As a binary message
    #[arg(long)]
    binary: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl Publish {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        let Self { group, text, app, to, binary, json } = self;
        let text = if text == "-" { stdin()? } else { text };
        ask(async {
            let (mut client, app) = OfApp::new(app, to).connect().await?;
            let request = PublishRequest { group: group.clone(), text, binary };
            let published: Published = client.post(&format!("/v1/apps/{app}/publish"), &request).await?;
            say(&if json { serde_json::to_string(&published)? } else { told(&group, &published) });
            Ok(Done::Well)
        })
    }
}

/// One byte more than may be sent is enough for the host to refuse it.
fn stdin() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(limits::MESSAGE_BYTES_MAX as u64 + 1).read_to_string(&mut text)?;
    Ok(text)
}

fn told(group: &str, published: &Published) -> String {
    let Published { queued, full, gone, offset } = published;
    let mut told = format!("{group}: queued for {queued}");
    if *full > 0 {
        told.push_str(&format!(", no room in {full} outboxes"));
    }
    if *gone > 0 {
        told.push_str(&format!(", {gone} about to end"));
    }
    if let Some(offset) = offset {
        told.push_str(&format!("; number {offset} of its history"));
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcome_is_told_with_what_was_dropped_and_why() {
        let published = |full, gone, offset| Published { queued: 3, full, gone, offset };
        assert_eq!(told("g", &published(0, 0, None)), "g: queued for 3");
        assert_eq!(
            told("g", &published(1, 2, Some(7))),
            "g: queued for 3, no room in 1 outboxes, 2 about to end; number 7 of its history"
        );
    }
}
