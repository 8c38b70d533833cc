#include "internal.h"

static char *own(wit_string_t text) { return sessile_own_(text.ptr, text.len); }

char *sessile_method(sessile_id of) {
    wit_string_t text;
    sessile_handler_types_method(of, &text);
    return own(text);
}

char *sessile_path(sessile_id of) {
    wit_string_t text;
    sessile_handler_types_path(of, &text);
    return own(text);
}

char *sessile_query(sessile_id of) {
    wit_string_t text;
    return sessile_handler_types_query(of, &text) ? own(text) : NULL;
}

char *sessile_header_of(sessile_id of, const char *name) {
    wit_string_t wanted = sessile_text_(name);
    wit_list_string_t values;
    sessile_handler_types_header(of, &wanted, &values);
    if (values.len == 0) return NULL;
    char *first = own(values.ptr[0]);
    for (size_t at = 1; at < values.len; at++) wit_string_free(&values.ptr[at]);
    free(values.ptr);
    return first;
}

char *sessile_param(sessile_id of, const char *name) {
    sessile_handler_types_list_field_t params;
    char *found = NULL;
    sessile_handler_types_params(of, &params);
    for (size_t at = 0; at < params.len; at++) {
        wit_string_t *key = &params.ptr[at].f0, *value = &params.ptr[at].f1;
        if (found == NULL && key->len == strlen(name) && memcmp(key->ptr, name, key->len) == 0) {
            found = own(*value);
        } else {
            wit_string_free(value);
        }
        wit_string_free(key);
    }
    if (params.len > 0) free(params.ptr);
    return found;
}

char *sessile_peer_address(sessile_id of) {
    wit_string_t text;
    sessile_handler_types_peer_address(of, &text);
    return own(text);
}
