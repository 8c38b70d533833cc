//! An echo that counts, in loop style: one call for one websocket, as long as it lives.
//!
//! It may keep what it likes in variables: its instance serves nobody else, and blocks nobody while
//! it waits. The price is memory for each open websocket; where thousands are idle, event style
//! costs less.

use sessile_sdk::prelude::*;

fn echo(ws: WebSocket) -> Result<()> {
    // Until now it could look at the request and say `ws.reject(403, &[], "why")`.
    ws.accept()?;
    let mut count = 0;
    // `next` waits, and is none once the peer has left. An `Err` would end this websocket alone, with
    // 1011, and tell the log why.
    while let Some(message) = ws.next()? {
        count += 1;
        match message {
            Message::Text(text) => ws.send(line(count, &text))?,
            Message::Binary(bytes) => ws.send(bytes)?,
        }
    }
    sessile_sdk::log::info(format_args!("{count} messages, then {:?}", ws.close_code()));
    Ok(())
}

/// What comes back. A function that calls nothing of the host's is tested as ever: `cargo test`.
fn line(count: u32, text: &str) -> String {
    format!("{count}: {text}")
}

sessile_sdk::websocket_loop!(echo);

#[test]
fn line_is_numbered() {
    assert_eq!(line(2, "hello"), "2: hello");
}
