/* Raw events. */

#include "guest.h"

static const sessile_header header = {"x-guest", "1"};

static sessile_status answer_raw(sessile_id ws, const sessile_message *message) {
    static const char *const names[] = {"connecting", "connected", "response", "disconnected"};
    char *answer = NULL;
    if (message->kind == SESSILE_TEXT && strcmp(message->data, "states") == 0) {
        sessile_raw_state peer, application;
        sessile_raw_states(ws, &peer, &application);
        answer = answerf("%s %s", names[peer], names[application]);
    } else if (message->kind == SESSILE_TEXT && strcmp(message->data, "accept") == 0) {
        sessile_status status = sessile_raw_accept(ws, NULL, &header, 1);
        SESSILE_TRY(settle(&status, &answer));
    }
    if (answer == NULL) return sessile_raw_send(ws, message);
    sessile_message told = {SESSILE_TEXT, answer, strlen(answer)};
    sessile_status status = sessile_raw_send(ws, &told);
    free(answer);
    return status;
}

sessile_status raw_echo(sessile_id ws) {
    for (;;) {
        sessile_raw_event event;
        sessile_message message;
        sessile_status status = SESSILE_OK;
        SESSILE_TRY(sessile_raw_receive(ws, SESSILE_FOREVER, &event, &message));
        if (event == SESSILE_RAW_DISCONNECT) return left(ws, sessile_close_code(), sessile_close_reason());
        if (event == SESSILE_RAW_CONNECT) status = sessile_raw_accept(ws, NULL, &header, 1);
        if (event == SESSILE_RAW_MESSAGE) status = answer_raw(ws, &message);
        sessile_message_free(&message);
        SESSILE_TRY(status);
    }
}

sessile_status raw_deny(sessile_id ws) {
    sessile_raw_event event;
    sessile_message message;
    SESSILE_TRY(sessile_raw_receive(ws, SESSILE_FOREVER, &event, &message));
    sessile_message_free(&message);
    SESSILE_TRY(sessile_raw_respond_start(ws, 418, &header, 1));
    SESSILE_TRY(sessile_raw_respond_body(ws, "no ", 3, true));
    return sessile_raw_respond_body(ws, "coffee", 6, false);
}
