//! docs/manifest.md says what is so: its examples are read, its keys are all there are, its defaults are ours.

use super::*;

const PAGE: &str = include_str!("../../../../../docs/manifest.md");

/// All examples of the page, which make one manifest.
fn example() -> String {
    PAGE.split("```toml\n").skip(1).filter_map(|rest| Some(rest.split_once("```")?.0)).collect()
}

#[test]
fn page_is_a_manifest_with_the_defaults() {
    let manifest = parse(&example()).unwrap();
    assert_eq!(manifest.session, SessionSettings::default());
    assert_eq!(manifest.pace, PaceSettings::default());
    assert_eq!(manifest.rollback, RollbackSettings::default());
    let minimal = parse(MINIMAL).unwrap();
    assert_eq!(manifest.app.drain, minimal.app.drain);
    let (shown, ours) = (&manifest.handlers["chat"], &minimal.handlers["chat"]);
    let default = HandlerLimits::default();
    assert_eq!(
        shown.limits,
        HandlerLimits { deadline: Some(limits::EVENT_DEADLINE), messages_per_s: Some(100), ..default }
    );
    assert_eq!((shown.isolation, shown.overflow, shown.autosave), (ours.isolation, ours.overflow, ours.autosave));
}

#[test]
fn page_has_every_key() {
    for section in [
        "app",
        "handlers.chat",
        "handlers.chat.limits",
        "handlers.chat.grants",
        "session",
        "cors",
        "http",
        "rollback",
        "routes",
    ] {
        let (heading, key) = match section {
            "routes" => ("[[routes]]".to_owned(), "# `[[routes]]`".to_owned()),
            _ => (format!("[{section}]"), format!("# `[{}]`", section.replace("chat", "NAME"))),
        };
        let wrong = example().replacen(&heading, &format!("{heading}\nzzz = 1"), 1);
        let error = parse(&wrong).unwrap_err().to_string();
        let known = error.split_once("allowed: ").unwrap().1.lines().next().unwrap().split(", ");
        let part = PAGE.split_once(&key).unwrap().1;
        let part = part.split("\n## ").next().unwrap();
        for known in known.filter(|known| !["limits", "config", "grants"].contains(known)) {
            assert!(part.contains(&format!("| `{known}` |")), "{section}: {known} is not on the page");
        }
    }
}
