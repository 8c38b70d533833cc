//! A room, in event style: what one says, all hear, under the name that their browser goes by.
//!
//! Between two calls nothing of this need be in memory, and new code takes over at the next message. So a variable would not
//! last: what must last goes into the session, and the host keeps who is in which group.

const std = @import("std");
const sessile = @import("sessile");
const c = sessile.c;
const check = sessile.check;

const room = "room";

const Room = struct {
    /// Somebody comes. The session is opened before `accept`, so that a new browser gets its cookie with the handshake.
    pub fn onOpen(ws: sessile.Id) sessile.Error!void {
        try check(c.sessile_session_open(ws));
        try check(c.sessile_accept(ws));
        try check(c.sessile_join(ws, room));
        try check(c.sessile_send_text(ws, "welcome; `/name Ada` gives you a name"));
    }

    /// A message came. An error would end this websocket alone, and tell the log why.
    pub fn onMessage(ws: sessile.Id, message: *const c.sessile_message) sessile.Error!void {
        if (message.kind != c.SESSILE_TEXT) return check(c.sessile_close(ws, 1003, "text only"));
        try check(c.sessile_session_open(ws));
        if (std.mem.startsWith(u8, sessile.bytes(message), "/name ")) {
            const chosen = message.data + "/name ".len;
            try check(c.sessile_session_set_text(ws, "name", chosen));
            try check(c.sessile_session_save(ws)); // from here on the name survives even a crash of the host
            return check(c.sessile_sendf(ws, "you are %s", chosen));
        }
        var name: [*c]u8 = null;
        try check(c.sessile_session_get_text(ws, "name", &name));
        defer sessile.free(name);
        const who: [*c]const u8 = if (name == null) "somebody" else name;
        try check(c.sessile_publishf(room, "%s: %s", who, message.data));
    }
};

comptime {
    sessile.events(Room);
}
