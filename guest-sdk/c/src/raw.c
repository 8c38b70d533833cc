/* Raw events: a websocket as ASGI has it. */

#include "internal.h"

static sessile_status happen(sessile_id ws, sessile_handler_raw_outgoing_t *event) {
    sessile_handler_raw_error_t failed;
    return sessile_handler_raw_send(ws, event, &failed) ? SESSILE_OK : sessile_websocket_error_(&failed);
}

/* The array is to be freed. */
static sessile_handler_raw_list_field_t fields(const sessile_header *headers, size_t count) {
    sessile_handler_websocket_list_field_t list = sessile_fields_(headers, count);
    return (sessile_handler_raw_list_field_t){.ptr = list.ptr, .len = list.len};
}

sessile_status sessile_raw_receive(sessile_id ws, uint64_t timeout_ms, sessile_raw_event *event,
                                   sessile_message *message) {
    sessile_handler_raw_error_t failed;
    sessile_handler_raw_incoming_t came;
    uint64_t nanoseconds;
    *message = (sessile_message){SESSILE_TEXT, NULL, 0};
    if (!sessile_handler_raw_receive(ws, sessile_span_(timeout_ms, &nanoseconds), &came, &failed))
        return sessile_websocket_error_(&failed);
    *event = (sessile_raw_event)came.tag;
    if (came.tag == SESSILE_HANDLER_RAW_INCOMING_MESSAGE) *message = sessile_message_(came.val.message);
    if (came.tag == SESSILE_HANDLER_RAW_INCOMING_DISCONNECT) {
        sessile_remember_close_(came.val.disconnect.code, came.val.disconnect.reason);
        wit_string_free(&came.val.disconnect.reason);
    }
    return SESSILE_OK;
}

void sessile_raw_states(sessile_id ws, sessile_raw_state *peer, sessile_raw_state *application) {
    /* A peer has no state of denying. */
    static const sessile_raw_state peers[] = {SESSILE_RAW_CONNECTING, SESSILE_RAW_CONNECTED, SESSILE_RAW_DISCONNECTED};
    sessile_handler_raw_tuple2_peer_state_application_state_t states;
    sessile_handler_raw_states(ws, &states);
    *peer = peers[states.f0 % 3];
    *application = (sessile_raw_state)states.f1;
}

sessile_status sessile_raw_accept(sessile_id ws, const char *subprotocol, const sessile_header *headers, size_t count) {
    sessile_handler_raw_outgoing_t event = {.tag = SESSILE_HANDLER_RAW_OUTGOING_ACCEPT};
    event.val.accept.subprotocol = sessile_option_(subprotocol);
    event.val.accept.headers = fields(headers, count);
    sessile_status status = happen(ws, &event);
    free(event.val.accept.headers.ptr);
    return status;
}

sessile_status sessile_raw_send(sessile_id ws, const sessile_message *message) {
    sessile_handler_raw_outgoing_t event = {.tag = SESSILE_HANDLER_RAW_OUTGOING_MESSAGE};
    event.val.message = sessile_wire_(message->kind, message->data, message->length);
    return happen(ws, &event);
}

sessile_status sessile_raw_close(sessile_id ws, uint16_t code, const char *reason) {
    sessile_handler_raw_outgoing_t event = {.tag = SESSILE_HANDLER_RAW_OUTGOING_CLOSE};
    event.val.close.code = code;
    event.val.close.reason = sessile_text_(reason);
    return happen(ws, &event);
}

sessile_status sessile_raw_respond_start(sessile_id ws, uint16_t status, const sessile_header *headers, size_t count) {
    sessile_handler_raw_outgoing_t event = {.tag = SESSILE_HANDLER_RAW_OUTGOING_RESPONSE_START};
    event.val.response_start.status = status;
    event.val.response_start.headers = fields(headers, count);
    sessile_status sent = happen(ws, &event);
    free(event.val.response_start.headers.ptr);
    return sent;
}

sessile_status sessile_raw_respond_body(sessile_id ws, const void *data, size_t length, bool more) {
    sessile_handler_raw_outgoing_t event = {.tag = SESSILE_HANDLER_RAW_OUTGOING_RESPONSE_BODY};
    event.val.response_body.body = sessile_bytes_(data, length);
    event.val.response_body.more = more;
    return happen(ws, &event);
}
