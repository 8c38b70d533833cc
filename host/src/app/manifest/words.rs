//! How faults speak of what stands in the manifest: values quoted, near misses found.

use toml::de::DeValue;

/// Characters of a bad value that are quoted.
const VALUE_CHARS_MAX: usize = 80;

/// The word that was probably meant, if any is near.
pub(super) fn nearest<'w>(text: &str, words: impl Iterator<Item = &'w str>) -> Option<String> {
    let budget = text.chars().count().div_ceil(3);
    words
        .map(|word| (strsim::osa_distance(text, word), word))
        .filter(|(distance, _)| *distance <= budget)
        .min()
        .map(|(_, word)| word.to_owned())
}

/// A value as TOML would write it, cut; tables and arrays by kind only.
pub(super) fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => shown_text(text),
        DeValue::Integer(integer) => shown_bare(&integer.to_string()),
        DeValue::Float(float) => shown_bare(float.as_str()),
        DeValue::Boolean(boolean) => boolean.to_string(),
        DeValue::Datetime(datetime) => datetime.to_string(),
        DeValue::Array(_) => "[array]".to_owned(),
        DeValue::Table(_) => "{table}".to_owned(),
    }
}

/// A string as TOML would write it, cut.
pub(super) fn shown_text(text: &str) -> String {
    format!("{:?}", shown_bare(text))
}

fn shown_bare(text: &str) -> String {
    match text.char_indices().nth(VALUE_CHARS_MAX) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
