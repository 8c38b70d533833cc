/* What only the SDK of C has: words of errors, texts and numbers of JSON, memory. All else is tests/guests/conformance. */

#include <stdlib.h>
#include <string.h>

#include "sessile.h"

/* What follows a verb and a blank; NULL where it is another verb. */
static const char *argument(const char *text, const char *verb) {
    size_t length = strlen(verb);
    if (strncmp(text, verb, length) != 0) return NULL;
    return text[length] == ' ' ? text + length + 1 : text[length] == 0 ? "" : NULL;
}

/* Sends what is ours to free, or that there is nothing. */
static sessile_status tell(sessile_id ws, char *text) {
    sessile_status status = sessile_send_text(ws, text == NULL ? "(none)" : text);
    free(text);
    return status;
}

/* Sends how a call went. */
static sessile_status report(sessile_id ws, sessile_status status) {
    return status == SESSILE_OK ? sessile_send_text(ws, "ok") : sessile_sendf(ws, "%d: %s", (int)status, sessile_error());
}

static sessile_status session(sessile_id ws, const char *verb) {
    const char *value;
    SESSILE_TRY(sessile_session_open(ws));
    if ((value = argument(verb, "set"))) {
        SESSILE_TRY(sessile_session_set_text(ws, "k", value));
        return sessile_session_save(ws);
    }
    if ((value = argument(verb, "raw"))) return sessile_session_set(ws, "k", value);
    if (argument(verb, "get")) {
        char *text;
        SESSILE_TRY(sessile_session_get_text(ws, "k", &text));
        return tell(ws, text);
    }
    if (argument(verb, "int")) {
        int64_t number = -1;
        SESSILE_TRY(sessile_session_get_int(ws, "k", &number));
        return sessile_sendf(ws, "%lld", (long long)number);
    }
    if (argument(verb, "remove")) return sessile_session_remove(ws, "k");
    if (argument(verb, "cycle")) return sessile_session_cycle(ws);
    if (argument(verb, "over")) return sessile_session_save_over(ws, 99);
    return sessile_fail("no verb of a session: %s", verb);
}

static sessile_status obey(sessile_id ws, const sessile_message *message) {
    const char *value, *text = message->data;
    if (message->kind == SESSILE_BINARY) return sessile_send(ws, message);
    if ((value = argument(text, "echo"))) return sessile_send_text(ws, value);
    if ((value = argument(text, "json"))) return report(ws, sessile_send_json(ws, value));
    if ((value = argument(text, "fail"))) return sessile_fail("told to: %s", value);
    if ((value = argument(text, "session"))) return report(ws, session(ws, value));
    if ((value = argument(text, "attach"))) return report(ws, sessile_attach(ws, value, strlen(value)));
    if ((value = argument(text, "close"))) return report(ws, sessile_close(ws, (uint16_t)atoi(value), "told to"));
    if (argument(text, "accept")) return report(ws, sessile_accept(ws));
    if (argument(text, "receive")) {
        sessile_message next;
        return report(ws, sessile_receive(ws, 1, &next));
    }
    return sessile_fail("no verb: %s", text);
}

static sessile_status came(sessile_id ws) {
    SESSILE_TRY(sessile_session_open(ws));
    return sessile_accept(ws);
}

static sessile_status serve(sessile_id ws) {
    SESSILE_TRY(sessile_accept(ws));
    for (;;) {
        sessile_message message;
        SESSILE_TRY(sessile_receive(ws, SESSILE_FOREVER, &message));
        sessile_status status = obey(ws, &message);
        sessile_message_free(&message);
        SESSILE_TRY(status);
    }
}

static sessile_status answer(sessile_id ex) {
    char *path = sessile_path(ex), *body = NULL;
    size_t length = 0;
    sessile_status status;
    if (strcmp(path, "/http/twice") == 0) {
        status = sessile_respond(ex, 200, NULL, "once");
        if (status == SESSILE_OK) status = sessile_respond(ex, 200, NULL, "twice");
    } else {
        status = sessile_read_all(ex, 100000, &body, &length);
        if (status == SESSILE_TOO_LARGE) {
            status = sessile_respond(ex, 413, "text/plain", sessile_error());
        } else if (status == SESSILE_OK) {
            status = sessile_respond_with(ex, 200, NULL, 0, body, length);
        }
    }
    free(path);
    free(body);
    return status;
}

SESSILE_EVENTS(.on_open = came, .on_message = obey)
SESSILE_LOOP(serve)
SESSILE_HTTP(answer)
