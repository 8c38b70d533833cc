/* Whether bytes are JSON (RFC 8259, in UTF-8), and without the blanks that nobody needs. Values are not made of it, so
 * numbers and the order of keys stay as they were written. */

#include "internal.h"

/* Its reader calls itself, and a guest's stack is small. */
enum { DEPTH_MAX = 128 };

typedef struct {
    const char *at, *end;
    char *to;           /* behind what is kept */
    const char *wanted; /* once something else was there */
    const char *line_start;
    uint32_t line;
} scan;

static bool fails(scan *s, const char *wanted) {
    s->wanted = wanted;
    return false;
}

/* The next byte; at the end a zero byte, which is nowhere in JSON. */
static char here(const scan *s) { return s->at < s->end ? *s->at : 0; }

/* That of the next token. */
static char token(scan *s) {
    for (; here(s) == ' ' || here(s) == '\t' || here(s) == '\n' || here(s) == '\r'; s->at++) {
        if (*s->at != '\n') continue;
        s->line++;
        s->line_start = s->at + 1;
    }
    return here(s);
}

static bool keep(scan *s) {
    *s->to++ = *s->at++;
    return true;
}

static bool is_digit(char byte) { return byte >= '0' && byte <= '9'; }

static bool is_hexadecimal(char byte) {
    return is_digit(byte) || (byte >= 'a' && byte <= 'f') || (byte >= 'A' && byte <= 'F');
}

/* A character of more than one byte (RFC 3629 §4). */
static bool character(scan *s) {
    uint8_t first = (uint8_t)*s->at;
    uint8_t least = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    uint8_t most = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    int more = first < 0xC2 || first > 0xF4 ? 0 : first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    if (more == 0 || s->end - s->at <= more) return fails(s, "invalid UTF-8");
    for (int at = 1; at <= more; at++, least = 0x80, most = 0xBF)
        if ((uint8_t)s->at[at] < least || (uint8_t)s->at[at] > most) return fails(s, "invalid UTF-8");
    for (; more >= 0; more--) keep(s);
    return true;
}

static bool escape(scan *s) {
    keep(s);
    if (here(s) == 0 || strchr("\"\\/bfnrtu", here(s)) == NULL) return fails(s, "invalid escape");
    bool is_unit = here(s) == 'u';
    keep(s);
    for (int digits = is_unit ? 4 : 0; digits > 0; digits--, keep(s))
        if (!is_hexadecimal(here(s))) return fails(s, "invalid escape");
    return true;
}

static bool string(scan *s) {
    if (here(s) != '"') return fails(s, "expected a string");
    for (keep(s); here(s) != '"';) {
        uint8_t byte = (uint8_t)here(s);
        if (s->at == s->end) return fails(s, "the string has no end");
        if (byte < 0x20) return fails(s, "control character in a string");
        if (!(byte == '\\' ? escape(s) : byte < 0x80 ? keep(s) : character(s))) return false;
    }
    return keep(s);
}

static bool digits(scan *s) {
    if (!is_digit(here(s))) return fails(s, "invalid number");
    while (is_digit(here(s))) keep(s);
    return true;
}

static bool number(scan *s) {
    if (here(s) == '-') keep(s);
    if (here(s) == '0') keep(s);
    else if (!digits(s)) return false;
    if (here(s) == '.' && keep(s) && !digits(s)) return false;
    if (here(s) != 'e' && here(s) != 'E') return true;
    keep(s);
    if (here(s) == '+' || here(s) == '-') keep(s);
    return digits(s);
}

static bool word(scan *s, const char *letters) {
    for (; *letters != 0; letters++, keep(s))
        if (here(s) != *letters) return fails(s, "expected a value");
    return true;
}

static bool value(scan *s, int depth);

/* An array; or an object, whose items have names. */
static bool items(scan *s, char end, int depth) {
    if (depth == 0) return fails(s, "deeper than 128 levels");
    keep(s);
    if (token(s) == end) return keep(s);
    for (;; keep(s)) {
        if (end == '}') {
            token(s);
            if (!string(s)) return false;
            if (token(s) != ':') return fails(s, "expected a colon");
            keep(s);
        }
        if (!value(s, depth - 1)) return false;
        if (token(s) == end) return keep(s);
        if (here(s) != ',') return fails(s, "expected a comma or the end");
    }
}

static bool value(scan *s, int depth) {
    switch (token(s)) {
    case '{': return items(s, '}', depth);
    case '[': return items(s, ']', depth);
    case '"': return string(s);
    case 't': return word(s, "true");
    case 'f': return word(s, "false");
    case 'n': return word(s, "null");
    default: return here(s) == '-' || is_digit(here(s)) ? number(s) : fails(s, "expected a value");
    }
}

/* The column is that of the byte which is wrong; at the end that of the last, as the host counts. */
static sessile_status refused(const scan *s) {
    wit_string_t reason = sessile_text_(s->wanted);
    if (here(s) == '\n') return sessile_bad_json_(s->line + 1, 0, reason);
    return sessile_bad_json_(s->line, (uint32_t)(s->at - s->line_start) + (s->at < s->end ? 1 : 0), reason);
}

sessile_status sessile_compact_(char *json, size_t length) {
    scan s = {.at = json, .end = json + length, .to = json, .wanted = NULL, .line_start = json, .line = 1};
    if (!value(&s, DEPTH_MAX)) return refused(&s);
    token(&s);
    if (s.at < s.end) {
        fails(&s, "expected the end");
        return refused(&s);
    }
    *s.to = 0;
    return SESSILE_OK;
}
