/* Tests of groups, connections and alarms, as test.c. */

#undef NDEBUG
#include <assert.h>

#include "src/internal.h"

void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size);
void what_an_app_shares(void);

/* The group "three" has three members, whom the host tells by two; its history has two texts. Any other fails. */

static wit_string_t given(const char *text) {
    wit_string_t string = {NULL, strlen(text)};
    string.ptr = cabi_realloc(NULL, 0, 1, string.len);
    if (string.len > 0) memcpy(string.ptr, text, string.len);
    return string;
}

static sessile_handler_groups_list_member_t members_after(uint64_t after) {
    sessile_handler_groups_list_member_t list = {after < 3 ? malloc(2 * sizeof *list.ptr) : NULL, 0};
    for (uint64_t id = after + 1; id <= 3 && list.len < 2; id++) {
        sessile_handler_groups_member_t *one = &list.ptr[list.len++];
        *one = (sessile_handler_groups_member_t){.id = id, .tags = {malloc(2 * sizeof(wit_string_t)), 2}};
        one->tags.ptr[0] = given("a");
        one->tags.ptr[1] = given("");
        one->metadata.is_some = id != 2;
        if (one->metadata.is_some) one->metadata.val = given("{}");
    }
    return list;
}

static bool is_three(const wit_string_t *group, sessile_handler_groups_error_t *error) {
    if (group->len == 5 && memcmp(group->ptr, "three", 5) == 0) return true;
    error->tag = SESSILE_HANDLER_GROUPS_ERROR_UNAVAILABLE;
    error->val.unavailable = given("no engine");
    return false;
}

bool sessile_handler_groups_members(wit_string_t *group, wit_string_t *tag, uint64_t *after, uint32_t limit,
                                    sessile_handler_groups_list_member_t *list, sessile_handler_groups_error_t *error) {
    assert(limit >= 2 && (tag == NULL || tag->len == 1));
    bool is_told = is_three(group, error);
    if (is_told) *list = members_after(after == NULL ? 0 : *after);
    return is_told;
}

bool sessile_handler_groups_history(wit_string_t *group, sessile_handler_groups_position_t *since, uint32_t limit,
                                    sessile_handler_groups_history_page_t *page, sessile_handler_groups_error_t *error) {
    sessile_handler_groups_kept_t old = {6, 1000000, {.tag = 0}}, last = {7, 2999999, {.tag = 1}};
    if (!is_three(group, error)) return false;
    *page = (sessile_handler_groups_history_page_t){.position = {9, 7}, .recovered = since != NULL && since->epoch == 9};
    if (limit == 0) return true;
    page->publications.ptr = malloc(2 * sizeof *page->publications.ptr);
    page->publications.len = 2;
    old.message.val.text = given("old");
    last.message.val.text = given("");
    page->publications.ptr[0] = old;
    page->publications.ptr[1] = last;
    return true;
}

void sessile_handler_groups_error_free(sessile_handler_groups_error_t *error) { free(error->val.unavailable.ptr); }

static bool is_known(bool is_known, sessile_handler_connections_error_t *error) {
    error->tag = SESSILE_HANDLER_CONNECTIONS_ERROR_UNKNOWN;
    return is_known;
}

/* Three are connected, on the route "/ws", told by two. */

static sessile_handler_connections_connection_t connected(uint64_t id) {
    sessile_handler_connections_connection_t one = {.id = id, .state = id == 3 ? 2 : 1, .started_at = 5999999, .activity = id & 1};
    one.handler = given("room");
    one.route = given("/ws");
    one.path = given("/ws");
    one.why = given("");
    one.subprotocol.is_some = id == 2;
    if (id == 2) one.subprotocol.val = given("b");
    return one;
}

bool sessile_handler_connections_list(sessile_handler_connections_selection_t *which, uint64_t *after, uint32_t limit,
                                      sessile_handler_connections_list_connection_t *list,
                                      sessile_handler_connections_error_t *error) {
    uint64_t last = after == NULL ? 0 : *after;
    assert(limit >= 2 && !which->handler.is_some && which->session_of.is_some && which->session_of.val == 3);
    list->ptr = last < 3 ? malloc(2 * sizeof *list->ptr) : NULL;
    for (list->len = 0; ++last <= 3 && list->len < 2;) list->ptr[list->len++] = connected(last);
    return is_known(true, error);
}

bool sessile_handler_connections_lookup(uint64_t id, sessile_handler_connections_option_connection_t *found,
                                        sessile_handler_connections_error_t *error) {
    found->is_some = id <= 3;
    if (found->is_some) found->val = connected(id);
    return is_known(true, error);
}

bool sessile_handler_connections_send_to(uint64_t id, sessile_handler_types_message_t *message,
                                         sessile_handler_connections_queued_t *queued,
                                         sessile_handler_connections_error_t *error) {
    assert(message->tag == 0 && message->val.text.len == 2);
    queued->tag = (uint8_t)(id - 1);
    if (id == 3) queued->val.gone = (sessile_handler_types_close_info_t){1001, given("bye")};
    return is_known(id <= 3, error);
}

void wit_string_free(wit_string_t *text) { free(text->ptr); }

void sessile_handler_connections_error_free(sessile_handler_connections_error_t *error) { (void)error; }

/* The alarms "a", "b" and "c", told by two: of the session of 7; the app has none. */

bool sessile_handler_alarms_list(sessile_handler_alarms_owner_t *of, wit_string_t *after, uint32_t limit,
                                 sessile_handler_alarms_list_alarm_t *list, sessile_handler_alarms_error_t *error) {
    char last = after == NULL ? 'a' - 1 : (char)*after->ptr;
    assert(limit >= 2);
    error->tag = SESSILE_HANDLER_ALARMS_ERROR_NO_SESSION;
    if (of->tag == SESSILE_HANDLER_ALARMS_OWNER_APP) last = 'c';
    else if (of->val.session != 7) return false;
    list->ptr = last < 'c' ? malloc(2 * sizeof *list->ptr) : NULL;
    for (list->len = 0; ++last <= 'c' && list->len < 2;) {
        sessile_handler_alarms_alarm_t *one = &list->ptr[list->len++];
        wit_string_t payload = given(last == 'b' ? "" : "with");
        *one = (sessile_handler_alarms_alarm_t){given((char[]){last, 0}), 3999999, {payload.ptr, payload.len}, 2};
    }
    return true;
}

bool sessile_handler_alarms_set(sessile_handler_alarms_owner_t *of, wit_string_t *name, uint64_t due,
                                wit_list_u8_t *payload, sessile_handler_alarms_error_t *error) {
    assert(of->tag == SESSILE_HANDLER_ALARMS_OWNER_APP && due == 5000000 && payload->len == 4);
    error->tag = SESSILE_HANDLER_ALARMS_ERROR_INVALID_NAME;
    return name->len > 0;
}

void sessile_handler_alarms_error_free(sessile_handler_alarms_error_t *error) { (void)error; }

/* ---- tests ---- */

static void members_come_by_pages_until_there_is_none(void) {
    sessile_members members = {.group = "three", .tag = "a"};
    const sessile_member *member;
    for (uint64_t id = 1; id <= 3; id++) {
        assert(sessile_members_next(&members, &member) == SESSILE_OK && member->id == id);
        assert(id == 2 ? member->metadata == NULL : strcmp(member->metadata, "{}") == 0);
        assert(member->tags.count == 2 && strcmp(member->tags.items[0], "a") == 0 && *member->tags.items[1] == 0);
    }
    for (int again = 0; again < 2; again++) assert(sessile_members_next(&members, &member) == SESSILE_OK && member == NULL);
    assert(members.page_ == NULL);
}

static void members_that_were_left_or_failed_are_at_their_end(void) {
    sessile_members stopped = {.group = "three"}, failed = {.group = ""};
    const sessile_member *member;
    assert(sessile_members_next(&stopped, &member) == SESSILE_OK && member->id == 1);
    sessile_members_free(&stopped);
    sessile_members_free(&stopped);
    assert(sessile_members_next(&stopped, &member) == SESSILE_OK && member == NULL);
    assert(sessile_members_next(&failed, &member) == SESSILE_UNAVAILABLE && member == NULL);
    assert(strcmp(sessile_error(), "the groups are unavailable: no engine") == 0);
    assert(sessile_members_next(&failed, &member) == SESSILE_OK && member == NULL);
}

static void history_has_its_publications_and_the_newest_position(void) {
    sessile_position since = {9, 5};
    sessile_history history;
    assert(sessile_history_get("three", &since, 10, &history) == SESSILE_OK);
    assert(history.count == 2 && history.is_recovered && history.position.epoch == 9 && history.position.offset == 7);
    assert(history.publications[0].offset == 6 && history.publications[0].at == 1);
    assert(strcmp(history.publications[0].message.data, "old") == 0);
    assert(history.publications[1].message.kind == SESSILE_BINARY && history.publications[1].message.length == 0);
    sessile_history_free(&history);
    sessile_history_free(&history);
    assert(sessile_history_get("three", NULL, 0, &history) == SESSILE_OK && history.count == 0 && !history.is_recovered);
    assert(sessile_history_get("", NULL, 0, &history) == SESSILE_UNAVAILABLE && history.publications == NULL);
}

static unsigned told;

static sessile_status hear(sessile_id ws, const sessile_told *one) {
    assert(ws == 4 && strcmp(one->group, "three") == 0);
    if (told++ == 0) {
        assert(one->has_position && one->position.epoch == 9 && one->position.offset == 8 && one->presence == NULL);
        assert(strcmp(one->message->data, "text") == 0);
        return SESSILE_OK;
    }
    assert(!one->has_position && one->message == NULL && one->presence->joined_count == 2);
    assert(strcmp(one->presence->joined[0].metadata, "{}") == 0 && one->presence->joined[1].metadata == NULL);
    assert(one->presence->left_count == 0 && one->presence->total == 3 && one->presence->is_complete);
    return sessile_fail("enough");
}

static void publications_are_told_one_by_one_until_one_fails(void) {
    sessile_handler_groups_told_t *all = calloc(3, sizeof *all);
    for (int at = 0; at < 3; at++) {
        all[at].group = given("three");
        all[at].content.tag = at == 1 ? SESSILE_HANDLER_GROUPS_CONTENT_PRESENCE : SESSILE_HANDLER_GROUPS_CONTENT_MESSAGE;
        if (at != 1) all[at].content.val.message.val.text = given("text");
    }
    all[0].position = (sessile_handler_groups_option_position_t){true, {9, 8}};
    all[1].content.val.presence = (sessile_handler_groups_presence_t){.joined = members_after(0), .total = 3, .complete = true};
    const uint8_t *is_failure = sessile_published_(hear, 4, all, 3);
    assert(told == 2 && *is_failure && strcmp(sessile_error(), "enough") == 0);
}

static void connections_come_by_pages_until_there_is_none(void) {
    static const sessile_id mine = 3;
    sessile_connections all = {.which = {.route = "/ws", .session_of = &mine}};
    const sessile_connection *one;
    for (uint64_t id = 1; id <= 3; id++) {
        assert(sessile_connections_next(&all, &one) == SESSILE_OK && one->id == id && one->started_at == 5);
        assert(strcmp(one->handler, "room") == 0 && strcmp(one->path, "/ws") == 0 && *one->why == 0);
        assert(one->state == (id == 3 ? SESSILE_CLOSING : SESSILE_OPEN) && one->is_awake == (id == 2));
        assert(id == 2 ? strcmp(one->subprotocol, "b") == 0 : one->subprotocol == NULL);
    }
    assert(sessile_connections_next(&all, &one) == SESSILE_OK && one == NULL);
    assert(sessile_connections_next(&all, &one) == SESSILE_OK && one == NULL && all.page_ == NULL);
}

static void connection_is_found_and_sent_to(void) {
    static const sessile_queued wanted[] = {SESSILE_QUEUED, SESSILE_FULL, SESSILE_GONE};
    sessile_connection found;
    bool is_there;
    assert(sessile_connection_find(2, &found, &is_there) == SESSILE_OK && is_there && strcmp(found.route, "/ws") == 0);
    sessile_connection_free(&found);
    sessile_connection_free(&found);
    assert(sessile_connection_find(4, &found, &is_there) == SESSILE_OK && !is_there && found.route == NULL);
    sessile_message message = {SESSILE_TEXT, (char[]){"hi"}, 2};
    sessile_queued queued;
    for (sessile_id id = 1; id <= 3; id++)
        assert(sessile_connection_send(id, &message, &queued) == SESSILE_OK && queued == wanted[id - 1]);
    assert(sessile_connection_send(4, &message, &queued) == SESSILE_UNKNOWN);
}

static void errors_of_connections_have_their_status_and_words(void) {
    static const struct {
        uint8_t tag;
        sessile_status status;
        const char *words;
    } all[] = {
        {SESSILE_HANDLER_CONNECTIONS_ERROR_UNKNOWN, SESSILE_UNKNOWN, "nobody who is connected has this id"},
        {SESSILE_HANDLER_CONNECTIONS_ERROR_TOO_LARGE, SESSILE_TOO_LARGE, "size of 5 exceeds the limit of 3"},
        {SESSILE_HANDLER_CONNECTIONS_ERROR_INVALID_CODE, SESSILE_INVALID, "a close code that may not be sent: 5"},
        {SESSILE_HANDLER_CONNECTIONS_ERROR_REASON_TOO_LONG, SESSILE_INVALID, "close reason of 5 exceeds the limit of 3"},
        {SESSILE_HANDLER_CONNECTIONS_ERROR_INVALID_NAME, SESSILE_INVALID, "the name of a group has 1 to 100 bytes"},
        {SESSILE_HANDLER_CONNECTIONS_ERROR_SESSION_NOT_OPEN, SESSILE_NOT_OPEN, NULL},
        {SESSILE_HANDLER_CONNECTIONS_ERROR_UNSUPPORTED, SESSILE_UNSUPPORTED, "this host does not do that"},
    };
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        sessile_handler_connections_error_t error = {.tag = all[at].tag, .val.too_large = {5, 3}};
        assert(sessile_connections_error_(&error) == all[at].status);
        assert(all[at].words == NULL || strcmp(sessile_error(), all[at].words) == 0);
    }
    sessile_handler_connections_error_t closing = {.tag = SESSILE_HANDLER_CONNECTIONS_ERROR_WRONG_STATE,
                                                   .val.wrong_state = {sessile_text_("close"), 2}};
    assert(sessile_connections_error_(&closing) == SESSILE_WRONG_STATE);
    assert(strcmp(sessile_error_call(), "close") == 0 && strcmp(sessile_error_state(), "closing") == 0);
    sessile_handler_connections_error_t ended = {.tag = SESSILE_HANDLER_CONNECTIONS_ERROR_DISCONNECTED,
                                                 .val.disconnected = {1001, sessile_text_("bye")}};
    assert(sessile_connections_error_(&ended) == SESSILE_DISCONNECTED && sessile_close_code() == 1001);
    sessile_handler_connections_error_t down = {.tag = SESSILE_HANDLER_CONNECTIONS_ERROR_UNAVAILABLE,
                                                .val.unavailable = sessile_text_("no engine")};
    assert(sessile_connections_error_(&down) == SESSILE_UNAVAILABLE && strstr(sessile_error(), ": no engine") != NULL);
}

static void alarms_come_by_pages_until_there_is_none(void) {
    static const sessile_id mine = 7, other = 8;
    sessile_alarms all = {.session_of = &mine}, apps = {.session_of = NULL}, failed = {.session_of = &other};
    const sessile_alarm *alarm;
    for (char name = 'a'; name <= 'c'; name++) {
        assert(sessile_alarms_next(&all, &alarm) == SESSILE_OK && *alarm->name == name && alarm->due == 3);
        assert(strcmp(alarm->payload, name == 'b' ? "" : "with") == 0 && alarm->length == strlen(alarm->payload));
        assert(alarm->attempt == 2);
    }
    assert(sessile_alarms_next(&all, &alarm) == SESSILE_OK && alarm == NULL && all.page_ == NULL);
    assert(sessile_alarms_next(&apps, &alarm) == SESSILE_OK && alarm == NULL);
    assert(sessile_alarms_next(&failed, &alarm) == SESSILE_NOT_OPEN && alarm == NULL);
    assert(sessile_alarm_set(NULL, "a", 5, "with", 4) == SESSILE_OK);
    assert(sessile_alarm_set(NULL, "", 5, "with", 4) == SESSILE_INVALID);
}

static sessile_status ring(sessile_id id, const sessile_alarm *alarm) {
    assert(id == 7 && strcmp(alarm->name, "a") == 0 && alarm->due == 3);
    if (alarm->attempt == 3) return SESSILE_OK;
    assert(alarm->length == 0 && *alarm->payload == 0);
    return alarm->attempt == 1 ? sessile_fail("not yet") : SESSILE_DISCONNECTED;
}

static void alarm_rings_again_unless_its_handler_succeeds(void) {
    for (uint32_t attempt = 1; attempt <= 3; attempt++) {
        wit_string_t name = given("a"), payload = given(attempt == 3 ? "with" : "");
        const uint8_t *is_failure =
            sessile_rang_(ring, 7, (char *)name.ptr, name.len, 3999999, (char *)payload.ptr, payload.len, attempt);
        assert(*is_failure == (attempt < 3));
    }
}

static void errors_of_alarms_have_their_status(void) {
    static const sessile_status all[] = {SESSILE_INVALID, SESSILE_TOO_LARGE, SESSILE_TOO_LARGE, SESSILE_NO_HANDLER,
                                         SESSILE_NOT_OPEN};
    for (uint8_t tag = 0; tag < sizeof all / sizeof *all; tag++) {
        sessile_handler_alarms_error_t error = {.tag = tag, .val.too_large = {5, 3}};
        assert(sessile_alarms_error_(&error) == all[tag]);
    }
    sessile_handler_alarms_error_t down = {.tag = SESSILE_HANDLER_ALARMS_ERROR_UNAVAILABLE,
                                           .val.unavailable = sessile_text_("locked")};
    assert(sessile_alarms_error_(&down) == SESSILE_UNAVAILABLE && strstr(sessile_error(), ": locked") != NULL);
    sessile_handler_alarms_error_t reserved = {.tag = SESSILE_HANDLER_ALARMS_ERROR_UNSUPPORTED};
    assert(sessile_alarms_error_(&reserved) == SESSILE_UNSUPPORTED);
}

void what_an_app_shares(void) {
    members_come_by_pages_until_there_is_none();
    members_that_were_left_or_failed_are_at_their_end();
    history_has_its_publications_and_the_newest_position();
    publications_are_told_one_by_one_until_one_fails();
    connections_come_by_pages_until_there_is_none();
    connection_is_found_and_sent_to();
    errors_of_connections_have_their_status_and_words();
    alarms_come_by_pages_until_there_is_none();
    alarm_rings_again_unless_its_handler_succeeds();
    errors_of_alarms_have_their_status();
}
