#include "internal.h"

typedef sessile_handler_groups_error_t error;

static sessile_position position(sessile_handler_groups_position_t wire) {
    return (sessile_position){wire.epoch, wire.offset};
}

static sessile_handler_groups_position_t wire_position(sessile_position mine) {
    return (sessile_handler_groups_position_t){mine.epoch, mine.offset};
}

sessile_status sessile_join(sessile_id ws, const char *group) {
    error failed;
    wit_string_t name = sessile_text_(group);
    return sessile_handler_groups_join(ws, &name, &failed) ? SESSILE_OK : sessile_groups_error_(&failed);
}

sessile_status sessile_join_as(sessile_id ws, const char *group, const sessile_membership *how, sessile_joined *joined) {
    error failed;
    wit_string_t name = sessile_text_(group);
    sessile_handler_groups_joined_t told;
    sessile_handler_groups_membership_t membership = {.metadata = sessile_option_(how->metadata),
                                                      .tags = sessile_texts_(how->tags, how->tags_count)};
    membership.since.is_some = how->since != NULL;
    if (how->since != NULL) membership.since.val = wire_position(*how->since);
    bool done = sessile_handler_groups_join_as(ws, &name, &membership, &told, &failed);
    free(membership.tags.ptr);
    if (!done) return sessile_groups_error_(&failed);
    if (joined == NULL) return SESSILE_OK;
    *joined = (sessile_joined){.has_position = told.position.is_some, .is_recovered = told.recovered,
                               .publications = told.publications};
    if (told.position.is_some) joined->position = position(told.position.val);
    return SESSILE_OK;
}

sessile_status sessile_leave(sessile_id ws, const char *group) {
    error failed;
    wit_string_t name = sessile_text_(group);
    return sessile_handler_groups_leave(ws, &name, &failed) ? SESSILE_OK : sessile_groups_error_(&failed);
}

sessile_status sessile_publish(const char *group, const sessile_message *message) {
    sessile_publication publication;
    return sessile_publish_counted(group, message, &publication);
}

sessile_status sessile_publish_counted(const char *group, const sessile_message *message,
                                       sessile_publication *publication) {
    error failed;
    wit_string_t name = sessile_text_(group);
    sessile_handler_groups_message_t wire = sessile_wire_(message->kind, message->data, message->length);
    sessile_handler_groups_publication_t told;
    if (!sessile_handler_groups_publish(&name, &wire, &told, &failed)) return sessile_groups_error_(&failed);
    *publication = (sessile_publication){told.queued, told.dropped};
    return SESSILE_OK;
}

sessile_status sessile_publish_to(const char *group, const sessile_message *message, const sessile_scope *to,
                                  sessile_delivery *delivery) {
    error failed;
    wit_string_t name = sessile_text_(group);
    sessile_handler_groups_message_t wire = sessile_wire_(message->kind, message->data, message->length);
    sessile_handler_groups_scope_t scope = {.tag = sessile_option_(to->tag)};
    scope.except.is_some = to->except != NULL;
    if (to->except != NULL) scope.except.val = *to->except;
    sessile_handler_groups_delivery_t told;
    if (!sessile_handler_groups_publish_to(&name, &wire, &scope, &told, &failed)) return sessile_groups_error_(&failed);
    if (delivery == NULL) return SESSILE_OK;
    *delivery = (sessile_delivery){.queued = told.queued, .full = told.full, .gone = told.gone,
                                   .has_position = told.position.is_some};
    if (told.position.is_some) delivery->position = position(told.position.val);
    return SESSILE_OK;
}

sessile_status sessile_publish_text(const char *group, const char *text) {
    sessile_message message = {SESSILE_TEXT, (char *)text, strlen(text)};
    return sessile_publish(group, &message);
}

sessile_status sessile_publishf(const char *group, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sessile_format_(format, arguments);
    va_end(arguments);
    sessile_status status = sessile_publish_text(group, text);
    free(text);
    return status;
}

sessile_status sessile_members_count(const char *group, uint64_t *count) {
    error failed;
    wit_string_t name = sessile_text_(group);
    return sessile_handler_groups_count(&name, count, &failed) ? SESSILE_OK : sessile_groups_error_(&failed);
}

sessile_status sessile_history_get(const char *group, const sessile_position *since, uint32_t limit,
                                   sessile_history *history) {
    error failed;
    wit_string_t name = sessile_text_(group);
    sessile_handler_groups_position_t after;
    sessile_handler_groups_history_page_t page;
    *history = (sessile_history){.publications = NULL};
    if (since != NULL) after = wire_position(*since);
    if (!sessile_handler_groups_history(&name, since == NULL ? NULL : &after, limit, &page, &failed))
        return sessile_groups_error_(&failed);
    history->position = position(page.position);
    history->is_recovered = page.recovered;
    history->count = page.publications.len;
    if (history->count == 0) return SESSILE_OK;
    history->publications = calloc(history->count, sizeof *history->publications);
    if (history->publications == NULL) abort();
    for (size_t at = 0; at < history->count; at++) {
        sessile_handler_groups_kept_t *kept = &page.publications.ptr[at];
        history->publications[at] = (sessile_kept){kept->offset, kept->at / 1000000, sessile_message_(kept->message)};
    }
    free(page.publications.ptr);
    return SESSILE_OK;
}

void sessile_history_free(sessile_history *history) {
    for (size_t at = 0; at < history->count; at++) sessile_message_free(&history->publications[at].message);
    free(history->publications);
    *history = (sessile_history){.publications = NULL};
}
