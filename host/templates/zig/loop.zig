//! An echo that counts, in loop style: one call for one websocket, as long as it lives.
//!
//! It may keep what it likes in variables: its instance serves nobody else, and blocks nobody while it waits. The price is
//! memory for each open websocket; where thousands are idle, event style costs less.

const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;

fn echo(ws: sessile.Id) sessile.Error!void {
    // Until now it could look at the request and say `c.sessile_reject(ws, 403, "why")`.
    try check(c.sessile_accept(ws));
    var count: c_uint = 1;
    while (true) : (count += 1) {
        var message: c.sessile_message = undefined;
        // It waits. Once the peer has left, or new code wants to take over, `try` returns: both are a normal end. Any other
        // error would end this websocket alone, with 1011, and tell the log why.
        try check(c.sessile_receive(ws, c.SESSILE_FOREVER, &message));
        defer c.sessile_message_free(&message);
        if (message.kind == c.SESSILE_BINARY) {
            try check(c.sessile_send(ws, &message));
        } else {
            try check(c.sessile_sendf(ws, "%u: %s", count, message.data));
        }
    }
}

comptime {
    sessile.loop(echo);
}
