#include "internal.h"

typedef sessile_handler_groups_error_t error;

sessile_status sessile_join(sessile_id ws, const char *group) {
    error failed;
    wit_string_t name = sessile_text_(group);
    return sessile_handler_groups_join(ws, &name, &failed) ? SESSILE_OK : sessile_groups_error_(&failed);
}

sessile_status sessile_leave(sessile_id ws, const char *group) {
    error failed;
    wit_string_t name = sessile_text_(group);
    return sessile_handler_groups_leave(ws, &name, &failed) ? SESSILE_OK : sessile_groups_error_(&failed);
}

sessile_status sessile_publish(const char *group, const sessile_message *message) {
    sessile_publication publication;
    return sessile_publish_counted(group, message, &publication);
}

sessile_status sessile_publish_counted(const char *group, const sessile_message *message,
                                       sessile_publication *publication) {
    error failed;
    wit_string_t name = sessile_text_(group);
    sessile_handler_groups_message_t wire = sessile_wire_(message->kind, message->data, message->length);
    sessile_handler_groups_publication_t told;
    if (!sessile_handler_groups_publish(&name, &wire, &told, &failed)) return sessile_groups_error_(&failed);
    *publication = (sessile_publication){told.queued, told.dropped};
    return SESSILE_OK;
}

sessile_status sessile_publish_text(const char *group, const char *text) {
    sessile_message message = {SESSILE_TEXT, (char *)text, strlen(text)};
    return sessile_publish(group, &message);
}

sessile_status sessile_publishf(const char *group, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = sessile_format_(format, arguments);
    va_end(arguments);
    sessile_status status = sessile_publish_text(group, text);
    free(text);
    return status;
}
