//! Waiting. Clocks are `std::time`.

use std::time::Duration;

use crate::bindings::wit::time;
use crate::websocket::nanos;

/// Returns after at least so long. To do something meanwhile: [`concurrent::sleep`](crate::concurrent::sleep).
///
/// In event style and over HTTP the deadline of the call still runs.
pub fn sleep(span: Duration) {
    time::sleep(nanos(span));
}
