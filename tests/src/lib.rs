//! What the end-to-end tests share: a host under test, and clients that are not ours.

mod app;
mod client;
mod host;

pub use app::App;
pub use client::{Answer, Socket, get, request};
pub use host::{Host, Memory, Settings};

/// Runs each test on a host that keeps instances and on one that forgets after every event.
#[macro_export]
macro_rules! both_ways {
    ($($name:ident),* $(,)?) => {
        mod keep {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::Memory::Keep).await;
            })*
        }
        mod amnesia {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::Memory::Amnesia).await;
            })*
        }
    };
}
