//! What a host is started with, and why one was not.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::{Endpoint, FolderError};
use crate::admin::RemoteError;
use crate::app::signature::TrustedKeys;
use crate::app::{Origins, VersionError};
use crate::deploy::DeployError;
use crate::http::{ClientLimits, Proxies};
use crate::instance::cache::Compiler;
use crate::instance::engine::Memory;
use crate::listener::BindError;
use crate::tls::{TlsError, TlsFiles};

/// What is served, and where.
#[derive(Clone, Debug)]
pub struct Settings {
    /// An app's folder, which is deployed if it has changed since it last was; none: what was deployed is served.
    pub folder: Option<PathBuf>,
    /// Versions, sessions, the admin socket.
    pub data: PathBuf,
    /// Compiled code; whoever can write to it can run code as the host.
    pub cache: PathBuf,
    /// Who compiles.
    pub compiler: Compiler,
    /// Where to listen; port 0 takes any free one.
    pub listen: SocketAddr,
    /// Whose pages may open websockets.
    pub origins: Origins,
    /// Whether instances are kept between events.
    pub memory: Memory,
    /// Where to serve the admin API beside its Unix socket; without a certificate, a loopback address.
    pub admin: Option<SocketAddr>,
    /// Whose signature a version must have; none: anybody's, or none.
    pub trusted: TrustedKeys,
    /// The certificate to serve with; none for plain HTTP.
    pub tls: Option<TlsFiles>,
    /// Whose word on where a request is from counts.
    pub proxies: Proxies,
    /// What one client address may have.
    pub clients: ClientLimits,
    /// Linear memory of all guests together, in bytes.
    pub guest_memory: usize,
    /// What waits for all peers together, in bytes.
    pub outbox_memory: usize,
    /// Where spans of events and exchanges are sent; none: none are made.
    pub traces: Option<Endpoint>,
}

/// Why nothing was started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The app of the folder.
    #[error(transparent)]
    Version(#[from] VersionError),
    /// The deploy of it.
    #[error(transparent)]
    Deploy(#[from] DeployError),
    /// There is nothing to serve.
    #[error("no app is deployed in {}, and no folder was named; `sessile serve DIR` serves one", .data.display())]
    NoApp {
        /// The data folder.
        data: PathBuf,
    },
    /// The address.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The address of the admin API.
    #[error(transparent)]
    Admin(#[from] RemoteError),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The certificate.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The engine.
    #[error("the WebAssembly engine could not be started: {0}")]
    Engine(String),
    /// A resource of the system.
    #[error("{what}: {cause}")]
    System {
        /// What was asked of it.
        what: &'static str,
        /// What it says.
        cause: std::io::Error,
    },
}
