//! Waiting. Clocks are `std::time`.

use std::time::{Duration, Instant};

use crate::bindings::wit::time;
use crate::error::Result;
use crate::websocket::nanos;

/// Returns after at least so long. To do something meanwhile: [`concurrent::sleep`](crate::concurrent::sleep).
///
/// In event style and over HTTP the deadline of the call still runs.
pub fn sleep(span: Duration) {
    time::sleep(nanos(span));
}

/// Looks again and again, every `every`, until `look` finds something or `limit` is over: a long poll.
///
/// ```
/// use std::time::Duration;
///
/// use sessile_sdk::{prelude::*, time};
///
/// /// Answers when the session's `news` have changed, or 204 after 20 seconds.
/// fn news(request: Request) -> Result<Response> {
///     let seen = request.query().get("seen").map(str::to_owned);
///     let found = time::poll(Duration::from_millis(250), Duration::from_secs(20), || {
///         let news = request.session()?.get::<String>("news")?;
///         Ok(news.filter(|news| Some(news) != seen.as_ref()))
///     })?;
///     Ok(found.map_or_else(|| Response::status(204), Response::text))
/// }
///
/// sessile_sdk::http!(news);
/// # fn main() {}
/// ```
///
/// # Errors
/// Those of `look`.
pub fn poll<T>(every: Duration, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        let left = limit.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Ok(None);
        }
        sleep(every.min(left));
    }
}
