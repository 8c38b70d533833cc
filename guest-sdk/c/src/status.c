#include <stdio.h>

#include "internal.h"

/* Longer words are cut: the host takes 4 KiB. */
static char words[1024];
static uint16_t close_code = 1006;

const char *sessile_error(void) { return words; }

uint16_t sessile_close_code(void) { return close_code; }

sessile_status sessile_say_(sessile_status status, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return status;
}

sessile_status sessile_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    /* Not straight into the words: sessile_error() may be among the arguments. */
    char *text = sessile_format_(format, arguments);
    va_end(arguments);
    snprintf(words, sizeof words, "%s", text);
    free(text);
    return SESSILE_FAILED;
}

/* Text of the host's, for printf's %.*s. */
#define TEXT(string) (int)(string).len, (const char *)(string).ptr

static sessile_status too_large(uint64_t actual, uint64_t limit) {
    return sessile_say_(SESSILE_TOO_LARGE, "%llu bytes or items exceed the limit of %llu", (unsigned long long)actual,
                        (unsigned long long)limit);
}

static sessile_status bad_json(uint32_t line, uint32_t column, wit_string_t reason) {
    return sessile_say_(SESSILE_NOT_JSON, "not JSON: %.*s at line %u column %u", TEXT(reason), (unsigned)line,
                        (unsigned)column);
}

static sessile_status of_websocket(const sessile_handler_websocket_error_t *error) {
    static const char *const states[] = {"connecting", "open", "closing", "closed"};
    switch (error->tag) {
    case SESSILE_HANDLER_WEBSOCKET_ERROR_WRONG_STATE:
        return sessile_say_(SESSILE_WRONG_STATE, "%.*s is not for a websocket that is %s", TEXT(error->val.wrong_state.call),
                            states[error->val.wrong_state.state & 3]);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_DISCONNECTED:
        close_code = error->val.disconnected.code;
        return sessile_say_(SESSILE_DISCONNECTED, "the peer has disconnected with %u", (unsigned)close_code);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_TOO_LARGE:
        return too_large(error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_TIMED_OUT:
        return sessile_say_(SESSILE_TIMED_OUT, "timed out");
    case SESSILE_HANDLER_WEBSOCKET_ERROR_WRONG_STYLE:
        return sessile_say_(SESSILE_WRONG_STATE, "receive is for loop style; in event style messages come to on_message");
    case SESSILE_HANDLER_WEBSOCKET_ERROR_INVALID_CODE:
        return sessile_say_(SESSILE_INVALID, "%u is no close code that may be sent", (unsigned)error->val.invalid_code);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_REASON_TOO_LONG:
        return sessile_say_(SESSILE_INVALID, "a close reason of %llu bytes exceeds the limit of %llu",
                            (unsigned long long)error->val.reason_too_long.actual,
                            (unsigned long long)error->val.reason_too_long.limit);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_NOT_OFFERED:
        return sessile_say_(SESSILE_INVALID, "the peer did not offer the subprotocol %.*s", TEXT(error->val.not_offered));
    case SESSILE_HANDLER_WEBSOCKET_ERROR_INVALID_HEAD:
        return sessile_say_(SESSILE_INVALID, "a head that cannot be sent: %.*s", TEXT(error->val.invalid_head));
    case SESSILE_HANDLER_WEBSOCKET_ERROR_WRONG_KIND:
        return sessile_say_(SESSILE_WRONG_KIND, "the message is of the other kind");
    case SESSILE_HANDLER_WEBSOCKET_ERROR_BAD_JSON:
        return bad_json(error->val.bad_json.line, error->val.bad_json.column, error->val.bad_json.reason);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_RETIRE:
        return sessile_say_(SESSILE_RETIRE, "another version of the app takes over");
    default:
        return sessile_say_(SESSILE_UNSUPPORTED, "this host does not do that");
    }
}

static sessile_status of_http(const sessile_handler_http_error_t *error) {
    static const char *const stages[] = {"nothing has been answered", "the response is being streamed",
                                         "the response is complete"};
    switch (error->tag) {
    case SESSILE_HANDLER_HTTP_ERROR_WRONG_ORDER:
        return sessile_say_(SESSILE_WRONG_STATE, "not now: %s", stages[error->val.wrong_order % 3]);
    case SESSILE_HANDLER_HTTP_ERROR_TOO_LARGE:
        return too_large(error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_HTTP_ERROR_PEER_GONE:
        return sessile_say_(SESSILE_DISCONNECTED, "the peer has gone");
    case SESSILE_HANDLER_HTTP_ERROR_INVALID_HEAD:
        return sessile_say_(SESSILE_INVALID, "a head that cannot be sent: %.*s", TEXT(error->val.invalid_head));
    case SESSILE_HANDLER_HTTP_ERROR_LENGTH_MISMATCH:
        return sessile_say_(SESSILE_INVALID, "%llu bytes of body where %llu were promised",
                            (unsigned long long)error->val.length_mismatch.actual,
                            (unsigned long long)error->val.length_mismatch.limit);
    case SESSILE_HANDLER_HTTP_ERROR_SESSION_UNSAVED:
        return sessile_say_(SESSILE_UNAVAILABLE, "the session could not be saved");
    case SESSILE_HANDLER_HTTP_ERROR_TIMED_OUT:
        return sessile_say_(SESSILE_TIMED_OUT, "timed out");
    default:
        return sessile_say_(SESSILE_UNSUPPORTED, "this host does not do that");
    }
}

static sessile_status of_session(const sessile_handler_session_error_t *error) {
    switch (error->tag) {
    case SESSILE_HANDLER_SESSION_ERROR_NOT_OPEN:
        return sessile_say_(SESSILE_NOT_OPEN, "the session is not open: sessile_session_open comes first, in each event");
    case SESSILE_HANDLER_SESSION_ERROR_NOT_JSON:
        return bad_json(error->val.not_json.line, error->val.not_json.column, error->val.not_json.reason);
    case SESSILE_HANDLER_SESSION_ERROR_TOO_LARGE:
        return too_large(error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_SESSION_ERROR_CONFLICT:
        return sessile_say_(SESSILE_CONFLICT, "version %llu of the session was saved meanwhile",
                            (unsigned long long)error->val.conflict);
    case SESSILE_HANDLER_SESSION_ERROR_COOKIE_UNREACHABLE:
        return sessile_say_(SESSILE_NO_COOKIE, "the session's cookie cannot reach the peer any more");
    case SESSILE_HANDLER_SESSION_ERROR_UNAVAILABLE:
        return sessile_say_(SESSILE_UNAVAILABLE, "the session store failed: %.*s", TEXT(error->val.unavailable));
    case SESSILE_HANDLER_SESSION_ERROR_DELETED:
        return sessile_say_(SESSILE_DELETED, "the session was flushed");
    default:
        return sessile_say_(SESSILE_UNSUPPORTED, "this host does not do that");
    }
}

static sessile_status of_groups(const sessile_handler_groups_error_t *error) {
    switch (error->tag) {
    case SESSILE_HANDLER_GROUPS_ERROR_INVALID_NAME:
        return sessile_say_(SESSILE_INVALID, "the name of a group has 1 to 100 bytes");
    case SESSILE_HANDLER_GROUPS_ERROR_TOO_MANY:
        return sessile_say_(SESSILE_TOO_LARGE, "a websocket is in at most %llu groups",
                            (unsigned long long)error->val.too_many.limit);
    case SESSILE_HANDLER_GROUPS_ERROR_TOO_LARGE:
        return too_large(error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_GROUPS_ERROR_GONE:
        return sessile_say_(SESSILE_DISCONNECTED, "the websocket has ended");
    default:
        return sessile_say_(SESSILE_UNSUPPORTED, "this host does not do that");
    }
}

sessile_status sessile_websocket_error_(sessile_handler_websocket_error_t *error) {
    sessile_status status = of_websocket(error);
    sessile_handler_websocket_error_free(error);
    return status;
}

sessile_status sessile_http_error_(sessile_handler_http_error_t *error) {
    sessile_status status = of_http(error);
    sessile_handler_http_error_free(error);
    return status;
}

sessile_status sessile_session_error_(sessile_handler_session_error_t *error) {
    sessile_status status = of_session(error);
    sessile_handler_session_error_free(error);
    return status;
}

/* It holds nothing of its own. */
sessile_status sessile_groups_error_(sessile_handler_groups_error_t *error) { return of_groups(error); }
