#include <errno.h>

#include "internal.h"

typedef sessile_handler_session_error_t error;

sessile_status sessile_session_open(sessile_id of) {
    error failed;
    return sessile_handler_session_open(of, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_get(sessile_id of, const char *key, char **json) {
    error failed;
    wit_string_t wanted = sessile_text_(key);
    wit_option_list_u8_t value;
    *json = NULL;
    if (!sessile_handler_session_get(of, &wanted, &value, &failed)) return sessile_session_error_(&failed);
    if (value.is_some) *json = sessile_own_(value.val.ptr, value.val.len);
    return SESSILE_OK;
}

sessile_status sessile_session_set(sessile_id of, const char *key, const char *json) {
    error failed;
    wit_string_t name = sessile_text_(key);
    wit_list_u8_t value = sessile_bytes_(json, strlen(json));
    return sessile_handler_session_set(of, &name, &value, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

static sessile_status other_kind(const char *key, const char *wanted) {
    sessile_say_(SESSILE_NOT_JSON, "the session's ");
    sessile_and_(key);
    sessile_and_(" is no ");
    sessile_and_(wanted);
    return SESSILE_NOT_JSON;
}

sessile_status sessile_session_get_text(sessile_id of, const char *key, char **text) {
    char *json;
    *text = NULL;
    SESSILE_TRY(sessile_session_get(of, key, &json));
    if (json == NULL) return SESSILE_OK;
    *text = sessile_unquote_(json);
    free(json);
    return *text != NULL ? SESSILE_OK : other_kind(key, "text");
}

sessile_status sessile_session_set_text(sessile_id of, const char *key, const char *text) {
    char *json = sessile_quote_(text);
    sessile_status status = sessile_session_set(of, key, json);
    free(json);
    return status;
}

sessile_status sessile_session_get_int(sessile_id of, const char *key, int64_t *number) {
    char *json, *end;
    SESSILE_TRY(sessile_session_get(of, key, &json));
    if (json == NULL) return SESSILE_OK;
    errno = 0;
    long long read = strtoll(json, &end, 10);
    bool is_whole = end != json && *end == 0 && errno == 0;
    free(json);
    if (!is_whole) return other_kind(key, "whole number of 64 bits");
    *number = read;
    return SESSILE_OK;
}

sessile_status sessile_session_set_int(sessile_id of, const char *key, int64_t number) {
    char room[SESSILE_DIGITS_];
    return sessile_session_set(of, key, sessile_digits_(number, room));
}

sessile_status sessile_session_remove(sessile_id of, const char *key) {
    error failed;
    bool was_there;
    wit_string_t name = sessile_text_(key);
    return sessile_handler_session_remove(of, &name, &was_there, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_contains(sessile_id of, const char *key, bool *is_there) {
    char *json;
    SESSILE_TRY(sessile_session_get(of, key, &json));
    *is_there = json != NULL;
    free(json);
    return SESSILE_OK;
}

sessile_status sessile_session_keys(sessile_id of, sessile_list *keys) {
    error failed;
    wit_list_string_t all;
    *keys = (sessile_list){NULL, 0};
    if (!sessile_handler_session_keys(of, &all, &failed)) return sessile_session_error_(&failed);
    *keys = sessile_list_(all);
    return SESSILE_OK;
}

sessile_status sessile_session_clear(sessile_id of) {
    error failed;
    return sessile_handler_session_clear(of, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_is_new(sessile_id of, bool *is_new) {
    error failed;
    return sessile_handler_session_is_new(of, is_new, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_expire(sessile_id of, uint64_t seconds) {
    error failed;
    uint64_t span = seconds > UINT64_MAX / 1000000000 ? UINT64_MAX : seconds * 1000000000;
    bool done = sessile_handler_session_set_expiry(of, seconds == SESSILE_FOREVER ? NULL : &span, &failed);
    return done ? SESSILE_OK : sessile_session_error_(&failed);
}

static sessile_status save(sessile_id of, uint64_t *over) {
    error failed;
    uint64_t saved;
    return sessile_handler_session_save(of, over, &saved, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_save(sessile_id of) { return save(of, NULL); }

sessile_status sessile_session_save_over(sessile_id of, uint64_t version) { return save(of, &version); }

sessile_status sessile_session_version(sessile_id of, uint64_t *version) {
    error failed;
    return sessile_handler_session_version(of, version, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_discard(sessile_id of) {
    error failed;
    return sessile_handler_session_discard(of, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_cycle(sessile_id of) {
    error failed;
    return sessile_handler_session_cycle_id(of, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}

sessile_status sessile_session_flush(sessile_id of) {
    error failed;
    return sessile_handler_session_flush(of, &failed) ? SESSILE_OK : sessile_session_error_(&failed);
}
