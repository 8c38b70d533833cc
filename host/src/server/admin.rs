//! The admin socket: one line of command in, one line of JSON out, for the same user alone.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::folder::admin_socket;
use crate::limits;

/// The host's answer to a command.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Answer {
    Version(u64),
    Error(String),
}

/// Why a command did not take effect.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// No host listens there.
    #[error("no host is running with data folder {}: {cause}", .data.display())]
    Absent {
        /// The data folder.
        data: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// The connection broke.
    #[error("the host did not answer: {0}")]
    Silent(std::io::Error),
    /// The host refused.
    #[error("not reloaded, the running version stays: {0}")]
    Refused(String),
}

/// Asks the host of a data folder to load its app again; returns the version's number.
///
/// # Errors
/// See [`AdminError`].
pub async fn reload(data: &Path) -> Result<u64, AdminError> {
    let stream = UnixStream::connect(admin_socket(data)).await;
    let stream = stream.map_err(|cause| AdminError::Absent { data: data.to_owned(), cause })?;
    match ask(stream).await.map_err(AdminError::Silent)? {
        Answer::Version(version) => Ok(version),
        Answer::Error(error) => Err(AdminError::Refused(error)),
    }
}

async fn ask(mut stream: UnixStream) -> std::io::Result<Answer> {
    stream.write_all(b"reload\n").await?;
    let mut line = String::new();
    BufReader::new(stream).take(1 << 20).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

/// Answers commands, one connection after the other, until dropped.
pub(super) async fn serve<F>(socket: UnixListener, reload: impl Fn() -> F)
where
    F: Future<Output = Result<u64, String>>,
{
    loop {
        let served = match socket.accept().await {
            Ok((stream, _)) => answer(stream, &reload).await,
            Err(error) => Err(error),
        };
        if let Err(error) = served {
            tracing::warn!("admin socket: {error}");
            tokio::time::sleep(limits::ACCEPT_PAUSE).await;
        }
    }
}

async fn answer<F>(stream: UnixStream, reload: impl Fn() -> F) -> std::io::Result<()>
where
    F: Future<Output = Result<u64, String>>,
{
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(limits::ADMIN_LINE_BYTES_MAX as u64));
    tokio::time::timeout(limits::HEAD, read.read_line(&mut line)).await??;
    let answer = match line.trim() {
        "reload" => match reload().await {
            Ok(version) => Answer::Version(version),
            Err(error) => Answer::Error(error),
        },
        other => Answer::Error(format!("unknown command {other:?}; known is reload")),
    };
    write.write_all(format!("{}\n", serde_json::to_string(&answer)?).as_bytes()).await
}
