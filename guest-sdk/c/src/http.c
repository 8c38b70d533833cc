#include "internal.h"

typedef sessile_handler_http_error_t error;

/* The array of its headers is to be freed. */
static sessile_handler_http_response_t head(uint16_t status, const sessile_header *headers, size_t count) {
    sessile_handler_websocket_list_field_t fields = sessile_fields_(headers, count);
    sessile_handler_http_response_t response = {.status = status};
    response.headers.ptr = fields.ptr;
    response.headers.len = fields.len;
    return response;
}

sessile_status sessile_respond(sessile_id ex, uint16_t status, const char *content_type, const char *body) {
    sessile_header type = {"content-type", content_type};
    return sessile_respond_with(ex, status, &type, content_type == NULL ? 0 : 1, body, body == NULL ? 0 : strlen(body));
}

sessile_status sessile_respond_with(sessile_id ex, uint16_t status, const sessile_header *headers, size_t count,
                                    const void *body, size_t length) {
    error failed;
    sessile_handler_http_response_t response = head(status, headers, count);
    wit_list_u8_t bytes = sessile_bytes_(body, length);
    bool sent = sessile_handler_http_send(ex, &response, &bytes, &failed);
    free(response.headers.ptr);
    return sent ? SESSILE_OK : sessile_http_error_(&failed);
}

sessile_status sessile_respond_json(sessile_id ex, uint16_t status, const char *json) {
    char *compact = sessile_concat_(&json, 1);
    sessile_status sent = sessile_compact_(compact, strlen(compact));
    if (sent == SESSILE_OK) sent = sessile_respond(ex, status, "application/json", compact);
    free(compact);
    return sent;
}

sessile_status sessile_respond_start(sessile_id ex, uint16_t status, const sessile_header *headers, size_t count) {
    error failed;
    sessile_handler_http_response_t response = head(status, headers, count);
    bool sent = sessile_handler_http_send_start(ex, &response, &failed);
    free(response.headers.ptr);
    return sent ? SESSILE_OK : sessile_http_error_(&failed);
}

sessile_status sessile_respond_chunk(sessile_id ex, const void *data, size_t length) {
    error failed;
    wit_list_u8_t bytes = sessile_bytes_(data, length);
    return sessile_handler_http_send_chunk(ex, &bytes, &failed) ? SESSILE_OK : sessile_http_error_(&failed);
}

sessile_status sessile_respond_finish(sessile_id ex) {
    error failed;
    return sessile_handler_http_send_finished(ex, &failed) ? SESSILE_OK : sessile_http_error_(&failed);
}

sessile_status sessile_respond_raw(sessile_id ex, const void *data, size_t length, bool close) {
    error failed;
    wit_list_u8_t bytes = sessile_bytes_(data, length);
    return sessile_handler_http_send_raw(ex, &bytes, close, &failed) ? SESSILE_OK : sessile_http_error_(&failed);
}

sessile_status sessile_respond_cancel(sessile_id ex) {
    error failed;
    return sessile_handler_http_send_cancel(ex, &failed) ? SESSILE_OK : sessile_http_error_(&failed);
}

void sessile_dispose(sessile_id ex) { sessile_handler_http_dispose(ex); }

sessile_status sessile_events_start(sessile_id ex) {
    static const sessile_header headers[] = {{"content-type", "text/event-stream"}, {"cache-control", "no-store"}};
    return sessile_respond_start(ex, 200, headers, 2);
}

/* A field of an event, a line of it for each of the value's; the next place in the event. */
static char *field(char *to, const char *name, const char *value) {
    for (;;) {
        size_t name_length = strlen(name), length = strcspn(value, "\r\n");
        memcpy(to, name, name_length);
        memcpy(to + name_length, value, length);
        to += name_length + length;
        *to++ = '\n';
        value += length;
        if (*value == 0) return to;
        value += value[0] == '\r' && value[1] == '\n' ? 2 : 1;
    }
}

sessile_status sessile_events_send(sessile_id ex, const char *name, const char *id, const char *data) {
    /* At worst each byte of the data is a line of its own. */
    size_t names = name == NULL ? 0 : 8 * (strlen(name) + 1), ids = id == NULL ? 0 : 8 * (strlen(id) + 1);
    char *event = malloc(names + ids + 8 * (strlen(data) + 2)), *to = event;
    if (event == NULL) abort();
    if (name != NULL) to = field(to, "event: ", name);
    if (id != NULL) to = field(to, "id: ", id);
    to = field(to, "data: ", data);
    *to++ = '\n';
    sessile_status status = sessile_respond_chunk(ex, event, (size_t)(to - event));
    free(event);
    return status;
}

/* As much as the host gives at once. */
enum { PART = 64 * 1024 };

sessile_status sessile_read(sessile_id ex, char **data, size_t *length) {
    error failed;
    wit_option_list_u8_t part;
    *data = NULL;
    *length = 0;
    if (!sessile_handler_http_read(ex, PART, &part, &failed)) return sessile_http_error_(&failed);
    if (part.is_some) {
        *length = part.val.len;
        *data = sessile_own_(part.val.ptr, part.val.len);
    }
    return SESSILE_OK;
}

sessile_status sessile_read_all(sessile_id ex, size_t bytes_max, char **data, size_t *length) {
    char *whole = sessile_own_(NULL, 0), *part;
    size_t size = 0, part_length;
    *data = NULL;
    *length = 0;
    for (;;) {
        sessile_status status = sessile_read(ex, &part, &part_length);
        if (status != SESSILE_OK) {
            free(whole);
            return status;
        }
        if (part == NULL) break;
        if (part_length > bytes_max - size) {
            free(part);
            free(whole);
            sessile_say_(SESSILE_TOO_LARGE, "the request's body exceeds the limit of ");
            sessile_and_number_(bytes_max);
            return SESSILE_TOO_LARGE;
        }
        whole = realloc(whole, size + part_length + 1);
        if (whole == NULL) abort();
        memcpy(whole + size, part, part_length + 1); /* with its zero byte */
        size += part_length;
        free(part);
    }
    *data = whole;
    *length = size;
    return SESSILE_OK;
}

sessile_status sessile_read_json(sessile_id ex, size_t bytes_max, char **json) {
    size_t length;
    SESSILE_TRY(sessile_read_all(ex, bytes_max, json, &length));
    sessile_status status = sessile_compact_(*json, length);
    if (status == SESSILE_OK) return SESSILE_OK;
    free(*json);
    *json = NULL;
    return status;
}
