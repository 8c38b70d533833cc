//! `sessile new`: a project that `sessile up` serves as it is, with nothing published.
//!
//! Owns the folder and the name; what is in it is [`project`]'s.

mod project;

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow, bail};
use clap::Args;

use self::project::Style;
use super::languages::Lang;
use super::{Done, report, say};
use crate::app::manifest::{FaultKind, Manifest};

const EXAMPLES: &str = "Examples:
  sessile new chat                  a room in ./chat
  sessile new counter --style http
  sessile new echo --lang c --style loop
  sessile up chat                   what comes next";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct New {
    /// The folder to make, called as the app: 1 to 64 of a-z, 0-9 and '-'
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// What to write it in
    #[arg(long, value_enum, default_value_t = Lang::Rust)]
    lang: Lang,
    /// What kind of handler to begin with
    #[arg(long, value_enum, default_value_t = Style::Events)]
    style: Style,
}

pub(super) fn run(new: &New) -> anyhow::Result<Done> {
    let folder = new.folder.as_path();
    let app = app_name(folder)?;
    check_free(folder)?;
    if let Err(error) = write(folder, &project::files(new.lang.language(), new.style, &app)) {
        report(&error);
        return Ok(Done::Badly);
    }
    say(&format!("made {}: {}, written in {}", folder.display(), new.style.described(), new.lang.language().name));
    say(&format!("next: sessile up {}", shown(folder)));
    Ok(Done::Well)
}

/// The last part of the folder's path; of one that is there, such as `.`, of its true path.
fn app_name(folder: &Path) -> anyhow::Result<String> {
    let path = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let Some(name) = path.file_name() else { bail!("{}: names no folder; try my-app", folder.display()) };
    let name = name.to_string_lossy();
    match refusal(&name) {
        None => Ok(name.into_owned()),
        Some(rule) => {
            let better = folder.with_file_name(suggestion(&name));
            Err(anyhow!("app name {name:?}: {rule}; try sessile new {}", shown(&better)))
        }
    }
}

/// The manifest's rule for the names of apps, where this is none.
fn refusal(name: &str) -> Option<String> {
    let name = toml::Value::String(name.to_owned());
    let text = format!("[app]\nname = {name}\n[[routes]]\npath = \"/\"\nredirect = \"/\"\n");
    let faults = Manifest::parse(&text, Path::new("sessile.toml")).err()?.faults;
    faults.into_iter().next().map(|fault| match fault.kind {
        FaultKind::BadValue { rule, .. } => rule,
        other => other.to_string(),
    })
}

/// The nearest name that is allowed.
fn suggestion(name: &str) -> String {
    let mapped = name.to_lowercase().replace(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit(), "-");
    let words: Vec<_> = mapped.split('-').filter(|word| !word.is_empty()).collect();
    let joined: String = words.join("-").chars().take(64).collect();
    if joined.is_empty() { "my-app".to_owned() } else { joined }
}

fn check_free(folder: &Path) -> anyhow::Result<()> {
    match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => Ok(()),
        Ok(false) => bail!("{} is not empty; choose another name", folder.display()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{}: choose another name", folder.display())),
    }
}

fn write(folder: &Path, files: &[(String, String)]) -> anyhow::Result<()> {
    for (path, text) in files {
        let path = folder.join(path);
        let made = path.parent().map_or(Ok(()), std::fs::create_dir_all);
        made.and_then(|()| std::fs::write(&path, text)).with_context(|| path.display().to_string())?;
    }
    Ok(())
}

/// A path as a shell takes it.
fn shown(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./+~".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_is_judged_by_the_rule_of_manifests() {
        for good in ["chat", "my-app", "2048", &"a".repeat(64)] {
            assert_eq!(refusal(good), None, "{good}");
        }
        for bad in ["Chat", "my_app", "my app", "", "a\"b\n", &"a".repeat(65)] {
            let rule = refusal(bad).unwrap();
            assert!(rule.contains("1 to 64 of a-z, 0-9 and '-'"), "{bad}: {rule}");
        }
    }

    #[test]
    fn suggestion_is_a_name_that_is_allowed() {
        for (name, better) in
            [("My App!", "my-app"), ("chat_room", "chat-room"), ("--", "my-app"), ("Ünder", "nder"), ("", "my-app")]
        {
            assert_eq!(suggestion(name), better);
            assert_eq!(refusal(better), None);
        }
        assert_eq!(refusal(&suggestion(&"A".repeat(90))), None);
    }

    #[test]
    fn path_is_shown_as_a_shell_takes_it() {
        assert_eq!([shown(Path::new("a/b-1")), shown(Path::new("it's"))], ["a/b-1", r"'it'\''s'"]);
    }
}
