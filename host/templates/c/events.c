/* A room, in event style: what one says, all hear, under the name that their browser goes by.
 *
 * Between two calls nothing of this need be in memory, and new code takes over at the next message. So a variable would
 * not last: what must last goes into the session, and the host keeps who is in which group. */

#include <stdlib.h>
#include <string.h>

#include "sessile.h"

static const char ROOM[] = "room";

/* Somebody comes. The session is opened before `accept`, so that a new browser gets its cookie with the handshake. */
static sessile_status came(sessile_id ws) {
    SESSILE_TRY(sessile_session_open(ws));
    SESSILE_TRY(sessile_accept(ws));
    SESSILE_TRY(sessile_join(ws, ROOM));
    return sessile_send_text(ws, "welcome; `/name Ada` gives you a name");
}

/* A message came. Anything but SESSILE_OK would end this websocket alone, and tell the log why. */
static sessile_status said(sessile_id ws, const sessile_message *message) {
    if (message->kind != SESSILE_TEXT) return sessile_close(ws, 1003, "text only");
    SESSILE_TRY(sessile_session_open(ws));
    if (strncmp(message->data, "/name ", 6) == 0) {
        SESSILE_TRY(sessile_session_set_text(ws, "name", message->data + 6));
        SESSILE_TRY(sessile_session_save(ws)); /* from here on the name survives even a crash of the host */
        return sessile_sendf(ws, "you are %s", message->data + 6);
    }
    char *name;
    SESSILE_TRY(sessile_session_get_text(ws, "name", &name));
    sessile_status status = sessile_publishf(ROOM, "%s: %s", name == NULL ? "somebody" : name, message->data);
    free(name); /* what comes through a `char **` is yours */
    return status;
}

SESSILE_EVENTS(.on_open = came, .on_message = said)
