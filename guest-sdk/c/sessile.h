/* Sessile's SDK for handlers in C (and, through this header, C++ and Zig).
 *
 * A handler is written in one of three styles, each of which is one line at the end of a file; what is not named is not
 * in the component:
 *
 *     SESSILE_EVENTS(.on_open = came, .on_message = said)    called when something happens
 *     SESSILE_LOOP(serve)                                    one call for one websocket, as long as it lives
 *     SESSILE_HTTP(answer)                                   one call for one request
 *
 * and beside those SESSILE_UPGRADE, SESSILE_PUBLICATIONS, SESSILE_ALARM.
 *
 * Whose memory it is, without exception:
 *
 *  1. What you pass is yours. It is copied or done with when the call returns.
 *  2. What you get through a `char **` is yours: free() it. It is written in every case, and NULL where the call failed
 *     or there is nothing. What you get through a struct that has a `_free` of its name, that frees: a message, a list, a
 *     page of a history.
 *  3. What a handler is called with is the SDK's, and gone when the handler returns. So is what a `const char *` result
 *     points at once you call anything else here.
 *
 * All text and bytes that come from the host have a zero byte behind them, which is not counted.
 *
 * Each call blocks its instance until it is done, and no other. A call with the id of a websocket or an exchange that
 * this instance does not serve traps. What is not here is in bindings/wit.h, which is the WIT in C; its comments are in
 * the WIT. */

#ifndef SESSILE_H
#define SESSILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SESSILE_CHECKED __attribute__((warn_unused_result))
#define SESSILE_FORMAT(at, first) __attribute__((__format__(__printf__, at, first)))

/* One live websocket, or one exchange: an HTTP request and its response. Unguessable, and not a handle to close. */
typedef uint64_t sessile_id;

/* ---- how a call went ------------------------------------------------------------------------------------------- */

typedef enum sessile_status {
    SESSILE_OK = 0,
    SESSILE_FAILED,       /* your own, by sessile_fail */
    SESSILE_DISCONNECTED, /* the peer has gone; sessile_close_code says how */
    SESSILE_RETIRE,       /* receive: new code is there; return this, and it takes over */
    SESSILE_TIMED_OUT,
    SESSILE_WRONG_STATE,  /* not now: send before accept, a second response, receive in event style */
    SESSILE_WRONG_KIND,   /* bytes where text was asked for, or the other way round; the message is lost */
    SESSILE_TOO_LARGE,
    SESSILE_INVALID,      /* a header, code, reason, name or subprotocol that cannot be */
    SESSILE_NOT_JSON,
    SESSILE_CONFLICT,     /* session: another has saved since; discard, open, and try again */
    SESSILE_NO_COOKIE,    /* session: too late for its cookie; open it before accept */
    SESSILE_NOT_OPEN,     /* session: sessile_session_open first, in each event; for an alarm, it must have been saved */
    SESSILE_DELETED,      /* session: it was flushed */
    SESSILE_UNAVAILABLE,  /* a store or an engine failed: of sessions, groups, alarms */
    SESSILE_UNSUPPORTED,
    SESSILE_UNKNOWN,      /* connections: nobody who is connected has this id */
    SESSILE_NO_HANDLER    /* alarms: the handler that sets one has no SESSILE_ALARM */
} sessile_status;

/* The words for the last call that did not return SESSILE_OK. */
const char *sessile_error(void);

/* Where what was no JSON went wrong, from 1, the column in bytes: after SESSILE_NOT_JSON. */
uint32_t sessile_error_line(void);
uint32_t sessile_error_column(void);

/* Which call was not legal, such as "send", in which state, such as "connecting": after SESSILE_WRONG_STATE. Of a response
 * the state alone: "unanswered", "streaming", "finished"; else "", as of receive in event style. */
const char *sessile_error_call(void);
const char *sessile_error_state(void);

/* Says why a handler fails, as printf does; returns SESSILE_FAILED, for the handler to return. The host logs it under a
 * number, closes with 1011 or answers 500, and tells the peer that number alone. */
sessile_status sessile_fail(const char *format, ...) SESSILE_FORMAT(1, 2);

/* Returns from the handler what is not SESSILE_OK. Of a handler, but for on_close, SESSILE_DISCONNECTED is a normal end;
 * SESSILE_RETIRE hands the websocket over (loop style); anything else is a failure with the words of sessile_error. */
#define SESSILE_TRY(call)                                \
    do {                                                 \
        sessile_status sessile_tried_ = (call);          \
        if (sessile_tried_ != SESSILE_OK) return sessile_tried_; \
    } while (0)

/* ---- handlers -------------------------------------------------------------------------------------------------- */

typedef enum sessile_kind { SESSILE_TEXT = 0, SESSILE_BINARY = 1 } sessile_kind;

/* One whole message. Text is UTF-8. */
typedef struct sessile_message {
    sessile_kind kind;
    char *data;
    size_t length;
} sessile_message;

/* Event style. Each may be left out. Globals are a cache that may vanish after any event. */
typedef struct sessile_events {
    /* The handshake has come: accept, reject, or return and so accept. */
    sessile_status (*on_open)(sessile_id ws);
    sessile_status (*on_message)(sessile_id ws, const sessile_message *message);
    /* The end; nothing can be sent any more. 1005: without a code; 1006: without a close frame. */
    sessile_status (*on_close)(sessile_id ws, uint16_t code, const char *reason);
} sessile_events;

typedef sessile_status (*sessile_handler)(sessile_id of);

#define SESSILE_EXPORT_(interface, function) \
    __attribute__((export_name("sessile:handler/" interface "@0.1.0#" function)))

#define SESSILE_EVENTS(...)                                                                              \
    static const sessile_events sessile_events_ = {__VA_ARGS__};                                         \
    SESSILE_EXPORT_("websocket-events", "on-open") void *sessile_on_open_(sessile_id ws) {               \
        return sessile_opened_(&sessile_events_, ws);                                                    \
    }                                                                                                    \
    SESSILE_EXPORT_("websocket-events", "on-messages")                                                   \
    void *sessile_on_messages_(sessile_id ws, void *messages, size_t count) {                            \
        return sessile_told_(&sessile_events_, ws, messages, count);                                     \
    }                                                                                                    \
    SESSILE_EXPORT_("websocket-events", "on-close")                                                      \
    void *sessile_on_close_(sessile_id ws, uint32_t code, char *reason, size_t length) {                 \
        return sessile_closed_(&sessile_events_, ws, code, reason, length);                              \
    }

/* `sessile_status handler(sessile_id ws)` */
#define SESSILE_LOOP(handler)                                                                            \
    SESSILE_EXPORT_("websocket-handler", "handle") void *sessile_loop_(sessile_id ws) {                  \
        return sessile_looped_(handler, ws);                                                             \
    }

/* `sessile_status handler(sessile_id ex)` */
#define SESSILE_HTTP(handler)                                                                            \
    SESSILE_EXPORT_("http-handler", "handle") void *sessile_http_(sessile_id ex) {                       \
        return sessile_answered_(handler, ex);                                                           \
    }

/* Beside SESSILE_EVENTS: `sessile_status handler(sessile_id ws, const sessile_told *told)`, for each publication to a group
 * that the websocket is in, which then does not go to its peer. */
#define SESSILE_PUBLICATIONS(handler)                                                                    \
    SESSILE_EXPORT_("publication-handler", "on-publications")                                            \
    void *sessile_on_publications_(sessile_id ws, void *publications, size_t count) {                    \
        return sessile_published_(handler, ws, publications, count);                                     \
    }

/* Beside any other, or alone: `sessile_status handler(sessile_id id, const sessile_alarm *alarm)`, where an alarm is due. The
 * id is for the alarm's session, if it is one's, which is saved when the handler succeeds. Whatever else it returns than
 * SESSILE_OK, the alarm rings again: after a second, then two, up to five minutes, 300 times. */
#define SESSILE_ALARM(handler)                                                                           \
    SESSILE_EXPORT_("alarm-handler", "on-alarm")                                                         \
    void *sessile_on_alarm_(sessile_id id, char *name, size_t name_length, uint64_t due, char *payload,  \
                            size_t length, uint32_t attempt) {                                           \
        return sessile_rang_(handler, id, name, name_length, due, payload, length, attempt);             \
    }

/* Beside SESSILE_EVENTS: `sessile_status handler(sessile_id ws, uint64_t from)`, where this version of the app takes a
 * websocket over from another. */
#define SESSILE_UPGRADE(handler)                                                                         \
    SESSILE_EXPORT_("websocket-upgrade", "on-upgrade")                                                   \
    void *sessile_on_upgrade_(sessile_id ws, uint64_t from) {                                            \
        return sessile_outcome_(handler(ws, from));                                                      \
    }

/* ---- websockets ------------------------------------------------------------------------------------------------ */

#define SESSILE_FOREVER UINT64_MAX

/* Texts, in order. */
typedef struct sessile_list {
    char **items;
    size_t count;
} sessile_list;

/* Frees a list that you got, and its texts. Twice does no harm. */
void sessile_list_free(sessile_list *list);

typedef struct sessile_header {
    const char *name;
    const char *value;
} sessile_header;

/* Answers the handshake, with one of the subprotocols that the peer offered (or NULL) and more headers. */
SESSILE_CHECKED sessile_status sessile_accept(sessile_id ws);
SESSILE_CHECKED sessile_status sessile_accept_with(sessile_id ws, const char *subprotocol,
                                                   const sessile_header *headers, size_t count);
/* Answers it with another status, 400 to 599. Browsers show their page none of it. */
SESSILE_CHECKED sessile_status sessile_reject(sessile_id ws, uint16_t status, const char *body);
SESSILE_CHECKED sessile_status sessile_reject_with(sessile_id ws, uint16_t status, const sessile_header *headers,
                                                   size_t count, const char *body);

/* Each queues a message, and waits while the peer is slow (as `overflow` in the manifest says). */
SESSILE_CHECKED sessile_status sessile_send(sessile_id ws, const sessile_message *message);
SESSILE_CHECKED sessile_status sessile_send_text(sessile_id ws, const char *text);
SESSILE_CHECKED sessile_status sessile_send_bytes(sessile_id ws, const void *data, size_t length);
/* The host checks that it is JSON, and takes the blanks out. The second of the two: in a message of this kind. */
SESSILE_CHECKED sessile_status sessile_send_json(sessile_id ws, const char *json);
SESSILE_CHECKED sessile_status sessile_send_json_in(sessile_id ws, const char *json, sessile_kind kind);
/* As printf, into a text message. */
SESSILE_CHECKED sessile_status sessile_sendf(sessile_id ws, const char *format, ...) SESSILE_FORMAT(2, 3);

typedef enum sessile_queued { SESSILE_QUEUED, SESSILE_FULL, SESSILE_GONE } sessile_queued;

/* As sessile_send, but never waits: what became of it. */
SESSILE_CHECKED sessile_status sessile_try_send(sessile_id ws, const sessile_message *message, sessile_queued *queued);
/* Bytes that wait for the peer; messages that `overflow = "drop-oldest"` has dropped. */
uint64_t sessile_buffered(sessile_id ws);
uint64_t sessile_dropped(sessile_id ws);

/* Loop style: the next message, which is yours. */
SESSILE_CHECKED sessile_status sessile_receive(sessile_id ws, uint64_t timeout_ms, sessile_message *message);
/* The same, of a message of this kind; another is SESSILE_WRONG_KIND, and lost. */
SESSILE_CHECKED sessile_status sessile_receive_in(sessile_id ws, uint64_t timeout_ms, sessile_kind kind,
                                                  sessile_message *message);
/* The same, of a text that is JSON; or of a message of this kind. */
SESSILE_CHECKED sessile_status sessile_receive_json(sessile_id ws, uint64_t timeout_ms, char **json);
SESSILE_CHECKED sessile_status sessile_receive_json_in(sessile_id ws, uint64_t timeout_ms, sessile_kind kind, char **json);
/* Frees what a message holds. Twice does no harm. */
void sessile_message_free(sessile_message *message);

/* Closes, after all that is queued. 1000, 1001-1003, 1007-1013 and 3000-4999 may be sent, reasons up to 123 bytes. */
SESSILE_CHECKED sessile_status sessile_close(sessile_id ws, uint16_t code, const char *reason);
/* With which code and reason it was closed, after SESSILE_DISCONNECTED of a websocket, or SESSILE_RAW_DISCONNECT. */
uint16_t sessile_close_code(void);
const char *sessile_close_reason(void);
/* How long a ping was on its way. */
SESSILE_CHECKED sessile_status sessile_ping(sessile_id ws, uint64_t *nanoseconds);
/* The same of the last, the host's own included; false where there was none. */
bool sessile_round_trip(sessile_id ws, uint64_t *nanoseconds);

typedef enum sessile_state { SESSILE_CONNECTING, SESSILE_OPEN, SESSILE_CLOSING, SESSILE_CLOSED } sessile_state;

sessile_state sessile_state_of(sessile_id ws);
/* The subprotocols that the peer offered, the preferred first; the one that was accepted, or NULL. */
void sessile_offered(sessile_id ws, sessile_list *subprotocols);
char *sessile_subprotocol(sessile_id ws);

/* Up to 16 KiB that stay with the websocket while no instance does, and over new code. */
SESSILE_CHECKED sessile_status sessile_attach(sessile_id ws, const void *data, size_t length);
/* Yours; of no bytes, and never NULL, where nothing is attached. */
void sessile_attachment(sessile_id ws, char **data, size_t *length);

/* Raw events, in loop style: the same websocket with the same rules, as a stream of events in both directions, for
 * frameworks that bring an API of their own. The two ways may be mixed. */
typedef enum sessile_raw_event {
    SESSILE_RAW_CONNECT,   /* the handshake has come; first, and once */
    SESSILE_RAW_MESSAGE,
    SESSILE_RAW_DISCONNECT /* the end; last, and once: see sessile_close_code */
} sessile_raw_event;
/* How far the peer, or the application, has come. */
typedef enum sessile_raw_state {
    SESSILE_RAW_CONNECTING, SESSILE_RAW_CONNECTED,
    SESSILE_RAW_RESPONSE, /* of the application: it denies the handshake, and the body is not complete */
    SESSILE_RAW_DISCONNECTED
} sessile_raw_state;

void sessile_raw_states(sessile_id ws, sessile_raw_state *peer, sessile_raw_state *application);
/* What came; the message, if it is one, is yours. */
SESSILE_CHECKED sessile_status sessile_raw_receive(sessile_id ws, uint64_t timeout_ms, sessile_raw_event *event,
                                                   sessile_message *message);
/* What is to happen; where it is illegal in these states it is SESSILE_WRONG_STATE, and changes nothing. */
SESSILE_CHECKED sessile_status sessile_raw_accept(sessile_id ws, const char *subprotocol, const sessile_header *headers,
                                                  size_t count);
SESSILE_CHECKED sessile_status sessile_raw_send(sessile_id ws, const sessile_message *message);
SESSILE_CHECKED sessile_status sessile_raw_close(sessile_id ws, uint16_t code, const char *reason);
/* Denies the handshake, with 400 to 599; then a body of 64 KiB at most, in parts, of which the last has no `more`. */
SESSILE_CHECKED sessile_status sessile_raw_respond_start(sessile_id ws, uint16_t status, const sessile_header *headers,
                                                         size_t count);
SESSILE_CHECKED sessile_status sessile_raw_respond_body(sessile_id ws, const void *data, size_t length, bool more);

/* ---- the request, of a websocket or an exchange -------------------------------------------------------------------- */

/* NULL where there is none; else yours. `name` in any case; the first value, if there are several. */
char *sessile_method(sessile_id of);
char *sessile_scheme(sessile_id of);
/* Whether that is https or wss; whether the peer is on the host's own machine (behind a proxy there, all are). */
bool sessile_is_secure(sessile_id of);
bool sessile_is_local(sessile_id of);
/* The whole URL; its host, an IPv6 address without its brackets; its port, 0 where it names none. By the host that was
 * asked for; where the peer named none, by the address that it reached. */
char *sessile_url(sessile_id of);
char *sessile_host(sessile_id of);
uint16_t sessile_port(sessile_id of);
/* The site whose page made the request, where a browser says so. */
char *sessile_origin(sessile_id of);
char *sessile_version(sessile_id of);
char *sessile_path(sessile_id of);
char *sessile_query(sessile_id of);
char *sessile_header_of(sessile_id of, const char *name);
/* All values of a header in wire order; the names of all, each as often as it has values. */
void sessile_headers_of(sessile_id of, const char *name, sessile_list *values);
void sessile_header_names(sessile_id of, sessile_list *names);
/* A parameter of the route's path. */
char *sessile_param(sessile_id of, const char *name);
char *sessile_peer_address(sessile_id of);
char *sessile_local_address(sessile_id of);
/* When the request had come, in milliseconds since 1970. */
uint64_t sessile_started_at(sessile_id of);
/* A query parameter, decoded; of one given more than once, the last. NULL where there is none. And all its values. */
char *sessile_query_param(sessile_id of, const char *name);
void sessile_query_params(sessile_id of, const char *name, sessile_list *values);
/* The same of cookies, as they were sent; and of a form, the body of a request. */
char *sessile_cookie(sessile_id of, const char *name);
void sessile_cookies(sessile_id of, const char *name, sessile_list *values);
char *sessile_form_field(const char *form, const char *name);
void sessile_form_fields(const char *form, const char *name, sessile_list *values);

/* ---- HTTP ------------------------------------------------------------------------------------------------------ */

/* A whole response. It saves a changed session first. */
SESSILE_CHECKED sessile_status sessile_respond(sessile_id ex, uint16_t status, const char *content_type,
                                               const char *body);
SESSILE_CHECKED sessile_status sessile_respond_with(sessile_id ex, uint16_t status, const sessile_header *headers,
                                                    size_t count, const void *body, size_t length);
/* The same of JSON, which is checked (SESSILE_NOT_JSON; at most 128 deep), and sent without blanks. */
SESSILE_CHECKED sessile_status sessile_respond_json(sessile_id ex, uint16_t status, const char *json);
/* A response by parts, each of which waits while the peer is slow. One that is not finished is seen as aborted. */
SESSILE_CHECKED sessile_status sessile_respond_start(sessile_id ex, uint16_t status, const sessile_header *headers,
                                                     size_t count);
SESSILE_CHECKED sessile_status sessile_respond_chunk(sessile_id ex, const void *data, size_t length);
SESSILE_CHECKED sessile_status sessile_respond_finish(sessile_id ex);

/* A whole response as HTTP/1.1 writes it; the host parses and frames it anew. With `close`, the connection ends after it. */
SESSILE_CHECKED sessile_status sessile_respond_raw(sessile_id ex, const void *data, size_t length, bool close);
/* What streams is seen as aborted; in place of what has not begun, the connection ends. */
SESSILE_CHECKED sessile_status sessile_respond_cancel(sessile_id ex);
/* Ends the connection, after a response that is finished. */
void sessile_dispose(sessile_id ex);

/* Server-sent events: start, then events of any number of lines, with a name and an id or NULL; then sessile_respond_finish. */
SESSILE_CHECKED sessile_status sessile_events_start(sessile_id ex);
SESSILE_CHECKED sessile_status sessile_events_send(sessile_id ex, const char *name, const char *id, const char *data);

/* The next part of the request's body; NULL at its end. */
SESSILE_CHECKED sessile_status sessile_read(sessile_id ex, char **data, size_t *length);
/* All of it; SESSILE_TOO_LARGE past so many bytes. */
SESSILE_CHECKED sessile_status sessile_read_all(sessile_id ex, size_t bytes_max, char **data, size_t *length);
/* The same, of a body that is JSON, without its blanks; else SESSILE_NOT_JSON. */
SESSILE_CHECKED sessile_status sessile_read_json(sessile_id ex, size_t bytes_max, char **json);

/* ---- the session, which websockets and exchanges of one browser share --------------------------------------------- */

/* In each event or exchange, before anything else of it; before accept, so that a new browser gets its cookie. */
SESSILE_CHECKED sessile_status sessile_session_open(sessile_id of);
/* Values are JSON, so that handlers in all languages share them. NULL where there is no such key. */
SESSILE_CHECKED sessile_status sessile_session_get(sessile_id of, const char *key, char **json);
SESSILE_CHECKED sessile_status sessile_session_set(sessile_id of, const char *key, const char *json);
/* Of a text: the quotes and escapes are done here. SESSILE_NOT_JSON where the value is another. */
SESSILE_CHECKED sessile_status sessile_session_get_text(sessile_id of, const char *key, char **text);
SESSILE_CHECKED sessile_status sessile_session_set_text(sessile_id of, const char *key, const char *text);
/* Of a whole number; left as it was where there is no such key. */
SESSILE_CHECKED sessile_status sessile_session_get_int(sessile_id of, const char *key, int64_t *number);
SESSILE_CHECKED sessile_status sessile_session_set_int(sessile_id of, const char *key, int64_t number);
SESSILE_CHECKED sessile_status sessile_session_remove(sessile_id of, const char *key);
SESSILE_CHECKED sessile_status sessile_session_contains(sessile_id of, const char *key, bool *is_there);
/* All keys, sorted. */
SESSILE_CHECKED sessile_status sessile_session_keys(sessile_id of, sessile_list *keys);
SESSILE_CHECKED sessile_status sessile_session_clear(sessile_id of);
/* Whether it was never saved. */
SESSILE_CHECKED sessile_status sessile_session_is_new(sessile_id of, bool *is_new);
/* It ends after so long without use, 400 days at most, in place of what the manifest says; SESSILE_FOREVER to go back. */
SESSILE_CHECKED sessile_status sessile_session_expire(sessile_id of, uint64_t seconds);
/* Returns once it is durable. An exchange saves by itself when it answers; a websocket does not. */
SESSILE_CHECKED sessile_status sessile_session_save(sessile_id of);
/* Only over the version that was read: see sessile_session_version. Else SESSILE_CONFLICT. */
SESSILE_CHECKED sessile_status sessile_session_save_over(sessile_id of, uint64_t version);
SESSILE_CHECKED sessile_status sessile_session_version(sessile_id of, uint64_t *version);
/* Drops what was not saved. */
SESSILE_CHECKED sessile_status sessile_session_discard(sessile_id of);
/* A new id, at login. */
SESSILE_CHECKED sessile_status sessile_session_cycle(sessile_id of);
/* The end of it, at logout. */
SESSILE_CHECKED sessile_status sessile_session_flush(sessile_id of);

/* ---- groups ---------------------------------------------------------------------------------------------------- */

/* A place in a group's history: after a publication, from 1; 0 is before the first. Of another epoch, it says nothing. */
typedef struct sessile_position {
    uint64_t epoch;
    uint64_t offset;
} sessile_position;

/* How a websocket is in a group. All of it may be left out. */
typedef struct sessile_membership {
    /* What others see of it: at most 1 KiB of JSON. */
    const char *metadata;
    /* By which publications and lists can be narrowed; at most 8, of 1-64 bytes each. */
    const char *const *tags;
    size_t tags_count;
    /* What was published after it comes first, as far as the history has it. */
    const sessile_position *since;
} sessile_membership;

/* What a join came to. */
typedef struct sessile_joined {
    /* The last publication that does not come as a new one, if the group keeps a history. */
    bool has_position;
    sessile_position position;
    /* Whether all that was published since comes; false where nothing was asked for. How much of it there is. */
    bool is_recovered;
    uint32_t publications;
} sessile_joined;

SESSILE_CHECKED sessile_status sessile_join(sessile_id ws, const char *group);
/* `joined` may be NULL. In place of how it was in the group before. */
SESSILE_CHECKED sessile_status sessile_join_as(sessile_id ws, const char *group, const sessile_membership *how,
                                               sessile_joined *joined);
SESSILE_CHECKED sessile_status sessile_leave(sessile_id ws, const char *group);

/* To every member, from any handler. */
SESSILE_CHECKED sessile_status sessile_publish(const char *group, const sessile_message *message);
SESSILE_CHECKED sessile_status sessile_publish_text(const char *group, const char *text);
/* Outboxes that took it, and that had no room. */
typedef struct sessile_publication {
    uint32_t queued;
    uint32_t dropped;
} sessile_publication;
SESSILE_CHECKED sessile_status sessile_publish_counted(const char *group, const sessile_message *message,
                                                       sessile_publication *publication);
SESSILE_CHECKED sessile_status sessile_publishf(const char *group, const char *format, ...) SESSILE_FORMAT(2, 3);

/* Whom a publication is for: the members for which all of it is true. */
typedef struct sessile_scope {
    const char *tag;
    /* Not this one: `&ws`, mostly. */
    const sessile_id *except;
} sessile_scope;

/* Members that have it, that had no room (a history has it for them), and that were about to end. */
typedef struct sessile_delivery {
    uint32_t queued;
    uint32_t full;
    uint32_t gone;
    /* Where it is in the history, if the group keeps one. */
    bool has_position;
    sessile_position position;
} sessile_delivery;

/* `delivery` may be NULL. */
SESSILE_CHECKED sessile_status sessile_publish_to(const char *group, const sessile_message *message,
                                                  const sessile_scope *to, sessile_delivery *delivery);

/* A websocket in a group; its metadata is JSON, or NULL. */
typedef struct sessile_member {
    sessile_id id;
    char *metadata;
    sessile_list tags;
} sessile_member;

SESSILE_CHECKED sessile_status sessile_members_count(const char *group, uint64_t *count);
/* The members of a group by ascending id, those with a tag or all; asked for in pages, as they are taken:
 *
 *     sessile_members members = {.group = "room"};
 *     const sessile_member *member;
 *     SESSILE_TRY(sessile_members_next(&members, &member));
 *     while (member != NULL) {
 *         if (member->metadata != NULL) puts(member->metadata);
 *         SESSILE_TRY(sessile_members_next(&members, &member));
 *     }
 *
 * A member is there until the next is asked for. After the last, which is NULL, and after what failed, nothing is held;
 * who stops before that calls sessile_members_free. */
typedef struct sessile_members {
    const char *group;
    const char *tag;
    /* The SDK's. */
    sessile_member *page_;
    size_t count_, at_;
    bool is_ended_;
} sessile_members;
SESSILE_CHECKED sessile_status sessile_members_next(sessile_members *members, const sessile_member **member);
void sessile_members_free(sessile_members *members);

/* A publication that a history has; `at`, in milliseconds since 1970, it was published. */
typedef struct sessile_kept {
    uint64_t offset;
    uint64_t at;
    sessile_message message;
} sessile_kept;

typedef struct sessile_history {
    /* In order. */
    sessile_kept *publications;
    size_t count;
    /* The newest there is, of which the page may be short. */
    sessile_position position;
    /* Whether nothing is missing between what was asked for and the first of these. */
    bool is_recovered;
} sessile_history;

/* What was published after a position, or (NULL) all that is kept: at most `limit` publications, and 1 MiB.
 * SESSILE_UNSUPPORTED where the manifest gives the group no history. */
SESSILE_CHECKED sessile_status sessile_history_get(const char *group, const sessile_position *since, uint32_t limit,
                                                   sessile_history *history);
void sessile_history_free(sessile_history *history);

/* Who came and who went in a group, gathered over a quarter of a second. */
typedef struct sessile_presence {
    const sessile_member *joined;
    size_t joined_count;
    const sessile_id *left;
    size_t left_count;
    /* Members there are now. */
    uint64_t total;
    /* False where there were too many to tell of each: sessile_members_next has all. */
    bool is_complete;
} sessile_presence;

/* What SESSILE_PUBLICATIONS is called with: a message, or a presence; the other is NULL. */
typedef struct sessile_told {
    const char *group;
    bool has_position;
    sessile_position position;
    const sessile_message *message;
    const sessile_presence *presence;
} sessile_told;

typedef sessile_status (*sessile_publications_handler)(sessile_id ws, const sessile_told *told);

/* ---- who is connected to this app, by whichever handler -------------------------------------------------------------- */

/* Which of those who are connected: those for which all of it is true. With none of it, and for NULL, all. */
typedef struct sessile_selection {
    /* On the route with this pattern, as the manifest has it: "/rooms/{room}". */
    const char *route;
    /* Served by the handler of this name. */
    const char *handler;
    const char *group;
    /* That have opened the session of this websocket or exchange, `&ws`, itself too; it has opened it. */
    const sessile_id *session_of;
} sessile_selection;

/* Somebody who is connected: from the accept of a websocket to the end of its connection. */
typedef struct sessile_connection {
    sessile_id id;
    char *handler;
    char *route;
    /* Percent-encoded, without the query. */
    char *path;
    sessile_state state;
    /* When its request had come, in milliseconds since 1970. */
    uint64_t started_at;
    /* Whether an instance serves it now; and why, for a person, as `sessile connections` says it. */
    bool is_awake;
    char *why;
    /* Bytes that wait for its peer. */
    uint64_t buffered;
    /* The one that was accepted, or NULL. */
    char *subprotocol;
} sessile_connection;

SESSILE_CHECKED sessile_status sessile_connections_count(const sessile_selection *which, uint64_t *count);
/* Those who are connected, by ascending id, page by page; as sessile_members_next. */
typedef struct sessile_connections {
    sessile_selection which;
    /* The SDK's. */
    sessile_connection *page_;
    size_t count_, at_;
    bool is_ended_;
} sessile_connections;
SESSILE_CHECKED sessile_status sessile_connections_next(sessile_connections *connections,
                                                        const sessile_connection **connection);
void sessile_connections_free(sessile_connections *connections);
/* The one of this id, if it is connected. */
SESSILE_CHECKED sessile_status sessile_connection_find(sessile_id id, sessile_connection *connection, bool *is_there);
void sessile_connection_free(sessile_connection *connection);

/* Queues a message for one, and never waits: what became of it. Wakes no guest. */
SESSILE_CHECKED sessile_status sessile_connection_send(sessile_id id, const sessile_message *message,
                                                       sessile_queued *queued);
/* How long a ping was on its way. */
SESSILE_CHECKED sessile_status sessile_connection_ping(sessile_id id, uint64_t *nanoseconds);
/* Closes one after all that is queued for it, and does not wait. Its handler is told once, as of any close. */
SESSILE_CHECKED sessile_status sessile_connection_close(sessile_id id, uint16_t code, const char *reason);

/* What became of a message to many: outboxes that took it, that had no room; websockets that were closing, and those whose
 * handler's `message_bytes_max` is less than it has. */
typedef struct sessile_sent {
    uint32_t queued;
    uint32_t full;
    uint32_t gone;
    uint32_t too_large;
} sessile_sent;
/* `sent` may be NULL. */
SESSILE_CHECKED sessile_status sessile_connections_send(const sessile_selection *which, const sessile_message *message,
                                                        sessile_sent *sent);

/* ---- alarms: calls of SESSILE_ALARM at a time to come, durable, with no instance that waits ---------------------------- */

typedef struct sessile_alarm {
    /* 1-100 bytes. */
    char *name;
    /* When it was to ring first, in milliseconds since 1970; it never rings before. */
    uint64_t due;
    /* What came with it, at most 16 KiB. */
    char *payload;
    size_t length;
    /* Which call this is, or would be next: from 1. */
    uint32_t attempt;
} sessile_alarm;

typedef sessile_status (*sessile_alarm_handler)(sessile_id id, const sessile_alarm *alarm);

/* An alarm is the app's, or, where `session_of` is not NULL, that of the session of this websocket, exchange or alarm, `&ws`,
 * which is open and was saved once. One of the same name is replaced. */
SESSILE_CHECKED sessile_status sessile_alarm_set(const sessile_id *session_of, const char *name, uint64_t due,
                                                 const void *payload, size_t length);
/* `was_there` may be NULL. */
SESSILE_CHECKED sessile_status sessile_alarm_cancel(const sessile_id *session_of, const char *name, bool *was_there);
/* Those that are set, by name, page by page; as sessile_members_next. */
typedef struct sessile_alarms {
    const sessile_id *session_of;
    /* The SDK's. */
    sessile_alarm *page_;
    size_t count_, at_;
    bool is_ended_;
} sessile_alarms;
SESSILE_CHECKED sessile_status sessile_alarms_next(sessile_alarms *alarms, const sessile_alarm **alarm);
void sessile_alarms_free(sessile_alarms *alarms);

/* ---- the rest -------------------------------------------------------------------------------------------------- */

typedef enum sessile_level {
    SESSILE_TRACE,
    SESSILE_DEBUG,
    SESSILE_INFO,
    SESSILE_WARN,
    SESSILE_ERROR
} sessile_level;

/* A line of the host's log, as printf; cut after 4 KiB. */
void sessile_log(sessile_level level, const char *format, ...) SESSILE_FORMAT(2, 3);
/* Waits. What time it is, time() and clock_gettime() say. */
void sessile_sleep(uint64_t milliseconds);
/* A long poll: looks, at `with`, every so often until it is there or that fails; SESSILE_TIMED_OUT after so long. */
typedef sessile_status (*sessile_look)(void *with, bool *is_there);
SESSILE_CHECKED sessile_status sessile_poll(uint64_t every_ms, uint64_t within_ms, sessile_look look, void *with);

/* For the macros above alone. */
void *sessile_opened_(const sessile_events *events, sessile_id ws);
void *sessile_told_(const sessile_events *events, sessile_id ws, void *messages, size_t count);
void *sessile_closed_(const sessile_events *events, sessile_id ws, uint32_t code, char *reason, size_t length);
void *sessile_published_(sessile_publications_handler handler, sessile_id ws, void *publications, size_t count);
void *sessile_looped_(sessile_handler handler, sessile_id ws);
void *sessile_answered_(sessile_handler handler, sessile_id ex);
void *sessile_rang_(sessile_alarm_handler handler, sessile_id id, char *name, size_t name_length, uint64_t due,
                    char *payload, size_t length, uint32_t attempt);
void *sessile_outcome_(sessile_status status);

#ifdef __cplusplus
}
#endif
#endif
