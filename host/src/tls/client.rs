//! The client's side of TLS, for the commands that connect somewhere: which authorities they trust.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, Error, RootCertStore};

/// Connects, trusting certain authorities.
#[derive(Clone)]
pub struct Connector(TlsConnector);

/// A file with certificate authorities of one's own cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {cause}", .path.display())]
pub struct AuthorityError {
    path: PathBuf,
    cause: String,
}

impl Connector {
    /// Trusts the authorities of this file (PEM); without one, those that Mozilla trusts.
    ///
    /// # Errors
    /// [`AuthorityError`]
    pub fn new(ca: Option<&Path>) -> Result<Self, AuthorityError> {
        let roots = match ca {
            Some(path) => own_roots(path)?,
            None => RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() },
        };
        let unusable =
            |error: Error| AuthorityError { path: ca.unwrap_or(Path::new("TLS")).into(), cause: error.to_string() };
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// The encrypted stream to the host of this name or address, without brackets.
    ///
    /// # Errors
    /// What rustls or the socket says.
    ///
    /// # Cancel safety
    /// Dropped, the connection ends.
    pub async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

/// The certificates of a file of authorities (PEM), at least one, as DER.
///
/// # Errors
/// [`AuthorityError`]
pub fn authorities(path: &Path) -> Result<Vec<CertificateDer<'static>>, AuthorityError> {
    let failed = |cause: String| AuthorityError { path: path.to_owned(), cause };
    let found = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match found {
        Ok(none) if none.is_empty() => Err(failed("no certificate in PEM".to_owned())),
        found => found.map_err(|error| failed(error.to_string())),
    }
}

/// Makes our cryptography that of libraries which ask the process for some. Again, it does nothing.
pub fn provide() {
    let _there_already = ring::default_provider().install_default();
}

fn own_roots(path: &Path) -> Result<RootCertStore, AuthorityError> {
    let mut roots = RootCertStore::empty();
    for certificate in authorities(path)? {
        roots.add(certificate).map_err(|error| AuthorityError { path: path.to_owned(), cause: error.to_string() })?;
    }
    Ok(roots)
}
