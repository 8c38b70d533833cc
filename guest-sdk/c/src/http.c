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
