//! Where an artifact is: `oci://HOST[:PORT]/REPOSITORY[:TAG][@sha256:…]`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::app::digest::Digest;
use crate::limits;

const SCHEME: &str = "oci://";
const DEFAULT_TAG: &str = "latest";
const TAG_BYTES_MAX: usize = 128;

/// An artifact in a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The registry's host, and its port if it is named.
    pub registry: String,
    /// The repository in it.
    pub repository: String,
    /// The tag; what a digest beside it says counts.
    pub tag: Option<String>,
    /// The digest of its manifest.
    pub digest: Option<Digest>,
}

/// A text that is no reference.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not oci://HOST[:PORT]/REPOSITORY[:TAG|@sha256:...]: {wrong}")]
pub struct NotAReference {
    text: String,
    wrong: &'static str,
}

impl Reference {
    /// Whether a text means one, be it a valid one or not.
    pub fn is_meant(text: &str) -> bool {
        text.starts_with(SCHEME)
    }

    /// The same artifact, named by its digest too.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { digest: Some(digest), ..self.clone() }
    }

    /// The last part of the repository: what to call an artifact that does not say its name.
    pub fn name(&self) -> &str {
        self.repository.rsplit('/').next().unwrap_or(&self.repository)
    }

    /// Whether the registry is on this machine, so that it may be asked without TLS.
    pub fn is_loopback(&self) -> bool {
        is_loopback(&self.registry)
    }
}

/// Whether a host, with a port or without, is this machine.
pub(super) fn is_loopback(authority: &str) -> bool {
    let host = host_of(authority);
    let address: Result<IpAddr, _> = host.trim_start_matches('[').trim_end_matches(']').parse();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.to_canonical().is_loopback())
}

impl FromStr for Reference {
    type Err = NotAReference;

    fn from_str(text: &str) -> Result<Self, NotAReference> {
        parse(text).map_err(|wrong| NotAReference { text: text.chars().take(200).collect(), wrong })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |digest| write!(f, "@{digest}"))
    }
}

fn parse(text: &str) -> Result<Reference, &'static str> {
    let rest = text.strip_prefix(SCHEME).ok_or("it does not begin with oci://")?;
    let (registry, rest) = rest.split_once('/').ok_or("no repository after the host")?;
    if !is_registry(registry) {
        return Err("the host is a name or address with a port or without, and no user");
    }
    let (named, digest) = match rest.split_once('@') {
        Some((named, digest)) => {
            let digest = digest.parse().map_err(|_| "after @ comes sha256: and 64 hexadecimal digits")?;
            (named, Some(digest))
        }
        None => (rest, None),
    };
    let (repository, tag) = match named.split_once(':') {
        Some((repository, tag)) => (repository, Some(tag)),
        None => (named, None),
    };
    if !is_repository(repository) {
        return Err("a repository is parts of a-z, 0-9 and single . _ - between them, with / between the parts");
    }
    if tag.is_some_and(|tag| !is_tag(tag)) {
        return Err("a tag is 1 to 128 of A-Z, a-z, 0-9, '.', '_', '-', and begins with neither '.' nor '-'");
    }
    let tag = tag.or(digest.is_none().then_some(DEFAULT_TAG)).map(str::to_owned);
    Ok(Reference { registry: registry.to_ascii_lowercase(), repository: repository.to_owned(), tag, digest })
}

fn host_of(registry: &str) -> &str {
    match registry.rfind(']') {
        Some(bracket) => &registry[..=bracket],
        None => registry.split(':').next().unwrap_or(registry),
    }
}

fn is_registry(text: &str) -> bool {
    let host = host_of(text);
    let valid = match host.strip_prefix('[') {
        Some(inner) => inner.strip_suffix(']').is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
            host.starts_with(|c: char| c.is_ascii_alphanumeric()) && host.len() <= 253 && host.chars().all(inner)
        }
    };
    let port = &text[host.len()..];
    let digits =
        |port: &str| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse().is_ok_and(|port: u16| port > 0);
    valid && (port.is_empty() || port.strip_prefix(':').is_some_and(digits))
}

/// The distribution specification's rule for names: separators stand between letters and digits, and are `.`, `_`, `__` or `-`s.
fn is_repository(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separator = |run: &str| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-');
    let part = |part: &str| {
        part.starts_with(letter)
            && part.ends_with(letter)
            && part.split(letter).filter(|run| !run.is_empty()).all(separator)
    };
    text.len() <= limits::REPOSITORY_BYTES_MAX && text.split('/').all(part)
}

fn is_tag(text: &str) -> bool {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.starts_with(word) && text.len() <= TAG_BYTES_MAX && text.chars().all(|c| word(c) || matches!(c, '.' | '-'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    fn parts(text: &str) -> (String, String, Option<String>, Option<String>) {
        let Reference { registry, repository, tag, digest } = text.parse().unwrap();
        (registry, repository, tag, digest.map(|digest| digest.to_string()))
    }

    #[test]
    fn reference_has_a_host_a_repository_and_a_tag_or_digest() {
        let some = |text: &str| Some(text.to_owned());
        let all = [
            ("oci://ghcr.io/acme/chat", ("ghcr.io".into(), "acme/chat".into(), some("latest"), None)),
            ("oci://localhost:5000/chat:1.2", ("localhost:5000".into(), "chat".into(), some("1.2"), None)),
            ("oci://[::1]:5000/a__b/c--d.e:v_1", ("[::1]:5000".into(), "a__b/c--d.e".into(), some("v_1"), None)),
            (&format!("oci://x/y@{DIGEST}"), ("x".into(), "y".into(), None, some(DIGEST))),
            (&format!("oci://x/y:z@{DIGEST}"), ("x".into(), "y".into(), some("z"), some(DIGEST))),
        ];
        for (text, expected) in all {
            assert_eq!(parts(text), expected);
        }
        for text in ["oci://x/y:latest", &format!("oci://x/y:z@{DIGEST}")] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
        assert_eq!("oci://x/y/z".parse::<Reference>().unwrap().name(), "z");
    }

    #[test]
    fn text_that_is_no_reference_is_refused() {
        let long = format!("oci://x/{}", "a".repeat(limits::REPOSITORY_BYTES_MAX + 1));
        let tag = format!("oci://x/y:{}", "a".repeat(TAG_BYTES_MAX + 1));
        let all = [
            "x/y",
            "oci:x/y",
            "oci://",
            "oci://x",
            "oci://x/",
            "oci:///y",
            "oci://u@x/y",
            "oci://u:p@x/y",
            "oci://x:0/y",
            "oci://x:65536/y",
            "oci://x:+1/y",
            "oci://x:/y",
            "oci://[::1/y",
            "oci://::1/y",
            "oci://[x]/y",
            "oci://x/Y",
            "oci://x/..",
            "oci://x/../y",
            "oci://x//y",
            "oci://x/y/",
            "oci://x/.y",
            "oci://x/a..b",
            "oci://x/a___b",
            "oci://x/y:",
            "oci://x/y:.z",
            "oci://x/y:a/b",
            "oci://x/y@",
            "oci://x/y@sha256:ab",
            "oci://x/y@sha512:ab",
            "oci://x/y?z",
            "oci://x/y z",
            "oci://é/y",
            &long,
            &tag,
        ];
        for text in all {
            let refused = text.parse::<Reference>();
            assert!(
                refused.as_ref().is_err_and(|error| error.to_string().contains("oci://HOST")),
                "{text}: {refused:?}"
            );
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_only() {
        let loopback = |registry: &str| format!("oci://{registry}/x").parse::<Reference>().unwrap().is_loopback();
        for here in ["localhost", "localhost:5000", "LOCALHOST", "127.0.0.1:1", "127.9.9.9", "[::1]", "[::1]:5000"] {
            assert!(loopback(here), "{here}");
        }
        for there in ["ghcr.io", "localhost.example", "127.0.0.1.example", "10.0.0.1:5000", "128.0.0.1", "[::2]:5000"] {
            assert!(!loopback(there), "{there}");
        }
    }
}
