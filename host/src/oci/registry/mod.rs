//! The talk with one registry about one repository.
//!
//! Owns that nothing it says is believed: manifest and content have the digests that they are asked for by, and no more bytes than they
//! may have. What is sent where, in which order, is oci-client's; the two things that it leaves open are done here: it reads a
//! manifest of any size over whatever a redirect leads to, and takes credentials to any URL that the registry names.

mod words;

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http_auth::parser::ChallengeParser;
use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use oci_client::errors::OciDistributionError;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, RegistryOperation};
use reqwest::Response;
use reqwest::header::{ACCEPT, HeaderName, HeaderValue, WWW_AUTHENTICATE};

use self::words::{root_of, words};
use super::layout::IMAGE;
use super::reference::is_loopback;
use super::{Credentials, OciError, Reference};
use crate::app::digest::Digest;
use crate::limits;
use crate::tls;

const USER_AGENT: &str = concat!("sessile/", env!("CARGO_PKG_VERSION"));
/// What is no artifact too, so that it can be told what it is.
const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
                        application/vnd.docker.distribution.manifest.v2+json, \
                        application/vnd.docker.distribution.manifest.list.v2+json";
const DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A repository, and what we may do there.
pub(super) struct Registry {
    reference: Reference,
    image: oci_client::Reference,
    credentials: Credentials,
    certificates: Vec<Vec<u8>>,
    library: Client,
    http: reqwest::Client,
    token: Option<HeaderValue>,
}

/// What we are there for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To read.
    Pull,
    /// To write, and to look what is there already.
    Push,
}

/// How content is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending {
    /// A piece of 4 MiB at a time, so that a slow line makes progress that can be seen.
    Pieces,
    /// In one request, for registries that do not take pieces.
    Whole,
}

impl Registry {
    /// Says who we are. The authorities of the system are trusted, and those of this file (PEM).
    ///
    /// # Errors
    /// `Credentials`, `Authority`, `Unreachable`, `Stalled`, `ClearText`, `Unauthorized`, `Refused`.
    pub(super) async fn connect(
        reference: &Reference,
        ca: Option<PathBuf>,
        purpose: Purpose,
    ) -> Result<Self, OciError> {
        tls::provide();
        let credentials = Credentials::find(&reference.registry)?;
        let authorities = ca.map(|ca| tls::authorities(&ca)).transpose()?.unwrap_or_default();
        let certificates: Vec<_> = authorities.into_iter().map(|certificate| certificate.to_vec()).collect();
        let unusable = |error: &dyn std::error::Error| OciError::Unreachable {
            registry: reference.registry.clone(),
            cause: root_of(error),
        };
        let mut registry = Self {
            image: image_of(reference),
            library: library(reference, &certificates, Sending::Pieces).map_err(|error| unusable(&error))?,
            http: http(reference, &certificates).map_err(|error| unusable(&error))?,
            reference: reference.clone(),
            credentials,
            certificates,
            token: None,
        };
        registry.check_realm().await?;
        registry.authorize(RegistryOperation::Pull).await?;
        if purpose == Purpose::Push {
            registry.authorize(RegistryOperation::Push).await?;
        }
        Ok(registry)
    }

    /// The manifest of the artifact, which has the digest that the reference says.
    ///
    /// # Errors
    /// `NotFound`, `Unauthorized`, `Refused`, `Unreachable`, `Stalled`, `TooLarge`, `Altered`.
    pub(super) async fn manifest(&self) -> Result<Bytes, OciError> {
        let asked = tokio::time::timeout(limits::REGISTRY_MANIFEST, self.ask_manifest()).await;
        let (bytes, said) = asked.map_err(|_| self.stalled(limits::REGISTRY_MANIFEST))??;
        let found = Digest::of(&bytes);
        for wanted in self.reference.digest.into_iter().chain(said) {
            if wanted != found {
                return Err(self.altered(wanted, found));
            }
        }
        Ok(bytes)
    }

    /// Content, which has this digest, and no more than so many bytes.
    ///
    /// # Errors
    /// `NotFound`, `Unauthorized`, `Refused`, `Unreachable`, `Stalled`, `TooLarge`, `Altered`.
    pub(super) async fn blob(&self, wanted: Digest, bytes: u64) -> Result<Bytes, OciError> {
        let what = || format!("content {wanted}");
        let name = wanted.to_string();
        // By its digest alone: the URLs that a descriptor may have beside are nobody's that we know.
        let stream = self.library.pull_blob_stream(&self.image, name.as_str()).await;
        let mut stream = stream.map_err(|error| self.refused(error, what()))?;
        let mut content = Vec::new();
        while let Some(piece) = stream.next().await {
            match piece {
                Ok(piece) if (content.len() + piece.len()) as u64 > bytes => {
                    return Err(OciError::TooLarge { reference: self.reference.clone().into(), what: what(), bytes });
                }
                Ok(piece) => content.extend_from_slice(&piece),
                // The library has looked too: what it found is found below.
                Err(error) if error.get_ref().is_some_and(|cause| cause.is::<oci_client::errors::DigestError>()) => {
                    break;
                }
                Err(error) => return Err(self.broken(error)),
            }
        }
        match Digest::of(&content) {
            found if found == wanted => Ok(content.into()),
            found => Err(self.altered(wanted, found)),
        }
    }

    /// Puts content there, if it is not there already.
    ///
    /// # Errors
    /// `Unauthorized`, `Refused`, `Unreachable`, `Stalled`.
    pub(super) async fn put(&self, digest: Digest, bytes: Bytes) -> Result<(), OciError> {
        let (name, size) = (digest.to_string(), bytes.len() as u64);
        // Where that cannot be told, sending it tells why.
        if self.library.blob_exists(&self.image, &name).await.unwrap_or(false) {
            return Ok(());
        }
        let content = || stream::iter([Ok(bytes.clone())]);
        let sent = match self.library.push_blob_stream(&self.image, content(), &name, None).await {
            Err(OciDistributionError::SpecViolationError(_)) => {
                let mut library = library(&self.reference, &self.certificates, Sending::Whole)
                    .map_err(|error| self.refused(error, name.clone()))?;
                library.tokens = self.library.tokens.clone();
                library.store_auth_if_needed(self.image.resolve_registry(), &self.auth()).await;
                library.push_blob_stream(&self.image, content(), &name, Some(size)).await
            }
            sent => sent,
        };
        sent.map(drop).map_err(|error| self.refused(error, format!("content {name}")))
    }

    /// Puts a manifest there, under the reference's tag.
    ///
    /// # Errors
    /// `Unauthorized`, `Refused`, `Unreachable`, `Stalled`.
    pub(super) async fn put_manifest(&self, manifest: Bytes) -> Result<(), OciError> {
        let sent = self.library.push_manifest_raw(&self.image, manifest, HeaderValue::from_static(IMAGE)).await;
        sent.map(drop).map_err(|error| self.refused(error, "repository".to_owned()))
    }

    /// Credentials go to the registry, and to where it sends those who log in. That is its choice, but they are not to be read on
    /// the way.
    async fn check_realm(&self) -> Result<(), OciError> {
        if matches!(self.credentials, Credentials::Anonymous) {
            return Ok(());
        }
        let answer = self.http.get(self.url("")).send().await.map_err(|error| self.unreachable(error))?;
        let asked = answer.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
        for challenge in asked.flat_map(ChallengeParser::new).flatten() {
            let realm = challenge.params.iter().find(|(key, _)| key.eq_ignore_ascii_case("realm"));
            let realm = realm.map(|(_, realm)| realm.to_unescaped()).unwrap_or_default();
            if challenge.scheme.eq_ignore_ascii_case("bearer") && !is_private(&realm) {
                let registry = self.reference.registry.clone();
                return Err(OciError::ClearText { registry, realm: words(realm.as_bytes()) });
            }
        }
        Ok(())
    }

    async fn authorize(&mut self, operation: RegistryOperation) -> Result<(), OciError> {
        let token = self.library.auth(&self.image, &self.auth(), operation).await;
        let Some(token) = token.map_err(|error| self.refused(error, "repository".to_owned()))? else { return Ok(()) };
        // The library takes for granted that it is one.
        let token = HeaderValue::try_from(format!("Bearer {token}"));
        let mut token = token.map_err(|_| self.refusal("its token has characters that no token has".to_owned()))?;
        token.set_sensitive(true);
        self.token = Some(token);
        Ok(())
    }

    /// The manifest, and the digest that the registry says it has.
    async fn ask_manifest(&self) -> Result<(Bytes, Option<Digest>), OciError> {
        let tag = self.reference.tag.clone().unwrap_or_default();
        let named = self.reference.digest.map_or(tag, |digest| digest.to_string());
        let request = self.http.get(self.url(&format!("{}/manifests/{named}", self.reference.repository)));
        let request = request.header(ACCEPT, ACCEPTED);
        let request = match (&self.token, &self.credentials) {
            (Some(token), _) => request.header(reqwest::header::AUTHORIZATION, token.clone()),
            (None, Credentials::Known { user, password, .. }) => request.basic_auth(user, Some(password)),
            (None, Credentials::Anonymous) => request,
        };
        let answer = request.send().await.map_err(|error| self.unreachable(error))?;
        let status = answer.status();
        if !status.is_success() {
            let said = self.read(answer, limits::REGISTRY_REFUSAL_BYTES_MAX).await.unwrap_or_default();
            return Err(self.status(status, words(&said), "artifact".to_owned()));
        }
        let said = answer.headers().get(DIGEST).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok((self.read(answer, limits::REGISTRY_MANIFEST_BYTES_MAX).await?, said))
    }

    async fn read(&self, mut answer: Response, limit: usize) -> Result<Bytes, OciError> {
        let mut read = Vec::new();
        while let Some(piece) = answer.chunk().await.map_err(|error| self.unreachable(error))? {
            if read.len() + piece.len() > limit {
                let (reference, what) = (self.reference.clone().into(), "its manifest".to_owned());
                return Err(OciError::TooLarge { reference, what, bytes: limit as u64 });
            }
            read.extend_from_slice(&piece);
        }
        Ok(read.into())
    }

    fn url(&self, path: &str) -> String {
        let scheme = if self.reference.is_loopback() { "http" } else { "https" };
        format!("{scheme}://{}/v2/{path}", self.image.resolve_registry())
    }

    fn auth(&self) -> RegistryAuth {
        match &self.credentials {
            Credentials::Anonymous => RegistryAuth::Anonymous,
            Credentials::Known { user, password, .. } => RegistryAuth::Basic(user.clone(), password.clone()),
        }
    }
}

fn image_of(reference: &Reference) -> oci_client::Reference {
    let (registry, repository) = (reference.registry.clone(), reference.repository.clone());
    match (&reference.tag, reference.digest) {
        (_, Some(digest)) => oci_client::Reference::with_digest(registry, repository, digest.to_string()),
        (tag, None) => oci_client::Reference::with_tag(registry, repository, tag.clone().unwrap_or_default()),
    }
}

fn library(reference: &Reference, certificates: &[Vec<u8>], sending: Sending) -> Result<Client, OciDistributionError> {
    let certificate = |data: &Vec<u8>| Certificate { encoding: CertificateEncoding::Der, data: data.clone() };
    let mut config = ClientConfig {
        protocol: ClientProtocol::Https,
        use_monolithic_push: sending == Sending::Whole,
        extra_root_certificates: certificates.iter().map(certificate).collect(),
        connect_timeout: Some(limits::REGISTRY_CONNECT),
        read_timeout: Some(limits::REGISTRY_STALL),
        user_agent: USER_AGENT,
        ..ClientConfig::default()
    };
    if reference.is_loopback() {
        config.protocol = ClientProtocol::Http;
        // A proxy that is used for nothing: otherwise one of the environment would be, and hear what is not to leave the machine.
        config.http_proxy = Some("http://127.0.0.1:9".to_owned());
        config.no_proxy = Some("*,0.0.0.0/0,::/0".to_owned());
    }
    Client::try_from(config)
}

fn http(reference: &Reference, certificates: &[Vec<u8>]) -> reqwest::Result<reqwest::Client> {
    let certificates = certificates.iter().map(|data| reqwest::Certificate::from_der(data));
    let client = reqwest::Client::builder()
        .tls_certs_merge(certificates.collect::<reqwest::Result<Vec<_>>>()?)
        .connect_timeout(limits::REGISTRY_CONNECT)
        .read_timeout(limits::REGISTRY_STALL)
        .user_agent(USER_AGENT);
    match reference.is_loopback() {
        true => client.no_proxy().build(),
        false => client.https_only(true).build(),
    }
}

/// Whether nobody else reads what is sent to a URL.
fn is_private(url: &str) -> bool {
    let Ok(url) = url.parse::<http::Uri>() else { return false };
    match (url.scheme_str(), url.host()) {
        (Some("https"), Some(_)) => true,
        (Some("http"), Some(host)) => is_loopback(host),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_go_over_tls_or_stay_on_this_machine() {
        for private in
            ["https://auth.example/token", "http://localhost:5000/token", "http://127.0.0.1/", "http://[::1]:1/"]
        {
            assert!(is_private(private), "{private}");
        }
        for open in [
            "http://auth.example/token",
            "http://localhost:x@evil.example/",
            "ftp://localhost/",
            "//localhost/",
            "",
            "token",
        ] {
            assert!(!is_private(open), "{open}");
        }
    }
}
