//! `[groups."NAME"]`: what the groups of that name, or of those that begin so, keep and tell.

use std::time::Duration;

use super::read::Section;
use crate::group::{Depth, Names, Rule, Rules};
use crate::limits::{
    GROUP_NAME_BYTES_MAX, HISTORIES_BYTES_MAX, HISTORY_AGE, HISTORY_AGE_MAX, HISTORY_BYTES, HISTORY_MESSAGES,
};

const NAME: &str = "allowed: a group's name, at most 100 bytes, or the beginning of names with '*' after it";
/// The largest `history_messages`.
const HISTORY_MESSAGES_CEILING: u64 = 100_000;

pub(super) fn groups(named: Vec<(String, Section<'_, '_>)>) -> Rules {
    Rules::new(named.into_iter().map(|(name, section)| (Names::parse(&name), rule(&name, section))).collect())
}

fn rule(name: &str, mut section: Section<'_, '_>) -> Rule {
    if name.is_empty() || name.len() > GROUP_NAME_BYTES_MAX {
        section.refuse_name(name, NAME);
    }
    let asked = section.boolean("history").unwrap_or(false);
    let bounds = ["history_messages", "history_bytes", "history_s", "durable"];
    let mut bound = |key, most: u64, default: usize| {
        section.integer(key, 1..=most).and_then(|value| usize::try_from(value).ok()).unwrap_or(default)
    };
    let messages_max = bound("history_messages", HISTORY_MESSAGES_CEILING, HISTORY_MESSAGES);
    let bytes_max = bound("history_bytes", HISTORIES_BYTES_MAX as u64, HISTORY_BYTES);
    let age = section.integer("history_s", 1..=HISTORY_AGE_MAX.as_secs());
    let age_max = age.map_or(HISTORY_AGE, Duration::from_secs);
    let durable = section.boolean("durable").unwrap_or(false);
    let presence = section.boolean("presence").unwrap_or(false);
    if let Some(key) = bounds.into_iter().find(|key| !asked && section.has(key)) {
        section.refuse(key, "it is of a group with 'history = true'");
    }
    section.finish();
    Rule { history: asked.then_some(Depth { messages_max, bytes_max, age_max }), durable: asked && durable, presence }
}
