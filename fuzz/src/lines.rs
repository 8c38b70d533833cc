//! Input as lines, so that seeds are text that a person can write: a letter that says what the line is, then its words.

/// The lines of an input: their first byte, and the rest.
pub fn lines(input: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    input.split(|byte| *byte == b'\n').filter_map(|line| line.split_first()).map(|(first, rest)| (*first, rest))
}

/// Bytes as the text that a component could pass: WIT strings are UTF-8, wasmtime holds that.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What stands before the first separator, and after it.
pub fn pair(bytes: &[u8], separator: u8) -> (&[u8], &[u8]) {
    match bytes.iter().position(|byte| *byte == separator) {
        Some(at) => (&bytes[..at], &bytes[at + 1..]),
        None => (bytes, &[]),
    }
}

/// `name: value` fields between `|`.
pub fn fields(bytes: &[u8]) -> Vec<(String, String)> {
    let parts = bytes.split(|byte| *byte == b'|').filter(|part| !part.is_empty());
    parts.map(|part| pair(part, b':')).map(|(name, value)| (text(name), text(value))).collect()
}
