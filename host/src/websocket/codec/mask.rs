//! Masking (RFC 6455 §5.3).

/// Unmasks a part of a payload that begins `offset` bytes after the payload's start.
///
/// In words of eight bytes, which the compiler makes vectors of; a key aligned with the data is not
/// needed for that, since a key turned by the offset is as good.
pub(super) fn unmask(bytes: &mut [u8], mut key: [u8; 4], offset: usize) {
    key.rotate_left(offset % 4);
    let [a, b, c, d] = key;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = bytes.as_chunks_mut();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn unmask_in_parts_is_the_rfcs_byte_by_byte(
            bytes in prop::collection::vec(any::<u8>(), 0..100),
            key: [u8; 4],
            cut in 0_usize..100,
        ) {
            let expected: Vec<u8> = bytes.iter().enumerate().map(|(i, byte)| byte ^ key[i % 4]).collect();
            let mut actual = bytes;
            let cut = cut.min(actual.len());
            unmask(&mut actual[..cut], key, 0);
            unmask(&mut actual[cut..], key, cut);
            prop_assert_eq!(actual, expected);
        }
    }
}
