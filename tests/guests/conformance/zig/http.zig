//! HTTP, by path.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;
const Id = sessile.Id;
const Error = sessile.Error;

const command = @import("command.zig");
const Answer = command.Answer;
const Line = command.Line;
const print = command.print;
const sent = command.sent;
const settle = command.settle;

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
        const answer = try settle(command.ofAny(ex, Line.of(text)));
        defer sessile.free(answer);
        const before = all;
        defer sessile.free(before);
        all = print("{s}{s}{s}", .{ before, if (before[0] == 0) "" else "\n", answer });
    }
    try respond(ex, if (query == null) 200 else command.number(u16, query), all);
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

fn raw(ex: Id) Error!void {
    const response = "HTTP/1.1 202 Accepted\r\nx-guest: 1\r\n\r\nraw";
    try check(c.sessile_respond_raw(ex, response, response.len, true));
}

fn rawSplit(ex: Id) Error!void {
    const response = "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    const answer = try settle(sent(c.sessile_respond_raw(ex, response, response.len, false)));
    if (answer != null) try respond(ex, 422, answer);
}

fn events(ex: Id) Error!void {
    try check(c.sessile_events_start(ex));
    try check(c.sessile_events_send(ex, null, null, "one"));
    try check(c.sessile_events_send(ex, "tick", "2", "two\nlines"));
    try check(c.sessile_respond_finish(ex));
}

fn form(ex: Id) Error!void {
    var body: Answer = null;
    var length: usize = 0;
    try check(c.sessile_read_all(ex, 65536, &body, &length));
    defer sessile.free(body);
    var values: c.sessile_list = undefined;
    c.sessile_form_fields(body, "a", &values);
    try respond(ex, 200, command.joined(values));
}

fn json(ex: Id) Error!void {
    var body: Answer = null;
    check(c.sessile_read_json(ex, 65536, &body)) catch |failed| return respond(ex, 400, failed);
    defer sessile.free(body);
    try check(c.sessile_respond_json(ex, 200, body));
}

fn news(ex: Id) Error!?[*:0]u8 {
    var value: Answer = null;
    try check(c.sessile_session_open(ex));
    try check(c.sessile_session_get(ex, "news", &value));
    return @ptrCast(value);
}

fn poll(ex: Id) Error!void {
    const found = try sessile.poll(20, 20_000, ex, news) orelse return check(c.sessile_respond(ex, 204, null, null));
    defer sessile.free(found);
    try check(c.sessile_respond_json(ex, 200, found));
}

fn limit(ex: Id) Error!void {
    var body: Answer = null;
    var length: usize = 0;
    check(c.sessile_read_all(ex, 1000, &body, &length)) catch |failed| return respond(ex, 413, failed);
    defer sessile.free(body);
    try respond(ex, 200, print("{d}", .{length}));
}

pub fn answered(ex: Id) Error!void {
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
    if (line.is("raw")) return raw(ex);
    if (line.is("raw-split")) return rawSplit(ex);
    if (line.is("events")) return events(ex);
    if (line.is("form")) return form(ex);
    if (line.is("json")) return json(ex);
    if (line.is("poll")) return poll(ex);
    if (line.is("unfinished") or line.is("cancel")) {
        try check(c.sessile_respond_start(ex, 200, null, 0));
        try check(c.sessile_respond_chunk(ex, "part", 4));
        return if (line.is("cancel")) check(c.sessile_respond_cancel(ex));
    }
    try respond(ex, 501, print(command.unsupported, .{}));
}
