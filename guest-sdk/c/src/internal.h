/* What the files of the SDK share. Names end in '_': nothing here is for handlers. */

#ifndef SESSILE_INTERNAL_H
#define SESSILE_INTERNAL_H

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bindings/wit.h"
#include "sessile.h"

/* ---- memory ---- */

/* A view of the caller's text. */
wit_string_t sessile_text_(const char *text);
wit_list_u8_t sessile_bytes_(const void *data, size_t length);
/* What the host has put into our memory, as what a caller may free(): a list of no bytes is no memory of its own. */
char *sessile_own_(uint8_t *data, size_t length);
/* The same of a list, which may be given to sessile_list_free(). */
sessile_list sessile_list_(wit_list_string_t list);
/* One more at its end, which becomes the list's. */
void sessile_list_add_(sessile_list *list, char *item);
/* As many texts, one behind the other. */
char *sessile_concat_(const char *const *texts, size_t count);
/* As printf, into memory of the caller's. */
char *sessile_format_(const char *format, va_list arguments);

/* Views of a text that may be NULL, and of texts, in an array that is to be freed. */
wit_option_string_t sessile_option_(const char *text);
wit_list_string_t sessile_texts_(const char *const *texts, size_t count);
/* A view of headers, in an array that is to be freed. */
sessile_handler_websocket_list_field_t sessile_fields_(const sessile_header *headers, size_t count);

/* ---- websockets ---- */

/* A view of the caller's message; and one of the host's as what a caller may free. */
sessile_handler_types_message_t sessile_wire_(sessile_kind kind, const void *data, size_t length);
sessile_message sessile_message_(sessile_handler_types_message_t wire);
/* What became of a message; frees what the host told of it. */
sessile_queued sessile_queued_(sessile_handler_websocket_queued_t *told);
/* As many nanoseconds, or the most there are. */
uint64_t sessile_nanoseconds_(uint64_t milliseconds);
/* Nanoseconds, put where it says; NULL is for ever. */
uint64_t *sessile_span_(uint64_t timeout_ms, uint64_t *nanoseconds);
/* For sessile_close_code and its kin. */
void sessile_remember_close_(uint16_t code, wit_string_t reason);

/* ---- groups ---- */

/* Those of the host as what sessile_members_free_ frees; it frees theirs. */
sessile_member *sessile_members_(sessile_handler_groups_list_member_t list);
void sessile_members_free_(sessile_member *members, size_t count);

/* ---- errors: remembers the words; each of the others takes the host's error over, and frees it ---- */

sessile_status sessile_say_(sessile_status status, const char *text);
/* More of the same words. */
void sessile_and_(const char *text);
void sessile_and_number_(uint64_t number);
/* A number in decimal, somewhere in this much room. */
enum { SESSILE_DIGITS_ = 24 };
const char *sessile_digits_(int64_t number, char room[SESSILE_DIGITS_]);
/* Where and why what should be JSON is none. */
sessile_status sessile_bad_json_(uint32_t line, uint32_t column, wit_string_t reason);
sessile_status sessile_websocket_error_(sessile_handler_websocket_error_t *error);
sessile_status sessile_http_error_(sessile_handler_http_error_t *error);
sessile_status sessile_session_error_(sessile_handler_session_error_t *error);
sessile_status sessile_groups_error_(sessile_handler_groups_error_t *error);
sessile_status sessile_connections_error_(sessile_handler_connections_error_t *error);
sessile_status sessile_alarms_error_(sessile_handler_alarms_error_t *error);

/* ---- JSON ---- */

/* A text as JSON, and back; NULL for JSON that is no text. */
char *sessile_quote_(const char *text);
char *sessile_unquote_(const char *json);
/* Takes the blanks between the tokens of a value of JSON out, and puts a zero byte behind it; SESSILE_NOT_JSON where it
 * is none. In place, and there is room for the zero byte. */
sessile_status sessile_compact_(char *json, size_t length);

#endif
