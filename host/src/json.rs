//! JSON as text: whether it is JSON, and without the blanks that nobody needs. Values are never
//! parsed into a tree, so numbers and the order of keys stay as they were written.

use serde::de::IgnoredAny;

/// Why text is not JSON. WIT `types.json-error`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at line {line} column {column}")]
pub struct JsonError {
    /// From 1.
    pub line: u32,
    /// In bytes, from 1; 0 where the line has just begun.
    pub column: u32,
    /// What was expected.
    pub reason: String,
}

/// The bytes as text, if they are one JSON value in UTF-8 (RFC 8259).
///
/// # Errors
/// Where and why they are not.
pub fn check(bytes: &[u8]) -> Result<&str, JsonError> {
    // serde_json does not look into strings that it ignores, so UTF-8 is checked first.
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error.valid_up_to()))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| error_at(&error))?;
    Ok(text)
}

/// The same value without blanks between its tokens.
///
/// # Errors
/// As [`check`].
pub fn compact(text: String) -> Result<String, JsonError> {
    check(text.as_bytes())?;
    let (mut quoted, mut escaped) = (false, false);
    let blank = |c: char| matches!(c, ' ' | '\t' | '\n' | '\r');
    if !text.contains(blank) {
        return Ok(text);
    }
    let mut compact = text;
    compact.retain(|c| {
        let kept = quoted || !blank(c);
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ => {}
        }
        kept
    });
    Ok(compact)
}

fn not_utf8(bytes: &[u8], valid: usize) -> JsonError {
    let before = bytes.get(..valid).unwrap_or_default();
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    JsonError { line: count(line), column: count(column), reason: "invalid UTF-8".into() }
}

fn error_at(error: &serde_json::Error) -> JsonError {
    let words = error.to_string();
    // It ends its words with the position.
    let position = format!(" at line {} column {}", error.line(), error.column());
    let reason = words.strip_suffix(&position).unwrap_or(&words).to_owned();
    JsonError { line: count(error.line()), column: count(error.column()), reason }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn check_names_the_position() {
        let error = |bytes| check(bytes).unwrap_err().to_string();
        assert_eq!(error(b"{"), "EOF while parsing an object at line 1 column 1");
        assert_eq!(error(b"[1,\n x]"), "expected value at line 2 column 2");
        assert_eq!(error(b"{} {}"), "trailing characters at line 1 column 4");
        assert_eq!(error(b"\n\"\xff\""), "invalid UTF-8 at line 2 column 2");
    }

    #[test]
    fn compact_keeps_what_is_in_strings_and_every_digit() {
        let text = r#" { "a b" : [ 1.50 , "\" \\" , 123456789012345678901234567890 ] , "a b" : 2 } "#;
        let expected = r#"{"a b":[1.50,"\" \\",123456789012345678901234567890],"a b":2}"#;
        assert_eq!(compact(text.into()).unwrap(), expected);
        assert!(compact("{ ".into()).is_err());
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn compact_of_pretty_is_what_serde_json_writes(value in values()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(compact(pretty).unwrap(), serde_json::to_string(&value).unwrap());
        }
    }
}
