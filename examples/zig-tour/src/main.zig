//! A visitors' room: all three styles in one component, which share the session of a browser. `sessile.toml` says which of
//! them a route calls.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;
const Id = sessile.Id;
const Error = sessile.Error;

const allocator = std.heap.c_allocator;
const blanks = " \t\r\n";
const name_chars_max = 32;
const text_chars_max = 2000;
const body_bytes_max = 64 * 1024;
const ticks = 60;
const seconds_max = 30;
const room = "room";

comptime {
    sessile.http(api);
    sessile.events(Room);
    sessile.loop(guess);
}

/// A text for C, to be freed by `allocator`.
fn print(comptime format: []const u8, values: anytype) Error![:0]u8 {
    return std.fmt.allocPrintSentinel(allocator, format, values, 0) catch sessile.fail("no memory");
}

/// The visitor's, to be freed by `allocator`.
fn nameIn(of: Id) Error![:0]u8 {
    var name: [*c]u8 = null;
    try check(c.sessile_session_get_text(of, "name", &name));
    defer sessile.free(name);
    return print("{s}", .{if (name == null) "somebody" else std.mem.span(name)});
}

// ---- HTTP style: one call for one request ----------------------------------------------------

fn api(ex: Id) Error!void {
    const method, const path = .{ c.sessile_method(ex), c.sessile_path(ex) };
    defer sessile.free(method);
    defer sessile.free(path);
    const route = try print("{s} {s}", .{ method, path });
    defer allocator.free(route);
    if (std.mem.eql(u8, route, "GET /api/me")) return visit(ex);
    if (std.mem.eql(u8, route, "POST /api/name")) return rename(ex);
    if (std.mem.eql(u8, route, "GET /api/clock")) return clock(ex);
    try refuse(ex, 404, "there are GET /api/me, POST /api/name and GET /api/clock");
}

/// Counts the visit. Two requests of one browser may run at once: so the count is saved only over the version that was
/// read, and where another was faster, it is read again.
fn visit(ex: Id) Error!void {
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
        const name = try nameIn(ex);
        defer allocator.free(name);
        return respond(ex, .{ .name = name, .visits = visits });
    }
}

/// Takes a form with a `name`, or a string as JSON. The session is saved with the answer.
fn rename(ex: Id) Error!void {
    const sent = nameSent(ex) catch |failed| switch (failed) {
        error.NotJson => return refuse(ex, 400, "a string is wanted, as JSON"),
        error.TooLarge => return refuse(ex, 400, std.mem.span(c.sessile_error())),
        else => return failed,
    };
    defer allocator.free(sent);
    const name = try print("{s}", .{std.mem.trim(u8, sent, blanks)});
    defer allocator.free(name);
    const length = std.unicode.utf8CountCodepoints(name) catch 0;
    // What the session keeps ends with the first zero byte.
    if (length < 1 or length > name_chars_max or std.mem.indexOfScalar(u8, name, 0) != null)
        return refuse(ex, 422, std.fmt.comptimePrint("a name has 1 to {d} characters", .{name_chars_max}));
    try check(c.sessile_session_open(ex));
    try check(c.sessile_session_set_text(ex, "name", name));
    try respond(ex, .{ .name = name });
}

/// To be freed by `allocator`.
fn nameSent(ex: Id) Error![:0]u8 {
    var body: [*c]u8 = null;
    var length: usize = 0;
    try check(c.sessile_read_all(ex, body_bytes_max, &body, &length));
    defer sessile.free(body);
    const kind = c.sessile_header_of(ex, "content-type");
    defer sessile.free(kind);
    if (kind != null and std.mem.startsWith(u8, std.mem.span(kind), "application/json")) {
        const parsed = std.json.parseFromSlice([]const u8, allocator, body[0..length], .{}) catch return error.NotJson;
        defer parsed.deinit();
        return print("{s}", .{parsed.value});
    }
    const field = c.sessile_form_field(body, "name");
    defer sessile.free(field);
    return print("{s}", .{if (field == null) "" else std.mem.span(field)});
}

/// The time of each second, as seconds since 1970; after the last the browser comes again by itself.
fn clock(ex: Id) Error!void {
    try check(c.sessile_events_start(ex));
    for (0..ticks) |tick| {
        if (tick > 0) c.sessile_sleep(1000);
        var nanoseconds: u64 = 0;
        if (std.os.wasi.clock_time_get(.REALTIME, 1, &nanoseconds) != .SUCCESS) return sessile.fail("there is no time");
        const now = try print("{d}", .{nanoseconds / std.time.ns_per_s});
        defer allocator.free(now);
        try check(c.sessile_events_send(ex, null, null, now));
    }
    try check(c.sessile_respond_finish(ex));
}

fn respond(ex: Id, value: anytype) Error!void {
    const json = try print("{f}", .{std.json.fmt(value, .{})});
    defer allocator.free(json);
    try check(c.sessile_respond_json(ex, 200, json));
}

fn refuse(ex: Id, status: u16, why: []const u8) Error!void {
    const text = try print("{s}\n", .{why});
    defer allocator.free(text);
    try check(c.sessile_respond(ex, status, "text/plain; charset=utf-8", text));
}

// ---- Event style: called when something happens; in between no instance need be there --------

const Room = struct {
    pub fn onOpen(ws: Id) Error!void {
        try check(c.sessile_session_open(ws)); // before accept, so that a new browser gets its cookie with the handshake
        try check(c.sessile_accept(ws));
        try check(c.sessile_join(ws, room));
        try tell(ws, "came", "");
    }

    pub fn onMessage(ws: Id, message: *const c.sessile_message) Error!void {
        const text = sessile.bytes(message);
        const length = std.unicode.utf8CountCodepoints(text) catch 0;
        if (message.kind != c.SESSILE_TEXT) return check(c.sessile_close(ws, 1003, "text only"));
        if (length <= text_chars_max) return tell(ws, "said", text);
        const why = std.fmt.comptimePrint("a text has at most {d} characters", .{text_chars_max});
        try check(c.sessile_close(ws, 1009, why));
    }

    pub fn onClose(ws: Id, _: u16, _: [*:0]const u8) Error!void {
        try tell(ws, "left", "");
    }
};

/// To all in the room, this one too.
fn tell(ws: Id, event: []const u8, text: []const u8) Error!void {
    try check(c.sessile_session_open(ws));
    const name = try nameIn(ws);
    defer allocator.free(name);
    const told = try print("{f}", .{std.json.fmt(.{ .event = event, .name = name, .text = text }, .{})});
    defer allocator.free(told);
    try check(c.sessile_publish_text(room, told));
}

// ---- Loop style: one call for one websocket, as long as it lives; what it knows is in variables --

fn guess(ws: Id) Error!void {
    try check(c.sessile_session_open(ws));
    try check(c.sessile_accept(ws));
    const name = try nameIn(ws);
    defer allocator.free(name);
    const seconds = patience(ws);
    var random: u32 = 0;
    if (std.os.wasi.random_get(@ptrCast(&random), @sizeOf(u32)) != .SUCCESS) return sessile.fail("there is no random number");
    const secret = 1 + random % 100;
    var guesses: c_uint = 0;
    try check(c.sessile_sendf(ws, "%s, I think of a number from 1 to 100", name.ptr));
    while (true) {
        // By `try`, that the peer has left is a normal end, and newer code begins a new game.
        const number = receive(ws, seconds) catch |failed| switch (failed) {
            error.TimedOut => {
                try check(c.sessile_sendf(ws, "time is up: it was %u", secret));
                return check(c.sessile_close(ws, 4000, "time is up"));
            },
            else => return failed,
        } orelse {
            try check(c.sessile_send_text(ws, "a number from 1 to 100, please"));
            continue;
        };
        guesses += 1;
        if (number == secret) return check(c.sessile_sendf(ws, "yes, in %u guesses", guesses));
        try check(c.sessile_send_text(ws, if (number < secret) "higher" else "lower"));
    }
}

/// A guess; null for what is none.
fn receive(ws: Id, seconds: u64) Error!?u32 {
    var message: c.sessile_message = undefined;
    try check(c.sessile_receive(ws, seconds * 1000, &message));
    defer c.sessile_message_free(&message);
    return if (message.kind == c.SESSILE_TEXT) numberIn(sessile.bytes(&message), 100) else null;
}

/// How long a guess may take: what the URL asks for, but no longer than half a minute.
fn patience(ws: Id) u64 {
    const asked = c.sessile_query_param(ws, "seconds");
    defer sessile.free(asked);
    return if (asked == null) seconds_max else numberIn(std.mem.span(asked), seconds_max) orelse seconds_max;
}

/// A whole number from 1 on, if it is one.
fn numberIn(text: []const u8, highest: u32) ?u32 {
    const number = std.fmt.parseInt(u32, std.mem.trim(u8, text, blanks), 10) catch return null;
    return if (number >= 1 and number <= highest) number else null;
}
