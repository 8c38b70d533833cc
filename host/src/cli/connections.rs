//! `sessile connections`, `close`: the live websockets of a running host.

use std::time::Duration;

use anyhow::bail;
use clap::Args;

use super::to::{To, ask};
use super::{Done, say};
use crate::admin::client::Client;
use crate::admin::wire::{self, CloseRequest, ConnectionInfo, Instance, SessionInfo};
use crate::failure::close_code;
use crate::limits;
use crate::usage::Usage;

#[derive(Args)]
#[command(after_help = "Examples:
  sessile connections               those of all apps
  sessile connections chat --json   those of one app, for a program
  sessile connections --by-session  who uses how much")]
pub(super) struct Connections {
    /// The app, by its name
    app: Option<String>,
    #[command(flatten)]
    to: To,
    /// At most so many, the oldest first; up to 10,000
    #[arg(long, value_name = "N", default_value_t = limits::CONNECTIONS_LISTED)]
    limit: usize,
    /// What they have used, added up for each session, most CPU first
    #[arg(long)]
    by_session: bool,
    /// As JSON lines
    #[arg(long)]
    json: bool,
}

impl Connections {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let mut client = self.to.connect(None).await?;
            if self.by_session {
                return self.sessions(&mut client).await;
            }
            let listed = list(&mut client, &[("app", self.app.as_deref())], self.limit).await?;
            if !self.json {
                say(&table(&listed.connections));
                let (shown, total) = (listed.connections.len(), listed.total);
                if shown < total {
                    say(&format!("{shown} of {total}; --limit shows more"));
                }
                return Ok(Done::Well);
            }
            for connection in &listed.connections {
                say(&serde_json::to_string(connection)?);
            }
            Ok(Done::Well)
        })
    }

    async fn sessions(&self, client: &mut Client) -> anyhow::Result<Done> {
        let query = query(&[("app", self.app.as_deref())], self.limit);
        let listed: wire::Sessions = client.get(&format!("/v1/sessions?{query}")).await?;
        if !self.json {
            say("SESSION       WEBSOCKETS       CPU    MEMORY  RECEIVED       BYTES      SENT       BYTES  APP");
        }
        for session in &listed.sessions {
            if self.json {
                say(&serde_json::to_string(session)?);
                continue;
            }
            let SessionInfo { app, session, websockets, usage } = session;
            let Usage { received, received_bytes, sent, sent_bytes, .. } = usage;
            let cpu = super::deploy::shown(Duration::from_micros(usage.cpu_micros));
            let memory = format!("{} KiB", usage.memory_bytes_max / 1024);
            say(&format!(
                "{session:<12}  {websockets:>10}  {cpu:>8}  {memory:>8}  {received:>8}  {received_bytes:>10}  {sent:>8}  {sent_bytes:>10}  {app}"
            ));
        }
        Ok(Done::Well)
    }
}

#[derive(Args)]
#[command(after_help = "Examples:
  sessile close 3f0a                              the one whose id begins so
  sessile close 3f0a --code 4001 --reason banned")]
pub(super) struct Close {
    /// Its id, or what no other id begins with
    id: String,
    #[command(flatten)]
    to: To,
    /// The close code: 1000-1003, 1007-1013 or 3000-4999
    #[arg(long, value_name = "N", default_value_t = close_code::GOING_AWAY)]
    code: u16,
    /// The close reason, which the peer reads; at most 123 bytes
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

impl Close {
    pub(super) fn run(self) -> anyhow::Result<Done> {
        ask(async {
            let mut client = self.to.connect(None).await?;
            let found = list(&mut client, &[("id", Some(&self.id))], 1).await?;
            let id = match (found.total, found.connections.first()) {
                (1, Some(connection)) => connection.id.clone(),
                // The host says what there is to say of an id that it does not have.
                (0, _) | (_, None) => self.id.clone(),
                (several, _) => bail!("the ids of {several} websockets begin with {}; give more digits", self.id),
            };
            let request = CloseRequest { code: self.code, reason: self.reason.clone() };
            let path = form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
            client.delete(&format!("/v1/connections/{path}"), &request).await?;
            say(&format!("{id}: closed with {}", self.code));
            Ok(Done::Well)
        })
    }
}

async fn list(client: &mut Client, which: &[(&str, Option<&str>)], limit: usize) -> anyhow::Result<wire::Connections> {
    Ok(client.get(&format!("/v1/connections?{}", query(which, limit))).await?)
}

pub(super) fn query(which: &[(&str, Option<&str>)], limit: usize) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in which {
        query.extend_pairs(value.map(|value| (key, value)));
    }
    query.append_pair("limit", &limit.to_string()).finish()
}

fn table(connections: &[ConnectionInfo]) -> String {
    let widest = |of: fn(&ConnectionInfo) -> &str, title: &str| {
        connections.iter().map(|connection| of(connection).chars().count()).max().unwrap_or_default().max(title.len())
    };
    let (app, path) = (widest(|of| &of.app, "APP"), widest(|of| &of.path, "PATH"));
    let mut table = format!(
        "{:<16}  {:<app$}  {:<path$}  VERSION  STATE            AGE  RECEIVED      SENT    OUTBOX  {:<12}  {:<21}  INSTANCE",
        "ID", "APP", "PATH", "SESSION", "PEER"
    );
    for connection in connections {
        let ConnectionInfo { id, version, state, age_s, usage, outbox_bytes, peer, why, .. } = connection;
        let Usage { received, sent, .. } = usage;
        let session = connection.session.as_deref().unwrap_or("-");
        let age = super::sessions::span(*age_s);
        let instance = match connection.instance {
            Instance::Awake => "awake",
            Instance::Hibernating => "hibernating",
        };
        let counts = format!("{age:>8}  {received:>8}  {sent:>8}  {outbox_bytes:>8}");
        let (of_app, at) = (&connection.app, &connection.path);
        table.push_str(&format!(
            "\n{id:<16}  {of_app:<app$}  {at:<path$}  {version:>7}  {state:<10}  {counts}  {session:<12}  {peer:<21}  \
             {instance}: {why}"
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_aligned_whatever_is_in_it() {
        let short = ConnectionInfo {
            id: "00000000000000ab".into(),
            app: "chat".into(),
            path: "/ws".into(),
            handler: "h".into(),
            session: None,
            version: 1,
            state: "open".into(),
            age_s: 1,
            usage: Usage { received: 2, sent: 3, ..Usage::default() },
            outbox_bytes: 4,
            peer: "127.0.0.1:1".into(),
            instance: Instance::Hibernating,
            why: "idle".into(),
        };
        let long = ConnectionInfo {
            app: "an-app-of-a-longer-name".into(),
            path: "/a/longer/path".into(),
            session: Some("0123456789ab".into()),
            age_s: 100_000,
            instance: Instance::Awake,
            ..short.clone()
        };
        let table = table(&[short, long]);
        let lines: Vec<_> = table.lines().collect();
        let at = |line: usize, text: &str| lines[line].find(text).unwrap();
        assert_eq!(at(0, "INSTANCE"), at(1, "hibernating: idle"), "{table}");
        assert_eq!(at(0, "INSTANCE"), at(2, "awake: idle"), "{table}");
        assert_eq!((at(0, "PATH"), at(0, "PEER")), (at(1, "/ws"), at(2, "127.0.0.1:1")), "{table}");
        assert_eq!(at(0, "AGE") + 3, at(2, "27 h") + 4, "{table}");
    }
}
