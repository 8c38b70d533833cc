//! `sessile doctor`: whether this machine can build apps and serve them, and what would help.
//!
//! Owns the list and how it is shown. [`system`] looks at what serving needs, [`languages`] at what building needs.

mod system;

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::check::{Check, Status};
use super::{Done, default_data, languages, say};

const EXAMPLES: &str = "Examples:
  sessile doctor
  sessile doctor my-app --json | jq '.checks[] | select(.status != \"ok\")'

Exit codes: 0 this machine can serve, 1 it cannot: a check says fail.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Doctor {
    /// The folder of an app that shall be served here
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The host's data folder [default: DIR/.sessile]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// As one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Findings {
    can_serve: bool,
    checks: Vec<Check>,
}

pub(super) fn run(doctor: Doctor) -> anyhow::Result<Done> {
    let data = doctor.data.unwrap_or_else(|| default_data(&doctor.dir));
    let mut checks = system::checks(&data);
    checks.extend(languages::checks(&doctor.dir));
    let can_serve = checks.iter().all(|check| check.status < Status::Fail);
    let findings = Findings { can_serve, checks };
    if doctor.json {
        say(&serde_json::to_string_pretty(&findings)?);
    } else {
        say(findings.to_string().trim_end());
    }
    Ok(if can_serve { Done::Well } else { Done::Badly })
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{:<4}  {:<15}  {}", check.status.word(), check.name, check.found)?;
            if let Some(fix) = &check.fix {
                writeln!(f, "      {:<15}  fix: {fix}", "")?;
            }
        }
        match self.can_serve {
            true => writeln!(f, "this machine can serve"),
            false => writeln!(f, "this machine cannot serve; see what says fail"),
        }
    }
}
