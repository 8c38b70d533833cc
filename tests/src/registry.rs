//! Debian's `docker-registry`: a registry that is not ours, on a free port with a folder of its own.

use std::io::{BufRead, BufReader, Write as _};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::Certificate;

const PROGRAM: &str = "docker-registry";
/// `ada` with the password `s3cret`, as `htpasswd -B` writes it.
const USERS: &str = "ada:$2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n";

/// A running registry, ended with its drop.
pub struct Registry {
    child: Child,
    address: SocketAddr,
    folder: TempDir,
}

/// Whom a registry lets in, and how.
#[derive(Clone, Copy)]
pub enum Door<'a> {
    /// Anyone, without TLS.
    Open,
    /// `ada` with the password `s3cret`, with TLS where there is a certificate.
    Ada(Option<&'a Certificate>),
}

impl Registry {
    /// Starts one; none where the program is missing, and then a line that begins with SKIPPED says so, which CI repeats.
    pub fn start(door: Door<'_>) -> Option<Self> {
        let folder = TempDir::new().expect("a folder for the registry");
        let config = folder.path().join("config.yml");
        std::fs::write(folder.path().join("users"), USERS).expect("the users are written");
        std::fs::write(&config, settings(&folder, door)).expect("the config is written");
        let mut command = Command::new(PROGRAM);
        command.arg("serve").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let Ok(mut child) = command.spawn() else {
            let mut err = std::io::stderr().lock();
            writeln!(err, "SKIPPED a test of oci: {PROGRAM} does not start").expect("stderr");
            return None;
        };
        let mut log = BufReader::new(child.stderr.take().expect("stderr is piped")).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = log.by_ref().inspect(|line| said.push(line.clone())).find_map(|line| {
            let at = line.split("listening on ").nth(1)?;
            at.split(['"', ',']).next()?.parse().ok()
        });
        let address = address.unwrap_or_else(|| panic!("it does not listen:\n{}", said.join("\n")));
        // Read on, or it would wait for room one day.
        std::thread::spawn(move || log.for_each(drop));
        Some(Self { child, address, folder })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A reference to something in it: `NAME[:TAG]`.
    pub fn reference(&self, name: &str) -> String {
        format!("oci://{}/{name}", self.address)
    }

    /// Writes other bytes in the place of some content, as a registry that was broken into might have.
    pub fn alter(&self, digest: &str, bytes: &[u8]) {
        let hex = digest.strip_prefix("sha256:").expect("a digest");
        let blob = format!("data/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]);
        let blob = self.folder.path().join(blob);
        assert!(blob.exists(), "{} is not there", blob.display());
        std::fs::write(blob, bytes).expect("the content is written");
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}

fn settings(folder: &TempDir, door: Door<'_>) -> String {
    let path = folder.path().display();
    let open = format!(
        "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {path}/data\n\
         http:\n  addr: 127.0.0.1:0\n"
    );
    let Door::Ada(certificate) = door else { return open };
    let tls = certificate.map(|certificate| {
        let (file, key) = (certificate.file(), certificate.key());
        format!("  tls:\n    certificate: {}\n    key: {}\n", file.display(), key.display())
    });
    format!("{open}{}auth:\n  htpasswd:\n    realm: here\n    path: {path}/users\n", tls.unwrap_or_default())
}
