/* An echo in event style, without any SDK and without generated code: what the WIT says, in the words of the canonical
 * ABI. docs/any-language.md explains it line by line. */

#include <stdint.h>
#include <stdlib.h>

/* `variant message { text(string), binary(list<u8>) }`: which, where, how many bytes. */
typedef struct {
    uint8_t kind;
    uint8_t *bytes;
    size_t length;
} message;

/* `result<_, failure>`, where `failure` is a record of one string. */
typedef struct {
    uint8_t is_failure;
    const char *text;
    size_t length;
} outcome;

/* `result<_, error>` of `websocket.send`; what follows the first byte matters to those who tell errors apart. */
typedef struct {
    _Alignas(8) uint8_t is_error;
    uint8_t error[31];
} sent;

/* What we call. `send: async func(ws: websocket-id, message: message) -> result<_, error>` */
__attribute__((import_module("sessile:handler/websocket@0.1.0"), import_name("send")))
void websocket_send(uint64_t ws, uint32_t kind, const uint8_t *bytes, size_t length, sent *result);

/* What we are called by. The host puts arguments into memory that it asks us for; from then on they are ours. */
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) {
    (void)old_size;
    if (size == 0) return (void *)align;
    void *memory = realloc(old, size);
    if (memory == NULL) abort();
    return memory;
}

static outcome done; /* All zero: ok. */

/* `on-open: async func(ws: websocket-id) -> result<_, failure>` */
__attribute__((export_name("sessile:handler/websocket-events@0.1.0#on-open")))
outcome *on_open(uint64_t ws) {
    (void)ws;
    return &done; /* Returning accepts. */
}

/* `on-messages: async func(ws: websocket-id, messages: list<message>) -> result<_, failure>` */
__attribute__((export_name("sessile:handler/websocket-events@0.1.0#on-messages")))
outcome *on_messages(uint64_t ws, message *messages, size_t count) {
    for (size_t i = 0; i < count; i++) {
        sent result;
        websocket_send(ws, messages[i].kind, messages[i].bytes, messages[i].length, &result);
        if (messages[i].length > 0) free(messages[i].bytes);
        /* An error means that the peer has gone, or that the message is too large; an echo has nothing to add,
         * and what little the error carries goes with the instance. */
    }
    if (count > 0) free(messages);
    return &done;
}

/* `on-close: async func(ws: websocket-id, close: close-info) -> result<_, failure>` */
__attribute__((export_name("sessile:handler/websocket-events@0.1.0#on-close")))
outcome *on_close(uint64_t ws, uint32_t code, char *reason, size_t length) {
    (void)ws, (void)code;
    if (length > 0) free(reason);
    return &done;
}
