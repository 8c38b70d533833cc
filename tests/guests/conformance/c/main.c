/* The conformance guest in C. Its contract is ../README.md. */

#include "guest.h"

static sessile_status said(sessile_id ws, const sessile_message *message) {
    char *answer = NULL;
    if (message->kind == SESSILE_BINARY) return sessile_send(ws, message);
    sessile_status status = of_websocket(ws, message->data, &answer);
    if (settle(&status, &answer) == SESSILE_OK && answer != NULL) status = sessile_send_text(ws, answer);
    free(answer);
    return status;
}

/* To the group that the path names. */
static sessile_status tell(sessile_id ws, const char *what, unsigned code, const char *reason) {
    char *room = sessile_param(ws, "room");
    sessile_status status = sessile_publishf(room, "%s %u%s", what, code, reason);
    free(room);
    return status;
}

static sessile_status refuse(sessile_id ws, sessile_status accepted) {
    char *answer = NULL;
    if (settle(&accepted, &answer) == SESSILE_OK && answer != NULL) accepted = sessile_reject(ws, 400, answer);
    free(answer);
    return accepted;
}

static sessile_status came(sessile_id ws) {
    static const sessile_header header = {"x-guest", "1"}, bad = {"bad name", "1"};
    char *answer = NULL;
    sessile_status status;
    if (is_query(ws, "undecided")) return SESSILE_OK;
    if (is_query(ws, "reject")) return sessile_reject_with(ws, 418, &header, 1, "no coffee");
    if (is_query(ws, "close")) return sessile_close(ws, 1000, "");
    if (is_query(ws, "fail")) return sessile_fail("told to fail");
    if (is_query(ws, "subprotocol")) return sessile_accept_with(ws, "b", &header, 1);
    if (is_query(ws, "not-offered")) return refuse(ws, sessile_accept_with(ws, "zzz", &header, 1));
    if (is_query(ws, "invalid-head")) return refuse(ws, sessile_accept_with(ws, NULL, &bad, 1));
    if (is_query(ws, "session")) SESSILE_TRY(sessile_session_open(ws));
    if (is_query(ws, "early")) {
        status = sessile_send_text(ws, "early");
        SESSILE_TRY(settle(&status, &answer));
    }
    status = sessile_accept_with(ws, NULL, &header, 1);
    if (status == SESSILE_OK && answer != NULL) status = sessile_send_text(ws, answer);
    free(answer);
    return status;
}

sessile_status left(sessile_id ws, uint16_t code, const char *reason) {
    char *words = answerf(" %s", reason);
    sessile_status status = tell(ws, "closed", code, words);
    free(words);
    return status;
}

static sessile_status upgraded(sessile_id ws, uint64_t from) {
    (void)from;
    return sessile_attach(ws, "upgraded", 8);
}

static sessile_status serve(sessile_id ws) {
    unsigned count = 0;
    sessile_message message;
    sessile_status status;
    if (is_query(ws, "raw")) return raw_echo(ws);
    if (is_query(ws, "raw-deny")) return raw_deny(ws);
    SESSILE_TRY(came(ws));
    while ((status = sessile_receive(ws, SESSILE_FOREVER, &message)) == SESSILE_OK) {
        count++;
        status = strcmp(message.data, "count") == 0 ? sessile_sendf(ws, "%u", count) : said(ws, &message);
        sessile_message_free(&message);
        if (status != SESSILE_OK) break;
    }
    if (status != SESSILE_DISCONNECTED) return status;
    SESSILE_TRY(left(ws, sessile_close_code(), sessile_close_reason()));
    if (sessile_receive(ws, SESSILE_FOREVER, &message) == SESSILE_DISCONNECTED)
        return tell(ws, "again", sessile_close_code(), "");
    return SESSILE_OK;
}

SESSILE_EVENTS(.on_open = came, .on_message = said, .on_close = left)
SESSILE_UPGRADE(upgraded)
SESSILE_LOOP(serve)
SESSILE_HTTP(answer)
SESSILE_ALARM(rang)
