//! A page that knows how often a browser has come: one call for one request.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;

/// Counts in the session, which belongs to the browser by a cookie that the host sets; a websocket of the same app would
/// share it.
fn count(ex: sessile.Id) sessile.Error!i64 {
    // Two requests of one browser may run at once. So the count is saved only over the version that was read, and where
    // another was faster, it is read again.
    while (true) {
        var version: u64 = 0;
        var visits: i64 = 0;
        try check(c.sessile_session_open(ex));
        try check(c.sessile_session_version(ex, &version));
        try check(c.sessile_session_get_int(ex, "visits", &visits));
        visits += 1;
        try check(c.sessile_session_set_int(ex, "visits", visits));
        check(c.sessile_session_save_over(ex, version)) catch |failed| switch (failed) {
            error.Conflict => {
                try check(c.sessile_session_discard(ex));
                continue;
            },
            else => return failed,
        };
        return visits;
    }
}

/// An error is answered with 500 and a report's id; the log has the reason under that id.
fn hello(ex: sessile.Id) sessile.Error!void {
    const plain = "text/plain; charset=utf-8";
    const visits = try count(ex);
    if (visits == 1) return check(c.sessile_respond(ex, 200, plain, "Hello, and welcome!\n"));
    var room: [128]u8 = undefined;
    const again = "Hello again, visit {d}: restart the host, and I still know you.\n";
    const text = std.fmt.bufPrintSentinel(&room, again, .{visits}, 0) catch return sessile.fail("no room for the text");
    try check(c.sessile_respond(ex, 200, plain, text));
}

comptime {
    sessile.http(hello);
}
