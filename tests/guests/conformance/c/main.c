/* The conformance guest in C. Its contract is ../README.md. */

#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessile.h"

#define UNSUPPORTED "unsupported"

/* What a command is answered by is the caller's to free; NULL where there is no answer, or it was sent. */
static char *answerf(const char *format, ...) SESSILE_FORMAT(1, 2);

static char *answerf(const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) abort();
    va_end(arguments);
    return text;
}

static char *optional(char *text) { return text != NULL ? text : answerf("(none)"); }

/* What follows a verb and a blank; NULL where it is another verb. */
static const char *argument(const char *line, const char *verb) {
    size_t length = strlen(verb);
    if (strncmp(line, verb, length) != 0) return NULL;
    return line[length] == ' ' ? line + length + 1 : line[length] == 0 ? "" : NULL;
}

/* The word up to the next blank, which is the caller's, and what follows it. */
static char *word(const char **rest) {
    const char *end = strchrnul(*rest, ' ');
    char *first = strndup(*rest, (size_t)(end - *rest));
    *rest = *end == ' ' ? end + 1 : end;
    return first;
}

static bool is_query(sessile_id of, const char *wanted) {
    char *query = sessile_query(of);
    bool is_same = query != NULL && strcmp(query, wanted) == 0;
    free(query);
    return is_same;
}

/* The answer that a status is; where it is the handler's end, the status itself is left. */
static sessile_status settle(sessile_status *status, char **answer) {
    static const char *const cases[] = {
        [SESSILE_TIMED_OUT] = "timed-out",     [SESSILE_WRONG_STATE] = "wrong-state",   [SESSILE_WRONG_KIND] = "wrong-kind",
        [SESSILE_TOO_LARGE] = "too-large",     [SESSILE_INVALID] = "invalid",           [SESSILE_NOT_JSON] = "bad-json",
        [SESSILE_CONFLICT] = "conflict",       [SESSILE_NO_COOKIE] = "cookie-unreachable", [SESSILE_NOT_OPEN] = "not-open",
        [SESSILE_DELETED] = "deleted",         [SESSILE_UNAVAILABLE] = "unavailable",   [SESSILE_UNSUPPORTED] = "unsupported",
    };
    if (*status == SESSILE_OK || cases[*status] == NULL) return *status;
    free(*answer);
    *answer = answerf("error %s", cases[*status]);
    return *status = SESSILE_OK;
}

/* ---- commands -------------------------------------------------------------------------------------------------- */

static sessile_status of_session(sessile_id of, const char *line, char **answer) {
    const char *rest;
    sessile_status status;
    SESSILE_TRY(sessile_session_open(of));
    *answer = answerf("ok");
    if (argument(line, "open")) return SESSILE_OK;
    if ((rest = argument(line, "get"))) {
        free(*answer);
        status = sessile_session_get(of, rest, answer);
        *answer = optional(*answer);
        return status;
    }
    if ((rest = argument(line, "set"))) {
        char *key = word(&rest);
        status = sessile_session_set(of, key, rest);
        free(key);
        return status;
    }
    if (argument(line, "discard")) return sessile_session_discard(of);
    if (argument(line, "save")) return sessile_session_save(of);
    if ((rest = argument(line, "save-if"))) return sessile_session_save_over(of, strtoull(rest, NULL, 10));
    if (argument(line, "cycle")) return sessile_session_cycle(of);
    if (argument(line, "flush")) return sessile_session_flush(of);
    free(*answer);
    if (argument(line, "version")) {
        uint64_t version = 0;
        status = sessile_session_version(of, &version);
        *answer = answerf("%llu", (unsigned long long)version);
        return status;
    }
    *answer = answerf(UNSUPPORTED);
    return SESSILE_OK;
}

/* Of websockets and of HTTP. */
static sessile_status of_any(sessile_id of, const char *line, char **answer) {
    const char *rest;
    if (argument(line, "method")) *answer = sessile_method(of);
    else if (argument(line, "path")) *answer = sessile_path(of);
    else if (argument(line, "query")) *answer = optional(sessile_query(of));
    else if (argument(line, "client")) *answer = sessile_peer_address(of);
    else if ((rest = argument(line, "param"))) *answer = optional(sessile_param(of, rest));
    else if ((rest = argument(line, "header"))) *answer = optional(sessile_header_of(of, rest));
    else if ((rest = argument(line, "session"))) return of_session(of, rest, answer);
    else if ((rest = argument(line, "fail"))) return sessile_fail("%s", rest);
    else if (argument(line, "crash")) __builtin_trap();
    else if (argument(line, "spin")) for (volatile unsigned turns = 0;;) turns++;
    else if ((rest = argument(line, "sleep"))) {
        sessile_sleep(strtoull(rest, NULL, 10));
        *answer = answerf("ok");
    } else if ((rest = argument(line, "log"))) {
        sessile_log(SESSILE_WARN, "%s", rest);
        *answer = answerf("ok");
    } else *answer = answerf(UNSUPPORTED);
    return SESSILE_OK;
}

static sessile_status of_websocket(sessile_id ws, const char *line, char **answer) {
    const char *rest;
    sessile_message message;
    sessile_status status;
    if ((rest = argument(line, "text"))) return sessile_send_text(ws, rest);
    if ((rest = argument(line, "bytes"))) return sessile_send_bytes(ws, rest, strlen(rest));
    if ((rest = argument(line, "json"))) return sessile_send_json(ws, rest);
    if ((rest = argument(line, "flood"))) {
        for (int number = 0; number < atoi(rest); number++) SESSILE_TRY(sessile_sendf(ws, "%d", number));
        return SESSILE_OK;
    }
    if ((rest = argument(line, "close"))) {
        char *code = word(&rest);
        status = sessile_close(ws, (uint16_t)atoi(code), rest);
        free(code);
        return status;
    }
    if ((rest = argument(line, "receive"))) {
        SESSILE_TRY(sessile_receive(ws, strtoull(rest, NULL, 10), &message));
        *answer = message.data;
        return SESSILE_OK;
    }
    if (argument(line, "receive-json")) {
        char *json;
        SESSILE_TRY(sessile_receive_json(ws, SESSILE_FOREVER, &json));
        status = sessile_send_json(ws, json);
        free(json);
        return status;
    }
    if (argument(line, "attachment")) {
        size_t length;
        sessile_attachment(ws, answer, &length);
        return SESSILE_OK;
    }
    if (argument(line, "id")) {
        *answer = answerf("%llu", (unsigned long long)ws);
        return SESSILE_OK;
    }
    uint64_t took;
    if (argument(line, "accept")) status = sessile_accept(ws);
    else if (argument(line, "ping")) status = sessile_ping(ws, &took);
    else if ((rest = argument(line, "join"))) status = sessile_join(ws, rest);
    else if ((rest = argument(line, "leave"))) status = sessile_leave(ws, rest);
    else if ((rest = argument(line, "attach"))) status = sessile_attach(ws, rest, strlen(rest));
    else return of_any(ws, line, answer);
    *answer = answerf("ok");
    return status;
}

/* ---- websockets ------------------------------------------------------------------------------------------------ */

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
    if (is_query(ws, "reject") || is_query(ws, "raw") || is_query(ws, "raw-deny")) answer = answerf(UNSUPPORTED);
    status = sessile_accept_with(ws, NULL, &header, 1);
    if (status == SESSILE_OK && answer != NULL) status = sessile_send_text(ws, answer);
    free(answer);
    return status;
}

static sessile_status left(sessile_id ws, uint16_t code, const char *reason) {
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

/* ---- HTTP ------------------------------------------------------------------------------------------------------ */

static sessile_status commands(sessile_id ex) {
    char *body, *query = sessile_query(ex), *all = answerf("%s", ""), *next;
    size_t length;
    sessile_status status = sessile_read_all(ex, 65536, &body, &length);
    for (char *line = body; status == SESSILE_OK && line != NULL && *line != 0; line = next) {
        char *answer = NULL, *before = all;
        next = strchr(line, '\n');
        if (next != NULL) *next++ = 0;
        status = of_any(ex, line, &answer);
        if (settle(&status, &answer) == SESSILE_OK) {
            all = answerf("%s%s%s", before, line == body ? "" : "\n", answer);
            free(before);
        }
        free(answer);
    }
    if (status == SESSILE_OK) status = sessile_respond(ex, query == NULL ? 200 : (uint16_t)atoi(query), "text/plain", all);
    free(body);
    free(query);
    free(all);
    return status;
}

static sessile_status echo(sessile_id ex) {
    char *part;
    size_t length;
    SESSILE_TRY(sessile_respond_start(ex, 200, NULL, 0));
    for (;;) {
        SESSILE_TRY(sessile_read(ex, &part, &length));
        if (part == NULL) return sessile_respond_finish(ex);
        sessile_status status = sessile_respond_chunk(ex, part, length);
        free(part);
        SESSILE_TRY(status);
    }
}

static sessile_status stream(sessile_id ex) {
    static const sessile_header header = {"x-guest", "1"};
    SESSILE_TRY(sessile_respond_start(ex, 201, &header, 1));
    SESSILE_TRY(sessile_respond_chunk(ex, "one ", 4));
    SESSILE_TRY(sessile_respond_chunk(ex, "two ", 4));
    SESSILE_TRY(sessile_respond_chunk(ex, "three", 5));
    return sessile_respond_finish(ex);
}

static sessile_status order(sessile_id ex) {
    char *answer = NULL;
    SESSILE_TRY(sessile_respond_start(ex, 200, NULL, 0));
    sessile_status status = sessile_respond_start(ex, 200, NULL, 0);
    SESSILE_TRY(settle(&status, &answer));
    status = sessile_respond_chunk(ex, answer, answer == NULL ? 0 : strlen(answer));
    free(answer);
    SESSILE_TRY(status);
    return sessile_respond_finish(ex);
}

static sessile_status flood(sessile_id ex) {
    static char chunk[60000];
    memset(chunk, 'x', sizeof chunk);
    SESSILE_TRY(sessile_respond_start(ex, 200, NULL, 0));
    for (int number = 0; number < 200; number++) SESSILE_TRY(sessile_respond_chunk(ex, chunk, sizeof chunk));
    return sessile_respond_finish(ex);
}

static sessile_status limit(sessile_id ex) {
    char *body, *answer = NULL;
    size_t length;
    sessile_status status = sessile_read_all(ex, 1000, &body, &length);
    uint16_t code = status == SESSILE_OK ? 200 : 413;
    if (status == SESSILE_OK) answer = answerf("%zu", length);
    free(body);
    if (settle(&status, &answer) == SESSILE_OK) status = sessile_respond(ex, code, "text/plain", answer);
    free(answer);
    return status;
}

static sessile_status answer(sessile_id ex) {
    static const struct {
        const char *what;
        sessile_handler handler;
    } all[] = {{"command", commands}, {"echo", echo},   {"stream", stream},
               {"order", order},      {"flood", flood}, {"limit", limit}};
    char *what = sessile_param(ex, "what");
    sessile_status status = SESSILE_OK;
    bool is_answered = true;
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        if (strcmp(what, all[at].what) != 0) continue;
        free(what);
        return all[at].handler(ex);
    }
    if (strcmp(what, "no-body") == 0) status = sessile_respond(ex, 204, NULL, NULL);
    else if (strcmp(what, "fail") == 0) status = sessile_fail("told to fail");
    else if (strcmp(what, "unfinished") == 0) {
        status = sessile_respond_start(ex, 200, NULL, 0);
        if (status == SESSILE_OK) status = sessile_respond_chunk(ex, "part", 4);
    } else is_answered = strcmp(what, "nothing") == 0;
    free(what);
    return is_answered ? status : sessile_respond(ex, 501, "text/plain", UNSUPPORTED);
}

SESSILE_EVENTS(.on_open = came, .on_message = said, .on_close = left)
SESSILE_UPGRADE(upgraded)
SESSILE_LOOP(serve)
SESSILE_HTTP(answer)
