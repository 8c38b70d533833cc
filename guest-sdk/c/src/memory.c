#include <stdio.h>

#include "internal.h"

/* What the host puts into our memory gets a zero byte behind it, so that text is C's text. It takes the place of the weak
 * one in bindings/wit.c, and as there, nothing is allocated for no bytes. */
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old_size;
    if (size == 0) return (void *)align;
    char *memory = realloc(old, size + 1);
    if (memory == NULL) abort();
    memory[size] = 0;
    return memory;
}

wit_string_t sessile_text_(const char *text) {
    return (wit_string_t){.ptr = (uint8_t *)text, .len = text == NULL ? 0 : strlen(text)};
}

wit_option_string_t sessile_option_(const char *text) {
    return (wit_option_string_t){.is_some = text != NULL, .val = sessile_text_(text)};
}

wit_list_string_t sessile_texts_(const char *const *texts, size_t count) {
    wit_list_string_t list = {.ptr = calloc(count > 0 ? count : 1, sizeof *list.ptr), .len = count};
    if (list.ptr == NULL) abort();
    for (size_t at = 0; at < count; at++) list.ptr[at] = sessile_text_(texts[at]);
    return list;
}

wit_list_u8_t sessile_bytes_(const void *data, size_t length) {
    return (wit_list_u8_t){.ptr = (uint8_t *)data, .len = length};
}

sessile_handler_websocket_list_field_t sessile_fields_(const sessile_header *headers, size_t count) {
    sessile_handler_websocket_list_field_t fields = {.ptr = NULL, .len = count};
    if (count == 0) return fields;
    fields.ptr = calloc(count, sizeof *fields.ptr);
    if (fields.ptr == NULL) abort();
    for (size_t at = 0; at < count; at++) {
        fields.ptr[at].f0 = sessile_text_(headers[at].name);
        fields.ptr[at].f1 = sessile_text_(headers[at].value);
    }
    return fields;
}

char *sessile_own_(uint8_t *data, size_t length) {
    if (length > 0) return (char *)data;
    char *none = calloc(1, 1);
    if (none == NULL) abort();
    return none;
}

sessile_list sessile_list_(wit_list_string_t list) {
    sessile_list mine = {NULL, 0};
    for (size_t at = 0; at < list.len; at++) sessile_list_add_(&mine, sessile_own_(list.ptr[at].ptr, list.ptr[at].len));
    if (list.len > 0) free(list.ptr);
    return mine;
}

void sessile_list_add_(sessile_list *list, char *item) {
    list->items = realloc(list->items, (list->count + 1) * sizeof *list->items);
    if (list->items == NULL) abort();
    list->items[list->count++] = item;
}

void sessile_list_free(sessile_list *list) {
    for (size_t at = 0; at < list->count; at++) free(list->items[at]);
    free(list->items);
    *list = (sessile_list){NULL, 0};
}

const char *sessile_digits_(int64_t number, char room[SESSILE_DIGITS_]) {
    char *at = room + SESSILE_DIGITS_ - 1;
    /* The least number has no positive. */
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    *at = 0;
    do {
        *--at = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (number < 0) *--at = '-';
    return at;
}

char *sessile_concat_(const char *const *texts, size_t count) {
    size_t length = 1;
    for (size_t at = 0; at < count; at++) length += strlen(texts[at]);
    char *whole = calloc(length, 1), *to = whole;
    if (whole == NULL) abort();
    for (size_t at = 0; at < count; at++) {
        memcpy(to, texts[at], strlen(texts[at]));
        to += strlen(texts[at]);
    }
    return whole;
}

char *sessile_format_(const char *format, va_list arguments) {
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    size_t size = length < 0 ? 1 : (size_t)length + 1;
    char *text = calloc(size, 1);
    if (text == NULL) abort();
    vsnprintf(text, size, format, again);
    va_end(again);
    return text;
}

/* bindings/wit.c would have an object with the types linked; here `sessile build` adds them. */
void __component_type_object_force_link_wit(void);
void __component_type_object_force_link_wit(void) {}
