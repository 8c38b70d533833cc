#include "internal.h"

typedef sessile_handler_websocket_error_t error;

static sessile_handler_websocket_message_t wire(sessile_kind kind, const void *data, size_t length) {
    sessile_handler_websocket_message_t message = {.tag = (uint8_t)kind};
    message.val.binary = sessile_bytes_(data, length); /* Text lies as bytes do. */
    return message;
}

sessile_status sessile_accept(sessile_id ws) { return sessile_accept_with(ws, NULL, NULL, 0); }

sessile_status sessile_accept_with(sessile_id ws, const char *subprotocol, const sessile_header *headers, size_t count) {
    error failed;
    wit_string_t chosen = sessile_text_(subprotocol);
    sessile_handler_websocket_list_field_t fields = sessile_fields_(headers, count);
    bool done = sessile_handler_websocket_accept(ws, subprotocol == NULL ? NULL : &chosen, &fields, &failed);
    free(fields.ptr);
    return done ? SESSILE_OK : sessile_websocket_error_(&failed);
}

sessile_status sessile_reject(sessile_id ws, uint16_t status, const char *body) {
    error failed;
    sessile_handler_websocket_list_field_t none = {0};
    wit_list_u8_t bytes = sessile_bytes_(body, body == NULL ? 0 : strlen(body));
    return sessile_handler_websocket_reject(ws, status, &none, &bytes, &failed) ? SESSILE_OK
                                                                                : sessile_websocket_error_(&failed);
}

static sessile_status queue(sessile_id ws, sessile_kind kind, const void *data, size_t length) {
    error failed;
    sessile_handler_websocket_message_t message = wire(kind, data, length);
    return sessile_handler_websocket_send(ws, &message, &failed) ? SESSILE_OK : sessile_websocket_error_(&failed);
}

sessile_status sessile_send(sessile_id ws, const sessile_message *message) {
    return queue(ws, message->kind, message->data, message->length);
}

sessile_status sessile_send_text(sessile_id ws, const char *text) { return queue(ws, SESSILE_TEXT, text, strlen(text)); }

sessile_status sessile_send_bytes(sessile_id ws, const void *data, size_t length) {
    return queue(ws, SESSILE_BINARY, data, length);
}

sessile_status sessile_send_json(sessile_id ws, const char *json) {
    error failed;
    wit_string_t text = sessile_text_(json);
    bool sent = sessile_handler_websocket_send_json(ws, &text, SESSILE_HANDLER_TYPES_KIND_TEXT, &failed);
    return sent ? SESSILE_OK : sessile_websocket_error_(&failed);
}

sessile_status sessile_sendf(sessile_id ws, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sessile_format_(format, arguments);
    va_end(arguments);
    sessile_status status = sessile_send_text(ws, text);
    free(text);
    return status;
}

/* NULL is for ever. */
static uint64_t *span(uint64_t timeout_ms, uint64_t *nanoseconds) {
    if (timeout_ms == SESSILE_FOREVER) return NULL;
    *nanoseconds = timeout_ms > UINT64_MAX / 1000000 ? UINT64_MAX : timeout_ms * 1000000;
    return nanoseconds;
}

sessile_status sessile_receive(sessile_id ws, uint64_t timeout_ms, sessile_message *message) {
    error failed;
    uint64_t nanoseconds;
    sessile_handler_websocket_message_t came;
    *message = (sessile_message){SESSILE_TEXT, NULL, 0};
    if (!sessile_handler_websocket_receive(ws, span(timeout_ms, &nanoseconds), &came, &failed))
        return sessile_websocket_error_(&failed);
    wit_list_u8_t bytes = came.val.binary;
    *message = (sessile_message){(sessile_kind)came.tag, sessile_own_(bytes.ptr, bytes.len), bytes.len};
    return SESSILE_OK;
}

sessile_status sessile_receive_json(sessile_id ws, uint64_t timeout_ms, char **json) {
    error failed;
    uint64_t nanoseconds;
    wit_string_t came;
    *json = NULL;
    if (!sessile_handler_websocket_receive_json(ws, SESSILE_HANDLER_TYPES_KIND_TEXT, span(timeout_ms, &nanoseconds), &came,
                                                &failed))
        return sessile_websocket_error_(&failed);
    *json = sessile_own_(came.ptr, came.len);
    return SESSILE_OK;
}

void sessile_message_free(sessile_message *message) {
    free(message->data);
    *message = (sessile_message){SESSILE_TEXT, NULL, 0};
}

sessile_status sessile_close(sessile_id ws, uint16_t code, const char *reason) {
    error failed;
    wit_string_t text = sessile_text_(reason);
    return sessile_handler_websocket_close(ws, code, &text, &failed) ? SESSILE_OK : sessile_websocket_error_(&failed);
}

sessile_status sessile_ping(sessile_id ws, uint64_t *nanoseconds) {
    error failed;
    return sessile_handler_websocket_ping(ws, nanoseconds, &failed) ? SESSILE_OK : sessile_websocket_error_(&failed);
}

sessile_status sessile_attach(sessile_id ws, const void *data, size_t length) {
    error failed;
    wit_list_u8_t bytes = sessile_bytes_(data, length);
    return sessile_handler_websocket_set_attachment(ws, &bytes, &failed) ? SESSILE_OK : sessile_websocket_error_(&failed);
}

void sessile_attachment(sessile_id ws, char **data, size_t *length) {
    wit_list_u8_t bytes;
    sessile_handler_websocket_attachment(ws, &bytes);
    *length = bytes.len;
    *data = sessile_own_(bytes.ptr, bytes.len);
}
