/* Tests of what the SDK does by itself, on the machine that builds it, with a host of a few lines; the rest is
 * tests/tests/languages. Functions that need more of a host are not linked. */

#undef NDEBUG
#include <assert.h>
#include <stdio.h>

#include "src/internal.h"

/* ---- the host's side of what is called here ---- */

static struct {
    const char *scheme, *authority, *path, *query, *header, *peer;
    char sent[1024];
    unsigned sleeps;
} host;

void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size);

static void give(const char *text, wit_string_t *to) {
    to->len = strlen(text);
    to->ptr = cabi_realloc(NULL, 0, 1, to->len);
    if (to->len > 0) memcpy(to->ptr, text, to->len);
}

void sessile_handler_types_scheme(uint64_t of, wit_string_t *to) { (void)of, give(host.scheme, to); }
void sessile_handler_types_authority(uint64_t of, wit_string_t *to) { (void)of, give(host.authority, to); }
void sessile_handler_types_path(uint64_t of, wit_string_t *to) { (void)of, give(host.path, to); }
void sessile_handler_types_local_address(uint64_t of, wit_string_t *to) { (void)of, give("[::1]:8080", to); }
void sessile_handler_types_peer_address(uint64_t of, wit_string_t *to) { (void)of, give(host.peer, to); }

bool sessile_handler_types_query(uint64_t of, wit_string_t *to) {
    (void)of;
    if (host.query != NULL) give(host.query, to);
    return host.query != NULL;
}

void sessile_handler_types_header(uint64_t of, wit_string_t *name, wit_list_string_t *to) {
    (void)of, (void)name;
    *to = (wit_list_string_t){NULL, 0};
    if (host.header == NULL) return;
    *to = (wit_list_string_t){malloc(sizeof *to->ptr), 1};
    give(host.header, to->ptr);
}

bool sessile_handler_http_send_chunk(uint64_t ex, wit_list_u8_t *chunk, sessile_handler_http_error_t *error) {
    (void)ex, (void)error;
    assert(chunk->len < sizeof host.sent);
    memcpy(host.sent, chunk->ptr, chunk->len);
    host.sent[chunk->len] = 0;
    return true;
}

void sessile_handler_http_error_free(sessile_handler_http_error_t *error) { (void)error; }

void sessile_handler_time_sleep(uint64_t span) {
    assert(span == 1000000);
    host.sleeps++;
}

/* The group "three" has three members, whom the host tells by two; its history has two texts. Any other fails. */

static wit_string_t given(const char *text) {
    wit_string_t string;
    give(text, &string);
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
    give("", (wit_string_t *)&last.message.val.binary);
    page->publications.ptr[0] = old;
    page->publications.ptr[1] = last;
    return true;
}

void sessile_handler_groups_error_free(sessile_handler_groups_error_t *error) { free(error->val.unavailable.ptr); }

/* ---- tests ---- */

/* That the one, which is freed, is the other. */
static void is(char *told, const char *wanted) {
    if (told == NULL ? wanted != NULL : wanted == NULL || strcmp(told, wanted) != 0) {
        fprintf(stderr, "%s, not %s\n", told == NULL ? "(none)" : told, wanted == NULL ? "(none)" : wanted);
        abort();
    }
    free(told);
}

static void form_is_decoded_and_the_last_of_a_name_wins(void) {
    const char *form = "a=x+y&b=2&a=%C3%A9%26&empty&=nameless&%61b=c%3D=d&bad=%zz%4&zero=a%00b&&";
    sessile_list values;
    is(sessile_form_field(form, "a"), "é&");
    is(sessile_form_field(form, "empty"), "");
    is(sessile_form_field(form, ""), "nameless");
    is(sessile_form_field(form, "ab"), "c==d");
    is(sessile_form_field(form, "bad"), "%zz%4");
    is(sessile_form_field(form, "zero"), "a%00b");
    is(sessile_form_field(form, "none"), NULL);
    is(sessile_form_field("", "a"), NULL);
    sessile_form_fields(form, "a", &values);
    assert(values.count == 2 && strcmp(values.items[0], "x y") == 0 && strcmp(values.items[1], "é&") == 0);
    sessile_list_free(&values);
    sessile_list_free(&values);
}

static void query_that_is_absent_has_no_parameters(void) {
    host.query = NULL;
    is(sessile_query_param(1, "a"), NULL);
    host.query = "a=1&a=2";
    is(sessile_query_param(1, "a"), "2");
}

static void cookies_are_as_they_were_sent(void) {
    host.header = "a=1; b=\"2%20+\";c=3=4; a=5; junk; A=6";
    is(sessile_cookie(1, "a"), "5");
    is(sessile_cookie(1, "b"), "\"2%20+\"");
    is(sessile_cookie(1, "c"), "3=4");
    is(sessile_cookie(1, "junk"), "");
    is(sessile_cookie(1, " b"), NULL);
    host.header = NULL;
    is(sessile_cookie(1, "a"), NULL);
}

static void url_has_its_pieces(void) {
    static const struct {
        const char *authority, *query, *url, *name;
        uint16_t port;
    } all[] = {
        {"x.example:8080", "q=1", "wss://x.example:8080/a%20b?q=1", "x.example", 8080},
        {"x.example", NULL, "wss://x.example/a%20b", "x.example", 0},
        {"x.example:", "", "wss://x.example:/a%20b?", "x.example", 0},
        {"[::1]", NULL, "wss://[::1]/a%20b", "::1", 0},
        {"[::1]:65535", NULL, "wss://[::1]:65535/a%20b", "::1", 65535},
        {"", NULL, "wss://[::1]:8080/a%20b", "::1", 8080},
    };
    host.scheme = "wss";
    host.path = "/a%20b";
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        host.authority = all[at].authority;
        host.query = all[at].query;
        is(sessile_url(1), all[at].url);
        is(sessile_host(1), all[at].name);
        assert(sessile_port(1) == all[at].port);
    }
}

static void peer_and_connection_are_told_by_address_and_scheme(void) {
    static const struct {
        const char *scheme, *peer;
        bool is_secure, is_local;
    } all[] = {{"ws", "127.0.0.9:1", false, true},
               {"wss", "[::1]:1", true, true},
               {"http", "[::12]:1", false, false},
               {"https", "12.7.0.1:1", true, false}};
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        host.scheme = all[at].scheme;
        host.peer = all[at].peer;
        assert(sessile_is_secure(1) == all[at].is_secure && sessile_is_local(1) == all[at].is_local);
    }
}

static void event_has_a_line_for_each_of_its_data(void) {
    assert(sessile_events_send(1, NULL, NULL, "one") == SESSILE_OK);
    assert(strcmp(host.sent, "data: one\n\n") == 0);
    assert(sessile_events_send(1, "tick", "2", "a\nb\r\nc\rd\n") == SESSILE_OK);
    assert(strcmp(host.sent, "event: tick\nid: 2\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n") == 0);
    assert(sessile_events_send(1, NULL, NULL, "\n\n\n") == SESSILE_OK);
    assert(strcmp(host.sent, "data: \ndata: \ndata: \ndata: \n\n") == 0);
}

static char *compact(const char *json) {
    char *text = sessile_concat_(&json, 1);
    if (sessile_compact_(text, strlen(text)) == SESSILE_OK) return text;
    free(text);
    return NULL;
}

static void json_loses_its_blanks_and_nothing_else(void) {
    is(compact(" { \"a b\" : [ 1.50 , \"\\\" \\\\ \\u00e9\" , -0e+10 ] ,\r\n\t\"a b\" : { } , \"\" : [ ] } "),
       "{\"a b\":[1.50,\"\\\" \\\\ \\u00e9\",-0e+10],\"a b\":{},\"\":[]}");
    is(compact("\"é€😀\x7f\""), "\"é€😀\x7f\"");
    is(compact("true"), "true");
    is(compact("\nnull\n"), "null");
    is(compact("123456789012345678901234567890E-9"), "123456789012345678901234567890E-9");
}

static void json_that_is_wrong_names_the_position(void) {
    static const struct {
        const char *json;
        unsigned line, column;
    } all[] = {
        {"", 1, 0}, {"{", 1, 1}, {"[1,\n x]", 2, 2}, {"{} {}", 1, 4}, {"\n\"\xff\"", 2, 2}, {"[1, ?]", 1, 5},
        {"[1\n", 2, 0}, {"\"a\nb\"", 2, 0}, {"\"a\tb\"", 1, 3}, {"[1,]", 1, 4}, {"{\"a\":1,}", 1, 8}, {"{1:2}", 1, 2},
        {"{\"a\" 1}", 1, 6}, {"01", 1, 2}, {"-", 1, 1}, {"1.", 1, 2}, {".5", 1, 1}, {"1e+", 1, 3}, {"+1", 1, 1},
        {"tru", 1, 3}, {"nulL", 1, 4}, {"\"\\x\"", 1, 3}, {"\"\\u12g4\"", 1, 6}, {"\"\\", 1, 2}, {"\"a", 1, 2},
        {"[1 2]", 1, 4}, {"[1}", 1, 3}, {"'a'", 1, 1}, {"\"\xc0\x80\"", 1, 2}, {"\"\xed\xa0\x80\"", 1, 2},
        {"\"\xf4\x90\x80\x80\"", 1, 2}, {"\"\xe2\x82\"", 1, 2}, {"\xef\xbb\xbf" "1", 1, 1},
    };
    for (size_t at = 0; at < sizeof all / sizeof *all; at++) {
        is(compact(all[at].json), NULL);
        if (sessile_error_line() == all[at].line && sessile_error_column() == all[at].column) continue;
        fprintf(stderr, "%s: %s, not %u:%u\n", all[at].json, sessile_error(), all[at].line, all[at].column);
        abort();
    }
    char zero[] = "[\"a\0b\"]", deep[2 * 129 + 1] = {0};
    assert(sessile_compact_(zero, sizeof zero - 1) == SESSILE_NOT_JSON && sessile_error_column() == 4);
    memset(deep, '[', 128), memset(deep + 128, ']', 128);
    is(compact(deep), deep);
    memset(deep, '[', 129), memset(deep + 129, ']', 129);
    is(compact(deep), NULL);
}

typedef struct {
    unsigned looks, there_at, fails_at;
} searched;

static sessile_status look(void *with, bool *is_there) {
    searched *place = with;
    place->looks++;
    *is_there = place->looks == place->there_at;
    return place->looks == place->fails_at ? SESSILE_FAILED : SESSILE_OK;
}

static void poll_ends_with_what_is_there_a_failure_or_the_time(void) {
    searched there = {0, 3, 4}, wrong = {0, 3, 2}, never = {0, 0, 0};
    host.sleeps = 0;
    assert(sessile_poll(1, 60000, look, &there) == SESSILE_OK && there.looks == 3 && host.sleeps == 2);
    assert(sessile_poll(1, 60000, look, &wrong) == SESSILE_FAILED && wrong.looks == 2);
    assert(sessile_poll(1, 0, look, &never) == SESSILE_TIMED_OUT && never.looks == 1);
}

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

int main(void) {
    form_is_decoded_and_the_last_of_a_name_wins();
    query_that_is_absent_has_no_parameters();
    cookies_are_as_they_were_sent();
    url_has_its_pieces();
    peer_and_connection_are_told_by_address_and_scheme();
    event_has_a_line_for_each_of_its_data();
    json_loses_its_blanks_and_nothing_else();
    json_that_is_wrong_names_the_position();
    poll_ends_with_what_is_there_a_failure_or_the_time();
    members_come_by_pages_until_there_is_none();
    members_that_were_left_or_failed_are_at_their_end();
    history_has_its_publications_and_the_newest_position();
    publications_are_told_one_by_one_until_one_fails();
    puts("OK");
}
