/* Who is connected. */

#include "internal.h"

enum { PAGE = 250 };

typedef sessile_handler_connections_error_t error;

static sessile_handler_connections_selection_t selected(const sessile_selection *which) {
    sessile_handler_connections_selection_t wire = {.session_of = {.is_some = false}};
    if (which == NULL) return wire;
    wire.route = sessile_option_(which->route);
    wire.handler = sessile_option_(which->handler);
    wire.group = sessile_option_(which->group);
    wire.session_of.is_some = which->session_of != NULL;
    if (which->session_of != NULL) wire.session_of.val = *which->session_of;
    return wire;
}

static char *own(wit_string_t text) { return sessile_own_(text.ptr, text.len); }

static sessile_connection taken_over(const sessile_handler_connections_connection_t *wire) {
    return (sessile_connection){
        .id = wire->id,
        .handler = own(wire->handler),
        .route = own(wire->route),
        .path = own(wire->path),
        .state = (sessile_state)wire->state,
        .started_at = wire->started_at / 1000000,
        .is_awake = wire->activity == SESSILE_HANDLER_CONNECTIONS_ACTIVITY_AWAKE,
        .why = own(wire->why),
        .buffered = wire->buffered,
        .subprotocol = wire->subprotocol.is_some ? own(wire->subprotocol.val) : NULL,
    };
}

sessile_status sessile_connections_count(const sessile_selection *which, uint64_t *count) {
    error failed;
    sessile_handler_connections_selection_t wire = selected(which);
    return sessile_handler_connections_count(&wire, count, &failed) ? SESSILE_OK : sessile_connections_error_(&failed);
}

void sessile_connection_free(sessile_connection *connection) {
    free(connection->handler);
    free(connection->route);
    free(connection->path);
    free(connection->why);
    free(connection->subprotocol);
    *connection = (sessile_connection){.id = 0};
}

void sessile_connections_free(sessile_connections *connections) {
    for (size_t at = 0; at < connections->count_; at++) sessile_connection_free(&connections->page_[at]);
    free(connections->page_);
    *connections = (sessile_connections){.which = connections->which, .is_ended_ = true};
}

static sessile_status turn(sessile_connections *connections) {
    bool is_first = connections->page_ == NULL;
    sessile_id after = is_first ? 0 : connections->page_[connections->count_ - 1].id;
    sessile_handler_connections_selection_t which = selected(&connections->which);
    sessile_handler_connections_list_connection_t list;
    error failed;
    sessile_connections_free(connections);
    if (!sessile_handler_connections_list(&which, is_first ? NULL : &after, PAGE, &list, &failed))
        return sessile_connections_error_(&failed);
    if (list.len == 0) return SESSILE_OK;
    connections->page_ = calloc(list.len, sizeof *connections->page_);
    if (connections->page_ == NULL) abort();
    connections->count_ = list.len;
    for (size_t at = 0; at < list.len; at++) connections->page_[at] = taken_over(&list.ptr[at]);
    free(list.ptr);
    connections->is_ended_ = false;
    return SESSILE_OK;
}

sessile_status sessile_connections_next(sessile_connections *connections, const sessile_connection **connection) {
    *connection = NULL;
    if (connections->at_ == connections->count_ && !connections->is_ended_) SESSILE_TRY(turn(connections));
    if (connections->at_ < connections->count_) *connection = &connections->page_[connections->at_++];
    return SESSILE_OK;
}

sessile_status sessile_connection_find(sessile_id id, sessile_connection *connection, bool *is_there) {
    error failed;
    sessile_handler_connections_option_connection_t found;
    *connection = (sessile_connection){.id = 0};
    *is_there = false;
    if (!sessile_handler_connections_lookup(id, &found, &failed)) return sessile_connections_error_(&failed);
    *is_there = found.is_some;
    if (found.is_some) *connection = taken_over(&found.val);
    return SESSILE_OK;
}

sessile_status sessile_connection_send(sessile_id id, const sessile_message *message, sessile_queued *queued) {
    error failed;
    sessile_handler_connections_queued_t told;
    sessile_handler_types_message_t sent = sessile_wire_(message->kind, message->data, message->length);
    if (!sessile_handler_connections_send_to(id, &sent, &told, &failed)) return sessile_connections_error_(&failed);
    *queued = sessile_queued_(&told);
    return SESSILE_OK;
}

sessile_status sessile_connections_send(const sessile_selection *which, const sessile_message *message,
                                        sessile_sent *sent) {
    error failed;
    sessile_handler_connections_selection_t selection = selected(which);
    sessile_handler_connections_delivery_t told;
    sessile_handler_types_message_t wire = sessile_wire_(message->kind, message->data, message->length);
    if (!sessile_handler_connections_send_to_all(&selection, &wire, &told, &failed))
        return sessile_connections_error_(&failed);
    if (sent != NULL) *sent = (sessile_sent){told.queued, told.full, told.gone, told.too_large};
    return SESSILE_OK;
}

sessile_status sessile_connection_ping(sessile_id id, uint64_t *nanoseconds) {
    error failed;
    bool done = sessile_handler_connections_ping(id, nanoseconds, &failed);
    return done ? SESSILE_OK : sessile_connections_error_(&failed);
}

sessile_status sessile_connection_close(sessile_id id, uint16_t code, const char *reason) {
    error failed;
    wit_string_t text = sessile_text_(reason);
    bool done = sessile_handler_connections_close(id, code, &text, &failed);
    return done ? SESSILE_OK : sessile_connections_error_(&failed);
}
