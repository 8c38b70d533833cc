/* Between what the host calls and what a handler is written as. */

#include "internal.h"

/* `result<_, failure>`, and `result<outcome, failure>`, as the host reads them. The host copies what they point at before
 * it calls again, so that they need no memory of their own. */
typedef struct {
    uint8_t is_failure;
    union {
        uint8_t outcome;
        struct {
            const char *words;
            size_t length;
        } failure;
    } value;
} result;

enum { DONE = 0, HANDOFF = 1 };

/* `message` in a list. */
typedef struct {
    uint8_t kind;
    uint8_t *data;
    size_t length;
} item;

static result answer;

static void *succeed(uint8_t outcome) {
    answer = (result){.is_failure = 0, .value.outcome = outcome};
    return &answer;
}

static void *fail(void) {
    const char *words = sessile_error();
    answer = (result){.is_failure = 1, .value.failure = {words, strlen(words)}};
    return &answer;
}

/* That the peer has left is nobody's failure. */
void *sessile_outcome_(sessile_status status) {
    return status == SESSILE_OK || status == SESSILE_DISCONNECTED ? succeed(DONE) : fail();
}

void *sessile_looped_(sessile_handler handler, sessile_id ws) {
    sessile_status status = handler(ws);
    return status == SESSILE_RETIRE ? succeed(HANDOFF) : sessile_outcome_(status);
}

void *sessile_answered_(sessile_handler handler, sessile_id ex) { return sessile_outcome_(handler(ex)); }

void *sessile_opened_(const sessile_events *events, sessile_id ws) {
    return sessile_outcome_(events->on_open == NULL ? SESSILE_OK : events->on_open(ws));
}

void *sessile_told_(const sessile_events *events, sessile_id ws, void *messages, size_t count) {
    item *items = messages;
    sessile_status status = SESSILE_OK;
    for (size_t at = 0; at < count; at++) {
        /* All are ours to free, those after a failure too. */
        sessile_message message = {(sessile_kind)items[at].kind, sessile_own_(items[at].data, items[at].length),
                                   items[at].length};
        if (status == SESSILE_OK && events->on_message != NULL) status = events->on_message(ws, &message);
        sessile_message_free(&message);
    }
    if (count > 0) free(items);
    return sessile_outcome_(status);
}

/* Takes what was told over, and frees it. */
static sessile_status publish_one(sessile_publications_handler handler, sessile_id ws,
                                  sessile_handler_groups_told_t *wire) {
    char *group = sessile_own_(wire->group.ptr, wire->group.len);
    sessile_told told = {.group = group, .has_position = wire->position.is_some};
    if (told.has_position) told.position = (sessile_position){wire->position.val.epoch, wire->position.val.offset};
    sessile_status status = SESSILE_OK;
    if (wire->content.tag == SESSILE_HANDLER_GROUPS_CONTENT_MESSAGE) {
        sessile_message message = sessile_message_(wire->content.val.message);
        told.message = &message;
        if (handler != NULL) status = handler(ws, &told);
        sessile_message_free(&message);
    } else {
        sessile_handler_groups_presence_t *was = &wire->content.val.presence;
        sessile_member *joined = sessile_members_(was->joined);
        sessile_presence presence = {joined, was->joined.len, was->left.ptr, was->left.len, was->total, was->complete};
        told.presence = &presence;
        if (handler != NULL) status = handler(ws, &told);
        sessile_members_free_(joined, was->joined.len);
        if (was->left.len > 0) free(was->left.ptr);
    }
    free(group);
    return status;
}

void *sessile_published_(sessile_publications_handler handler, sessile_id ws, void *publications, size_t count) {
    sessile_handler_groups_told_t *items = publications;
    sessile_status status = SESSILE_OK;
    /* As above. */
    for (size_t at = 0; at < count; at++) {
        sessile_status told = publish_one(status == SESSILE_OK ? handler : NULL, ws, &items[at]);
        if (status == SESSILE_OK) status = told;
    }
    if (count > 0) free(items);
    return sessile_outcome_(status);
}

void *sessile_closed_(const sessile_events *events, sessile_id ws, uint32_t code, char *reason, size_t length) {
    char *text = sessile_own_((uint8_t *)reason, length);
    sessile_status status = events->on_close == NULL ? SESSILE_OK : events->on_close(ws, (uint16_t)code, text);
    free(text);
    /* The handler knows that the peer has left, so a send there is its mistake. */
    return status == SESSILE_OK ? succeed(DONE) : fail();
}

void *sessile_rang_(sessile_alarm_handler handler, sessile_id id, char *name, size_t name_length, uint64_t due,
                    char *payload, size_t length, uint32_t attempt) {
    sessile_alarm alarm = {sessile_own_((uint8_t *)name, name_length), due / 1000000,
                           sessile_own_((uint8_t *)payload, length), length, attempt};
    sessile_status status = handler(id, &alarm);
    free(alarm.name);
    free(alarm.payload);
    /* An alarm has no peer that could have left. */
    return status == SESSILE_OK ? succeed(DONE) : fail();
}
