//! What the end-to-end tests share: a host under test, and clients that are not ours.

mod app;
pub mod bindings;
mod certificate;
mod client;
pub mod fake;
mod fleet;
mod host;
mod language;
mod raw;
mod registry;
mod walk;

pub use app::App;
pub use certificate::Certificate;
pub use client::{Answer, Socket, exchange_bytes, get, request};
pub use fleet::{Fleet, Report};
pub use host::{Host, Settings, Way};
pub use language::{LANGUAGES, Language, missing};
pub use raw::RawSocket;
pub use registry::{Door, Registry};
pub use walk::{walk, walk_python};

/// Runs each test on a host that keeps instances and on one that forgets after every event.
#[macro_export]
macro_rules! both_ways {
    ($($name:ident),* $(,)?) => {
        $crate::run! { keep, Keep, $($name)* }
        $crate::run! { amnesia, Amnesia, $($name)* }
    };
}

/// Runs each test both ways, and with a guest that awaits its calls instead of blocking in them.
#[macro_export]
macro_rules! each_way {
    ($($name:ident),* $(,)?) => {
        $crate::both_ways! { $($name),* }
        $crate::run! { concurrent, Concurrent, $($name)* }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! run {
    ($module:ident, $way:ident, $($name:ident)*) => {
        mod $module {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name($crate::Way::$way).await;
            })*
        }
    };
}
