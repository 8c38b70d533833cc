/* Groups and connections. */

#define _GNU_SOURCE
#include "guest.h"

#define NONE "(none)"

static char *at(bool has_position, sessile_position position) {
    return has_position ? answerf("%llu:%llu", (unsigned long long)position.epoch, (unsigned long long)position.offset)
                        : answerf(NONE);
}

/* NULL for `-`. */
static const sessile_position *position(char *word, sessile_position *read) {
    char *offset = strchr(word, ':');
    if (offset == NULL) return NULL;
    *read = (sessile_position){strtoull(word, NULL, 10), strtoull(offset + 1, NULL, 10)};
    return read;
}

sessile_status join_as(sessile_id ws, const char *line, char **answer) {
    enum { TAGS = 16 };
    const char *tags[TAGS];
    char *group = word(&line), *since = word(&line), *all = word(&line), *next = all;
    sessile_position read;
    sessile_joined joined;
    sessile_membership how = {.metadata = strcmp(line, "-") == 0 ? NULL : line, .tags = tags, .since = position(since, &read)};
    if (strcmp(all, "-") != 0)
        while (next != NULL && how.tags_count < TAGS) tags[how.tags_count++] = strsep(&next, ",");
    sessile_status status = sessile_join_as(ws, group, &how, &joined);
    if (status == SESSILE_OK) {
        char *told = at(joined.has_position, joined.position);
        *answer = answerf("at %s recovered %s publications %u", told, joined.is_recovered ? "true" : "false",
                          joined.publications);
        free(told);
    }
    free(group);
    free(since);
    free(all);
    return status;
}

static sessile_status publish_to(sessile_id of, const char *line, char **answer) {
    char *group = word(&line), *scope = word(&line);
    sessile_message message = {SESSILE_TEXT, (char *)line, strlen(line)};
    sessile_scope to = {.tag = strncmp(scope, "tag:", 4) == 0 ? scope + 4 : NULL,
                        .except = strcmp(scope, "not-me") == 0 ? &of : NULL};
    sessile_delivery told;
    sessile_status status = sessile_publish_to(group, &message, &to, &told);
    if (status == SESSILE_OK) {
        char *place = at(told.has_position, told.position);
        *answer = answerf("queued %u full %u gone %u at %s", told.queued, told.full, told.gone, place);
        free(place);
    }
    free(group);
    free(scope);
    return status;
}

static sessile_status members(const char *group, char **answer) {
    sessile_members all = {.group = group};
    sessile_list list = {NULL, 0};
    const sessile_member *member;
    sessile_status status;
    while ((status = sessile_members_next(&all, &member)) == SESSILE_OK && member != NULL) {
        char *told = answerf("%s;", member->metadata == NULL ? NONE : member->metadata);
        for (size_t tag = 0; tag < member->tags.count; tag++) {
            char *before = told;
            told = answerf("%s%s%s", before, tag == 0 ? "" : ",", member->tags.items[tag]);
            free(before);
        }
        add(&list, told);
    }
    *answer = joined(list);
    return status;
}

static sessile_status history(const char *line, char **answer) {
    char *group = word(&line), *since = word(&line);
    sessile_position read;
    sessile_history page;
    sessile_status status = sessile_history_get(group, position(since, &read), (uint32_t)atoi(line), &page);
    if (status == SESSILE_OK) {
        char *place = at(true, page.position);
        *answer = answerf("at %s recovered %s", place, page.is_recovered ? "true" : "false");
        free(place);
    }
    for (size_t number = 0; number < page.count; number++) {
        char *before = *answer;
        *answer = answerf("%s|%s", before, page.publications[number].message.data);
        free(before);
    }
    sessile_history_free(&page);
    free(group);
    free(since);
    return status;
}

static const char *const states[] = {"connecting", "open", "closing", "closed"};

static sessile_status list(const char *group, char **answer) {
    sessile_connections all = {.which = {.group = group}};
    sessile_list told = {NULL, 0};
    const sessile_connection *one;
    sessile_status status;
    while ((status = sessile_connections_next(&all, &one)) == SESSILE_OK && one != NULL)
        add(&told, answerf("%s %s", one->handler, states[one->state]));
    *answer = joined(told);
    return status;
}

static sessile_status lookup(sessile_id id, char **answer) {
    sessile_connection one;
    bool is_there;
    SESSILE_TRY(sessile_connection_find(id, &one, &is_there));
    *answer = is_there ? answerf("%s %s %s", one.handler, one.route, states[one.state]) : answerf(NONE);
    sessile_connection_free(&one);
    return SESSILE_OK;
}

static sessile_status send_all(const char *line, char **answer) {
    char *route = word(&line);
    sessile_selection which = {.route = route};
    sessile_message message = {SESSILE_TEXT, (char *)line, strlen(line)};
    sessile_sent sent = {0};
    sessile_status status = sessile_connections_send(&which, &message, &sent);
    *answer = answerf("queued %u full %u gone %u", sent.queued, sent.full, sent.gone);
    free(route);
    return status;
}

static sessile_status of_one(const char *line, char **answer) {
    char *verb = word(&line), *first = word(&line);
    sessile_id id = strtoull(first, NULL, 10);
    sessile_status status = SESSILE_OK;
    uint64_t took;
    if (strcmp(verb, "lookup") == 0) {
        status = lookup(id, answer);
    } else if (strcmp(verb, "send") == 0) {
        static const char *const names[] = {"queued", "full", "gone"};
        sessile_message message = {SESSILE_TEXT, (char *)line, strlen(line)};
        sessile_queued queued = SESSILE_GONE;
        status = sessile_connection_send(id, &message, &queued);
        *answer = answerf("%s", names[queued]);
    } else if (strcmp(verb, "ping") == 0) {
        status = sessile_connection_ping(id, &took);
        *answer = answerf("ok");
    } else if (strcmp(verb, "close") == 0) {
        char *code = word(&line);
        status = sessile_connection_close(id, (uint16_t)atoi(code), line);
        *answer = answerf("ok");
        free(code);
    } else *answer = answerf(UNSUPPORTED);
    free(verb);
    free(first);
    return status;
}

static sessile_status count(sessile_status status, uint64_t number, char **answer) {
    *answer = answerf("%llu", (unsigned long long)number);
    return status;
}

sessile_status of_realtime(sessile_id of, const char *line, char **answer) {
    const char *rest;
    uint64_t number = 0;
    if ((rest = argument(line, "publish-to"))) return publish_to(of, rest, answer);
    if ((rest = argument(line, "members"))) return members(rest, answer);
    if ((rest = argument(line, "history"))) return history(rest, answer);
    if ((rest = argument(line, "members-count"))) {
        sessile_status status = sessile_members_count(rest, &number);
        return count(status, number, answer);
    }
    if ((rest = argument(line, "connections")) == NULL) {
        *answer = answerf(UNSUPPORTED);
        return SESSILE_OK;
    }
    const char *which = argument(rest, "count"), *group = argument(rest, "list"), *all = argument(rest, "send-all");
    if (group != NULL) return list(group, answer);
    if (all != NULL) return send_all(all, answer);
    if (which == NULL) return of_one(rest, answer);
    sessile_selection selection = {.route = which};
    sessile_status status = sessile_connections_count(&selection, &number);
    return count(status, number, answer);
}
