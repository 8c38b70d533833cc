//! The listening socket: accepts that cannot fail, bounded by permits.
//!
//! Owns the back-off when the process is out of descriptors and the bound on connections: past it
//! nothing is accepted, and peers wait in the kernel's backlog. Does not know HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::limits;

/// A bound socket.
pub struct Listener {
    socket: TcpListener,
    permits: Arc<Semaphore>,
}

/// One connection; its permit is returned with its drop.
pub struct Connection {
    /// The byte stream.
    pub stream: TcpStream,
    /// The remote end.
    pub peer: SocketAddr,
    /// Counts it.
    pub permit: OwnedSemaphorePermit,
    /// When it was accepted.
    pub accepted: Instant,
}

/// The address cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {cause}{}", hint(.cause, .option))]
pub struct BindError {
    address: SocketAddr,
    option: &'static str,
    cause: io::Error,
}

impl Listener {
    /// Binds the address that this option of the command line names; the kernel accepts from here on.
    ///
    /// # Errors
    /// [`BindError`] with the address and the way out.
    pub fn bind(address: SocketAddr, option: &'static str) -> Result<Self, BindError> {
        let socket = Self::try_bind(address).map_err(|cause| BindError { address, option, cause })?;
        Ok(Self { socket, permits: Arc::new(Semaphore::new(limits::CONNECTIONS_MAX)) })
    }

    fn try_bind(address: SocketAddr) -> io::Result<TcpListener> {
        let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
        // So that a restart need not wait for connections of the last run in TIME_WAIT.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        socket.listen(limits::BACKLOG)
    }

    /// The address that was bound, with the port that the kernel chose for port 0.
    ///
    /// # Errors
    /// What the system says.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next connection. Failures are waited out: those of one connection at once, those of the
    /// process (out of descriptors) after a pause.
    ///
    /// # Cancel safety
    /// Dropped, no connection is lost.
    pub async fn accept(&self) -> Connection {
        loop {
            // The semaphore is never closed, so this is reached with a permit.
            let Ok(permit) = self.permits.clone().acquire_owned().await else { std::future::pending().await };
            match self.socket.accept().await {
                Ok((stream, peer)) => return Connection { stream, peer, permit, accepted: Instant::now() },
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    tracing::error!("accept failed, pausing {:?}: {error}", limits::ACCEPT_PAUSE);
                    tokio::time::sleep(limits::ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn hint(cause: &io::Error, option: &str) -> String {
    match cause.kind() {
        io::ErrorKind::AddrInUse => format!("; choose another with {option}, or 127.0.0.1:0 for any free port"),
        io::ErrorKind::PermissionDenied => "; ports below 1024 need a privilege".to_owned(),
        _ => String::new(),
    }
}
