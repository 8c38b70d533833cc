/* Texts as JSON (RFC 8259 §7), and back. */

#include "internal.h"

char *sessile_quote_(const char *text) {
    /* A byte becomes six at most, as \u0001 does. */
    char *json = malloc(6 * strlen(text) + 3), *to = json;
    if (json == NULL) abort();
    *to++ = '"';
    for (; *text != 0; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\') {
            *to++ = '\\';
            *to++ = (char)byte;
        } else if (byte < 0x20) {
            memcpy(to, "\\u00", 4);
            to[4] = "0123456789abcdef"[byte >> 4];
            to[5] = "0123456789abcdef"[byte & 15];
            to += 6;
        } else {
            *to++ = (char)byte;
        }
    }
    *to++ = '"';
    *to = 0;
    return json;
}

/* Four hexadecimal digits; -1 for anything else. */
static long unit(const char *digits) {
    char four[5] = {0}, *end;
    strncpy(four, digits, 4);
    long value = strtol(four, &end, 16);
    return end == four + 4 && four[0] != '+' && four[0] != '-' && four[0] != ' ' ? value : -1;
}

static char *utf8(char *to, uint32_t point) {
    if (point < 0x80) {
        *to++ = (char)point;
    } else if (point < 0x800) {
        *to++ = (char)(0xc0 | point >> 6);
        *to++ = (char)(0x80 | (point & 0x3f));
    } else if (point < 0x10000) {
        *to++ = (char)(0xe0 | point >> 12);
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    } else {
        *to++ = (char)(0xf0 | point >> 18);
        *to++ = (char)(0x80 | (point >> 12 & 0x3f));
        *to++ = (char)(0x80 | (point >> 6 & 0x3f));
        *to++ = (char)(0x80 | (point & 0x3f));
    }
    return to;
}

/* What a backslash begins, written to `*to`; where it ends, or NULL. A text of C's holds no zero, so \u0000 is none. */
static const char *escape(const char *from, char **to) {
    static const char names[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const char *name = *from == 0 ? NULL : strchr(names, *from);
    if (name != NULL) {
        *(*to)++ = meanings[name - names];
        return from + 1;
    }
    long high = *from == 'u' ? unit(from + 1) : -1;
    if (high <= 0 || (high >= 0xdc00 && high < 0xe000)) return NULL;
    if (high < 0xd800 || high >= 0xe000) {
        *to = utf8(*to, (uint32_t)high);
        return from + 5;
    }
    long low = from[5] == '\\' && from[6] == 'u' ? unit(from + 7) : -1;
    if (low < 0xdc00 || low >= 0xe000) return NULL;
    *to = utf8(*to, 0x10000 + ((uint32_t)(high - 0xd800) << 10) + (uint32_t)(low - 0xdc00));
    return from + 11;
}

char *sessile_unquote_(const char *json) {
    if (*json++ != '"') return NULL;
    char *text = malloc(strlen(json) + 1), *to = text;
    if (text == NULL) abort();
    while (json != NULL && *json != '"' && *json != 0) {
        if (*json == '\\') {
            json = escape(json + 1, &to);
        } else {
            *to++ = *json++;
        }
    }
    if (json == NULL || *json != '"') {
        free(text);
        return NULL;
    }
    *to = 0;
    return text;
}
