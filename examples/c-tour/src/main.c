/* A visitors' room: all three styles in one component, which share the session of a browser. `sessile.toml` says which of
 * them a route calls. */

#define _GNU_SOURCE /* getentropy */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sessile.h"

enum { NAME_CHARS_MAX = 32, TEXT_CHARS_MAX = 2000, BODY_BYTES_MAX = 64 * 1024, TICKS = 60, SECONDS_MAX = 30 };

static const char ROOM[] = "room";

/* ---- Texts ---------------------------------------------------------------------------------- */

/* Of UTF-8: the bytes that begin one. */
static size_t characters(const char *text) {
    size_t count = 0;
    for (; *text != 0; text++) count += (*text & 0xc0) != 0x80;
    return count;
}

static void trim(char *text) {
    static const char blanks[] = " \t\r\n";
    char *from = text + strspn(text, blanks);
    size_t length = strlen(from);
    while (length > 0 && strchr(blanks, from[length - 1]) != NULL) length--;
    memmove(text, from, length);
    text[length] = 0;
}

/* A text as JSON (RFC 8259 §7), to be freed. */
static char *quoted(const char *text) {
    char *json = malloc(6 * strlen(text) + 3), *to = json;
    if (json == NULL) abort();
    *to++ = '"';
    for (; *text != 0; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < ' ' || byte == '"' || byte == '\\') to += sprintf(to, "\\u%04x", byte);
        else *to++ = (char)byte;
    }
    strcpy(to, "\"");
    return json;
}

/* Whether a text is a whole number from 1 on. */
static bool number_in(const char *text, long highest, long *number) {
    char *end;
    *number = strtol(text, &end, 10);
    return end != text && *end == 0 && *number >= 1 && *number <= highest;
}

/* The visitor's, to be freed. */
static sessile_status name_in(sessile_id of, char **name) {
    SESSILE_TRY(sessile_session_get_text(of, "name", name));
    if (*name == NULL && (*name = strdup("somebody")) == NULL) abort();
    return SESSILE_OK;
}

/* ---- HTTP style: one call for one request ----------------------------------------------------- */

static sessile_status refuse(sessile_id ex, uint16_t status, const char *why) {
    char text[256];
    snprintf(text, sizeof text, "%s\n", why);
    return sessile_respond(ex, status, "text/plain; charset=utf-8", text);
}

/* Counts the visit. Two requests of one browser may run at once: so the count is saved only over the version that was
 * read, and where another was faster, it is read again. */
static sessile_status count_visit(sessile_id ex, int64_t *visits) {
    for (;;) {
        uint64_t version;
        *visits = 0;
        SESSILE_TRY(sessile_session_open(ex));
        SESSILE_TRY(sessile_session_version(ex, &version));
        SESSILE_TRY(sessile_session_get_int(ex, "visits", visits));
        *visits += 1;
        SESSILE_TRY(sessile_session_set_int(ex, "visits", *visits));
        sessile_status saved = sessile_session_save_over(ex, version);
        if (saved != SESSILE_CONFLICT) return saved;
        SESSILE_TRY(sessile_session_discard(ex));
    }
}

static sessile_status visit(sessile_id ex) {
    int64_t visits;
    char *name, json[512];
    SESSILE_TRY(count_visit(ex, &visits));
    SESSILE_TRY(name_in(ex, &name));
    char *name_json = quoted(name);
    snprintf(json, sizeof json, "{\"name\":%s,\"visits\":%" PRId64 "}", name_json, visits);
    free(name_json);
    free(name);
    return sessile_respond_json(ex, 200, json);
}

/* The text that a value of JSON is: the session reads it, and forgets it. */
static sessile_status text_of(sessile_id ex, const char *json, char **text) {
    *text = NULL;
    sessile_status status = sessile_session_set(ex, "name", json);
    if (status == SESSILE_OK) status = sessile_session_get_text(ex, "name", text);
    SESSILE_TRY(sessile_session_discard(ex));
    return status;
}

/* What was sent, to be freed: a form with a `name`, NULL without it, or a string as JSON. */
static sessile_status name_sent(sessile_id ex, char **name) {
    char *kind = sessile_header_of(ex, "content-type"), *body;
    bool is_json = kind != NULL && strncmp(kind, "application/json", 16) == 0;
    size_t length;
    sessile_status status;
    free(kind);
    *name = NULL;
    if (is_json) {
        status = sessile_read_json(ex, BODY_BYTES_MAX, &body);
        if (status == SESSILE_OK) status = text_of(ex, body, name);
    } else {
        status = sessile_read_all(ex, BODY_BYTES_MAX, &body, &length);
        if (status == SESSILE_OK) *name = sessile_form_field(body, "name");
    }
    free(body);
    return status;
}

/* The session is saved with the answer. */
static sessile_status keep(sessile_id ex, const char *name) {
    char json[512], *name_json = quoted(name);
    snprintf(json, sizeof json, "{\"name\":%s}", name_json);
    free(name_json);
    SESSILE_TRY(sessile_session_set_text(ex, "name", name));
    return sessile_respond_json(ex, 200, json);
}

static sessile_status keep_or_refuse(sessile_id ex, char *name) {
    char why[64];
    if (name != NULL) trim(name);
    if (name != NULL && *name != 0 && characters(name) <= NAME_CHARS_MAX) return keep(ex, name);
    snprintf(why, sizeof why, "a name has 1 to %d characters", NAME_CHARS_MAX);
    return refuse(ex, 422, why);
}

static sessile_status rename_visitor(sessile_id ex) {
    char *name;
    SESSILE_TRY(sessile_session_open(ex));
    sessile_status status = name_sent(ex, &name);
    if (status == SESSILE_OK) status = keep_or_refuse(ex, name);
    if (status == SESSILE_NOT_JSON || status == SESSILE_TOO_LARGE) status = refuse(ex, 400, sessile_error());
    free(name);
    return status;
}

/* The time of each second, as seconds since 1970; after the last the browser comes again by itself. */
static sessile_status tick(sessile_id ex) {
    SESSILE_TRY(sessile_events_start(ex));
    for (int count = 0; count < TICKS; count++) {
        char now[24];
        if (count > 0) sessile_sleep(1000);
        snprintf(now, sizeof now, "%lld", (long long)time(NULL));
        SESSILE_TRY(sessile_events_send(ex, NULL, NULL, now));
    }
    return sessile_respond_finish(ex);
}

static sessile_status api(sessile_id ex) {
    static const struct {
        const char *method, *path;
        sessile_handler handler;
    } routes[] = {{"GET", "/api/me", visit}, {"POST", "/api/name", rename_visitor}, {"GET", "/api/clock", tick}};
    char *method = sessile_method(ex), *path = sessile_path(ex);
    sessile_handler handler = NULL;
    for (size_t at = 0; at < sizeof routes / sizeof *routes; at++) {
        bool is_it = strcmp(method, routes[at].method) == 0 && strcmp(path, routes[at].path) == 0;
        if (is_it) handler = routes[at].handler;
    }
    free(method);
    free(path);
    if (handler != NULL) return handler(ex);
    return refuse(ex, 404, "there are GET /api/me, POST /api/name and GET /api/clock");
}

SESSILE_HTTP(api)

/* ---- Event style: called when something happens; in between no instance need be there --------- */

/* To all in the room, this one too. */
static sessile_status tell(sessile_id ws, const char *event, const char *text) {
    char *name;
    SESSILE_TRY(sessile_session_open(ws));
    SESSILE_TRY(name_in(ws, &name));
    char *name_json = quoted(name), *text_json = quoted(text);
    sessile_status status =
        sessile_publishf(ROOM, "{\"event\":\"%s\",\"name\":%s,\"text\":%s}", event, name_json, text_json);
    free(text_json);
    free(name_json);
    free(name);
    return status;
}

static sessile_status came(sessile_id ws) {
    SESSILE_TRY(sessile_session_open(ws)); /* before accept, so that a new browser gets its cookie with the handshake */
    SESSILE_TRY(sessile_accept(ws));
    SESSILE_TRY(sessile_join(ws, ROOM));
    return tell(ws, "came", "");
}

static sessile_status said(sessile_id ws, const sessile_message *message) {
    char why[64];
    if (message->kind != SESSILE_TEXT) return sessile_close(ws, 1003, "text only");
    if (characters(message->data) <= TEXT_CHARS_MAX) return tell(ws, "said", message->data);
    snprintf(why, sizeof why, "a text has at most %d characters", TEXT_CHARS_MAX);
    return sessile_close(ws, 1009, why);
}

static sessile_status left(sessile_id ws, uint16_t code, const char *reason) {
    (void)code, (void)reason;
    return tell(ws, "left", "");
}

SESSILE_EVENTS(.on_open = came, .on_message = said, .on_close = left)

/* ---- Loop style: one call for one websocket, as long as it lives; what it knows is in variables -- */

/* How long a guess may take, in seconds: what the URL asks for, but no longer than half a minute. */
static long patience(sessile_id ws) {
    long seconds;
    char *asked = sessile_query_param(ws, "seconds");
    if (asked == NULL || !number_in(asked, SECONDS_MAX, &seconds)) seconds = SECONDS_MAX;
    free(asked);
    return seconds;
}

static sessile_status greet(sessile_id ws) {
    char *name;
    SESSILE_TRY(name_in(ws, &name));
    sessile_status status = sessile_sendf(ws, "%s, I think of a number from 1 to 100", name);
    free(name);
    return status;
}

static sessile_status guess(sessile_id ws) {
    uint32_t random;
    unsigned guesses = 0;
    SESSILE_TRY(sessile_session_open(ws));
    SESSILE_TRY(sessile_accept(ws));
    if (getentropy(&random, sizeof random) != 0) return sessile_fail("there is no random number");
    long secret = 1 + random % 100, number = 0, seconds = patience(ws);
    SESSILE_TRY(greet(ws));
    for (;;) {
        sessile_message message;
        sessile_status status = sessile_receive(ws, (uint64_t)seconds * 1000, &message);
        if (status == SESSILE_TIMED_OUT) {
            SESSILE_TRY(sessile_sendf(ws, "time is up: it was %ld", secret));
            return sessile_close(ws, 4000, "time is up");
        }
        /* Returned, that the peer has left is a normal end, and newer code begins a new game. */
        SESSILE_TRY(status);
        bool is_guess = message.kind == SESSILE_TEXT && number_in(message.data, 100, &number);
        sessile_message_free(&message);
        guesses += is_guess;
        if (is_guess && number == secret) return sessile_sendf(ws, "yes, in %u guesses", guesses);
        const char *hint = number < secret ? "higher" : "lower";
        SESSILE_TRY(sessile_send_text(ws, is_guess ? hint : "a number from 1 to 100, please"));
    }
}

SESSILE_LOOP(guess)
