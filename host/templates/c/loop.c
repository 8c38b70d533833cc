/* An echo that counts, in loop style: one call for one websocket, as long as it lives.
 *
 * It may keep what it likes in variables: its instance serves nobody else, and blocks nobody while it waits. The price is
 * memory for each open websocket; where thousands are idle, event style costs less. */

#include "sessile.h"

static sessile_status answer(sessile_id ws, unsigned count, const sessile_message *message) {
    if (message->kind == SESSILE_BINARY) return sessile_send(ws, message);
    return sessile_sendf(ws, "%u: %s", count, message->data);
}

static sessile_status echo(sessile_id ws) {
    /* Until now it could look at the request and say `sessile_reject(ws, 403, "why")`. */
    SESSILE_TRY(sessile_accept(ws));
    for (unsigned count = 1;; count++) {
        sessile_message message;
        /* It waits. Once the peer has left, or new code wants to take over, SESSILE_TRY returns: both are a normal end.
         * Any other error would end this websocket alone, with 1011, and tell the log why. */
        SESSILE_TRY(sessile_receive(ws, SESSILE_FOREVER, &message));
        sessile_status status = answer(ws, count, &message);
        sessile_message_free(&message);
        SESSILE_TRY(status);
    }
}

SESSILE_LOOP(echo)
