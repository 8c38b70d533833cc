#define _POSIX_C_SOURCE 200809L /* clock_gettime */

#include <time.h>

#include "internal.h"

void sessile_log(sessile_level level, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *line = sessile_format_(format, arguments);
    va_end(arguments);
    wit_string_t text = sessile_text_(line);
    sessile_handler_log_write((sessile_handler_log_level_t)level, &text);
    free(line);
}

uint64_t sessile_nanoseconds_(uint64_t milliseconds) {
    return milliseconds > UINT64_MAX / 1000000 ? UINT64_MAX : milliseconds * 1000000;
}

void sessile_sleep(uint64_t milliseconds) { sessile_handler_time_sleep(sessile_nanoseconds_(milliseconds)); }

static uint64_t milliseconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

sessile_status sessile_poll(uint64_t every_ms, uint64_t within_ms, sessile_look look, void *with) {
    for (uint64_t began = milliseconds_now();;) {
        bool is_there = false;
        SESSILE_TRY(look(with, &is_there));
        if (is_there) return SESSILE_OK;
        uint64_t passed = milliseconds_now() - began;
        if (passed >= within_ms) return sessile_say_(SESSILE_TIMED_OUT, "timed out");
        sessile_sleep(every_ms < within_ms - passed ? every_ms : within_ms - passed);
    }
}
