/* The words of errors, put together without printf: what links that needs WASI, and twice the bytes. */

#include "internal.h"

/* Longer words are cut: the host takes 4 KiB. */
static char words[1024];
static size_t written;
static uint16_t close_code = 1006;
/* 123 bytes at most (RFC 6455 §5.5). */
static char close_reason[124];

const char *sessile_error(void) { return words; }

static uint32_t json_line, json_column;

uint32_t sessile_error_line(void) { return json_line; }

uint32_t sessile_error_column(void) { return json_column; }

static char state_call[16];
static const char *state_name = "";

const char *sessile_error_call(void) { return state_call; }

const char *sessile_error_state(void) { return state_name; }

uint16_t sessile_close_code(void) { return close_code; }

const char *sessile_close_reason(void) { return close_reason; }

void sessile_remember_close_(uint16_t code, wit_string_t reason) {
    size_t length = reason.len < sizeof close_reason ? reason.len : sizeof close_reason - 1;
    close_code = code;
    memcpy(close_reason, reason.ptr, length);
    close_reason[length] = 0;
}

static void put(const void *data, size_t length) {
    size_t room = sizeof words - 1 - written;
    if (length > room) {
        /* Not within a character: what is no UTF-8 would trap where it is to be told. */
        const uint8_t *bytes = data;
        for (length = room; length > 0 && (bytes[length] & 0xC0) == 0x80; length--) {}
    }
    memmove(words + written, data, length);
    written += length;
    words[written] = 0;
}

sessile_status sessile_say_(sessile_status status, const char *text) {
    written = 0;
    put(text, strlen(text));
    return status;
}

void sessile_and_(const char *text) { put(text, strlen(text)); }

void sessile_and_number_(uint64_t number) {
    char digits[SESSILE_DIGITS_];
    sessile_and_(sessile_digits_((int64_t)(number > INT64_MAX ? INT64_MAX : number), digits));
}

static void and_text(wit_string_t text) { put(text.ptr, text.len); }

sessile_status sessile_fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    /* Not straight into the words: sessile_error() may be among the arguments. */
    char *text = sessile_format_(format, arguments);
    va_end(arguments);
    sessile_say_(SESSILE_FAILED, text);
    free(text);
    return SESSILE_FAILED;
}

static sessile_status too_large(const char *what, uint64_t actual, uint64_t limit) {
    sessile_say_(SESSILE_TOO_LARGE, what);
    sessile_and_number_(actual);
    sessile_and_(" exceeds the limit of ");
    sessile_and_number_(limit);
    return SESSILE_TOO_LARGE;
}

sessile_status sessile_bad_json_(uint32_t line, uint32_t column, wit_string_t reason) {
    json_line = line;
    json_column = column;
    sessile_say_(SESSILE_NOT_JSON, "not JSON: ");
    and_text(reason);
    sessile_and_(" at line ");
    sessile_and_number_(line);
    sessile_and_(" column ");
    sessile_and_number_(column);
    return SESSILE_NOT_JSON;
}

static sessile_status invalid(const char *what, wit_string_t which) {
    sessile_say_(SESSILE_INVALID, what);
    and_text(which);
    return SESSILE_INVALID;
}

static sessile_status unsupported(void) { return sessile_say_(SESSILE_UNSUPPORTED, "this host does not do that"); }

static sessile_status wrong_state(wit_string_t call, const char *state) {
    size_t length = call.len < sizeof state_call ? call.len : sizeof state_call - 1;
    if (length > 0) memcpy(state_call, call.ptr, length);
    state_call[length] = 0;
    state_name = state;
    return SESSILE_WRONG_STATE;
}

static sessile_status misused(const sessile_handler_websocket_misuse_t *misuse) {
    static const char *const states[] = {"connecting", "open", "closing", "closed"};
    sessile_say_(SESSILE_WRONG_STATE, "");
    and_text(misuse->call);
    sessile_and_(" is not for a websocket that is ");
    sessile_and_(states[misuse->state & 3]);
    return wrong_state(misuse->call, states[misuse->state & 3]);
}

static sessile_status disconnected(const sessile_handler_types_close_info_t *close) {
    sessile_remember_close_(close->code, close->reason);
    sessile_say_(SESSILE_DISCONNECTED, "the peer has disconnected with ");
    sessile_and_number_(close_code);
    return SESSILE_DISCONNECTED;
}

static sessile_status invalid_code(uint16_t code) {
    sessile_say_(SESSILE_INVALID, "a close code that may not be sent: ");
    sessile_and_number_(code);
    return SESSILE_INVALID;
}

static sessile_status reason_too_long(const sessile_handler_types_excess_t *excess) {
    too_large("close reason of ", excess->actual, excess->limit);
    return SESSILE_INVALID;
}

static sessile_status invalid_group(void) {
    return sessile_say_(SESSILE_INVALID, "the name of a group has 1 to 100 bytes");
}

static sessile_status not_open(void) {
    return sessile_say_(SESSILE_NOT_OPEN, "the session is not open: sessile_session_open comes first, in each event");
}

static sessile_status unavailable(const char *what, wit_string_t why) {
    sessile_say_(SESSILE_UNAVAILABLE, what);
    and_text(why);
    return SESSILE_UNAVAILABLE;
}

static sessile_status of_websocket(const sessile_handler_websocket_error_t *error) {
    switch (error->tag) {
    case SESSILE_HANDLER_WEBSOCKET_ERROR_WRONG_STATE:
        return misused(&error->val.wrong_state);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_DISCONNECTED:
        return disconnected(&error->val.disconnected);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_TOO_LARGE:
        return too_large("size of ", error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_TIMED_OUT:
        return sessile_say_(SESSILE_TIMED_OUT, "timed out");
    case SESSILE_HANDLER_WEBSOCKET_ERROR_WRONG_STYLE:
        sessile_say_(SESSILE_WRONG_STATE, "receive is for loop style; in event style messages come to on_message");
        return wrong_state(sessile_text_(NULL), "");
    case SESSILE_HANDLER_WEBSOCKET_ERROR_INVALID_CODE:
        return invalid_code(error->val.invalid_code);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_REASON_TOO_LONG:
        return reason_too_long(&error->val.reason_too_long);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_NOT_OFFERED:
        return invalid("the peer did not offer the subprotocol ", error->val.not_offered);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_INVALID_HEAD:
        return invalid("a head that cannot be sent: ", error->val.invalid_head);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_WRONG_KIND:
        return sessile_say_(SESSILE_WRONG_KIND, "the message is of the other kind");
    case SESSILE_HANDLER_WEBSOCKET_ERROR_BAD_JSON:
        return sessile_bad_json_(error->val.bad_json.line, error->val.bad_json.column, error->val.bad_json.reason);
    case SESSILE_HANDLER_WEBSOCKET_ERROR_RETIRE:
        return sessile_say_(SESSILE_RETIRE, "another version of the app takes over");
    default:
        return unsupported();
    }
}

static sessile_status of_http(const sessile_handler_http_error_t *error) {
    static const char *const stages[][2] = {{"unanswered", "nothing has been answered"},
                                            {"streaming", "the response is being streamed"},
                                            {"finished", "the response is complete"}};
    switch (error->tag) {
    case SESSILE_HANDLER_HTTP_ERROR_WRONG_ORDER:
        sessile_say_(SESSILE_WRONG_STATE, "not now: ");
        sessile_and_(stages[error->val.wrong_order % 3][1]);
        return wrong_state(sessile_text_(NULL), stages[error->val.wrong_order % 3][0]);
    case SESSILE_HANDLER_HTTP_ERROR_TOO_LARGE:
        return too_large("size of ", error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_HTTP_ERROR_PEER_GONE:
        return sessile_say_(SESSILE_DISCONNECTED, "the peer has gone");
    case SESSILE_HANDLER_HTTP_ERROR_INVALID_HEAD:
        return invalid("a head that cannot be sent: ", error->val.invalid_head);
    case SESSILE_HANDLER_HTTP_ERROR_LENGTH_MISMATCH:
        sessile_say_(SESSILE_INVALID, "another length of the body than was promised: ");
        sessile_and_number_(error->val.length_mismatch.actual);
        sessile_and_(" bytes, not ");
        sessile_and_number_(error->val.length_mismatch.limit);
        return SESSILE_INVALID;
    case SESSILE_HANDLER_HTTP_ERROR_SESSION_UNSAVED:
        return sessile_say_(SESSILE_UNAVAILABLE, "the session could not be saved");
    case SESSILE_HANDLER_HTTP_ERROR_TIMED_OUT:
        return sessile_say_(SESSILE_TIMED_OUT, "timed out");
    default:
        return unsupported();
    }
}

static sessile_status of_session(const sessile_handler_session_error_t *error) {
    switch (error->tag) {
    case SESSILE_HANDLER_SESSION_ERROR_NOT_OPEN:
        return not_open();
    case SESSILE_HANDLER_SESSION_ERROR_NOT_JSON:
        return sessile_bad_json_(error->val.not_json.line, error->val.not_json.column, error->val.not_json.reason);
    case SESSILE_HANDLER_SESSION_ERROR_TOO_LARGE:
        return too_large("size of ", error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_SESSION_ERROR_CONFLICT:
        sessile_say_(SESSILE_CONFLICT, "another has saved the session: version ");
        sessile_and_number_(error->val.conflict);
        return SESSILE_CONFLICT;
    case SESSILE_HANDLER_SESSION_ERROR_COOKIE_UNREACHABLE:
        return sessile_say_(SESSILE_NO_COOKIE, "the session's cookie cannot reach the peer any more");
    case SESSILE_HANDLER_SESSION_ERROR_UNAVAILABLE:
        return unavailable("the session store failed: ", error->val.unavailable);
    case SESSILE_HANDLER_SESSION_ERROR_DELETED:
        return sessile_say_(SESSILE_DELETED, "the session was flushed");
    default:
        return unsupported();
    }
}

static sessile_status of_groups(const sessile_handler_groups_error_t *error) {
    switch (error->tag) {
    case SESSILE_HANDLER_GROUPS_ERROR_INVALID_NAME:
        return invalid_group();
    case SESSILE_HANDLER_GROUPS_ERROR_TOO_MANY:
        return too_large("groups: ", error->val.too_many.actual, error->val.too_many.limit);
    case SESSILE_HANDLER_GROUPS_ERROR_TOO_LARGE:
        return too_large("size of ", error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_GROUPS_ERROR_GONE:
        return sessile_say_(SESSILE_DISCONNECTED, "the websocket has ended");
    case SESSILE_HANDLER_GROUPS_ERROR_INVALID_METADATA:
        return sessile_bad_json_(error->val.invalid_metadata.line, error->val.invalid_metadata.column,
                                 error->val.invalid_metadata.reason);
    case SESSILE_HANDLER_GROUPS_ERROR_INVALID_TAG:
        sessile_say_(SESSILE_TOO_LARGE, "a tag has 1 to 64 bytes, and a websocket at most 8 of them in a group: ");
        sessile_and_number_(error->val.invalid_tag.actual);
        return SESSILE_TOO_LARGE;
    case SESSILE_HANDLER_GROUPS_ERROR_UNAVAILABLE:
        return unavailable("the groups are unavailable: ", error->val.unavailable);
    default:
        return unsupported();
    }
}

static sessile_status of_connections(const sessile_handler_connections_error_t *error) {
    switch (error->tag) {
    case SESSILE_HANDLER_CONNECTIONS_ERROR_UNKNOWN:
        return sessile_say_(SESSILE_UNKNOWN, "nobody who is connected has this id");
    case SESSILE_HANDLER_CONNECTIONS_ERROR_TOO_LARGE:
        return too_large("size of ", error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_CONNECTIONS_ERROR_INVALID_CODE:
        return invalid_code(error->val.invalid_code);
    case SESSILE_HANDLER_CONNECTIONS_ERROR_REASON_TOO_LONG:
        return reason_too_long(&error->val.reason_too_long);
    case SESSILE_HANDLER_CONNECTIONS_ERROR_INVALID_NAME:
        return invalid_group();
    case SESSILE_HANDLER_CONNECTIONS_ERROR_SESSION_NOT_OPEN:
        return not_open();
    case SESSILE_HANDLER_CONNECTIONS_ERROR_WRONG_STATE:
        return misused(&error->val.wrong_state);
    case SESSILE_HANDLER_CONNECTIONS_ERROR_DISCONNECTED:
        return disconnected(&error->val.disconnected);
    case SESSILE_HANDLER_CONNECTIONS_ERROR_UNAVAILABLE:
        return unavailable("who is connected cannot be asked: ", error->val.unavailable);
    default:
        return unsupported();
    }
}

static sessile_status of_alarms(const sessile_handler_alarms_error_t *error) {
    switch (error->tag) {
    case SESSILE_HANDLER_ALARMS_ERROR_INVALID_NAME:
        return sessile_say_(SESSILE_INVALID, "the name of an alarm has 1 to 100 bytes");
    case SESSILE_HANDLER_ALARMS_ERROR_TOO_MANY:
        return too_large("alarms: ", error->val.too_many.actual, error->val.too_many.limit);
    case SESSILE_HANDLER_ALARMS_ERROR_TOO_LARGE:
        return too_large("size of ", error->val.too_large.actual, error->val.too_large.limit);
    case SESSILE_HANDLER_ALARMS_ERROR_NO_HANDLER:
        return sessile_say_(SESSILE_NO_HANDLER, "this handler has no SESSILE_ALARM that an alarm could ring");
    case SESSILE_HANDLER_ALARMS_ERROR_NO_SESSION:
        return sessile_say_(SESSILE_NOT_OPEN, "the session is not open, or was never saved: both come before its alarms");
    case SESSILE_HANDLER_ALARMS_ERROR_UNAVAILABLE:
        return unavailable("the store of alarms failed: ", error->val.unavailable);
    default:
        return unsupported();
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

sessile_status sessile_groups_error_(sessile_handler_groups_error_t *error) {
    sessile_status status = of_groups(error);
    sessile_handler_groups_error_free(error);
    return status;
}

sessile_status sessile_connections_error_(sessile_handler_connections_error_t *error) {
    sessile_status status = of_connections(error);
    sessile_handler_connections_error_free(error);
    return status;
}

sessile_status sessile_alarms_error_(sessile_handler_alarms_error_t *error) {
    sessile_status status = of_alarms(error);
    sessile_handler_alarms_error_free(error);
    return status;
}
