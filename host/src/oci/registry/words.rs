//! What a registry, or the way to it, refuses: in our words, without a secret, fit for a terminal.

use oci_client::errors::{OciDistributionError, OciErrorCode};
use reqwest::StatusCode;

use super::Registry;
use crate::app::digest::Digest;
use crate::limits;
use crate::oci::OciError;

impl Registry {
    pub(super) fn refused(&self, error: OciDistributionError, what: String) -> OciError {
        match error {
            OciDistributionError::RequestError(error) => self.unreachable(error),
            OciDistributionError::IoError(error) => self.broken(error),
            // Not its words: they might repeat what was sent.
            OciDistributionError::UnauthorizedError { .. } | OciDistributionError::AuthenticationFailure(_) => {
                self.status(StatusCode::UNAUTHORIZED, String::new(), what)
            }
            OciDistributionError::ServerError { code, message, .. } => {
                let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
                self.status(status, words(message.as_bytes()), what)
            }
            OciDistributionError::RegistryError { envelope, .. } => {
                use OciErrorCode::{BlobUnknown, Denied, ManifestUnknown, NameUnknown, NotFound, Unauthorized};
                let status = match envelope.errors.first().map(|first| &first.code) {
                    Some(Unauthorized | Denied) => StatusCode::UNAUTHORIZED,
                    Some(BlobUnknown | ManifestUnknown | NameUnknown | NotFound) => StatusCode::NOT_FOUND,
                    _ => StatusCode::BAD_REQUEST,
                };
                self.status(status, words(envelope.to_string().as_bytes()), what)
            }
            other => self.refusal(words(other.to_string().as_bytes())),
        }
    }

    pub(super) fn status(&self, status: StatusCode, words: String, what: String) -> OciError {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => OciError::Unauthorized {
                registry: self.reference.registry.clone(),
                repository: self.reference.repository.clone(),
                who: self.credentials.who(),
            },
            StatusCode::NOT_FOUND => OciError::NotFound { reference: self.reference.clone().into(), what },
            status => self.refusal(format!("{status} {words}")),
        }
    }

    pub(super) fn refusal(&self, words: String) -> OciError {
        OciError::Refused { reference: self.reference.clone().into(), words: words.trim().to_owned() }
    }

    pub(super) fn altered(&self, wanted: Digest, found: Digest) -> OciError {
        OciError::Altered { reference: self.reference.clone().into(), wanted, found }
    }

    pub(super) fn stalled(&self, waited: std::time::Duration) -> OciError {
        OciError::Stalled { registry: self.reference.registry.clone(), seconds: waited.as_secs() }
    }

    pub(super) fn unreachable(&self, error: reqwest::Error) -> OciError {
        if error.is_timeout() && !error.is_connect() {
            return self.stalled(limits::REGISTRY_STALL);
        }
        OciError::Unreachable { registry: self.reference.registry.clone(), cause: root_of(&error.without_url()) }
    }

    /// A stream that ended too early.
    pub(super) fn broken(&self, error: std::io::Error) -> OciError {
        match error.downcast::<reqwest::Error>() {
            Ok(error) => self.unreachable(error),
            Err(error) => OciError::Unreachable { registry: self.reference.registry.clone(), cause: error.to_string() },
        }
    }
}

/// The innermost cause, which says what happened.
pub(super) fn root_of(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    words(cause.to_string().as_bytes())
}

/// A peer's words, for a terminal.
pub(super) fn words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(limits::REGISTRY_WORDS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_peer_cannot_command_a_terminal() {
        assert_eq!(words(b"a\x1b[2Jb\r\n\xff"), "a [2Jb  \u{fffd}");
        assert_eq!(words(&[b'x'; 9_999]).len(), limits::REGISTRY_WORDS_MAX);
    }
}
