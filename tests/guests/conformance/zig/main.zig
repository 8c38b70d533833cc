//! The conformance guest in Zig. Its contract is ../README.md.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;
const Id = sessile.Id;
const Error = sessile.Error;

const allocator = std.heap.c_allocator;
const unsupported = "unsupported";

/// A text of C's, which is C's to free; null where there is no answer, or it was sent.
const Answer = [*c]u8;

fn print(comptime format: []const u8, values: anytype) Answer {
    const text = std.fmt.allocPrintSentinel(allocator, format, values, 0) catch @panic("no memory");
    return text.ptr;
}

fn optional(text: Answer) Answer {
    return if (text != null) text else print("(none)", .{});
}

fn ok(status: c.sessile_status) Error!Answer {
    try check(status);
    return print("ok", .{});
}

/// What comes through a pointer to a pointer.
fn given(status: c.sessile_status, text: *Answer) Error!Answer {
    try check(status);
    return text.*;
}

fn number(comptime T: type, text: [*c]const u8) T {
    return std.fmt.parseInt(T, std.mem.span(text), 10) catch 0;
}

/// A verb, and what follows its blank.
const Line = struct {
    verb: []const u8,
    rest: [*c]const u8,

    fn of(text: [*c]const u8) Line {
        const line = std.mem.span(text);
        const end = std.mem.indexOfScalar(u8, line, ' ') orelse return .{ .verb = line, .rest = text + line.len };
        return .{ .verb = line[0..end], .rest = text + end + 1 };
    }

    fn is(line: Line, verb: []const u8) bool {
        return std.mem.eql(u8, line.verb, verb);
    }
};

fn isQuery(of: Id, wanted: []const u8) bool {
    const query = c.sessile_query(of);
    defer sessile.free(query);
    return query != null and std.mem.eql(u8, std.mem.span(query), wanted);
}

/// The answer that an error is, where it is not the handler's end.
fn settle(answer: Error!Answer) Error!Answer {
    return answer catch |failed| print("error {s}", .{switch (failed) {
        error.TimedOut => "timed-out",
        error.WrongState => "wrong-state",
        error.WrongKind => "wrong-kind",
        error.TooLarge => "too-large",
        error.Invalid => "invalid",
        error.NotJson => "bad-json",
        error.Conflict => "conflict",
        error.NoCookie => "cookie-unreachable",
        error.NotOpen => "not-open",
        error.Deleted => "deleted",
        error.Unavailable => "unavailable",
        error.Unsupported => "unsupported",
        error.Failed, error.Disconnected, error.Retire => return failed,
    }});
}

// ---- commands ----

fn ofSession(of: Id, text: [*c]const u8) Error!Answer {
    const line = Line.of(text);
    try check(c.sessile_session_open(of));
    var json: Answer = null;
    if (line.is("open")) return ok(c.SESSILE_OK);
    if (line.is("get")) return optional(try given(c.sessile_session_get(of, line.rest, &json), &json));
    if (line.is("set")) {
        const value = Line.of(line.rest);
        const key = print("{s}", .{value.verb});
        defer sessile.free(key);
        return ok(c.sessile_session_set(of, key, value.rest));
    }
    if (line.is("discard")) return ok(c.sessile_session_discard(of));
    if (line.is("save")) return ok(c.sessile_session_save(of));
    if (line.is("save-if")) return ok(c.sessile_session_save_over(of, number(u64, line.rest)));
    if (line.is("cycle")) return ok(c.sessile_session_cycle(of));
    if (line.is("flush")) return ok(c.sessile_session_flush(of));
    if (line.is("version")) {
        var version: u64 = 0;
        try check(c.sessile_session_version(of, &version));
        return print("{d}", .{version});
    }
    return print(unsupported, .{});
}

/// Of websockets and of HTTP.
fn ofAny(of: Id, line: Line) Error!Answer {
    if (line.is("method")) return c.sessile_method(of);
    if (line.is("path")) return c.sessile_path(of);
    if (line.is("query")) return optional(c.sessile_query(of));
    if (line.is("client")) return c.sessile_peer_address(of);
    if (line.is("param")) return optional(c.sessile_param(of, line.rest));
    if (line.is("header")) return optional(c.sessile_header_of(of, line.rest));
    if (line.is("session")) return ofSession(of, line.rest);
    if (line.is("fail")) {
        _ = c.sessile_fail("%s", line.rest);
        return error.Failed;
    }
    if (line.is("crash")) @trap();
    if (line.is("spin")) {
        var turns: u32 = 0;
        while (true) @as(*volatile u32, &turns).* +%= 1;
    }
    if (line.is("sleep")) {
        c.sessile_sleep(number(u64, line.rest));
        return ok(c.SESSILE_OK);
    }
    if (line.is("log")) {
        c.sessile_log(c.SESSILE_WARN, "%s", line.rest);
        return ok(c.SESSILE_OK);
    }
    return print(unsupported, .{});
}

fn sent(status: c.sessile_status) Error!Answer {
    try check(status);
    return null;
}

fn ofWebsocket(ws: Id, line: Line) Error!Answer {
    if (line.is("text")) return sent(c.sessile_send_text(ws, line.rest));
    if (line.is("bytes")) return sent(c.sessile_send_bytes(ws, line.rest, std.mem.len(line.rest)));
    if (line.is("json")) return sent(c.sessile_send_json(ws, line.rest));
    if (line.is("flood")) {
        for (0..number(usize, line.rest)) |at| try check(c.sessile_sendf(ws, "%u", @as(c_uint, @intCast(at))));
        return null;
    }
    if (line.is("close")) {
        const close = Line.of(line.rest);
        const code = std.fmt.parseInt(u16, close.verb, 10) catch 0;
        return sent(c.sessile_close(ws, code, close.rest));
    }
    if (line.is("receive")) {
        var message: c.sessile_message = undefined;
        try check(c.sessile_receive(ws, number(u64, line.rest), &message));
        return message.data;
    }
    if (line.is("receive-json")) {
        var json: Answer = null;
        defer sessile.free(json);
        try check(c.sessile_receive_json(ws, c.SESSILE_FOREVER, &json));
        return sent(c.sessile_send_json(ws, json));
    }
    if (line.is("attachment")) {
        var data: Answer = null;
        var length: usize = 0;
        c.sessile_attachment(ws, &data, &length);
        return data;
    }
    var took: u64 = 0;
    if (line.is("id")) return print("{d}", .{ws});
    if (line.is("accept")) return ok(c.sessile_accept(ws));
    if (line.is("ping")) return ok(c.sessile_ping(ws, &took));
    if (line.is("join")) return ok(c.sessile_join(ws, line.rest));
    if (line.is("leave")) return ok(c.sessile_leave(ws, line.rest));
    if (line.is("attach")) return ok(c.sessile_attach(ws, line.rest, std.mem.len(line.rest)));
    return ofAny(ws, line);
}

// ---- websockets ----

/// To the group that the path names.
fn tell(ws: Id, words: Answer) Error!void {
    const room = c.sessile_param(ws, "room");
    defer sessile.free(room);
    defer sessile.free(words);
    try check(c.sessile_publish_text(room, words));
}

fn answerWith(ws: Id, answer: Error!Answer) Error!void {
    const text = try settle(answer);
    defer sessile.free(text);
    if (text != null) try check(c.sessile_send_text(ws, text));
}

fn refuse(ws: Id, accepted: c.sessile_status) Error!void {
    const text = try settle(sent(accepted));
    defer sessile.free(text);
    if (text != null) try check(c.sessile_reject(ws, 400, text));
}

const Conformance = struct {
    pub fn onOpen(ws: Id) Error!void {
        const header: c.sessile_header = .{ .name = "x-guest", .value = "1" };
        const bad: c.sessile_header = .{ .name = "bad name", .value = "1" };
        if (isQuery(ws, "undecided")) return;
        if (isQuery(ws, "close")) return check(c.sessile_close(ws, 1000, ""));
        if (isQuery(ws, "fail")) return sessile.fail("told to fail");
        if (isQuery(ws, "subprotocol")) return check(c.sessile_accept_with(ws, "b", &header, 1));
        if (isQuery(ws, "not-offered")) return refuse(ws, c.sessile_accept_with(ws, "zzz", &header, 1));
        if (isQuery(ws, "invalid-head")) return refuse(ws, c.sessile_accept_with(ws, null, &bad, 1));
        if (isQuery(ws, "session")) try check(c.sessile_session_open(ws));
        const early = if (isQuery(ws, "early")) sent(c.sessile_send_text(ws, "early")) else null;
        try check(c.sessile_accept_with(ws, null, &header, 1));
        try answerWith(ws, early);
        if (isQuery(ws, "reject") or isQuery(ws, "raw") or isQuery(ws, "raw-deny"))
            try check(c.sessile_send_text(ws, unsupported));
    }

    pub fn onMessage(ws: Id, message: *const c.sessile_message) Error!void {
        if (message.kind == c.SESSILE_BINARY) return check(c.sessile_send(ws, message));
        try answerWith(ws, ofWebsocket(ws, Line.of(message.data)));
    }

    pub fn onClose(ws: Id, code: u16, reason: [*:0]const u8) Error!void {
        try tell(ws, print("closed {d} {s}", .{ code, reason }));
    }

    pub fn onUpgrade(ws: Id, _: u64) Error!void {
        try check(c.sessile_attach(ws, "upgraded", 8));
    }
};

fn receive(ws: Id, count: *c_uint) Error!void {
    var message: c.sessile_message = undefined;
    try check(c.sessile_receive(ws, c.SESSILE_FOREVER, &message));
    defer c.sessile_message_free(&message);
    count.* += 1;
    if (std.mem.eql(u8, sessile.bytes(&message), "count")) return check(c.sessile_sendf(ws, "%u", count.*));
    try Conformance.onMessage(ws, &message);
}

fn serve(ws: Id) Error!void {
    var count: c_uint = 0;
    try Conformance.onOpen(ws);
    const ended = while (true) receive(ws, &count) catch |ended| break ended;
    if (ended != error.Disconnected) return ended;
    try Conformance.onClose(ws, c.sessile_close_code(), std.mem.span(c.sessile_close_reason()));
    receive(ws, &count) catch |again| {
        if (again == error.Disconnected) try tell(ws, print("again {d}", .{c.sessile_close_code()}));
    };
}

// ---- HTTP ----

fn respond(ex: Id, code: u16, answer: Error!Answer) Error!void {
    const text = try settle(answer);
    defer sessile.free(text);
    try check(c.sessile_respond(ex, code, "text/plain", text));
}

fn commands(ex: Id) Error!void {
    var body: Answer = null;
    var length: usize = 0;
    try check(c.sessile_read_all(ex, 65536, &body, &length));
    defer sessile.free(body);
    const query = c.sessile_query(ex);
    defer sessile.free(query);
    var all = print("", .{});
    var lines = std.mem.splitScalar(u8, body[0..length], '\n');
    while (lines.next()) |line| {
        const text = print("{s}", .{line});
        defer sessile.free(text);
        const answer = try settle(ofAny(ex, Line.of(text)));
        defer sessile.free(answer);
        const before = all;
        defer sessile.free(before);
        all = print("{s}{s}{s}", .{ before, if (before[0] == 0) "" else "\n", answer });
    }
    try respond(ex, if (query == null) 200 else number(u16, query), all);
}

fn echo(ex: Id) Error!void {
    var part: Answer = null;
    var length: usize = 0;
    try check(c.sessile_respond_start(ex, 200, null, 0));
    while (true) {
        try check(c.sessile_read(ex, &part, &length));
        if (part == null) return check(c.sessile_respond_finish(ex));
        defer sessile.free(part);
        try check(c.sessile_respond_chunk(ex, part, length));
    }
}

fn stream(ex: Id) Error!void {
    const header: c.sessile_header = .{ .name = "x-guest", .value = "1" };
    try check(c.sessile_respond_start(ex, 201, &header, 1));
    for ([_][]const u8{ "one ", "two ", "three" }) |chunk| try check(c.sessile_respond_chunk(ex, chunk.ptr, chunk.len));
    try check(c.sessile_respond_finish(ex));
}

fn order(ex: Id) Error!void {
    try check(c.sessile_respond_start(ex, 200, null, 0));
    const answer = try settle(sent(c.sessile_respond_start(ex, 200, null, 0)));
    defer sessile.free(answer);
    if (answer != null) try check(c.sessile_respond_chunk(ex, answer, std.mem.len(answer)));
    try check(c.sessile_respond_finish(ex));
}

fn flood(ex: Id) Error!void {
    const chunk: [60_000]u8 = @splat('x');
    try check(c.sessile_respond_start(ex, 200, null, 0));
    for (0..200) |_| try check(c.sessile_respond_chunk(ex, &chunk, chunk.len));
    try check(c.sessile_respond_finish(ex));
}

fn limit(ex: Id) Error!void {
    var body: Answer = null;
    var length: usize = 0;
    check(c.sessile_read_all(ex, 1000, &body, &length)) catch |failed| return respond(ex, 413, failed);
    defer sessile.free(body);
    try respond(ex, 200, print("{d}", .{length}));
}

fn answered(ex: Id) Error!void {
    const what = c.sessile_param(ex, "what");
    defer sessile.free(what);
    const line: Line = .{ .verb = std.mem.span(what), .rest = "" };
    if (line.is("command")) return commands(ex);
    if (line.is("echo")) return echo(ex);
    if (line.is("stream")) return stream(ex);
    if (line.is("order")) return order(ex);
    if (line.is("flood")) return flood(ex);
    if (line.is("limit")) return limit(ex);
    if (line.is("no-body")) return check(c.sessile_respond(ex, 204, null, null));
    if (line.is("fail")) return sessile.fail("told to fail");
    if (line.is("nothing")) return;
    if (line.is("unfinished")) {
        try check(c.sessile_respond_start(ex, 200, null, 0));
        return check(c.sessile_respond_chunk(ex, "part", 4));
    }
    try respond(ex, 501, print(unsupported, .{}));
}

comptime {
    sessile.events(Conformance);
    sessile.upgrade(Conformance);
    sessile.loop(serve);
    sessile.http(answered);
}
