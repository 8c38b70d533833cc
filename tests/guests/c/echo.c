/* The echo of examples/echo, in C: what the benchmark sets beside it. */

#include "sessile.h"

static sessile_status said(sessile_id ws, const sessile_message *message) {
    return sessile_send(ws, message);
}

static sessile_status echo(sessile_id ws) {
    SESSILE_TRY(sessile_accept(ws));
    for (;;) {
        sessile_message message;
        SESSILE_TRY(sessile_receive(ws, SESSILE_FOREVER, &message));
        sessile_status sent = sessile_send(ws, &message);
        sessile_message_free(&message);
        SESSILE_TRY(sent);
    }
}

SESSILE_EVENTS(.on_message = said)

SESSILE_LOOP(echo)
