//! Raw events.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;
const Id = sessile.Id;
const Error = sessile.Error;

const command = @import("command.zig");

const header: c.sessile_header = .{ .name = "x-guest", .value = "1" };

fn accept(ws: Id) c.sessile_status {
    return c.sessile_raw_accept(ws, null, &header, 1);
}

fn states(ws: Id) command.Answer {
    const names = [_][]const u8{ "connecting", "connected", "response", "disconnected" };
    var peer: c.sessile_raw_state = undefined;
    var application: c.sessile_raw_state = undefined;
    c.sessile_raw_states(ws, &peer, &application);
    return command.print("{s} {s}", .{ names[@intCast(peer)], names[@intCast(application)] });
}

fn answer(ws: Id, message: *const c.sessile_message) Error!void {
    const text = if (message.kind == c.SESSILE_TEXT) sessile.bytes(message) else "";
    const told = if (std.mem.eql(u8, text, "states"))
        states(ws)
    else if (std.mem.eql(u8, text, "accept"))
        try command.settle(command.sent(accept(ws)))
    else
        return check(c.sessile_raw_send(ws, message));
    defer sessile.free(told);
    const length = std.mem.len(told);
    try check(c.sessile_raw_send(ws, &.{ .kind = c.SESSILE_TEXT, .data = told, .length = length }));
}

/// Whether another event follows.
pub fn answered(ws: Id) Error!bool {
    var event: c.sessile_raw_event = undefined;
    var message: c.sessile_message = undefined;
    try check(c.sessile_raw_receive(ws, c.SESSILE_FOREVER, &event, &message));
    defer c.sessile_message_free(&message);
    if (event == c.SESSILE_RAW_CONNECT) try check(accept(ws));
    if (event == c.SESSILE_RAW_MESSAGE) try answer(ws, &message);
    return event != c.SESSILE_RAW_DISCONNECT;
}

pub fn denied(ws: Id) Error!void {
    var event: c.sessile_raw_event = undefined;
    var message: c.sessile_message = undefined;
    try check(c.sessile_raw_receive(ws, c.SESSILE_FOREVER, &event, &message));
    c.sessile_message_free(&message);
    try check(c.sessile_raw_respond_start(ws, 418, &header, 1));
    try check(c.sessile_raw_respond_body(ws, "no ", 3, true));
    try check(c.sessile_raw_respond_body(ws, "coffee", 6, false));
}
