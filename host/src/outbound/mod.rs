//! Requests of guests to other hosts: only where a grant leads, only to addresses that were checked.
//!
//! Owns the rule and the client. Knows nothing of wasm: bindings hand it a request and get an answer. hyper's
//! client is named here only.

mod address;
mod body;
mod client;
mod dial;
mod error;
mod grant;
mod places;
mod target;
#[cfg(test)]
mod tests;

pub use self::body::ResponseBody;
pub use self::client::{Client, Outbound, Patience};
pub use self::error::OutboundError;
pub use self::grant::{Grant, Network, NotAGrant};
pub use self::places::Places;
pub use self::target::{Host, NotATarget, Scheme, Target};

use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::task::JoinHandle;

/// An error of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A task that ends when this is dropped.
struct Abort<T>(JoinHandle<T>);

impl<T> Drop for Abort<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Abort<Result<T, OutboundError>> {
    type Output = Result<T, OutboundError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(|joined| joined.unwrap_or(Err(OutboundError::Lost)))
    }
}
