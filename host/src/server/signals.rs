//! What the process is asked by signals.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use super::StartError;

/// Those that came since it was made.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SIGTERM, SIGINT.
    End,
    /// SIGHUP.
    Reload,
}

impl Signals {
    pub(super) fn new() -> Result<Self, StartError> {
        let heard = |kind| signal(kind).map_err(|cause| StartError::System { what: "signal handlers", cause });
        Ok(Self {
            terminate: heard(SignalKind::terminate())?,
            interrupt: heard(SignalKind::interrupt())?,
            hangup: heard(SignalKind::hangup())?,
        })
    }

    pub(super) async fn next(&mut self) -> Asked {
        tokio::select! {
            _ = self.terminate.recv() => Asked::End,
            _ = self.interrupt.recv() => Asked::End,
            _ = self.hangup.recv() => Asked::Reload,
        }
    }
}

/// Returns when a drain that has begun is to end at once: whoever asks twice does not want to wait.
pub(super) async fn again(begun: oneshot::Receiver<Result<Signals, StartError>>) -> Result<(), StartError> {
    // Nothing is sent where the host ends without a drain.
    let Ok(signals) = begun.await else { return std::future::pending().await };
    let mut signals = signals?;
    while signals.next().await == Asked::Reload {}
    tracing::warn!("a second signal to end: what is left is cut");
    Ok(())
}
