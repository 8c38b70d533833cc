//! `sessile doctor`: whether this machine can build apps and serve them, and what would help.
//!
//! Owns the list and how it is shown. [`system`] looks at what serving needs, [`toolchain`], [`c`] and [`zig`] at what building needs.

mod c;
mod system;
mod toolchain;
mod zig;

use std::fmt;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{Done, default_data, say};

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

/// What one look at the machine found.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Check {
    name: &'static str,
    status: Status,
    found: String,
    /// What to do; a command, where one will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    /// Something will be less, or cannot be done here; serving can.
    Warn,
    /// The host cannot serve.
    Fail,
}

#[derive(Serialize)]
struct Findings {
    can_serve: bool,
    checks: Vec<Check>,
}

pub(super) fn run(doctor: Doctor) -> anyhow::Result<Done> {
    let data = doctor.data.unwrap_or_else(|| default_data(&doctor.dir));
    let mut checks = system::checks(&data);
    checks.extend(toolchain::checks(&doctor.dir));
    checks.extend(c::checks());
    checks.extend(zig::checks());
    let can_serve = checks.iter().all(|check| check.status < Status::Fail);
    let findings = Findings { can_serve, checks };
    if doctor.json {
        say(&serde_json::to_string_pretty(&findings)?);
    } else {
        say(findings.to_string().trim_end());
    }
    Ok(if can_serve { Done::Well } else { Done::Badly })
}

/// What building in C lacks here, for a build that failed: what it is, and what would help.
pub(super) fn missing_for_c() -> Vec<(String, String)> {
    let lacks = |check: Check| Some((format!("{}: {}", check.name, check.found), check.fix?));
    c::checks().into_iter().filter_map(lacks).collect()
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, status: Status::Ok, found: found.into(), fix: None }
    }

    fn warn(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status: Status::Warn, found: found.into(), fix: Some(fix.into()) }
    }

    fn fail(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { name, status: Status::Fail, found: found.into(), fix: Some(fix.into()) }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for check in &self.checks {
            writeln!(f, "{:<4}  {:<13}  {}", check.status.word(), check.name, check.found)?;
            if let Some(fix) = &check.fix {
                writeln!(f, "      {:<13}  fix: {fix}", "")?;
            }
        }
        match self.can_serve {
            true => writeln!(f, "this machine can serve"),
            false => writeln!(f, "this machine cannot serve; see what says fail"),
        }
    }
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}
