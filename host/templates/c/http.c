/* A page that knows how often a browser has come: one call for one request. */

#include <inttypes.h>
#include <stdio.h>

#include "sessile.h"

/* Counts in the session, which belongs to the browser by a cookie that the host sets; a websocket of the same app would
 * share it. */
static sessile_status count(sessile_id ex, int64_t *visits) {
    /* Two requests of one browser may run at once. So the count is saved only over the version that was read, and where
     * another was faster, it is read again. */
    for (;;) {
        uint64_t version;
        *visits = 0;
        SESSILE_TRY(sessile_session_open(ex));
        SESSILE_TRY(sessile_session_version(ex, &version));
        SESSILE_TRY(sessile_session_get_int(ex, "visits", visits));
        *visits += 1;
        SESSILE_TRY(sessile_session_set_int(ex, "visits", *visits));
        sessile_status saved = sessile_session_save_over(ex, version);
        if (saved != SESSILE_CONFLICT) return saved;
        SESSILE_TRY(sessile_session_discard(ex));
    }
}

/* Anything but SESSILE_OK is answered with 500 and a report's id; the log has the reason under that id. */
static sessile_status hello(sessile_id ex) {
    int64_t visits;
    SESSILE_TRY(count(ex, &visits));
    if (visits == 1) return sessile_respond(ex, 200, "text/plain; charset=utf-8", "Hello, and welcome!\n");
    char text[128];
    snprintf(text, sizeof text, "Hello again, visit %" PRId64 ": restart the host, and I still know you.\n", visits);
    return sessile_respond(ex, 200, "text/plain; charset=utf-8", text);
}

SESSILE_HTTP(hello)
