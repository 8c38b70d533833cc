//! The conformance guest in Zig. Its contract is ../README.md.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;
const Id = sessile.Id;
const Error = sessile.Error;

const alarm = @import("alarm.zig");
const command = @import("command.zig");
const http = @import("http.zig");
const raw = @import("raw.zig");
const Answer = command.Answer;
const print = command.print;
const sent = command.sent;
const settle = command.settle;
const Line = command.Line;

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
        if (command.isQuery(ws, "undecided")) return;
        if (command.isQuery(ws, "reject")) return check(c.sessile_reject_with(ws, 418, &header, 1, "no coffee"));
        if (command.isQuery(ws, "close")) return check(c.sessile_close(ws, 1000, ""));
        if (command.isQuery(ws, "fail")) return sessile.fail("told to fail");
        if (command.isQuery(ws, "subprotocol")) return check(c.sessile_accept_with(ws, "b", &header, 1));
        if (command.isQuery(ws, "not-offered")) return refuse(ws, c.sessile_accept_with(ws, "zzz", &header, 1));
        if (command.isQuery(ws, "invalid-head")) return refuse(ws, c.sessile_accept_with(ws, null, &bad, 1));
        if (command.isQuery(ws, "session")) try check(c.sessile_session_open(ws));
        const early = if (command.isQuery(ws, "early")) sent(c.sessile_send_text(ws, "early")) else null;
        try check(c.sessile_accept_with(ws, null, &header, 1));
        try answerWith(ws, early);
    }

    pub fn onMessage(ws: Id, message: *const c.sessile_message) Error!void {
        if (message.kind == c.SESSILE_BINARY) return check(c.sessile_send(ws, message));
        try answerWith(ws, command.ofWebsocket(ws, Line.of(message.data)));
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

fn left(ws: Id) Error!void {
    try Conformance.onClose(ws, c.sessile_close_code(), std.mem.span(c.sessile_close_reason()));
}

fn serve(ws: Id) Error!void {
    if (command.isQuery(ws, "raw")) {
        while (try raw.answered(ws)) {}
        return left(ws);
    }
    if (command.isQuery(ws, "raw-deny")) return raw.denied(ws);
    var count: c_uint = 0;
    try Conformance.onOpen(ws);
    const ended = while (true) receive(ws, &count) catch |ended| break ended;
    if (ended != error.Disconnected) return ended;
    try left(ws);
    receive(ws, &count) catch |again| {
        if (again == error.Disconnected) try tell(ws, print("again {d}", .{c.sessile_close_code()}));
    };
}

comptime {
    sessile.events(Conformance);
    sessile.upgrade(Conformance);
    sessile.loop(serve);
    sessile.http(http.answered);
    sessile.alarm(alarm.rang);
}
