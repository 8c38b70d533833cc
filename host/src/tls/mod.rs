//! TLS: certificate and key from PEM files, loaded again when they change.
//!
//! Owns rustls. A handshake runs to its end here, so that what comes after sees a byte stream. Does
//! not know HTTP, but that ALPN (RFC 7301) offers `h2` and `http/1.1`.

mod client;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
pub use tokio_rustls::server::TlsStream;

pub use self::client::{AuthorityError, Connector, authorities, provide};

use crate::limits;

/// What a peer may choose of, the best first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Where a certificate is.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate and those that lead from it to a root, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM: PKCS#8, PKCS#1 or SEC1, not encrypted.
    pub key: PathBuf,
}

/// A certificate cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file.
    #[error("{}: {cause}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        cause: String,
    },
    /// The two do not make a server.
    #[error("{} with {}: {cause}", .files.certificate.display(), .files.key.display())]
    Pair {
        /// The files.
        files: TlsFiles,
        /// What rustls says.
        cause: String,
    },
}

/// The server's side of TLS 1.2 and 1.3.
pub struct Tls {
    files: TlsFiles,
    config: ArcSwap<ServerConfig>,
    /// Of what was read last, whether it could be used or not; none if it could not be read.
    digest: Mutex<Option<[u8; 32]>>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let read = Read::from(&files)?;
        let config = read.config(&files)?;
        Ok(Self { config: ArcSwap::from_pointee(config), digest: Mutex::new(Some(read.digest())), files })
    }

    /// The encrypted stream of a connection; an error where the peer's handshake fails.
    ///
    /// # Errors
    /// What rustls or the socket says.
    ///
    /// # Cancel safety
    /// Dropped, the connection ends.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.config.load_full()).accept(stream).await
    }

    /// As [`Self::accept`], for a protocol above that is HTTP/1.1 only.
    ///
    /// # Errors
    /// What rustls or the socket says.
    ///
    /// # Cancel safety
    /// Dropped, the connection ends.
    pub async fn accept_http1(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut config = ServerConfig::clone(&self.config.load());
        config.alpn_protocols = vec![PROTOCOLS[1].to_vec()];
        TlsAcceptor::from(Arc::new(config)).accept(stream).await
    }

    /// Takes the files as they are now, if they have changed; new connections get the new certificate.
    /// Blocks: reads. Whether they had changed.
    ///
    /// # Errors
    /// [`TlsError`]; the old certificate stays, and the error is not told again for the same files.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let read = Read::from(&self.files);
        let digest = read.as_ref().ok().map(Read::digest);
        let last = std::mem::replace(&mut *self.digest.lock().unwrap_or_else(PoisonError::into_inner), digest);
        if last == digest {
            return Ok(false);
        }
        self.config.store(Arc::new(read?.config(&self.files)?));
        Ok(true)
    }
}

/// The files' bytes.
struct Read {
    certificate: Vec<u8>,
    key: Vec<u8>,
}

impl Read {
    fn from(files: &TlsFiles) -> Result<Self, TlsError> {
        Ok(Self { certificate: read(&files.certificate)?, key: read(&files.key)? })
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(Sha256::digest(&self.certificate)).chain_update(&self.key).finalize().into()
    }

    fn config(&self, files: &TlsFiles) -> Result<ServerConfig, TlsError> {
        let file =
            |path: &Path, cause: &dyn fmt::Display| TlsError::File { path: path.to_owned(), cause: cause.to_string() };
        let chain = CertificateDer::pem_slice_iter(&self.certificate).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|error| file(&files.certificate, &error))?;
        if chain.is_empty() {
            return Err(file(&files.certificate, &"no certificate in PEM"));
        }
        let key = PrivateKeyDer::from_pem_slice(&self.key).map_err(|error| file(&files.key, &error))?;
        let pair =
            |error: tokio_rustls::rustls::Error| TlsError::Pair { files: files.clone(), cause: error.to_string() };
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(pair)?;
        config.alpn_protocols = PROTOCOLS.map(Vec::from).to_vec();
        Ok(config)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let failed = |cause: String| TlsError::File { path: path.to_owned(), cause };
    let bytes = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
    match bytes.len() {
        len if len > limits::PEM_BYTES_MAX => {
            Err(failed(format!("{len} bytes exceed the limit of {}", limits::PEM_BYTES_MAX)))
        }
        _ => Ok(bytes),
    }
}
