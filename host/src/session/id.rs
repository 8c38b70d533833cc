//! Session ids: the secret in the cookie, and the digest that stands for it everywhere else.

use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

const BYTES: usize = 32;

/// The secret that a browser holds: 32 bytes of the system's randomness, 64 hexadecimal digits in
/// the cookie. Whoever has it is the session; it is never logged or stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionId([u8; BYTES]);

/// SHA-256 of a [`SessionId`]: what is stored, compared and held. It opens nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionKey([u8; BYTES]);

/// The system gave no randomness, so no secret can be made.
#[derive(Debug, thiserror::Error)]
#[error("no randomness from the system: {0}")]
pub struct NoRandomness(getrandom::Error);

impl SessionId {
    /// Hexadecimal digits in the cookie.
    pub(super) const DIGITS: usize = 2 * BYTES;

    /// A new secret.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn mint() -> Result<Self, NoRandomness> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        Ok(Self(bytes))
    }

    /// The secret in a cookie's value; none where it is not one of ours by its form.
    pub fn parse(value: &str) -> Option<Self> {
        if value.len() != Self::DIGITS {
            return None;
        }
        let mut bytes = [0; BYTES];
        for (byte, digits) in bytes.iter_mut().zip(value.as_bytes().chunks_exact(2)) {
            let [high, low] = digits else { return None };
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(Self(bytes))
    }

    /// The cookie's value.
    pub fn encode(&self) -> String {
        hex(&self.0)
    }

    pub(super) fn as_bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// What stands for it in the store. The digest is looked up, so a guess cannot be timed.
    pub fn key(&self) -> SessionKey {
        SessionKey(Sha256::digest(self.0).into())
    }
}

impl SessionKey {
    /// Digits of a key that are shown.
    pub(super) const TAG_DIGITS: u8 = 12;

    /// Its beginning, as a person is shown it.
    pub fn tag(&self) -> String {
        hex(self.0.get(..usize::from(Self::TAG_DIGITS / 2)).unwrap_or_default())
    }

    /// Out of a store.
    pub fn from_bytes(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// For a store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lower case only: one id has one form.
fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId(secret)")
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second, third, ..] = self.0;
        write!(f, "SessionKey({})", hex(&[first, second, third]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn id_encoded_parses_back_and_minted_twice_differs() {
        let id = SessionId::mint().unwrap();
        assert_eq!(SessionId::parse(&id.encode()), Some(id.clone()));
        assert_ne!(SessionId::mint().unwrap(), id);
    }

    #[test]
    fn id_of_another_form_is_none() {
        for value in ["", "ab", &"g".repeat(64), &"A".repeat(64), &"a".repeat(66), &"é".repeat(32)] {
            assert_eq!(SessionId::parse(value), None, "{value}");
        }
    }

    #[test]
    fn debug_of_an_id_hides_it() {
        let id = SessionId::mint().unwrap();
        let shown = format!("{id:?} {:?}", id.key());
        assert!(!shown.contains(&id.encode()[..6]), "{shown}");
    }
}
