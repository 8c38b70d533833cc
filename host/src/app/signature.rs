//! Signatures of what is deployed: the text that is signed, the keys that are trusted, and whether the one is signed by
//! one of the others.
//!
//! Owns the canonical text of a version's contents (docs/signing.md). Knows minisign's verification only: keys are made and used
//! by `sessile key` and `sessile sign`.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minisign_verify::{PublicKey, Signature};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::archive::Contents;
use super::digest::Digest;
use crate::limits;

/// The file with a folder's signature, beside its manifest.
pub const FILE: &str = "sessile.sig";

/// What would make a line ambiguous is written as `%XX`.
const ESCAPED: &AsciiSet = &CONTROLS.add(b' ').add(b'%');

/// What tells keys apart, as minisign shows it: 16 hexadecimal digits. Chosen with the key; proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyId(u64);

/// A public key whose signatures count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// What it is called.
    pub id: KeyId,
    key: PublicKey,
}

/// The keys that a host trusts; without any, it takes what is not signed.
#[derive(Clone, Debug, Default)]
pub struct TrustedKeys(pub Vec<TrustedKey>);

/// A text that is no public key.
#[derive(Debug, thiserror::Error)]
#[error("no public key of minisign: either the file that `sessile key new` wrote as .pub, or its second line")]
pub struct NotAKey;

/// A signature does not let its version be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// There is none.
    #[error("unsigned: this host takes only what a trusted key has signed ({trusted}); `sessile sign` signs")]
    Unsigned {
        /// The keys.
        trusted: String,
    },
    /// It is by another key.
    #[error("signed by a key that is not trusted: {by}; this host trusts {trusted}")]
    Untrusted {
        /// The key.
        by: KeyId,
        /// Those that would do.
        trusted: String,
    },
    /// It is the signature of something else.
    #[error("its contents are not what was signed by {by}; sign them anew with `sessile sign`")]
    Altered {
        /// The key.
        by: KeyId,
    },
    /// It is too large to be one.
    #[error(
        "a signature of {bytes} bytes exceeds the limit of {}; `sessile sign` writes one",
        limits::SIGNATURE_BYTES_MAX
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// It is no signature.
    #[error("not a (prehashed) signature of minisign; `sessile sign` writes one")]
    Malformed,
}

/// The file with the signature of an app's folder, or of one component.
pub fn file_of(from: &Path) -> PathBuf {
    if from.is_dir() {
        return from.join(FILE);
    }
    let mut name = from.as_os_str().to_owned();
    name.push(".minisig");
    name.into()
}

/// The text that is signed in place of contents. Different contents have different texts.
pub fn text_of(contents: &Contents) -> String {
    let escaped = |text: &str| utf8_percent_encode(text, ESCAPED).to_string();
    let components = contents.components.iter().map(|(name, digest)| format!("component {} {digest}\n", escaped(name)));
    let files = contents.files.iter().flat_map(|(route, files)| {
        files.iter().map(move |(path, digest)| format!("file {} {} {digest}\n", escaped(route), escaped(path)))
    });
    let mut lines: Vec<_> = components.chain(files).collect();
    lines.sort_unstable();
    format!("sessile contents 1\nmanifest {}\n{}", Digest::of(contents.manifest.as_bytes()), lines.concat())
}

/// The key that a signature says it is by; none of a text that is no signature.
pub fn signer(signature: &str) -> Option<KeyId> {
    read(signature).ok().map(|(by, _)| by)
}

impl TrustedKeys {
    /// Whether contents may be served with this signature.
    ///
    /// # Errors
    /// See [`SignatureError`]; where no key is trusted, only `TooLarge` and `Malformed`.
    pub fn check(&self, contents: &Contents, signature: Option<&str>) -> Result<(), SignatureError> {
        let signature = signature.map(read).transpose()?;
        if self.0.is_empty() {
            return Ok(());
        }
        let Some((by, signature)) = signature else { return Err(SignatureError::Unsigned { trusted: self.named() }) };
        let mut keys = self.0.iter().filter(|trusted| trusted.id == by).peekable();
        if keys.peek().is_none() {
            return Err(SignatureError::Untrusted { by, trusted: self.named() });
        }
        let text = text_of(contents);
        match keys.any(|trusted| trusted.key.verify(text.as_bytes(), &signature, false).is_ok()) {
            true => Ok(()),
            false => Err(SignatureError::Altered { by }),
        }
    }

    fn named(&self) -> String {
        self.0.iter().map(|trusted| trusted.id.to_string()).collect::<Vec<_>>().join(", ")
    }
}

fn read(text: &str) -> Result<(KeyId, Signature), SignatureError> {
    if text.len() > limits::SIGNATURE_BYTES_MAX {
        return Err(SignatureError::TooLarge { bytes: text.len() });
    }
    // "ED": signs a hash. The older "Ed" is of signatures that we never make.
    let by = text.lines().nth(1).and_then(|line| id(line, b"ED"));
    let signature = Signature::decode(text).ok();
    by.zip(signature).ok_or(SignatureError::Malformed)
}

/// The key's id in a key or signature, which begins with its kind.
fn id(line: &str, kind: &[u8]) -> Option<KeyId> {
    let bytes = STANDARD.decode(line).ok()?;
    let id = bytes.strip_prefix(kind)?.first_chunk()?;
    Some(KeyId(u64::from_le_bytes(*id)))
}

impl FromStr for TrustedKey {
    type Err = NotAKey;

    /// From the file that has it, or the line that is it.
    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let line = text.trim().lines().last().unwrap_or_default();
        let key = PublicKey::from_base64(line).ok();
        id(line, b"Ed").zip(key).map(|(id, key)| Self { id, key }).ok_or(NotAKey)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::collections::BTreeMap;

    use minisign::KeyPair;

    use super::*;

    fn contents(manifest: &str, path: &str) -> Contents {
        let (one, two) = (Digest::of(b"1"), Digest::of(b"2"));
        let files = BTreeMap::from([("/{rest...}".to_owned(), BTreeMap::from([(path.to_owned(), two)]))]);
        Contents { manifest: manifest.into(), components: BTreeMap::from([("b c".to_owned(), one)]), files }
    }

    fn sign(pair: &KeyPair, contents: &Contents) -> String {
        minisign::sign(None, &pair.sk, text_of(contents).as_bytes(), None, None).unwrap().into_string()
    }

    fn trusting(pair: &KeyPair) -> TrustedKeys {
        TrustedKeys(vec![pair.pk.to_box().unwrap().into_string().parse().unwrap()])
    }

    #[test]
    fn text_is_one_line_each_and_cannot_be_forged_by_a_name() {
        let (manifest, one, two) = (Digest::of(b"m"), Digest::of(b"1"), Digest::of(b"2"));
        assert_eq!(
            text_of(&contents("m", "a\nb")),
            format!("sessile contents 1\nmanifest {manifest}\ncomponent b%20c {one}\nfile /{{rest...}} a%0Ab {two}\n")
        );
        assert_ne!(text_of(&contents("m", "a b")), text_of(&contents("m", "a%20b")));
    }

    #[test]
    fn signature_counts_for_its_contents_and_by_a_trusted_key_only() {
        let (ours, other) = (KeyPair::generate_unencrypted_keypair().unwrap(), KeyPair::generate_unencrypted_keypair());
        let (keys, signed) = (trusting(&ours), contents("m", "a"));
        let signature = sign(&ours, &signed);
        assert_eq!(keys.check(&signed, Some(&signature)), Ok(()));
        assert_eq!(signer(&signature), Some(keys.0[0].id));
        assert!(matches!(keys.check(&signed, None), Err(SignatureError::Unsigned { .. })));
        for altered in [contents("n", "a"), contents("m", "b")] {
            assert!(matches!(keys.check(&altered, Some(&signature)), Err(SignatureError::Altered { .. })));
        }
        let foreign = sign(&other.unwrap(), &signed);
        assert!(matches!(keys.check(&signed, Some(&foreign)), Err(SignatureError::Untrusted { .. })));
        let none = TrustedKeys::default();
        assert_eq!((none.check(&signed, None), none.check(&signed, Some(&foreign))), (Ok(()), Ok(())));
    }

    #[test]
    fn signature_that_is_none_is_refused_and_never_panics() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let (contents, good) = (contents("m", "a"), sign(&pair, &contents("m", "a")));
        for keys in [trusting(&pair), TrustedKeys::default()] {
            for end in 0..good.trim_end().trim_end_matches('=').len() {
                assert_ne!(keys.check(&contents, good.get(..end)), Ok(()), "{end} bytes of it");
            }
            let large = good.clone() + &"x".repeat(limits::SIGNATURE_BYTES_MAX);
            assert!(matches!(keys.check(&contents, Some(&large)), Err(SignatureError::TooLarge { .. })));
        }
        let comment = good.replace("timestamp:", "timestamp:1");
        assert!(matches!(trusting(&pair).check(&contents, Some(&comment)), Err(SignatureError::Altered { .. })));
    }

    #[test]
    fn key_is_read_from_its_file_or_its_line() {
        let pair = KeyPair::generate_unencrypted_keypair().unwrap();
        let file = pair.pk.to_box().unwrap().into_string();
        let key: TrustedKey = file.parse().unwrap();
        assert_eq!(pair.pk.to_base64().parse::<TrustedKey>().unwrap(), key);
        assert!(file.contains(&key.id.to_string()), "{file} is not of {}", key.id);
        for wrong in ["", "RWQ", "untrusted comment: x", &good_but_cut(&file)] {
            assert!(wrong.parse::<TrustedKey>().is_err(), "{wrong}");
        }
    }

    fn good_but_cut(file: &str) -> String {
        file.trim_end()[..file.len() - 6].to_owned()
    }
}
