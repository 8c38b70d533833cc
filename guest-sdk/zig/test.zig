//! Tests of what the SDK does by itself, over C's and a host of a few lines; the rest is `tests/tests/languages`.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;

var sleeps: u32 = 0;

export fn sessile_handler_time_sleep(span: u64) void {
    std.debug.assert(span == 1_000_000);
    sleeps += 1;
}

/// The handler that `sessile.loop` has exported, and what it returns to C.
var told: sessile.Error!void = {};
var returned: c.sessile_status = c.SESSILE_OK;

fn handler(_: sessile.Id) sessile.Error!void {
    return told;
}

export fn sessile_looped_(looped: c.sessile_handler, ws: sessile.Id) ?*anyopaque {
    returned = looped.?(ws);
    return null;
}

comptime {
    sessile.loop(handler);
}

const handle = @extern(*const fn (sessile.Id) callconv(.c) ?*anyopaque, .{
    .name = "sessile:handler/websocket-handler@0.1.0#handle",
});

test "status of C is its error and back" {
    const all = .{
        .{ c.SESSILE_FAILED, error.Failed },           .{ c.SESSILE_DISCONNECTED, error.Disconnected },
        .{ c.SESSILE_RETIRE, error.Retire },           .{ c.SESSILE_TIMED_OUT, error.TimedOut },
        .{ c.SESSILE_WRONG_STATE, error.WrongState },  .{ c.SESSILE_WRONG_KIND, error.WrongKind },
        .{ c.SESSILE_TOO_LARGE, error.TooLarge },      .{ c.SESSILE_INVALID, error.Invalid },
        .{ c.SESSILE_NOT_JSON, error.NotJson },        .{ c.SESSILE_CONFLICT, error.Conflict },
        .{ c.SESSILE_NO_COOKIE, error.NoCookie },      .{ c.SESSILE_NOT_OPEN, error.NotOpen },
        .{ c.SESSILE_DELETED, error.Deleted },         .{ c.SESSILE_UNAVAILABLE, error.Unavailable },
        .{ c.SESSILE_UNSUPPORTED, error.Unsupported },
    };
    inline for (all) |pair| {
        try std.testing.expectError(pair[1], sessile.check(pair[0]));
        told = pair[1];
        _ = handle(1);
        try std.testing.expectEqual(@as(c.sessile_status, pair[0]), returned);
    }
    try sessile.check(c.SESSILE_OK);
    told = {};
    _ = handle(1);
    try std.testing.expectEqual(@as(c.sessile_status, c.SESSILE_OK), returned);
}

test "failure has its words" {
    try std.testing.expectEqual(error.Failed, sessile.fail("no seat"));
    try std.testing.expectEqualStrings("no seat", std.mem.span(c.sessile_error()));
}

test "form of C is read and freed" {
    const value = c.sessile_form_field("a=x+y&b", "a");
    defer sessile.free(value);
    try std.testing.expectEqualStrings("x y", std.mem.span(value));
}

const Place = struct { looks: u32 = 0, there_at: u32 = 0, fails_at: u32 = 0 };

fn look(place: *Place) sessile.Error!?u32 {
    place.looks += 1;
    if (place.looks == place.fails_at) return error.Conflict;
    return if (place.looks == place.there_at) place.looks else null;
}

test "poll ends with what is there, a failure or the time" {
    var there: Place = .{ .there_at = 3 };
    try std.testing.expectEqual(3, try sessile.poll(1, 60_000, &there, look));
    try std.testing.expectEqual(2, sleeps);
    var wrong: Place = .{ .fails_at = 2 };
    try std.testing.expectError(error.Conflict, sessile.poll(1, 60_000, &wrong, look));
    var never: Place = .{};
    try std.testing.expectEqual(null, try sessile.poll(1, 0, &never, look));
}
