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

/* test_app.c */
void what_an_app_shares(void);

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
    what_an_app_shares();
    puts("OK");
}
