/* Where a request went, and from where it came. */

#include "internal.h"

static char *own(wit_string_t text) { return sessile_own_(text.ptr, text.len); }

/* A host, and perhaps a port, which the host has checked; as HTTP/1.0 may leave it out, then the address that was reached. */
static char *authority(sessile_id of) {
    wit_string_t asked;
    sessile_handler_types_authority(of, &asked);
    if (asked.len > 0) return own(asked);
    return sessile_local_address(of);
}

/* The colon before a port; NULL where there is none. One inside of brackets belongs to the address. */
static char *colon(char *authority) {
    char *bracket = strrchr(authority, ']');
    return strchr(bracket != NULL ? bracket : authority, ':');
}

char *sessile_host(sessile_id of) {
    char *host = authority(of), *end = colon(host);
    if (end == NULL) end = host + strlen(host);
    if (host[0] == '[' && end[-1] == ']') {
        end--;
        memmove(host, host + 1, (size_t)(end - host));
        end--;
    }
    *end = 0;
    return host;
}

uint16_t sessile_port(sessile_id of) {
    char *whole = authority(of), *end = colon(whole);
    uint16_t port = end == NULL ? 0 : (uint16_t)strtoul(end + 1, NULL, 10);
    free(whole);
    return port;
}

char *sessile_url(sessile_id of) {
    char *scheme = sessile_scheme(of), *place = authority(of), *path = sessile_path(of), *query = sessile_query(of);
    const char *parts[] = {scheme, "://", place, path, query == NULL ? "" : "?", query == NULL ? "" : query};
    char *url = sessile_concat_(parts, sizeof parts / sizeof *parts);
    free(scheme);
    free(place);
    free(path);
    free(query);
    return url;
}

bool sessile_is_secure(sessile_id of) {
    char *scheme = sessile_scheme(of);
    bool is_secure = strcmp(scheme, "https") == 0 || strcmp(scheme, "wss") == 0;
    free(scheme);
    return is_secure;
}

bool sessile_is_local(sessile_id of) {
    char *address = sessile_peer_address(of);
    static const char mapped[] = "[::ffff:127."; /* a peer of IPv4, where the host listens on [::] */
    bool is_local = strncmp(address, "127.", 4) == 0 || strncmp(address, "[::1]:", 6) == 0 ||
                    strncmp(address, mapped, sizeof mapped - 1) == 0;
    free(address);
    return is_local;
}

char *sessile_origin(sessile_id of) { return sessile_header_of(of, "origin"); }
