//! Alarms.

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

pub fn rang(id: Id, alarm: *const c.sessile_alarm) Error!void {
    const payload = alarm.payload[0..alarm.length];
    try check(c.sessile_publishf("alarms", "alarm %s %u %s", alarm.name, alarm.attempt, alarm.payload));
    if (std.mem.eql(u8, payload, "fail") and alarm.attempt == 1) return sessile.fail("told to fail");
    if (!std.mem.eql(u8, payload, "session")) return;
    try check(c.sessile_session_open(id));
    try check(c.sessile_session_set_text(id, "news", alarm.name));
}

fn set(session_of: ?*const Id, rest: [*c]const u8) Error!Answer {
    const line = Line.of(rest);
    const further = Line.of(line.rest);
    const name = print("{s}", .{line.verb});
    defer sessile.free(name);
    const milliseconds = std.fmt.parseInt(u64, further.verb, 10) catch 0;
    var now: std.c.timespec = undefined;
    _ = std.c.clock_gettime(.REALTIME, &now);
    const due = @as(u64, @intCast(now.sec)) * 1000 + @as(u64, @intCast(now.nsec)) / 1_000_000 + milliseconds;
    const of: [*c]const Id = session_of orelse null;
    return command.ok(c.sessile_alarm_set(of, name, due, further.rest, std.mem.len(further.rest)));
}

pub fn answered(of: Id, rest: [*c]const u8) Error!Answer {
    const line = Line.of(rest);
    if (line.is("set")) return set(null, line.rest);
    if (line.is("set-session")) {
        try check(c.sessile_session_open(of));
        return set(&of, line.rest);
    }
    if (line.is("cancel")) {
        var was_there = false;
        try check(c.sessile_alarm_cancel(null, line.rest, &was_there));
        return print("{}", .{was_there});
    }
    if (!line.is("list")) return print(command.unsupported, .{});
    var all = sessile.alarms(null);
    defer all.deinit();
    var names: c.sessile_list = .{};
    errdefer c.sessile_list_free(&names);
    while (try all.next()) |alarm| command.add(&names, print("{s}", .{alarm.name}));
    return command.joined(names);
}
