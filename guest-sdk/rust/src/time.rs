//! Waiting. Clocks are `std::time`.

use std::time::Duration;

use crate::bindings::wit::time;
use crate::websocket::nanos;

/// Returns after at least so long; meanwhile other work of this call goes on.
///
/// In event style and over HTTP the deadline of the call still runs.
pub async fn sleep(span: Duration) {
    time::sleep(nanos(span)).await;
}
