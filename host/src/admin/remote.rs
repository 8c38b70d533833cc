//! The admin API on TCP: who it may be reached by without TLS, and how a connection begins.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

use super::Desk;
use super::door::Door;
use super::tokens::Tokens;
use crate::limits;
use crate::listener::{BindError, Connection, Listener};
use crate::tls::Tls;

/// A bound address, with those who may ask there.
pub struct Remote {
    listener: Listener,
    tls: Option<Arc<Tls>>,
    tokens: Arc<Tokens>,
    /// Of its own: who knocks here keeps nobody from the Unix socket.
    permits: Arc<Semaphore>,
}

/// The admin API cannot be served there.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Anybody on the way could read the tokens.
    #[error(
        "--admin {address}: without TLS, tokens could be read on the way; add --tls-cert and --tls-key, or choose an \
         address of this machine's own, such as 127.0.0.1:{}", .address.port()
    )]
    Exposed {
        /// The address.
        address: SocketAddr,
    },
    /// The address.
    #[error(transparent)]
    Bind(#[from] BindError),
}

impl Remote {
    /// Binds; with this certificate, or without one on an address that only this machine can reach.
    ///
    /// # Errors
    /// See [`RemoteError`].
    pub fn bind(address: SocketAddr, tls: Option<Arc<Tls>>, data: &Path) -> Result<Self, RemoteError> {
        if tls.is_none() && !address.ip().to_canonical().is_loopback() {
            return Err(RemoteError::Exposed { address });
        }
        let listener = Listener::bind(address, "--admin")?;
        let permits = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS_MAX));
        Ok(Self { listener, tls, tokens: Arc::new(Tokens::of(data)), permits })
    }

    /// Where it is, as `--to` takes it.
    ///
    /// # Errors
    /// What the system says.
    pub fn url(&self) -> io::Result<String> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        Ok(format!("{scheme}://{}", self.listener.address()?))
    }

    pub(super) async fn serve(&self, desk: &Arc<Desk>) {
        loop {
            // Never closed.
            let Ok(permit) = self.permits.clone().acquire_owned().await else { return };
            let connection = self.listener.accept().await;
            let (desk, tls, door) = (desk.clone(), self.tls.clone(), Door::Tokens(self.tokens.clone()));
            tokio::spawn(async move {
                serve(desk, tls, connection, door).await;
                drop(permit);
            });
        }
    }
}

async fn serve(desk: Arc<Desk>, tls: Option<Arc<Tls>>, connection: Connection, door: Door) {
    let Connection { stream, peer, accepted, .. } = connection;
    let Some(tls) = tls else { return desk.serve(stream, door).await };
    match tokio::time::timeout_at(accepted + limits::FIRST_BYTE, tls.accept_http1(stream)).await {
        Ok(Ok(stream)) => desk.serve(stream, door).await,
        Ok(Err(error)) => tracing::debug!(%peer, "TLS handshake of the admin API: {error}"),
        Err(_) => tracing::debug!(%peer, "no TLS handshake in {:?}", limits::FIRST_BYTE),
    }
}
