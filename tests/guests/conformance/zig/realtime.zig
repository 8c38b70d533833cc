//! Groups and connections.

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

const none = "(none)";

/// A text of C's of a slice, for `sessile.free`.
fn text(slice: []const u8) Answer {
    return print("{s}", .{slice});
}

fn at(has: bool, position: c.sessile_position) Answer {
    return if (has) print("{d}:{d}", .{ position.epoch, position.offset }) else text(none);
}

fn read(word: []const u8) ?c.sessile_position {
    const colon = std.mem.indexOfScalar(u8, word, ':') orelse return null;
    return .{
        .epoch = std.fmt.parseInt(u64, word[0..colon], 10) catch 0,
        .offset = std.fmt.parseInt(u64, word[colon + 1 ..], 10) catch 0,
    };
}

fn textMessage(of: [*c]const u8) c.sessile_message {
    return .{ .kind = c.SESSILE_TEXT, .data = @constCast(of), .length = std.mem.len(of) };
}

pub fn joinAs(ws: Id, rest: [*c]const u8) Error!Answer {
    const first = Line.of(rest);
    const second = Line.of(first.rest);
    const third = Line.of(second.rest);
    const group = text(first.verb);
    defer sessile.free(group);
    var tags: [16][*c]const u8 = undefined;
    var how: c.sessile_membership = .{ .tags = &tags };
    defer for (tags[0..how.tags_count]) |tag| sessile.free(@constCast(tag));
    var words = std.mem.splitScalar(u8, third.verb, ',');
    if (!third.is("-")) while (words.next()) |word| {
        tags[how.tags_count] = text(word);
        how.tags_count += 1;
    };
    const since = read(second.verb);
    if (since) |*position| how.since = position;
    if (!std.mem.eql(u8, std.mem.span(third.rest), "-")) how.metadata = third.rest;
    var joined: c.sessile_joined = undefined;
    try check(c.sessile_join_as(ws, group, &how, &joined));
    const place = at(joined.has_position, joined.position);
    defer sessile.free(place);
    return print("at {s} recovered {} publications {d}", .{ place, joined.is_recovered, joined.publications });
}

fn publishTo(of: Id, rest: [*c]const u8) Error!Answer {
    const first = Line.of(rest);
    const second = Line.of(first.rest);
    const group = text(first.verb);
    defer sessile.free(group);
    const tag = text(if (std.mem.startsWith(u8, second.verb, "tag:")) second.verb[4..] else "");
    defer sessile.free(tag);
    const to: c.sessile_scope = .{
        .tag = if (tag[0] == 0) null else tag,
        .except = if (second.is("not-me")) &of else null,
    };
    const message = textMessage(second.rest);
    var told: c.sessile_delivery = undefined;
    try check(c.sessile_publish_to(group, &message, &to, &told));
    const place = at(told.has_position, told.position);
    defer sessile.free(place);
    return print("queued {d} full {d} gone {d} at {s}", .{ told.queued, told.full, told.gone, place });
}

fn members(group: [*c]const u8) Error!Answer {
    var all = sessile.members(@ptrCast(group), null);
    defer all.deinit();
    var list: c.sessile_list = .{};
    errdefer c.sessile_list_free(&list);
    while (try all.next()) |member| {
        const tags = command.joinedBy(",", member.tags);
        defer sessile.free(tags);
        const metadata: [*c]const u8 = if (member.metadata == null) none else member.metadata;
        command.add(&list, print("{s};{s}", .{ metadata, tags }));
    }
    return command.joined(list);
}

fn history(rest: [*c]const u8) Error!Answer {
    const first = Line.of(rest);
    const second = Line.of(first.rest);
    const group = text(first.verb);
    defer sessile.free(group);
    const since = read(second.verb);
    var page: c.sessile_history = undefined;
    const after: [*c]const c.sessile_position = if (since) |*position| position else null;
    try check(c.sessile_history_get(group, after, command.number(u32, second.rest), &page));
    defer c.sessile_history_free(&page);
    const place = at(true, page.position);
    var answer = print("at {s} recovered {}", .{ place, page.is_recovered });
    sessile.free(place);
    for (page.publications[0..page.count]) |*kept| {
        const before = answer;
        defer sessile.free(before);
        answer = print("{s}|{s}", .{ before, sessile.bytes(&kept.message) });
    }
    return answer;
}

fn listed(group: [*c]const u8) Error!Answer {
    var all = sessile.connections(.{ .group = group });
    defer all.deinit();
    var list: c.sessile_list = .{};
    errdefer c.sessile_list_free(&list);
    while (try all.next()) |one| command.add(&list, print("{s} {s}", .{ one.handler, command.states[@intCast(one.state)] }));
    return command.joined(list);
}

fn lookup(id: Id) Error!Answer {
    var one: c.sessile_connection = undefined;
    var is_there = false;
    try check(c.sessile_connection_find(id, &one, &is_there));
    defer c.sessile_connection_free(&one);
    if (!is_there) return text(none);
    return print("{s} {s} {s}", .{ one.handler, one.route, command.states[@intCast(one.state)] });
}

fn sendAll(rest: [*c]const u8) Error!Answer {
    const line = Line.of(rest);
    const route = text(line.verb);
    defer sessile.free(route);
    const message = textMessage(line.rest);
    var sent: c.sessile_sent = undefined;
    try check(c.sessile_connections_send(&.{ .route = route }, &message, &sent));
    return print("queued {d} full {d} gone {d}", .{ sent.queued, sent.full, sent.gone });
}

fn ofConnections(rest: [*c]const u8) Error!Answer {
    const line = Line.of(rest);
    if (line.is("count")) {
        var count: u64 = 0;
        try check(c.sessile_connections_count(&.{ .route = line.rest }, &count));
        return print("{d}", .{count});
    }
    if (line.is("list")) return listed(line.rest);
    if (line.is("send-all")) return sendAll(line.rest);
    const further = Line.of(line.rest);
    const id = std.fmt.parseInt(u64, further.verb, 10) catch 0;
    if (line.is("lookup")) return lookup(id);
    if (line.is("send")) {
        const message = textMessage(further.rest);
        var queued: c.sessile_queued = undefined;
        try check(c.sessile_connection_send(id, &message, &queued));
        return text(([_][]const u8{ "queued", "full", "gone" })[@intCast(queued)]);
    }
    if (line.is("ping")) {
        var took: u64 = 0;
        return command.ok(c.sessile_connection_ping(id, &took));
    }
    if (line.is("close")) {
        const close = Line.of(further.rest);
        return command.ok(c.sessile_connection_close(id, std.fmt.parseInt(u16, close.verb, 10) catch 0, close.rest));
    }
    return text(command.unsupported);
}

pub fn answered(of: Id, line: Line) Error!Answer {
    if (line.is("publish-to")) return publishTo(of, line.rest);
    if (line.is("members")) return members(line.rest);
    if (line.is("history")) return history(line.rest);
    if (line.is("connections")) return ofConnections(line.rest);
    if (line.is("members-count")) {
        var count: u64 = 0;
        try check(c.sessile_members_count(line.rest, &count));
        return print("{d}", .{count});
    }
    return text(command.unsupported);
}
