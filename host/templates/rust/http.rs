//! A page that knows how often a browser has come: one call for one request.

use sessile_sdk::prelude::*;

/// The session belongs to the browser, by a cookie that the host sets; a websocket of the same app
/// would share it.
fn hello(request: Request) -> Result<Response> {
    // Two requests of one browser may run at once. So the count is saved only over the version that
    // was read, and where another was faster, it is read again.
    loop {
        let session = request.session()?;
        let visits = session.get("visits")?.unwrap_or(0) + 1;
        session.set("visits", &visits)?;
        match session.save_if_version(session.version()?) {
            Ok(_) => return Ok(Response::text(greeting(visits))),
            Err(Error::Conflict(_)) => session.discard()?,
            // Answered with 500 and a report's id; the log has the reason under that id.
            Err(error) => return Err(error),
        }
    }
}

/// What the peer reads. A function that calls nothing of the host's is tested as ever: `cargo test`.
fn greeting(visits: u32) -> String {
    match visits {
        1 => "Hello, and welcome!\n".to_owned(),
        _ => format!("Hello again, visit {visits}: restart the host, and I still know you.\n"),
    }
}

sessile_sdk::http!(hello);

#[test]
fn greeting_counts_from_the_second_visit_on() {
    assert!(!greeting(1).contains('1') && greeting(7).contains("visit 7"));
}
