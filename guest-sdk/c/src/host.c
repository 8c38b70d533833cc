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

void sessile_sleep(uint64_t milliseconds) {
    sessile_handler_time_sleep(milliseconds > UINT64_MAX / 1000000 ? UINT64_MAX : milliseconds * 1000000);
}
