//! `sessile build`: runs the `build` commands of a manifest, each once, in its folder; then makes components of the core
//! modules that some toolchains leave ([`component`]).

mod component;
mod fresh;

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::time::SystemTime;

use anyhow::{Context as _, bail};

use super::languages::{self, WASM};
use super::say;
use crate::app::manifest::{HandlerSettings, Manifest};

/// The variable that tells a build command where this program is.
const OURSELVES: &str = "SESSILE";
/// What a shell exits with where a command is not there.
const NOT_FOUND: i32 = 127;

/// Builds everything; the commands' own output goes to the terminal.
pub(super) fn run(dir: &Path, manifest: &Manifest) -> anyhow::Result<()> {
    for (command, handlers) in commands(manifest) {
        let names = handlers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
        let mut fresh = true;
        for (name, handler) in &handlers {
            fresh &= fresh::is_fresh(dir, handler).with_context(|| format!("handler '{name}': sources"))?;
        }
        if fresh {
            say(&format!("building {names}: nothing to do, no source is newer"));
            continue;
        }
        if command.contains(WASM) {
            add_target(dir)?;
        }
        say(&format!("building {names}: {command}"));
        let begun = SystemTime::now();
        let status = shell(dir, command).status();
        // What was saved meanwhile is newer than what was built; and what a build leaves that fails is older than anything.
        let date = if status.as_ref().is_ok_and(ExitStatus::success) { begun } else { SystemTime::UNIX_EPOCH };
        for (name, handler) in handlers.iter().filter(|(_, handler)| !handler.sources.is_empty()) {
            fresh::date(&handler.component, date).with_context(|| format!("handler '{name}'"))?;
        }
        let status = status.with_context(|| format!("handler '{names}': {command}"))?;
        if !status.success() {
            bail!("handler '{names}': {}", failed(command, dir, status));
        }
        if let Some((name, handler)) = handlers.iter().find(|(_, handler)| !handler.component.exists()) {
            bail!("handler '{name}': its build made no {}", handler.component.display());
        }
    }
    // After all commands: a handler's component may be made by that of another.
    for (name, handler) in &manifest.handlers {
        component::complete(&handler.component).with_context(|| format!("handler '{name}'"))?;
    }
    Ok(())
}

/// Each command once, in the manifest's order, with the handlers that it builds.
fn commands(manifest: &Manifest) -> Vec<(&str, Vec<(&str, &HandlerSettings)>)> {
    let mut commands: Vec<(&str, Vec<(&str, &HandlerSettings)>)> = Vec::new();
    for (name, handler) in &manifest.handlers {
        let Some(command) = handler.build.as_deref() else { continue };
        match commands.iter_mut().find(|(known, _)| *known == command) {
            Some((_, handlers)) => handlers.push((name, handler)),
            None => commands.push((command, vec![(name, handler)])),
        }
    }
    commands
}

/// The compiler has said what is wrong in the sources; what is wrong with the compiler, it seldom says.
fn failed(command: &str, dir: &Path, status: ExitStatus) -> String {
    let mut said = match status.code() {
        Some(NOT_FOUND) => "its build command was not found".to_owned(),
        _ => format!("its build failed with {status}"),
    };
    let missing = languages::missing(command, dir);
    for (found, fix) in &missing {
        said += &format!("\n{found}\n  fix: {fix}");
    }
    if missing.is_empty() && status.code() == Some(NOT_FOUND) {
        said += "; `sessile doctor` tells what this machine lacks";
    }
    said
}

/// A build may be started from within another cargo's (`cargo run`, `cargo test`), whose settings are not
/// its own; and the manifest says where the component will be, whatever target folder the caller likes.
fn shell(dir: &Path, command: &str) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(dir);
    if let Ok(program) = std::env::current_exe() {
        shell.env(OURSELVES, program);
    }
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let elsewhere = matches!(&*text, "CARGO" | "CARGO_TARGET_DIR" | "CARGO_BUILD_TARGET_DIR");
        if elsewhere || text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST") {
            shell.env_remove(name);
        }
    }
    shell
}

/// Adds Rust's wasm target where rustup says that it is missing, and says so.
fn add_target(dir: &Path) -> anyhow::Result<()> {
    let listed = Command::new("rustup").args(["target", "list", "--installed"]).current_dir(dir).output();
    // Without rustup the compiler itself will say what is missing.
    let Ok(listed) = listed else { return Ok(()) };
    if !listed.status.success() || String::from_utf8_lossy(&listed.stdout).lines().any(|line| line.trim() == WASM) {
        return Ok(());
    }
    say(&format!("adding the Rust target {WASM}: rustup target add {WASM}"));
    let status = Command::new("rustup").args(["target", "add", WASM]).current_dir(dir).status()?;
    if !status.success() {
        bail!("`rustup target add {WASM}` failed with {status}");
    }
    Ok(())
}
