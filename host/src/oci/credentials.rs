//! Who we are for a registry: from two variables, or from docker's config file.
//!
//! Owns the secret on its way from there to the client, and shows it nowhere. Runs no credential helper: a program that a file
//! names is not ours to start.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::OciError;
use crate::limits;

const VARIABLES: [&str; 2] = ["SESSILE_REGISTRY_USER", "SESSILE_REGISTRY_PASSWORD"];

/// What to say to a registry that asks who we are.
pub(super) enum Credentials {
    /// Nothing.
    Anonymous,
    /// A name and a secret.
    Known {
        /// The name.
        user: String,
        /// The secret.
        password: String,
        /// Where they are from, in an error's words.
        from: &'static str,
    },
}

/// The part of docker's config.json that is ours.
#[derive(Default, Deserialize)]
struct Config {
    #[serde(default)]
    auths: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
}

impl Credentials {
    /// Those for a registry. Blocks: reads a file.
    ///
    /// # Errors
    /// `Credentials`
    pub(super) fn find(registry: &str) -> Result<Self, OciError> {
        let [user, password] = VARIABLES.map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        match (user, password) {
            (Some(user), Some(password)) => {
                return Ok(Self::Known { user, password, from: "the user of $SESSILE_REGISTRY_USER" });
            }
            (None, None) => {}
            _ => {
                let (place, cause) = (format!("${} and ${}", VARIABLES[0], VARIABLES[1]), "one without the other");
                return Err(OciError::Credentials { place, cause: cause.to_owned() });
            }
        }
        let Some(path) = docker_config() else { return Ok(Self::Anonymous) };
        let refused = |cause| OciError::Credentials { place: path.display().to_string(), cause };
        match read(&path) {
            Ok(text) => of_docker(&text, registry).map_err(refused),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(Self::Anonymous),
            Err(cause) => Err(refused(cause.to_string())),
        }
    }

    /// Who that is, in an error's words.
    pub(super) fn who(&self) -> &'static str {
        match self {
            Self::Anonymous => "whoever does not say who they are",
            Self::Known { from, .. } => from,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.who())
    }
}

fn docker_config() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("DOCKER_CONFIG").or_else(|| Some(set("HOME")?.join(".docker")));
    folder.map(|folder| folder.join("config.json"))
}

fn read(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    let limit = limits::DOCKER_CONFIG_BYTES_MAX;
    std::fs::File::open(path)?.take(limit as u64 + 1).read_to_string(&mut text)?;
    match text.len() > limit {
        true => Err(io::Error::other(format!("more than the {limit} bytes that it may have"))),
        false => Ok(text),
    }
}

/// What docker's config file says; nothing of it is in the error.
fn of_docker(text: &str, registry: &str) -> Result<Credentials, String> {
    // The error's own words may have a value in them.
    let config: Config = serde_json::from_str(text)
        .map_err(|error| format!("not docker's config.json, at line {}, column {}", error.line(), error.column()))?;
    // Docker's own registry has two names, and its entry the older one.
    let host = if registry == "docker.io" { "index.docker.io" } else { registry };
    let Some((_, entry)) = config.auths.into_iter().find(|(key, _)| host_of(key) == host) else {
        return Ok(Credentials::Anonymous);
    };
    let known = |user: String, password: String| Credentials::Known {
        user,
        password,
        from: "the user of docker's config.json",
    };
    match entry {
        Entry { auth: Some(auth), .. } if !auth.is_empty() => {
            let decoded = STANDARD.decode(auth).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let pair = decoded.as_deref().and_then(|pair| pair.split_once(':'));
            let (user, password) =
                pair.ok_or_else(|| format!("'auth' of {host} is not a name and a password in Base64"))?;
            Ok(known(user.to_owned(), password.trim_end_matches('\0').to_owned()))
        }
        Entry { username: Some(user), password: Some(password), .. } => Ok(known(user, password)),
        // The secret is with a credential helper.
        Entry { .. } => Ok(Credentials::Anonymous),
    }
}

/// A key is a host, or a URL of older times.
fn host_of(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.split('/').next().unwrap_or(key)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    fn pair(text: &str, registry: &str) -> Option<(String, String)> {
        match of_docker(text, registry).unwrap() {
            Credentials::Known { user, password, .. } => Some((user, password)),
            Credentials::Anonymous => None,
        }
    }

    #[test]
    fn credentials_are_of_the_registry_that_is_asked_and_no_other() {
        let config = r#"{"credsStore": "x", "auths": {
            "ghcr.io": {"auth": "YWRhOnM6M2NyZXQ="},
            "https://index.docker.io/v1/": {"auth": "Ym9iOng="},
            "localhost:5000": {"username": "eve", "password": "y"},
            "helped.example": {}}}"#;
        let some = |user: &str, password: &str| Some((user.to_owned(), password.to_owned()));
        assert_eq!(pair(config, "ghcr.io"), some("ada", "s:3cret"));
        assert_eq!((pair(config, "docker.io"), pair(config, "index.docker.io")), (some("bob", "x"), some("bob", "x")));
        assert_eq!(pair(config, "localhost:5000"), some("eve", "y"));
        for none in ["localhost", "localhost:5001", "helped.example", "io", "ghcr.io.example"] {
            assert_eq!(pair(config, none), None, "{none}");
        }
        assert_eq!(pair("{}", "ghcr.io"), None);
    }

    #[test]
    fn config_that_is_none_is_refused_without_its_text() {
        for text in [
            r#"{"auths": {"x": {"auth": "s3cret"}}}"#,
            r#"{"auths": {"x": {"auth": ["s3cret"]}}}"#,
            r#"{"auths": "s3cret"}"#,
            "s3cret",
        ] {
            let refused = of_docker(text, "x").unwrap_err();
            assert!(!refused.contains("s3cret"), "{refused}");
        }
        let known = Credentials::Known { user: "ada".into(), password: "s3cret".into(), from: "someone" };
        assert_eq!(format!("{known:?}"), "someone");
    }
}
