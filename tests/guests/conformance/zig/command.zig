//! Commands, and what they are answered by.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;
const Id = sessile.Id;
const Error = sessile.Error;

const alarm = @import("alarm.zig");
const realtime = @import("realtime.zig");

const allocator = std.heap.c_allocator;
pub const unsupported = "unsupported";

/// A text of C's, which is C's to free; null where there is no answer, or it was sent.
pub const Answer = [*c]u8;

pub fn print(comptime format: []const u8, values: anytype) Answer {
    const text = std.fmt.allocPrintSentinel(allocator, format, values, 0) catch @panic("no memory");
    return text.ptr;
}

fn optional(text: Answer) Answer {
    return if (text != null) text else print("(none)", .{});
}

fn truth(is_so: bool) Answer {
    return print("{}", .{is_so});
}

/// A list's texts, which are freed, with bars between them.
pub fn joined(list: c.sessile_list) Answer {
    var mine = list;
    defer c.sessile_list_free(&mine);
    return joinedBy("|", list);
}

pub fn joinedBy(comptime between: []const u8, list: c.sessile_list) Answer {
    var all = print("", .{});
    for (0..list.count) |at| {
        const before = all;
        defer sessile.free(before);
        all = print("{s}{s}{s}", .{ before, if (at == 0) "" else between, list.items[at] });
    }
    return all;
}

/// One more text of a list, which becomes its own.
pub fn add(list: *c.sessile_list, item: Answer) void {
    const items = std.c.realloc(@ptrCast(list.items), (list.count + 1) * @sizeOf(Answer)) orelse @panic("no memory");
    list.items = @ptrCast(@alignCast(items));
    list.items[list.count] = item;
    list.count += 1;
}

pub const states = [_][]const u8{ "connecting", "open", "closing", "closed" };

pub fn ok(status: c.sessile_status) Error!Answer {
    try check(status);
    return print("ok", .{});
}

/// What comes through a pointer to a pointer.
fn given(status: c.sessile_status, text: *Answer) Error!Answer {
    try check(status);
    return text.*;
}

pub fn number(comptime T: type, text: [*c]const u8) T {
    return std.fmt.parseInt(T, std.mem.span(text), 10) catch 0;
}

/// A verb, and what follows its blank.
pub const Line = struct {
    verb: []const u8,
    rest: [*c]const u8,

    pub fn of(text: [*c]const u8) Line {
        const line = std.mem.span(text);
        const end = std.mem.indexOfScalar(u8, line, ' ') orelse return .{ .verb = line, .rest = text + line.len };
        return .{ .verb = line[0..end], .rest = text + end + 1 };
    }

    pub fn is(line: Line, verb: []const u8) bool {
        return std.mem.eql(u8, line.verb, verb);
    }
};

pub fn isQuery(of: Id, wanted: []const u8) bool {
    const query = c.sessile_query(of);
    defer sessile.free(query);
    return query != null and std.mem.eql(u8, std.mem.span(query), wanted);
}

/// The answer that an error is, where it is not the handler's end.
pub fn settle(answer: Error!Answer) Error!Answer {
    const call = std.mem.span(c.sessile_error_call());
    return answer catch |failed| if (failed == error.NotJson)
        print("error bad-json {d}:{d}", .{ c.sessile_error_line(), c.sessile_error_column() })
    else if (failed == error.WrongState and call.len > 0)
        print("error wrong-state {s} {s}", .{ call, c.sessile_error_state() })
    else
        print("error {s}", .{switch (failed) {
            error.TimedOut => "timed-out",
            error.WrongState => "wrong-state",
            error.WrongKind => "wrong-kind",
            error.TooLarge => "too-large",
            error.Invalid => "invalid",
            error.NotJson => unreachable,
            error.Conflict => "conflict",
            error.NoCookie => "cookie-unreachable",
            error.NotOpen => "not-open",
            error.Deleted => "deleted",
            error.Unavailable => "unavailable",
            error.Unsupported => "unsupported",
            error.Unknown => "unknown",
            error.NoHandler => "no-handler",
            error.Failed, error.Disconnected, error.Retire => return failed,
        }});
}

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
    if (line.is("clear")) return ok(c.sessile_session_clear(of));
    if (line.is("expiry")) {
        const seconds = std.fmt.parseInt(u64, std.mem.span(line.rest), 10) catch c.SESSILE_FOREVER;
        return ok(c.sessile_session_expire(of, seconds));
    }
    if (line.is("contains") or line.is("remove")) {
        var is_there = false;
        try check(c.sessile_session_contains(of, line.rest, &is_there));
        if (line.is("remove")) try check(c.sessile_session_remove(of, line.rest));
        return truth(is_there);
    }
    if (line.is("is-new")) {
        var is_new = false;
        try check(c.sessile_session_is_new(of, &is_new));
        return truth(is_new);
    }
    if (line.is("keys") or line.is("is-empty")) {
        var keys: c.sessile_list = undefined;
        try check(c.sessile_session_keys(of, &keys));
        if (line.is("keys")) return joined(keys);
        defer c.sessile_list_free(&keys);
        return truth(keys.count == 0);
    }
    if (line.is("user")) return optional(try given(c.sessile_session_get_text(of, "user", &json), &json));
    return print(unsupported, .{});
}

fn listed(of: Id, line: Line) ?c.sessile_list {
    var list: c.sessile_list = undefined;
    if (line.is("headers")) {
        c.sessile_headers_of(of, line.rest, &list);
    } else if (line.is("header-names")) {
        c.sessile_header_names(of, &list);
    } else if (line.is("query-params")) {
        c.sessile_query_params(of, line.rest, &list);
    } else if (line.is("cookies")) {
        c.sessile_cookies(of, line.rest, &list);
    } else if (line.is("offered")) {
        c.sessile_offered(of, &list);
    } else return null;
    return list;
}

/// Of websockets and of HTTP.
pub fn ofAny(of: Id, line: Line) Error!Answer {
    if (line.is("method")) return c.sessile_method(of);
    if (line.is("scheme")) return c.sessile_scheme(of);
    if (line.is("path")) return c.sessile_path(of);
    if (line.is("host") or line.is("url-hostname")) return c.sessile_host(of);
    if (line.is("url")) return c.sessile_url(of);
    if (line.is("url-port")) {
        const port = c.sessile_port(of);
        return if (port == 0) optional(null) else print("{d}", .{port});
    }
    if (line.is("is-secure")) return truth(c.sessile_is_secure(of));
    if (line.is("is-local")) return truth(c.sessile_is_local(of));
    if (line.is("origin")) return optional(c.sessile_origin(of));
    if (line.is("http-version")) return c.sessile_version(of);
    if (line.is("server")) return c.sessile_local_address(of);
    if (line.is("started")) return print("{d}", .{c.sessile_started_at(of)});
    if (line.is("query-param")) return optional(c.sessile_query_param(of, line.rest));
    if (line.is("cookie")) return optional(c.sessile_cookie(of, line.rest));
    if (listed(of, line)) |list| return joined(list);
    if (line.is("publish")) {
        const publication = Line.of(line.rest);
        const group = print("{s}", .{publication.verb});
        defer sessile.free(group);
        const length = std.mem.len(publication.rest);
        const message: c.sessile_message = .{ .kind = c.SESSILE_TEXT, .data = @constCast(publication.rest), .length = length };
        var told: c.sessile_publication = undefined;
        try check(c.sessile_publish_counted(group, &message, &told));
        return print("queued {d} dropped {d}", .{ told.queued, told.dropped });
    }
    if (line.is("query")) return optional(c.sessile_query(of));
    if (line.is("client")) return c.sessile_peer_address(of);
    if (line.is("param")) return optional(c.sessile_param(of, line.rest));
    if (line.is("header")) return optional(c.sessile_header_of(of, line.rest));
    if (line.is("session")) return ofSession(of, line.rest);
    if (line.is("alarm")) return alarm.answered(of, line.rest);
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
    return realtime.answered(of, line);
}

pub fn sent(status: c.sessile_status) Error!Answer {
    try check(status);
    return null;
}

/// Each kind's call; `receive` with a timeout takes either.
fn received(ws: Id, line: Line) Error!Answer {
    const is_binary = line.is("receive-bytes") or line.is("receive-json-binary");
    const kind: c.sessile_kind = if (is_binary) c.SESSILE_BINARY else c.SESSILE_TEXT;
    if (line.is("receive-json") or line.is("receive-json-binary")) {
        var json: Answer = null;
        try check(c.sessile_receive_json_in(ws, c.SESSILE_FOREVER, kind, &json));
        defer sessile.free(json);
        return sent(c.sessile_send_json(ws, json));
    }
    var message: c.sessile_message = undefined;
    try check(if (line.is("receive"))
        c.sessile_receive(ws, number(u64, line.rest), &message)
    else
        c.sessile_receive_in(ws, c.SESSILE_FOREVER, kind, &message));
    defer c.sessile_message_free(&message);
    return if (is_binary) print("{d}", .{message.length}) else print("{s}", .{message.data});
}

fn trySend(ws: Id, times: usize) Error!Answer {
    var text: [60_000]u8 = @splat('x');
    var counts: [3]u32 = @splat(0);
    for (0..times) |_| {
        const message: c.sessile_message = .{ .kind = c.SESSILE_TEXT, .data = &text, .length = text.len };
        var queued: c.sessile_queued = undefined;
        try check(c.sessile_try_send(ws, &message, &queued));
        counts[@intCast(queued)] += 1;
    }
    return print("queued {d} full {d} gone {d}", .{ counts[0], counts[1], counts[2] });
}

pub fn ofWebsocket(ws: Id, line: Line) Error!Answer {
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
    if (line.is("json-binary")) return sent(c.sessile_send_json_in(ws, line.rest, c.SESSILE_BINARY));
    if (std.mem.startsWith(u8, line.verb, "receive")) return received(ws, line);
    if (line.is("try-send")) return trySend(ws, number(usize, line.rest));
    if (line.is("attachment")) {
        var data: Answer = null;
        var length: usize = 0;
        c.sessile_attachment(ws, &data, &length);
        return data;
    }
    var took: u64 = 0;
    if (line.is("id")) return print("{d}", .{ws});
    if (line.is("state")) {
        return print("{s}", .{states[@intCast(c.sessile_state_of(ws))]});
    }
    if (line.is("subprotocol")) return optional(c.sessile_subprotocol(ws));
    if (line.is("dropped")) return print("{d}", .{c.sessile_dropped(ws)});
    if (line.is("buffered")) return print("{d}", .{c.sessile_buffered(ws)});
    if (line.is("round-trip")) return if (c.sessile_round_trip(ws, &took)) print("{d}", .{took}) else optional(null);
    if (line.is("accept")) return ok(c.sessile_accept(ws));
    if (line.is("ping")) return ok(c.sessile_ping(ws, &took));
    if (line.is("join")) return ok(c.sessile_join(ws, line.rest));
    if (line.is("leave")) return ok(c.sessile_leave(ws, line.rest));
    if (line.is("join-as")) return realtime.joinAs(ws, line.rest);
    if (line.is("attach")) return ok(c.sessile_attach(ws, line.rest, std.mem.len(line.rest)));
    return ofAny(ws, line);
}
