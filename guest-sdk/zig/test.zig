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
        .{ c.SESSILE_UNSUPPORTED, error.Unsupported }, .{ c.SESSILE_UNKNOWN, error.Unknown },
        .{ c.SESSILE_NO_HANDLER, error.NoHandler },
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

/// A group of two.
export fn sessile_members_next(of: *c.sessile_members, item: *[*c]const c.sessile_member) c.sessile_status {
    const all = struct {
        const two = [_]c.sessile_member{ .{ .id = 7 }, .{ .id = 8 } };
    };
    if (of.group[0] != 'g') return c.SESSILE_UNAVAILABLE;
    item.* = if (of.at_ < all.two.len) &all.two[of.at_] else null;
    of.at_ += 1;
    return c.SESSILE_OK;
}

export fn sessile_members_free(of: *c.sessile_members) void {
    of.at_ = 2;
}

test "members are taken one by one, until none is left or the asking fails" {
    var members = sessile.members("g", "tag");
    try std.testing.expectEqualStrings("tag", std.mem.span(members.state.tag));
    try std.testing.expectEqual(7, (try members.next()).?.id);
    try std.testing.expectEqual(8, (try members.next()).?.id);
    try std.testing.expectEqual(null, try members.next());
    var stopped = sessile.members("g", null);
    try std.testing.expectEqual(7, (try stopped.next()).?.id);
    stopped.deinit();
    try std.testing.expectEqual(null, try stopped.next());
    var failed = sessile.members("", null);
    try std.testing.expectError(error.Unavailable, failed.next());
}

export fn sessile_connections_next(of: *c.sessile_connections, item: *[*c]const c.sessile_connection) c.sessile_status {
    const one: c.sessile_connection = .{ .id = 9 };
    item.* = if (of.at_ == 0 and of.which.session_of.* == 9) &one else null;
    of.at_ = 1;
    return c.SESSILE_OK;
}

export fn sessile_connections_free(of: *c.sessile_connections) void {
    of.at_ = 1;
}

test "connections are taken one by one" {
    const mine: sessile.Id = 9;
    var all = sessile.connections(.{ .session_of = &mine });
    defer all.deinit();
    try std.testing.expectEqual(9, (try all.next()).?.id);
    try std.testing.expectEqual(null, try all.next());
}

const Hearing = struct {
    pub fn onPublication(_: sessile.Id, publication: *const c.sessile_told) sessile.Error!void {
        return if (publication.message == null) error.Failed else {};
    }
};

export fn sessile_published_(hear: c.sessile_publications_handler, ws: sessile.Id, all: ?*anyopaque, _: usize) ?*anyopaque {
    returned = hear.?(ws, @ptrCast(@alignCast(all)));
    return null;
}

comptime {
    sessile.publications(Hearing);
}

const onPublications = @extern(*const fn (sessile.Id, ?*anyopaque, usize) callconv(.c) ?*anyopaque, .{
    .name = "sessile:handler/publication-handler@0.1.0#on-publications",
});

test "publication is told to its handler" {
    var message: c.sessile_message = .{};
    var publication: c.sessile_told = .{ .message = &message };
    _ = onPublications(1, &publication, 1);
    try std.testing.expectEqual(@as(c.sessile_status, c.SESSILE_OK), returned);
    publication.message = null;
    _ = onPublications(1, &publication, 1);
    try std.testing.expectEqual(@as(c.sessile_status, c.SESSILE_FAILED), returned);
}

export fn sessile_alarms_next(of: *c.sessile_alarms, item: *[*c]const c.sessile_alarm) c.sessile_status {
    const one: c.sessile_alarm = .{ .attempt = 3 };
    item.* = if (of.at_ == 0 and of.session_of == null) &one else null;
    of.at_ = 1;
    return c.SESSILE_OK;
}

export fn sessile_alarms_free(of: *c.sessile_alarms) void {
    of.at_ = 1;
}

test "alarms are taken one by one" {
    var all = sessile.alarms(null);
    defer all.deinit();
    try std.testing.expectEqual(3, (try all.next()).?.attempt);
    try std.testing.expectEqual(null, try all.next());
    const mine: sessile.Id = 9;
    var none = sessile.alarms(&mine);
    try std.testing.expectEqual(null, try none.next());
}

fn rang(_: sessile.Id, which: *const c.sessile_alarm) sessile.Error!void {
    if (which.attempt == 1) return error.NotOpen;
}

export fn sessile_rang_(
    ring: c.sessile_alarm_handler,
    id: sessile.Id,
    name: [*c]u8,
    _: usize,
    due: u64,
    payload: [*c]u8,
    length: usize,
    attempt: u32,
) ?*anyopaque {
    const which: c.sessile_alarm = .{ .name = name, .due = due, .payload = payload, .length = length, .attempt = attempt };
    returned = ring.?(id, &which);
    return null;
}

comptime {
    sessile.alarm(rang);
}

const OnAlarm = fn (sessile.Id, [*c]u8, usize, u64, [*c]u8, usize, u32) callconv(.c) ?*anyopaque;
const onAlarm = @extern(*const OnAlarm, .{ .name = "sessile:handler/alarm-handler@0.1.0#on-alarm" });

test "alarm rings its handler" {
    _ = onAlarm(1, null, 0, 0, null, 0, 1);
    try std.testing.expectEqual(@as(c.sessile_status, c.SESSILE_NOT_OPEN), returned);
    _ = onAlarm(1, null, 0, 0, null, 0, 2);
    try std.testing.expectEqual(@as(c.sessile_status, c.SESSILE_OK), returned);
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
