/* HTTP, by path. */

#include "guest.h"

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

static sessile_status raw(sessile_id ex) {
    static const char response[] = "HTTP/1.1 202 Accepted\r\nx-guest: 1\r\n\r\nraw";
    return sessile_respond_raw(ex, response, sizeof response - 1, true);
}

static sessile_status raw_split(sessile_id ex) {
    static const char response[] = "HTTP/1.1 202 Accepted\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    char *answer = NULL;
    sessile_status status = sessile_respond_raw(ex, response, sizeof response - 1, false);
    if (settle(&status, &answer) == SESSILE_OK && answer != NULL) status = sessile_respond(ex, 422, "text/plain", answer);
    free(answer);
    return status;
}

static sessile_status cancel(sessile_id ex) {
    SESSILE_TRY(sessile_respond_start(ex, 200, NULL, 0));
    SESSILE_TRY(sessile_respond_chunk(ex, "part", 4));
    return sessile_respond_cancel(ex);
}

static sessile_status events(sessile_id ex) {
    SESSILE_TRY(sessile_events_start(ex));
    SESSILE_TRY(sessile_events_send(ex, NULL, NULL, "one"));
    SESSILE_TRY(sessile_events_send(ex, "tick", "2", "two\nlines"));
    return sessile_respond_finish(ex);
}

static sessile_status form(sessile_id ex) {
    char *body;
    size_t length;
    sessile_list values;
    SESSILE_TRY(sessile_read_all(ex, 65536, &body, &length));
    sessile_form_fields(body, "a", &values);
    char *answer = joined(values);
    sessile_status status = sessile_respond(ex, 200, "text/plain", answer);
    free(answer);
    free(body);
    return status;
}

static sessile_status json(sessile_id ex) {
    char *body, *answer = NULL;
    sessile_status status = sessile_read_json(ex, 65536, &body);
    if (status == SESSILE_OK) status = sessile_respond_json(ex, 200, body);
    free(body);
    if (settle(&status, &answer) == SESSILE_OK && answer != NULL) status = sessile_respond(ex, 400, "text/plain", answer);
    free(answer);
    return status;
}

typedef struct {
    sessile_id ex;
    char *json;
} news;

static sessile_status look(void *with, bool *is_there) {
    news *wanted = with;
    SESSILE_TRY(sessile_session_open(wanted->ex));
    SESSILE_TRY(sessile_session_get(wanted->ex, "news", &wanted->json));
    *is_there = wanted->json != NULL;
    return SESSILE_OK;
}

static sessile_status poll(sessile_id ex) {
    news wanted = {ex, NULL};
    sessile_status status = sessile_poll(20, 20000, look, &wanted);
    if (status == SESSILE_TIMED_OUT) return sessile_respond(ex, 204, NULL, NULL);
    if (status == SESSILE_OK) status = sessile_respond_json(ex, 200, wanted.json);
    free(wanted.json);
    return status;
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

sessile_status answer(sessile_id ex) {
    static const struct {
        const char *what;
        sessile_handler handler;
    } all[] = {{"command", commands}, {"echo", echo}, {"stream", stream}, {"order", order}, {"flood", flood},
               {"limit", limit}, {"raw", raw}, {"raw-split", raw_split}, {"cancel", cancel}, {"events", events},
               {"form", form}, {"json", json}, {"poll", poll}};
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
