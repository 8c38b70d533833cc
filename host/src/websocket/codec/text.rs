//! Text that comes in parts: each is checked as it comes (RFC 6455 §8.1), and none of them twice unless
//! it ends within a character.

use simdutf8::compat::from_utf8;

use super::violation::Violation;

/// Checked text, and of the last part at most the begun character at its end.
#[derive(Debug, Default)]
pub(super) struct Text {
    checked: String,
    begun: Begun,
}

/// The first bytes of a character: at most three, since the fourth is a character's last.
#[derive(Debug, Default)]
struct Begun {
    bytes: [u8; 4],
    length: usize,
}

impl Text {
    /// Takes the next part; fails at the first byte that no UTF-8 can have there.
    pub(super) fn push(&mut self, part: &[u8]) -> Result<(), Violation> {
        let part = self.complete(part)?;
        let (text, rest) = match from_utf8(part) {
            Ok(text) => (text, &[][..]),
            Err(error) if error.error_len().is_some() => return Err(Violation::NotUtf8),
            Err(error) => {
                let (valid, rest) = part.split_at(error.valid_up_to());
                (from_utf8(valid).map_err(|_| Violation::NotUtf8)?, rest)
            }
        };
        self.checked.push_str(text);
        self.begun.extend(rest)
    }

    /// The whole text.
    pub(super) fn finish(self) -> Result<String, Violation> {
        if self.begun.length == 0 { Ok(self.checked) } else { Err(Violation::NotUtf8) }
    }

    /// Completes the begun character with the first bytes of a part, and returns the others.
    fn complete<'p>(&mut self, mut part: &'p [u8]) -> Result<&'p [u8], Violation> {
        while self.begun.length > 0 {
            let Some((byte, rest)) = part.split_first() else { break };
            part = rest;
            self.begun.extend(&[*byte])?;
            if let Ok(character) = from_utf8(self.begun.as_bytes()) {
                self.checked.push_str(character);
                self.begun.length = 0;
            }
        }
        Ok(part)
    }
}

impl Begun {
    fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// Fails where no character begins with these bytes.
    fn extend(&mut self, bytes: &[u8]) -> Result<(), Violation> {
        for byte in bytes {
            *self.bytes.get_mut(self.length).ok_or(Violation::NotUtf8)? = *byte;
            self.length += 1;
        }
        match from_utf8(self.as_bytes()) {
            Err(error) if error.error_len().is_some() => Err(Violation::NotUtf8),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(parts: &[&[u8]]) -> Result<String, Violation> {
        let mut text = Text::default();
        for part in parts {
            text.push(part)?;
        }
        text.finish()
    }

    #[test]
    fn text_cut_anywhere_is_the_text() {
        let whole = "aκόσμε𝄞z".as_bytes();
        for first in 0..=whole.len() {
            for second in first..=whole.len() {
                let parts = [&whole[..first], &whole[first..second], &[], &whole[second..]];
                assert_eq!(read(&parts).as_deref(), Ok("aκόσμε𝄞z"));
            }
        }
    }

    #[test]
    fn text_fails_with_the_byte_that_is_wrong() {
        // A surrogate, an overlong form and a character past the last, each at its second byte.
        for bytes in [[0xed, 0xa0], [0xe0, 0x80], [0xf4, 0x90]] {
            for parts in [vec![&bytes[..]], vec![&bytes[..1], &bytes[1..]]] {
                let mut text = Text::default();
                let results: Vec<_> = parts.iter().map(|part| text.push(part)).collect();
                assert_eq!(results.last(), Some(&Err(Violation::NotUtf8)), "{bytes:x?}");
            }
        }
        assert_eq!(Text::default().push(b"a\xffb"), Err(Violation::NotUtf8));
        assert_eq!(Text::default().push(b"\xff"), Err(Violation::NotUtf8));
        assert_eq!(read(&["é".as_bytes().split_at(1).0]), Err(Violation::NotUtf8), "it ends within a character");
    }

    proptest! {
        #[test]
        fn text_of_any_bytes_is_what_the_standard_library_says(
            bytes in prop::collection::vec(prop_oneof![Just(b'a'), 0x80_u8..=0xff, any::<u8>()], 0..12),
            cut in 0_usize..12,
        ) {
            let cut = cut.min(bytes.len());
            let expected = String::from_utf8(bytes.clone()).map_err(|_| Violation::NotUtf8);
            prop_assert_eq!(read(&[&bytes[..cut], &bytes[cut..]]), expected);
        }
    }
}
