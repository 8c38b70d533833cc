//! A certificate that the clients of a test trust.

use std::path::PathBuf;

use rcgen::CertifiedKey;
use tempfile::TempDir;

/// A certificate for `localhost` and `127.0.0.1` in a folder of its own, signed by itself.
pub struct Certificate {
    folder: TempDir,
}

impl Default for Certificate {
    fn default() -> Self {
        let certificate = Self { folder: TempDir::new().expect("a folder") };
        certificate.renew();
        certificate
    }
}

impl Certificate {
    /// Another one in its place.
    pub fn renew(&self) {
        self.make(&["localhost", "127.0.0.1"]);
    }

    /// One for another name.
    pub fn of(name: &str) -> Self {
        let certificate = Self::default();
        certificate.make(&[name]);
        certificate
    }

    fn make(&self, names: &[&str]) {
        let names = names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let CertifiedKey { cert, signing_key } = rcgen::generate_simple_self_signed(names).expect("a certificate");
        std::fs::write(self.key(), signing_key.serialize_pem()).expect("the key is written");
        std::fs::write(self.file(), cert.pem()).expect("the certificate is written");
    }

    /// Its file.
    pub fn file(&self) -> PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// The file of its key.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The host's arguments to serve with it.
    pub fn args(&self) -> Vec<String> {
        let text = |path: PathBuf| path.to_str().expect("a path in UTF-8").to_owned();
        ["--tls-cert".to_owned(), text(self.file()), "--tls-key".to_owned(), text(self.key())].into()
    }
}
