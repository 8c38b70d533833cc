//! Sessile's SDK for handlers in Zig: the header of C (`c`, whose comments are in `sessile.h`), with Zig's errors, and what
//! makes a handler of a function.
//!
//! Whose memory it is: what you pass is yours; what you get through a pointer to a pointer is yours, and C's `free` ends it
//! (`std.c.free`, or `free` here); what a handler is called with is gone when it returns.

/// `sessile.h`, as `zig translate-c` writes it.
pub const c = @import("sessile_c");

/// One live websocket, or one exchange.
pub const Id = c.sessile_id;

pub const Error = error{
    Failed,
    Disconnected,
    Retire,
    TimedOut,
    WrongState,
    WrongKind,
    TooLarge,
    Invalid,
    NotJson,
    Conflict,
    NoCookie,
    NotOpen,
    Deleted,
    Unavailable,
    Unsupported,
    Unknown,
    NoHandler,
};

/// In the order of `sessile_status`, from 1.
const errors = [_]Error{
    error.Failed,    error.Disconnected, error.Retire,  error.TimedOut,    error.WrongState,
    error.WrongKind, error.TooLarge,     error.Invalid, error.NotJson,     error.Conflict,
    error.NoCookie,  error.NotOpen,      error.Deleted, error.Unavailable, error.Unsupported,
    error.Unknown,   error.NoHandler,
};

/// What a call of `c` returned, as an error: `try sessile.check(c.sessile_accept(ws))`.
pub fn check(status: c.sessile_status) Error!void {
    if (status == c.SESSILE_OK) return;
    return errors[@min(status, errors.len) - 1];
}

/// Says why a handler fails; for it to return.
pub fn fail(words: [*:0]const u8) Error {
    _ = c.sessile_fail("%s", words);
    return error.Failed;
}

/// Frees what came through a pointer to a pointer.
pub fn free(memory: [*c]u8) void {
    @import("std").c.free(memory);
}

/// A message's bytes.
pub fn bytes(message: *const c.sessile_message) []u8 {
    return message.data[0..message.length];
}

/// Looks every so often, by `look(with)` of `Error!?T`, until there is something, for so long at most: what it found, or
/// null. For a long poll.
pub fn poll(every_ms: u64, within_ms: u64, with: anytype, comptime look: anytype) @TypeOf(look(with)) {
    const With = @TypeOf(with);
    const Found = @TypeOf(look(with));
    const Looking = struct {
        with: With,
        found: Found = null,
        fn once(state: ?*anyopaque, is_there: [*c]bool) callconv(.c) c.sessile_status {
            const looking: *@This() = @ptrCast(@alignCast(state));
            looking.found = look(looking.with);
            is_there.* = (looking.found catch |failed| return back(failed)) != null;
            return c.SESSILE_OK;
        }
    };
    var looking: Looking = .{ .with = with };
    // How it went is in what was found.
    _ = c.sessile_poll(every_ms, within_ms, Looking.once, &looking);
    return looking.found;
}

/// Items of the host's, asked for in pages as they are taken: `while (try members.next()) |member| …`. Each is there until
/// the next is asked for. Who stops before the end calls `deinit`, which after it does no harm.
fn Cursor(comptime State: type, comptime Item: type, comptime advance: anytype, comptime release: anytype) type {
    return struct {
        state: State,

        pub fn next(cursor: *@This()) Error!?*const Item {
            var item: [*c]const Item = null;
            try check(advance(&cursor.state, &item));
            return item;
        }

        pub fn deinit(cursor: *@This()) void {
            release(&cursor.state);
        }
    };
}

/// The members of a group by ascending id, those with a tag or all: `var members = sessile.members("room", null);`.
pub fn members(group: [*:0]const u8, tag: ?[*:0]const u8) Members {
    return .{ .state = .{ .group = group, .tag = tag orelse null } };
}

/// Those who are connected by ascending id: `var all = sessile.connections(.{ .route = "/ws" });`.
pub fn connections(which: c.sessile_selection) Connections {
    return .{ .state = .{ .which = which } };
}

/// The alarms of the session of a websocket, exchange or alarm, or of the app, by name: `var all = sessile.alarms(&ws);`.
pub fn alarms(session_of: ?*const Id) Alarms {
    return .{ .state = .{ .session_of = session_of orelse null } };
}

pub const Members = Cursor(c.sessile_members, c.sessile_member, c.sessile_members_next, c.sessile_members_free);
pub const Connections = Cursor(
    c.sessile_connections,
    c.sessile_connection,
    c.sessile_connections_next,
    c.sessile_connections_free,
);
pub const Alarms = Cursor(c.sessile_alarms, c.sessile_alarm, c.sessile_alarms_next, c.sessile_alarms_free);

fn back(result: Error!void) c.sessile_status {
    result catch |failed| inline for (errors, 1..) |known, status| {
        if (failed == known) return status;
    };
    return c.SESSILE_OK;
}

/// Event style, of a struct with any of `onOpen(Id)`, `onMessage(Id, *const c.sessile_message)` and
/// `onClose(Id, u16, [*:0]const u8)`, each of `Error!void`: `comptime { sessile.events(Room); }`.
pub fn events(comptime Handler: type) void {
    const calls = struct {
        fn opened(ws: Id) callconv(.c) c.sessile_status {
            return back(Handler.onOpen(ws));
        }
        fn told(ws: Id, message: [*c]const c.sessile_message) callconv(.c) c.sessile_status {
            return back(Handler.onMessage(ws, message));
        }
        fn closed(ws: Id, code: u16, reason: [*c]const u8) callconv(.c) c.sessile_status {
            return back(Handler.onClose(ws, code, @ptrCast(reason)));
        }
        const all: c.sessile_events = .{
            .on_open = if (@hasDecl(Handler, "onOpen")) opened else null,
            .on_message = if (@hasDecl(Handler, "onMessage")) told else null,
            .on_close = if (@hasDecl(Handler, "onClose")) closed else null,
        };
        fn onOpen(ws: Id) callconv(.c) ?*anyopaque {
            return c.sessile_opened_(&all, ws);
        }
        fn onMessages(ws: Id, messages: ?*anyopaque, count: usize) callconv(.c) ?*anyopaque {
            return c.sessile_told_(&all, ws, messages, count);
        }
        fn onClose(ws: Id, code: u32, reason: [*c]u8, length: usize) callconv(.c) ?*anyopaque {
            return c.sessile_closed_(&all, ws, code, reason, length);
        }
    };
    @export(&calls.onOpen, .{ .name = "sessile:handler/websocket-events@0.1.0#on-open" });
    @export(&calls.onMessages, .{ .name = "sessile:handler/websocket-events@0.1.0#on-messages" });
    @export(&calls.onClose, .{ .name = "sessile:handler/websocket-events@0.1.0#on-close" });
}

/// Beside `events`: of a struct with `onPublication(Id, *const c.sessile_told) Error!void`, called with each publication to a
/// group that the websocket is in, which then does not go to its peer: `comptime { sessile.publications(Room); }`.
pub fn publications(comptime Handler: type) void {
    const calls = struct {
        fn told(ws: Id, publication: [*c]const c.sessile_told) callconv(.c) c.sessile_status {
            return back(Handler.onPublication(ws, publication));
        }
        fn onPublications(ws: Id, all: ?*anyopaque, count: usize) callconv(.c) ?*anyopaque {
            return c.sessile_published_(told, ws, all, count);
        }
    };
    @export(&calls.onPublications, .{ .name = "sessile:handler/publication-handler@0.1.0#on-publications" });
}

/// Beside `events`: of a struct with `onUpgrade(Id, u64) Error!void`, called where this version of the app takes a websocket
/// over from another, the number of which it is given: `comptime { sessile.upgrade(Room); }`.
pub fn upgrade(comptime Handler: type) void {
    const calls = struct {
        fn onUpgrade(ws: Id, from: u64) callconv(.c) ?*anyopaque {
            return c.sessile_outcome_(back(Handler.onUpgrade(ws, from)));
        }
    };
    @export(&calls.onUpgrade, .{ .name = "sessile:handler/websocket-upgrade@0.1.0#on-upgrade" });
}

/// Loop style: `comptime { sessile.loop(echo); }`.
pub fn loop(comptime handler: fn (Id) Error!void) void {
    const calls = struct {
        fn served(ws: Id) callconv(.c) c.sessile_status {
            return back(handler(ws));
        }
        fn handle(ws: Id) callconv(.c) ?*anyopaque {
            return c.sessile_looped_(served, ws);
        }
    };
    @export(&calls.handle, .{ .name = "sessile:handler/websocket-handler@0.1.0#handle" });
}

/// HTTP: `comptime { sessile.http(hello); }`.
pub fn http(comptime handler: fn (Id) Error!void) void {
    const calls = struct {
        fn answered(ex: Id) callconv(.c) c.sessile_status {
            return back(handler(ex));
        }
        fn handle(ex: Id) callconv(.c) ?*anyopaque {
            return c.sessile_answered_(answered, ex);
        }
    };
    @export(&calls.handle, .{ .name = "sessile:handler/http-handler@0.1.0#handle" });
}

/// What an alarm rings that this handler has set, beside any other or alone: `comptime { sessile.alarm(rang); }`. The id is for
/// the alarm's session. After an error it rings again.
pub fn alarm(comptime handler: fn (Id, *const c.sessile_alarm) Error!void) void {
    const calls = struct {
        fn rang(id: Id, which: [*c]const c.sessile_alarm) callconv(.c) c.sessile_status {
            return back(handler(id, which));
        }
        fn onAlarm(
            id: Id,
            name: [*c]u8,
            name_length: usize,
            due: u64,
            payload: [*c]u8,
            length: usize,
            attempt: u32,
        ) callconv(.c) ?*anyopaque {
            return c.sessile_rang_(rang, id, name, name_length, due, payload, length, attempt);
        }
    };
    @export(&calls.onAlarm, .{ .name = "sessile:handler/alarm-handler@0.1.0#on-alarm" });
}
