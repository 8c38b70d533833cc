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

char *sessile_scheme(sessile_id of) {
    wit_string_t text;
    sessile_handler_types_scheme(of, &text);
    return own(text);
}

char *sessile_version(sessile_id of) {
    wit_string_t text;
    sessile_handler_types_version(of, &text);
    return own(text);
}

/* Takes one item out of a list, which is freed; NULL where there is none. */
static char *take(sessile_list *list, bool is_last) {
    if (list->count == 0) return NULL;
    char **place = &list->items[is_last ? list->count - 1 : 0], *taken = *place;
    *place = NULL;
    sessile_list_free(list);
    return taken;
}

char *sessile_header_of(sessile_id of, const char *name) {
    sessile_list values;
    sessile_headers_of(of, name, &values);
    return take(&values, false);
}

void sessile_headers_of(sessile_id of, const char *name, sessile_list *values) {
    wit_string_t wanted = sessile_text_(name);
    wit_list_string_t all;
    sessile_handler_types_header(of, &wanted, &all);
    *values = sessile_list_(all);
}

void sessile_header_names(sessile_id of, sessile_list *names) {
    sessile_handler_types_list_field_t headers;
    *names = (sessile_list){NULL, 0};
    sessile_handler_types_headers(of, &headers);
    for (size_t at = 0; at < headers.len; at++) {
        sessile_list_add_(names, own(headers.ptr[at].f0));
        wit_string_free(&headers.ptr[at].f1);
    }
    if (headers.len > 0) free(headers.ptr);
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

char *sessile_local_address(sessile_id of) {
    wit_string_t text;
    sessile_handler_types_local_address(of, &text);
    return own(text);
}

uint64_t sessile_started_at(sessile_id of) { return sessile_handler_types_started_at(of) / 1000000; }

/* ---- pairs of names and values, as in queries, forms and cookies ---- */

static int digit(char hexadecimal) {
    char lower = (char)(hexadecimal | 0x20);
    if (hexadecimal >= '0' && hexadecimal <= '9') return hexadecimal - '0';
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* In place: a plus sign is a blank, %41 an A. What would be a zero byte stays as it is, for it would end the text. */
static void decode(char *text) {
    char *to = text;
    for (; *text != 0; text++) {
        int high = *text == '%' ? digit(text[1]) : -1, low = high < 0 ? -1 : digit(text[2]);
        if (low >= 0 && (high | low) != 0) {
            *to++ = (char)(high << 4 | low);
            text += 2;
        } else {
            *to++ = *text == '+' ? ' ' : *text;
        }
    }
    *to = 0;
}

static char *copy(const char *from, size_t length, bool is_encoded) {
    char *text = malloc(length + 1);
    if (text == NULL) abort();
    memcpy(text, from, length);
    text[length] = 0;
    if (is_encoded) decode(text);
    return text;
}

static void pairs(const char *text, char separator, const char *name, sessile_list *values) {
    *values = (sessile_list){NULL, 0};
    while (text != NULL && *text != 0) {
        const char *next = strchr(text, separator);
        size_t length = next == NULL ? strlen(text) : (size_t)(next - text);
        if (separator == ';') for (; length > 0 && *text == ' '; length--) text++;
        const char *equals = memchr(text, '=', length), *value = equals == NULL ? text + length : equals + 1;
        char *key = copy(text, equals == NULL ? length : (size_t)(equals - text), separator == '&');
        /* Nothing at all between two separators is no pair. */
        if (length > 0 && strcmp(key, name) == 0)
            sessile_list_add_(values, copy(value, length - (size_t)(value - text), separator == '&'));
        free(key);
        text = next == NULL ? NULL : next + 1;
    }
}

void sessile_form_fields(const char *form, const char *name, sessile_list *values) { pairs(form, '&', name, values); }

char *sessile_form_field(const char *form, const char *name) {
    sessile_list values;
    sessile_form_fields(form, name, &values);
    return take(&values, true);
}

void sessile_query_params(sessile_id of, const char *name, sessile_list *values) {
    char *query = sessile_query(of);
    pairs(query, '&', name, values);
    free(query);
}

char *sessile_query_param(sessile_id of, const char *name) {
    sessile_list values;
    sessile_query_params(of, name, &values);
    return take(&values, true);
}

void sessile_cookies(sessile_id of, const char *name, sessile_list *values) {
    char *header = sessile_header_of(of, "cookie");
    pairs(header, ';', name, values);
    free(header);
}

char *sessile_cookie(sessile_id of, const char *name) {
    sessile_list values;
    sessile_cookies(of, name, &values);
    return take(&values, true);
}
