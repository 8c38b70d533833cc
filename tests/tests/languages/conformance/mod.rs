//! One black-box suite over the guest that each language has (`tests/guests/conformance/README.md`): a row is a check by what a
//! browser can see. Each writes a line, from which docs/languages.md is made; a row that fails fails its language's test.

mod guest;
mod head;
mod http;
mod life;
mod realtime;
mod session;
mod websocket;

use std::io::Write as _;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use sessile_tests::Language;

use guest::{Guest, Unsupported};

/// A check, by its name.
struct Row {
    name: &'static str,
    check: for<'a> fn(&'a Guest) -> BoxFuture<'a, Outcome>,
}

/// `Unsupported` where the SDK has no such thing, and its guest says so.
type Outcome = Result<(), Unsupported>;

/// A module's checks, in order: `rows! { a01_this, a02_that }`.
macro_rules! rows {
    ($($name:ident),* $(,)?) => {
        pub(super) const ROWS: &[super::Row] = &[$(super::Row {
            name: stringify!($name),
            check: |guest| ::futures_util::FutureExt::boxed($name(guest)),
        }),*];
    };
}
use rows;

macro_rules! each {
    ($($folder:ident { $($field:ident: $value:expr,)* })*) => {
        mod sdk_does_what_features_say_in {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $folder() {
                super::hold(sessile_tests::Language::of(stringify!($folder))).await;
            })*
        }
    };
}

sessile_tests::languages!(each);

async fn hold(language: &Language) {
    if let Some(missing) = language.missing() {
        say(&format!("SKIPPED conformance in {}: {missing} is missing", language.name));
        return;
    }
    let guest = Guest::start(language);
    let mut failed = Vec::new();
    // What deploys comes last.
    for row in
        [head::ROWS, websocket::ROWS, session::ROWS, http::ROWS, realtime::ROWS, life::ROWS].into_iter().flatten()
    {
        let outcome = match AssertUnwindSafe((row.check)(&guest)).catch_unwind().await {
            Ok(Ok(())) => "works",
            Ok(Err(Unsupported)) => "unsupported",
            Err(_told_by_the_hook) => {
                failed.push(row.name);
                "FAILS"
            }
        };
        say(&format!("conformance {}: {} {outcome}", language.name, row.name));
    }
    assert!(failed.is_empty(), "{}: {}\n{}", language.name, failed.join(", "), guest.log());
}

/// In one write, and though the test is no failure.
fn say(line: &str) {
    std::io::stderr().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}
