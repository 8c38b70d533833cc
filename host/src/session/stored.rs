//! A session's values as stores keep them: one JSON object, key to value, each value as it was written. Pure.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::value::RawValue;

/// The values as text.
///
/// # Errors
/// One of them is not JSON.
pub(super) fn encode(values: &BTreeMap<String, Bytes>) -> serde_json::Result<String> {
    let mut raw = BTreeMap::new();
    for (key, value) in values {
        let json: &RawValue = serde_json::from_slice(value)?;
        raw.insert(key, json);
    }
    serde_json::to_string(&raw)
}

/// The values in a text.
///
/// # Errors
/// It is not one JSON object.
pub(super) fn decode(text: &str) -> serde_json::Result<BTreeMap<String, Bytes>> {
    serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text).map(plain)
}

/// Parsed values without their type.
pub(super) fn plain(values: BTreeMap<String, Box<RawValue>>) -> BTreeMap<String, Bytes> {
    values.into_iter().map(|(key, value)| (key, Bytes::from(String::from(Box::<str>::from(value))))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_encoded_decode_to_the_same() {
        let values = BTreeMap::from([
            ("a".to_owned(), Bytes::from("{\"x\": [1.50]}")),
            ("\"\n".to_owned(), Bytes::from("\"\\ud83d\\ude00\"")),
        ]);
        assert_eq!(decode(&encode(&values).unwrap()).unwrap(), values);
    }

    #[test]
    fn text_that_is_no_object_is_refused() {
        for text in ["", "[]", "{\"a\":}", "{\"a\":1} {}", "null"] {
            assert!(decode(text).is_err(), "{text}");
        }
        assert!(encode(&[("a".to_owned(), Bytes::from("not JSON"))].into()).is_err());
    }
}
