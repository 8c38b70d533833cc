/* Commands, and what they are answered by. */

#define _GNU_SOURCE
#include "guest.h"

char *answerf(const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) abort();
    va_end(arguments);
    return text;
}

static char *optional(char *text) { return text != NULL ? text : answerf("(none)"); }

char *joined(sessile_list list) {
    char *all = answerf("%s", list.count > 0 ? list.items[0] : "");
    for (size_t at = 1; at < list.count; at++) {
        char *before = all;
        all = answerf("%s|%s", before, list.items[at]);
        free(before);
    }
    sessile_list_free(&list);
    return all;
}

void add(sessile_list *list, char *item) {
    list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
    if (list->items == NULL) abort();
    list->items[list->count++] = item;
}

static char *truth(bool is_so) { return answerf(is_so ? "true" : "false"); }

static char *decimal(uint64_t number) { return answerf("%llu", (unsigned long long)number); }

const char *argument(const char *line, const char *verb) {
    size_t length = strlen(verb);
    if (strncmp(line, verb, length) != 0) return NULL;
    return line[length] == ' ' ? line + length + 1 : line[length] == 0 ? "" : NULL;
}

char *word(const char **rest) {
    const char *end = strchrnul(*rest, ' ');
    char *first = strndup(*rest, (size_t)(end - *rest));
    *rest = *end == ' ' ? end + 1 : end;
    return first;
}

bool is_query(sessile_id of, const char *wanted) {
    char *query = sessile_query(of);
    bool is_same = query != NULL && strcmp(query, wanted) == 0;
    free(query);
    return is_same;
}

sessile_status settle(sessile_status *status, char **answer) {
    static const char *const cases[] = {
        [SESSILE_TIMED_OUT] = "timed-out",     [SESSILE_WRONG_STATE] = "wrong-state",   [SESSILE_WRONG_KIND] = "wrong-kind",
        [SESSILE_TOO_LARGE] = "too-large",     [SESSILE_INVALID] = "invalid",           [SESSILE_NOT_JSON] = "bad-json",
        [SESSILE_CONFLICT] = "conflict",       [SESSILE_NO_COOKIE] = "cookie-unreachable", [SESSILE_NOT_OPEN] = "not-open",
        [SESSILE_DELETED] = "deleted",         [SESSILE_UNAVAILABLE] = "unavailable",   [SESSILE_UNSUPPORTED] = "unsupported",
        [SESSILE_UNKNOWN] = "unknown",         [SESSILE_NO_HANDLER] = "no-handler",
    };
    if (*status == SESSILE_OK || cases[*status] == NULL) return *status;
    free(*answer);
    if (*status == SESSILE_NOT_JSON)
        *answer = answerf("error bad-json %u:%u", sessile_error_line(), sessile_error_column());
    else if (*status == SESSILE_WRONG_STATE && *sessile_error_call() != 0)
        *answer = answerf("error wrong-state %s %s", sessile_error_call(), sessile_error_state());
    else *answer = answerf("error %s", cases[*status]);
    return *status = SESSILE_OK;
}

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
    if (argument(line, "clear")) return sessile_session_clear(of);
    if ((rest = argument(line, "expiry")))
        return sessile_session_expire(of, strcmp(rest, "none") == 0 ? SESSILE_FOREVER : strtoull(rest, NULL, 10));
    free(*answer);
    *answer = NULL;
    bool is_so = false;
    if ((rest = argument(line, "contains")) || (rest = argument(line, "remove"))) {
        SESSILE_TRY(sessile_session_contains(of, rest, &is_so));
        if (argument(line, "remove")) SESSILE_TRY(sessile_session_remove(of, rest));
        *answer = truth(is_so);
    } else if (argument(line, "is-new")) {
        SESSILE_TRY(sessile_session_is_new(of, &is_so));
        *answer = truth(is_so);
    } else if (argument(line, "keys") || argument(line, "is-empty")) {
        sessile_list keys;
        SESSILE_TRY(sessile_session_keys(of, &keys));
        is_so = keys.count == 0;
        char *all = joined(keys);
        *answer = argument(line, "keys") ? all : truth(is_so);
        if (*answer != all) free(all);
    } else if (argument(line, "version")) {
        uint64_t version = 0;
        SESSILE_TRY(sessile_session_version(of, &version));
        *answer = decimal(version);
    } else if (argument(line, "user")) {
        SESSILE_TRY(sessile_session_get_text(of, "user", answer));
        *answer = optional(*answer);
    } else *answer = answerf(UNSUPPORTED);
    return SESSILE_OK;
}

static sessile_status publish(const char *rest, char **answer) {
    char *group = word(&rest);
    sessile_message message = {SESSILE_TEXT, (char *)rest, strlen(rest)};
    sessile_publication told = {0, 0};
    sessile_status status = sessile_publish_counted(group, &message, &told);
    *answer = answerf("queued %u dropped %u", told.queued, told.dropped);
    free(group);
    return status;
}

sessile_status of_any(sessile_id of, const char *line, char **answer) {
    const char *rest;
    sessile_list list = {NULL, 0};
    if (argument(line, "method")) *answer = sessile_method(of);
    else if (argument(line, "scheme")) *answer = sessile_scheme(of);
    else if (argument(line, "host") || argument(line, "url-hostname")) *answer = sessile_host(of);
    else if (argument(line, "url")) *answer = sessile_url(of);
    else if (argument(line, "url-port")) *answer = sessile_port(of) == 0 ? optional(NULL) : decimal(sessile_port(of));
    else if (argument(line, "is-secure")) *answer = truth(sessile_is_secure(of));
    else if (argument(line, "is-local")) *answer = truth(sessile_is_local(of));
    else if (argument(line, "origin")) *answer = optional(sessile_origin(of));
    else if (argument(line, "http-version")) *answer = sessile_version(of);
    else if (argument(line, "server")) *answer = sessile_local_address(of);
    else if (argument(line, "started")) *answer = decimal(sessile_started_at(of));
    else if ((rest = argument(line, "query-param"))) *answer = optional(sessile_query_param(of, rest));
    else if ((rest = argument(line, "cookie"))) *answer = optional(sessile_cookie(of, rest));
    else if ((rest = argument(line, "publish"))) return publish(rest, answer);
    else if (argument(line, "path")) *answer = sessile_path(of);
    else if (argument(line, "query")) *answer = optional(sessile_query(of));
    else if (argument(line, "client")) *answer = sessile_peer_address(of);
    else if ((rest = argument(line, "param"))) *answer = optional(sessile_param(of, rest));
    else if ((rest = argument(line, "header"))) *answer = optional(sessile_header_of(of, rest));
    else if ((rest = argument(line, "session"))) return of_session(of, rest, answer);
    else if ((rest = argument(line, "alarm"))) return of_alarms(of, rest, answer);
    else if ((rest = argument(line, "fail"))) return sessile_fail("%s", rest);
    else if (argument(line, "crash")) __builtin_trap();
    else if (argument(line, "spin")) for (volatile unsigned turns = 0;;) turns++;
    else if ((rest = argument(line, "sleep"))) {
        sessile_sleep(strtoull(rest, NULL, 10));
        *answer = answerf("ok");
    } else if ((rest = argument(line, "log"))) {
        sessile_log(SESSILE_WARN, "%s", rest);
        *answer = answerf("ok");
    } else {
        if ((rest = argument(line, "headers"))) sessile_headers_of(of, rest, &list);
        else if (argument(line, "header-names")) sessile_header_names(of, &list);
        else if ((rest = argument(line, "query-params"))) sessile_query_params(of, rest, &list);
        else if ((rest = argument(line, "cookies"))) sessile_cookies(of, rest, &list);
        else return of_realtime(of, line, answer);
        *answer = joined(list);
    }
    return SESSILE_OK;
}

static sessile_status try_send(sessile_id ws, int times, char **answer) {
    static char text[60000];
    memset(text, 'x', sizeof text);
    unsigned counts[] = {[SESSILE_QUEUED] = 0, [SESSILE_FULL] = 0, [SESSILE_GONE] = 0};
    for (int number = 0; number < times; number++) {
        sessile_queued queued;
        sessile_message message = {SESSILE_TEXT, text, sizeof text};
        SESSILE_TRY(sessile_try_send(ws, &message, &queued));
        counts[queued]++;
    }
    *answer = answerf("queued %u full %u gone %u", counts[SESSILE_QUEUED], counts[SESSILE_FULL], counts[SESSILE_GONE]);
    return SESSILE_OK;
}

static sessile_status receive(sessile_id ws, const char *line, char **answer) {
    const char *timeout = argument(line, "receive");
    bool is_binary = argument(line, "receive-bytes") || argument(line, "receive-json-binary");
    sessile_kind kind = is_binary ? SESSILE_BINARY : SESSILE_TEXT;
    if (argument(line, "receive-json") || argument(line, "receive-json-binary")) {
        char *json;
        SESSILE_TRY(sessile_receive_json_in(ws, SESSILE_FOREVER, kind, &json));
        sessile_status status = sessile_send_json(ws, json);
        free(json);
        return status;
    }
    sessile_message message;
    SESSILE_TRY(timeout != NULL ? sessile_receive(ws, strtoull(timeout, NULL, 10), &message)
                                : sessile_receive_in(ws, SESSILE_FOREVER, kind, &message));
    *answer = is_binary ? decimal(message.length) : answerf("%s", message.data);
    sessile_message_free(&message);
    return SESSILE_OK;
}

sessile_status of_websocket(sessile_id ws, const char *line, char **answer) {
    const char *rest;
    sessile_status status;
    if ((rest = argument(line, "text"))) return sessile_send_text(ws, rest);
    if ((rest = argument(line, "bytes"))) return sessile_send_bytes(ws, rest, strlen(rest));
    if ((rest = argument(line, "json"))) return sessile_send_json(ws, rest);
    if ((rest = argument(line, "flood"))) {
        for (int number = 0; number < atoi(rest); number++) SESSILE_TRY(sessile_sendf(ws, "%d", number));
        return SESSILE_OK;
    }
    if ((rest = argument(line, "join-as"))) return join_as(ws, rest, answer);
    if ((rest = argument(line, "close"))) {
        char *code = word(&rest);
        status = sessile_close(ws, (uint16_t)atoi(code), rest);
        free(code);
        return status;
    }
    if ((rest = argument(line, "json-binary"))) return sessile_send_json_in(ws, rest, SESSILE_BINARY);
    if (strncmp(line, "receive", 7) == 0) return receive(ws, line, answer);
    if ((rest = argument(line, "try-send"))) return try_send(ws, atoi(rest), answer);
    if (argument(line, "attachment")) {
        size_t length;
        sessile_attachment(ws, answer, &length);
        return SESSILE_OK;
    }
    static const char *const states[] = {"connecting", "open", "closing", "closed"};
    sessile_list offered;
    uint64_t took;
    if (argument(line, "id")) *answer = decimal(ws);
    else if (argument(line, "state")) *answer = answerf("%s", states[sessile_state_of(ws)]);
    else if (argument(line, "subprotocol")) *answer = optional(sessile_subprotocol(ws));
    else if (argument(line, "dropped")) *answer = decimal(sessile_dropped(ws));
    else if (argument(line, "buffered")) *answer = decimal(sessile_buffered(ws));
    else if (argument(line, "round-trip")) *answer = sessile_round_trip(ws, &took) ? decimal(took) : optional(NULL);
    else if (argument(line, "offered")) {
        sessile_offered(ws, &offered);
        *answer = joined(offered);
    }
    if (*answer != NULL) return SESSILE_OK;
    if (argument(line, "accept")) status = sessile_accept(ws);
    else if (argument(line, "ping")) status = sessile_ping(ws, &took);
    else if ((rest = argument(line, "join"))) status = sessile_join(ws, rest);
    else if ((rest = argument(line, "leave"))) status = sessile_leave(ws, rest);
    else if ((rest = argument(line, "attach"))) status = sessile_attach(ws, rest, strlen(rest));
    else return of_any(ws, line, answer);
    *answer = answerf("ok");
    return status;
}
