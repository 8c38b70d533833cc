//! Tokens of the admin API: who may ask for what over TCP.
//!
//! Owns `DATA/tokens.json`, which the commands write and a running host reads anew once it has changed. Only the
//! SHA-256 of a token is kept, which is enough: 32 random bytes cannot be guessed from it.

use std::fmt;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq as _;

use crate::app::digest::Digest;
use crate::limits;

/// What a token begins with, so that one which has leaked is found.
const PREFIX: &str = "sst_";

/// What a caller may ask for; each has what the ones before it have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// To look.
    Read,
    /// To deploy and to roll back.
    Deploy,
    /// All: also to undeploy apps and to close websockets.
    Admin,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// What the audit log calls it.
    pub name: String,
    /// What it is good for.
    pub scope: Scope,
    /// When it was made, in seconds since 1970.
    pub created_at: u64,
    /// Its digest.
    pub digest: Digest,
}

/// Why tokens cannot be had, or not changed.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no such folder.
    #[error("no data folder at {}; `sessile serve` makes it, and --to names another", .data.display())]
    NoFolder {
        /// The folder.
        data: PathBuf,
    },
    /// The file.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: io::Error,
    },
    /// The name is no name.
    #[error("{name:?} is no name of a token: 1 to {} letters, digits, `.`, `-` and `_`", limits::TOKEN_NAME_BYTES_MAX)]
    Name {
        /// The name.
        name: String,
    },
    /// The name is taken.
    #[error("there is a token '{name}' already; revoke it first, or choose another name")]
    Taken {
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("there are {limit} tokens already, which is the limit; revoke one", limit = limits::TOKENS_MAX)]
    TooMany,
    /// There is none of this name.
    #[error("there is no token '{name}'; `sessile token list` lists them")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The system has no random numbers.
    #[error("no random numbers: {0}")]
    Random(String),
}

/// The tokens of a data folder, on disk. All of it blocks.
#[derive(Clone, Debug)]
pub struct TokenFile {
    data: PathBuf,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    tokens: Vec<Token>,
}

impl TokenFile {
    /// That of a data folder.
    pub fn of(data: &Path) -> Self {
        Self { data: data.to_owned() }
    }

    /// All of them, in the order in which they were made.
    ///
    /// # Errors
    /// `NoFolder`, `File`.
    pub fn list(&self) -> Result<Vec<Token>, TokenError> {
        if !self.data.is_dir() {
            return Err(TokenError::NoFolder { data: self.data.clone() });
        }
        self.read().map_err(|cause| TokenError::File { path: self.path(), cause })
    }

    /// Makes one; the secret, which is nowhere kept.
    ///
    /// # Errors
    /// See [`TokenError`]; nothing has changed.
    pub fn create(&self, name: &str, scope: Scope) -> Result<String, TokenError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if name.is_empty() || name.len() > limits::TOKEN_NAME_BYTES_MAX || !name.bytes().all(plain) {
            return Err(TokenError::Name { name: name.chars().take(limits::TOKEN_NAME_BYTES_MAX).collect() });
        }
        let mut random = [0; 32];
        getrandom::fill(&mut random).map_err(|error| TokenError::Random(error.to_string()))?;
        let secret = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random));
        let digest = Digest::of(secret.as_bytes());
        self.change(|tokens| {
            if tokens.iter().any(|token| token.name == name) {
                return Err(TokenError::Taken { name: name.to_owned() });
            }
            if tokens.len() >= limits::TOKENS_MAX {
                return Err(TokenError::TooMany);
            }
            let created_at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            tokens.push(Token { name: name.to_owned(), scope, created_at, digest });
            Ok(())
        })?;
        Ok(secret)
    }

    /// Ends one: from its next request on.
    ///
    /// # Errors
    /// See [`TokenError`]; nothing has changed.
    pub fn revoke(&self, name: &str) -> Result<(), TokenError> {
        self.change(|tokens| {
            let before = tokens.len();
            tokens.retain(|token| token.name != name);
            if tokens.len() == before { Err(TokenError::Unknown { name: name.to_owned() }) } else { Ok(()) }
        })
    }

    /// One change at a time: a revocation must not be lost to somebody who makes a token meanwhile.
    fn change(&self, change: impl FnOnce(&mut Vec<Token>) -> Result<(), TokenError>) -> Result<(), TokenError> {
        let failed = |cause| TokenError::File { path: self.path(), cause };
        self.list()?;
        let lock = private().create(true).truncate(false).open(self.data.join("tokens.lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let mut tokens = self.list()?;
        change(&mut tokens)?;
        self.write(&Kept { tokens }).map_err(failed)
    }

    fn write(&self, kept: &Kept) -> io::Result<()> {
        let partial = self.data.join("tokens.json.partial");
        let mut file = private().create(true).truncate(true).open(&partial)?;
        file.write_all(&serde_json::to_vec_pretty(kept)?)?;
        file.sync_all()?;
        std::fs::rename(&partial, self.path())?;
        File::open(&self.data)?.sync_all()
    }

    fn read(&self) -> io::Result<Vec<Token>> {
        let mut text = Vec::new();
        match File::open(self.path()) {
            Ok(file) => file.take(limits::TOKENS_BYTES_MAX as u64).read_to_end(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        Ok(serde_json::from_slice::<Kept>(&text)?.tokens)
    }

    fn path(&self) -> PathBuf {
        self.data.join("tokens.json")
    }
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}

/// The tokens that a running host takes.
pub(super) struct Tokens {
    file: TokenFile,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    stamp: Option<Stamp>,
    tokens: Vec<Token>,
}

/// What changes with the file: it is written anew, so its inode does.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp([i128; 4]);

impl Stamp {
    fn of(file: &Metadata) -> Self {
        Self([file.ino().into(), file.len().into(), file.ctime().into(), file.ctime_nsec().into()])
    }
}

impl Tokens {
    pub(super) fn of(data: &Path) -> Self {
        Self { file: TokenFile::of(data), known: Mutex::default() }
    }

    /// The token with this secret, as the file is now. Blocks, for a moment: reads the file if it has changed. What
    /// cannot be read lets nobody in.
    pub(super) fn find(&self, secret: &str) -> Option<Token> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let stamp = std::fs::metadata(self.file.path()).ok().as_ref().map(Stamp::of);
        if stamp.is_none() || known.stamp != stamp {
            *known = match self.file.list() {
                Ok(tokens) => Known { stamp, tokens },
                Err(error) => {
                    tracing::warn!("no token is taken: {error}");
                    Known::default()
                }
            };
        }
        let digest = Digest::of(secret.as_bytes()).hex();
        let same = |token: &Token| bool::from(token.digest.hex().as_bytes().ct_eq(digest.as_bytes()));
        // To the last, so that the time does not tell which one it was.
        known.tokens.iter().fold(None, |found, token| if same(token) { Some(token) } else { found }).cloned()
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = [Self::Read, Self::Deploy, Self::Admin].into_iter().find(|scope| scope.to_string() == text);
        found.ok_or_else(|| "neither read, deploy nor admin".to_owned())
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Deploy => "deploy",
            Self::Admin => "admin",
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use tempfile::TempDir;

    use super::*;

    #[test]
    fn token_is_found_by_its_secret_until_it_is_revoked() {
        let data = TempDir::new().unwrap();
        let (file, tokens) = (TokenFile::of(data.path()), Tokens::of(data.path()));
        assert_eq!(tokens.find("sst_"), None);
        let secret = file.create("ci", Scope::Deploy).unwrap();
        assert!(secret.len() == 47 && secret.starts_with("sst_"), "{secret}");
        let found = tokens.find(&secret).unwrap();
        assert_eq!((found.name.as_str(), found.scope), ("ci", Scope::Deploy));
        let other = file.create("eyes", Scope::Read).unwrap();
        assert_eq!(tokens.find(&other).unwrap().name, "eyes");
        assert_eq!(tokens.find(&secret[..46]), None);
        file.revoke("ci").unwrap();
        assert_eq!((tokens.find(&secret), tokens.find(&other).is_some()), (None, true));
    }

    #[test]
    fn file_is_its_owners_alone_and_has_no_secret() {
        let data = TempDir::new().unwrap();
        let secret = TokenFile::of(data.path()).create("ci", Scope::Admin).unwrap();
        let path = data.path().join("tokens.json");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&secret[4..]) && text.contains("sha256:"), "{text}");
    }

    #[test]
    fn file_that_cannot_be_read_lets_nobody_in() {
        let data = TempDir::new().unwrap();
        let (file, tokens) = (TokenFile::of(data.path()), Tokens::of(data.path()));
        let secret = file.create("ci", Scope::Admin).unwrap();
        assert!(tokens.find(&secret).is_some());
        std::fs::write(data.path().join("tokens.json"), "{").unwrap();
        assert_eq!(tokens.find(&secret), None);
        assert!(file.create("other", Scope::Read).is_err(), "a file that cannot be read is written over");
    }

    #[test]
    fn names_are_few_plain_and_each_there_once() {
        let data = TempDir::new().unwrap();
        let file = TokenFile::of(data.path());
        for name in ["", "a b", "ä", "a/b", &"x".repeat(65)] {
            assert!(matches!(file.create(name, Scope::Read), Err(TokenError::Name { .. })), "{name}");
        }
        for number in 0..limits::TOKENS_MAX {
            file.create(&number.to_string(), Scope::Read).unwrap();
        }
        assert!(matches!(file.create("7", Scope::Read), Err(TokenError::Taken { .. })));
        assert!(matches!(file.create("one-more", Scope::Read), Err(TokenError::TooMany)));
        assert!(matches!(file.revoke("none"), Err(TokenError::Unknown { .. })));
        let nowhere = TokenFile::of(&data.path().join("nowhere"));
        assert!(matches!(nowhere.list(), Err(TokenError::NoFolder { .. })));
    }
}
