#include "internal.h"

typedef sessile_handler_websocket_error_t error;

sessile_handler_types_message_t sessile_wire_(sessile_kind kind, const void *data, size_t length) {
    sessile_handler_types_message_t message = {.tag = (uint8_t)kind};
    message.val.binary = sessile_bytes_(data, length); /* Text lies as bytes do. */
    return message;
}

sessile_message sessile_message_(sessile_handler_types_message_t wire) {
    wit_list_u8_t bytes = wire.val.binary;
    return (sessile_message){(sessile_kind)wire.tag, sessile_own_(bytes.ptr, bytes.len), bytes.len};
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
    return sessile_reject_with(ws, status, NULL, 0, body);
}

sessile_status sessile_reject_with(sessile_id ws, uint16_t status, const sessile_header *headers, size_t count,
                                   const char *body) {
    error failed;
    sessile_handler_websocket_list_field_t fields = sessile_fields_(headers, count);
    wit_list_u8_t bytes = sessile_bytes_(body, body == NULL ? 0 : strlen(body));
    bool done = sessile_handler_websocket_reject(ws, status, &fields, &bytes, &failed);
    free(fields.ptr);
    return done ? SESSILE_OK : sessile_websocket_error_(&failed);
}

static sessile_status queue(sessile_id ws, sessile_kind kind, const void *data, size_t length) {
    error failed;
    sessile_handler_websocket_message_t message = sessile_wire_(kind, data, length);
    return sessile_handler_websocket_send(ws, &message, &failed) ? SESSILE_OK : sessile_websocket_error_(&failed);
}

sessile_status sessile_send(sessile_id ws, const sessile_message *message) {
    return queue(ws, message->kind, message->data, message->length);
}

sessile_status sessile_send_text(sessile_id ws, const char *text) { return queue(ws, SESSILE_TEXT, text, strlen(text)); }

sessile_status sessile_send_bytes(sessile_id ws, const void *data, size_t length) {
    return queue(ws, SESSILE_BINARY, data, length);
}

sessile_status sessile_send_json(sessile_id ws, const char *json) { return sessile_send_json_in(ws, json, SESSILE_TEXT); }

sessile_status sessile_send_json_in(sessile_id ws, const char *json, sessile_kind kind) {
    error failed;
    wit_string_t text = sessile_text_(json);
    bool sent = sessile_handler_websocket_send_json(ws, &text, (uint8_t)kind, &failed);
    return sent ? SESSILE_OK : sessile_websocket_error_(&failed);
}

sessile_status sessile_try_send(sessile_id ws, const sessile_message *message, sessile_queued *queued) {
    error failed;
    sessile_handler_websocket_queued_t told;
    sessile_handler_websocket_message_t sent = sessile_wire_(message->kind, message->data, message->length);
    if (!sessile_handler_websocket_try_send(ws, &sent, &told, &failed)) return sessile_websocket_error_(&failed);
    *queued = sessile_queued_(&told);
    return SESSILE_OK;
}

sessile_queued sessile_queued_(sessile_handler_websocket_queued_t *told) {
    if (told->tag == SESSILE_HANDLER_WEBSOCKET_QUEUED_GONE) wit_string_free(&told->val.gone.reason);
    return (sessile_queued)told->tag;
}

uint64_t sessile_buffered(sessile_id ws) { return sessile_handler_websocket_buffered(ws); }

uint64_t sessile_dropped(sessile_id ws) { return sessile_handler_websocket_dropped(ws); }

sessile_status sessile_sendf(sessile_id ws, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sessile_format_(format, arguments);
    va_end(arguments);
    sessile_status status = sessile_send_text(ws, text);
    free(text);
    return status;
}

uint64_t *sessile_span_(uint64_t timeout_ms, uint64_t *nanoseconds) {
    if (timeout_ms == SESSILE_FOREVER) return NULL;
    *nanoseconds = sessile_nanoseconds_(timeout_ms);
    return nanoseconds;
}

sessile_status sessile_receive(sessile_id ws, uint64_t timeout_ms, sessile_message *message) {
    error failed;
    uint64_t nanoseconds;
    sessile_handler_websocket_message_t came;
    *message = (sessile_message){SESSILE_TEXT, NULL, 0};
    if (!sessile_handler_websocket_receive(ws, sessile_span_(timeout_ms, &nanoseconds), &came, &failed))
        return sessile_websocket_error_(&failed);
    *message = sessile_message_(came);
    return SESSILE_OK;
}

sessile_status sessile_receive_in(sessile_id ws, uint64_t timeout_ms, sessile_kind kind, sessile_message *message) {
    SESSILE_TRY(sessile_receive(ws, timeout_ms, message));
    if (message->kind == kind) return SESSILE_OK;
    sessile_message_free(message);
    return sessile_say_(SESSILE_WRONG_KIND, "the message is of the other kind");
}

sessile_status sessile_receive_json(sessile_id ws, uint64_t timeout_ms, char **json) {
    return sessile_receive_json_in(ws, timeout_ms, SESSILE_TEXT, json);
}

sessile_status sessile_receive_json_in(sessile_id ws, uint64_t timeout_ms, sessile_kind kind, char **json) {
    error failed;
    uint64_t nanoseconds;
    wit_string_t came;
    *json = NULL;
    if (!sessile_handler_websocket_receive_json(ws, (uint8_t)kind, sessile_span_(timeout_ms, &nanoseconds), &came, &failed))
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

bool sessile_round_trip(sessile_id ws, uint64_t *nanoseconds) {
    return sessile_handler_websocket_round_trip(ws, nanoseconds);
}

sessile_state sessile_state_of(sessile_id ws) { return (sessile_state)sessile_handler_websocket_get_state(ws); }

void sessile_offered(sessile_id ws, sessile_list *subprotocols) {
    wit_list_string_t all;
    sessile_handler_websocket_offered_subprotocols(ws, &all);
    *subprotocols = sessile_list_(all);
}

char *sessile_subprotocol(sessile_id ws) {
    wit_string_t chosen;
    return sessile_handler_websocket_subprotocol(ws, &chosen) ? sessile_own_(chosen.ptr, chosen.len) : NULL;
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
